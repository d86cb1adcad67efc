"""The fetcher when an answer is not of the form that GitHub documents: never another record, never less, never a hang."""

from __future__ import annotations

import copy
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.github.fetcher_truth import BEGINNING, StubTime, pool_of, truth
from tests.github.stub.server import Stub
from tests.github.test_fetcher_trouble import by_rest
from vestal.core.errors import VestalError
from vestal.services.exchange import APIRequest, APIResponse
from vestal.services.github.call import API
from vestal.services.github.place import Place
from vestal.services.github.prs.fetching import Fetching, Terms
from vestal.services.github.prs.incomplete import IncompleteFetch, PullRequests
from vestal.services.github.prs.options import FetchOptions
from vestal.services.runner import Runner
from vestal.services.sender import APISender

NAME = "acme/widgets"
VALUES: list[Any] = [None, True, 0, -1, 1 << 70, "", "x", "2026-99-99T00:00:00Z", [], [0], {}, {"a": 1}, "\ud800"]
Tamper = Callable[[APIRequest, Any], Any]


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    with Stub(pulls=30) as stub:
        yield stub


def fetched(stub: Stub, tamper: Tamper, most: int = 300) -> PullRequests:
    """A fetch whose answers are changed on the way; 502 where `tamper` gives None. More than `most` requests are a hang."""
    sender, time = APISender(), StubTime(stub)
    left = iter(range(most))

    def send(request: APIRequest) -> APIResponse:
        assert next(left, None) is not None, "it does not end"
        answer = sender(request)
        if answer.status != 200:
            return answer
        told = tamper(request, answer.data)
        if told is None:
            return APIResponse(502, {}, b"", answer.sent_at, answer.url)
        return APIResponse(200, answer.headers, json.dumps(told).encode(), answer.sent_at, answer.url)

    terms = Terms(API(Place.of(stub.url), clock=time), pool_of(stub, stub.add_pat("alice")), parallel=2)
    try:
        return Runner(send, time).run(
            Fetching(terms, FetchOptions(NAME, BEGINNING, include_open=True, include_drafts=True)).steps()
        )
    finally:
        sender.close()
        stub.advance(3600)


def asks_for_details(request: APIRequest) -> bool:
    return b"pullRequest(number:" in (request.body or b"")


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1 << 32), rest=st.booleans())
def test_any_answer_ends_in_an_error_or_in_whole_records(stub: Stub, seed: int, rest: bool) -> None:
    chance = random.Random(seed)
    at = chance.randrange(8)

    def tamper(request: APIRequest, data: Any) -> Any:
        nonlocal at
        if rest and asks_for_details(request):
            return None
        at -= rest != request.url.endswith("/graphql")
        return changed(chance, data) if at < 0 else data

    try:
        found = fetched(stub, tamper)
    except VestalError:
        return
    assert found.complete
    assert len(found) == 30


def changed(chance: random.Random, data: Any) -> Any:
    """The data with another value at one place."""
    places: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for path in paths(data):
        names = [step for step in path if isinstance(step, str)]
        places[names[-1].rstrip("0123456789") if names else ""].append(path)
    path, value = chance.choice(places[chance.choice(sorted(places))]), copy.deepcopy(chance.choice(VALUES))
    if not path or path[-1] == "isDraft":
        return data
    found = data
    for step in path[:-1]:
        found = found[step]
    if isinstance(found, dict) and chance.random() < 0.2:
        del found[path[-1]]
    else:
        found[path[-1]] = value
    return data


def paths(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, value in inside:
        yield from paths(value, (*at, step))


@pytest.mark.parametrize("field", ["fullDatabaseId", "commits", "createdAt", "reviews"])
def test_a_pull_request_that_graphql_tells_oddly_comes_by_rest(stub: Stub, field: str) -> None:
    def tamper(request: APIRequest, data: Any) -> Any:
        pull = (data["data"].get("repository") or {}).get("pr_17") if "data" in data else None
        if pull:
            pull[field] = {"nodes": [{}], "pageInfo": {}} if field in ("commits", "reviews") else None
        return data

    found = fetched(stub, tamper)
    assert list(found) == [by_rest(one) if one.number == 17 else one for one in truth(stub)]


@pytest.mark.parametrize("after", [None, "same", "new"])
def test_pages_that_do_not_go_on_come_by_rest(stub: Stub, after: str | None) -> None:
    count = iter(range(1000))

    def onward() -> dict[str, Any]:
        return {"hasNextPage": True, "endCursor": f"c{next(count)}" if after == "new" else after}

    def tamper(request: APIRequest, data: Any) -> Any:
        found = data.get("data") or {} if isinstance(data, dict) else {}
        pull = (found.get("repository") or {}).get("pr_17")
        if pull:
            pull["labels"]["pageInfo"] = onward()
        for name in found:
            if name.startswith("more_") and "labels" in (found[name] or {}):
                return {"data": {name: {"labels": {"nodes": [], "pageInfo": onward()}}}}
        return data

    assert list(fetched(stub, tamper)) == [by_rest(one) if one.number == 17 else one for one in truth(stub)]


def gap(edges: list[Any]) -> list[Any]:
    return [*edges[:3], {"cursor": "x", "node": None}, *edges[4:]]


@pytest.mark.parametrize("odd", [gap, lambda edges: {}, lambda edges: [{**edges[0], "cursor": None}, *edges[1:]]])
def test_a_listing_with_a_gap_is_never_taken_for_a_whole_one(stub: Stub, odd: Callable[[Any], Any]) -> None:
    with pytest.raises(VestalError) as error:
        fetched(
            stub, lambda request, data: listing(data, edges=odd(data["data"]["repository"]["pullRequests"]["edges"]))
        )
    assert error.value.code == "invalid_response"


@pytest.mark.parametrize("edges", [None, []])
def test_a_listing_that_does_not_go_on_does_not_go_on_for_ever(stub: Stub, edges: list[Any] | None) -> None:
    more: dict[str, Any] = {"pageInfo": {"hasNextPage": True}} | ({} if edges is None else {"edges": edges})
    with pytest.raises(VestalError):
        fetched(stub, lambda request, data: listing(data, **more))


def listing(data: Any, **fields: Any) -> Any:
    pulls = ((data.get("data") or {}).get("repository") or {}).get("pullRequests")
    if pulls is not None:
        pulls |= fields
    return data


def test_a_cursor_that_is_never_known_does_not_begin_the_listing_for_ever_anew(stub: Stub) -> None:
    def tamper(request: APIRequest, data: Any) -> Any:
        if (json.loads(request.body or b"{}").get("variables") or {}).get("after"):
            return {"data": None, "errors": [{"type": "INVALID_CURSOR_ARGUMENTS", "message": "no such cursor"}]}
        return listing(data, pageInfo={"hasNextPage": True})

    with pytest.raises(VestalError, match="no such cursor"):
        fetched(stub, tamper, most=60)


def test_a_detail_that_rest_does_not_find_is_no_pull_request_that_is_gone(stub: Stub) -> None:
    sender = APISender()

    def tamper(request: APIRequest, data: Any) -> Any:
        if request.url.endswith("/pulls/17/reviews?per_page=100"):
            return missing
        return None if b"pr_17:" in (request.body or b"") else data

    missing = object()
    real, time = sender, StubTime(stub)

    def send(request: APIRequest) -> APIResponse:
        answer = real(request)
        told = tamper(request, answer.data)
        if told is missing:
            return APIResponse(404, {}, b'{"message": "Not Found"}', answer.sent_at, answer.url)
        return APIResponse(502, {}, b"", answer.sent_at, answer.url) if told is None else answer

    terms = Terms(API(Place.of(stub.url), clock=time), pool_of(stub, stub.add_pat("alice")), parallel=1)
    try:
        with pytest.raises(IncompleteFetch) as error:
            Runner(send, time).run(
                Fetching(terms, FetchOptions(NAME, BEGINNING, include_open=True, include_drafts=True)).steps()
            )
    finally:
        sender.close()
    assert error.value.found == 30
