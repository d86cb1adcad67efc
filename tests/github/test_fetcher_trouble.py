"""The fetcher when GitHub is not at its best: too much at once, partial answers, REST in GraphQL's place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.github.fetcher_truth import ALL, BEGINNING, StubTime, fetcher, pool_of, truth
from tests.github.stub.server import Stub
from vestal.core.errors import Category, PermissionDenied
from vestal.services.exchange import APIRequest, APIResponse
from vestal.services.github.call import API
from vestal.services.github.place import Place
from vestal.services.github.prs.fetching import Fetching, Terms
from vestal.services.github.prs.incomplete import IncompleteFetch, PullRequests
from vestal.services.github.prs.options import FetchOptions
from vestal.services.github.prs.record import FetchedPRFull
from vestal.services.runner import Runner
from vestal.services.sender import APISender


@pytest.fixture(scope="module")
def shared() -> Iterator[Stub]:
    with Stub(pulls=60) as stub:
        yield stub


@pytest.fixture
def stub(shared: Stub) -> Iterator[Stub]:
    yield shared
    shared.clear_faults()


def by_rest(one: FetchedPRFull) -> FetchedPRFull:
    """What REST can tell of a record."""
    commits = tuple(replace(commit, additions=None, deletions=None) for commit in one.commits)
    return replace(one, commits=commits[:250], linked_issues=())


@pytest.mark.parametrize(
    "trouble",
    [
        {"kind": "bad_gateway"},
        {"kind": "gateway_timeout"},
        {"kind": "graphql_timeout", "status": 502},
        {"kind": "graphql_timeout", "status": 200},
    ],
)
def test_queries_that_are_too_large_are_made_smaller(stub: Stub, trouble: dict[str, Any]) -> None:
    fault = stub.fault(**trouble, times=None, path="/graphql", nodes_over=3_000)
    with fetcher(stub) as fetching:
        found = fetching.fetch_prs_with_details("acme/widgets", **ALL)
    assert list(found) == truth(stub)
    assert 0 < fault.happened < 30
    assert not any(entry.path.startswith("/repos/") for entry in stub.log[-len(found) :])


def test_what_graphql_never_answers_comes_by_rest(stub: Stub) -> None:
    """All pull requests with more than a page of something among them."""
    stub.fault("bad_gateway", times=None, path="/graphql", nodes_over=150)
    with fetcher(stub) as fetching:
        found = fetching.fetch_prs_with_details("acme/widgets", **ALL)
    assert list(found) == [by_rest(one) for one in truth(stub)]


def test_by_rest_with_patches(stub: Stub) -> None:
    stub.fault("bad_gateway", times=None, path="/graphql", nodes_over=150)
    with fetcher(stub) as fetching:
        found = fetching.fetch_prs_with_details("octocat/hello", **ALL, with_patches=True)
    assert list(found) == [by_rest(one) for one in truth(stub, "octocat/hello", patches=True)]


@pytest.mark.parametrize("kind", ["cut", "malformed", "bad_gateway", "secondary"])
def test_passing_trouble_passes(stub: Stub, kind: str) -> None:
    fault = stub.fault(kind, times=6, probability=0.4, path="/graphql")
    with fetcher(stub) as fetching:
        found = fetching.fetch_prs_with_details("acme/widgets", **ALL)
    assert list(found) == truth(stub)
    assert fault.happened > 0


Tamper = Callable[[dict[str, Any], str], None]


def tampered(stub: Stub, tamper: Tamper, name: str = "acme/widgets") -> PullRequests:
    """A fetch whose answers to queries are changed on the way. `tamper` gets the answer and the query."""
    sender = APISender()

    def send(request: APIRequest) -> APIResponse:
        answer = sender(request)
        if request.body is None or answer.status != 200:
            return answer
        data = json.loads(answer.body)
        tamper(data, json.loads(request.body)["query"])
        return APIResponse(200, answer.headers, json.dumps(data).encode(), answer.sent_at, answer.url)

    time = StubTime(stub)
    terms = Terms(API(Place.of(stub.url), clock=time), pool_of(stub, stub.add_pat("alice")))
    options = FetchOptions(name, BEGINNING, include_open=True, include_drafts=True)
    try:
        return Runner(send, time).run(Fetching(terms, options).steps())
    finally:
        sender.close()


def spoil(type: str, *path: str | int, times: int) -> Tamper:
    """An error beside the data: what it is about is null, or was cut, and it says where."""
    left = [times]

    def tamper(data: dict[str, Any], query: str) -> None:
        found: Any = data["data"]
        for step in path[:-1]:
            found = found.get(step) if isinstance(found, dict) else None
        if left[0] and isinstance(found, dict) and path[-1] in found:
            left[0] -= 1
            found[path[-1]] = None
            data["errors"] = [{"type": type, "message": "Something went wrong", "path": list(path)}]

    return tamper


@pytest.mark.parametrize("path", [("repository", "pr_17"), ("repository", "pr_17", "reviews")])
def test_what_came_broken_is_asked_for_again_and_nothing_else(stub: Stub, path: tuple[str, ...]) -> None:
    asked: list[str] = []
    damage = spoil("INTERNAL", *path, times=1)

    def tamper(data: dict[str, Any], query: str) -> None:
        damage(data, query)
        asked.append(query)

    assert list(tampered(stub, tamper)) == truth(stub)
    again = [query for query in asked if "pr_17:" in query]
    assert len(again) == 2
    assert again[1].count("pullRequest(number:") == 1


def test_what_stays_broken_comes_by_rest(stub: Stub) -> None:
    found = tampered(stub, spoil("INTERNAL", "repository", "pr_17", "reviews", times=9))
    assert list(found) == [by_rest(one) if one.number == 17 else one for one in truth(stub)]


def test_a_follow_up_that_stays_broken_comes_by_rest(stub: Stub) -> None:
    def tamper(data: dict[str, Any], query: str) -> None:
        for name in [name for name in data["data"] if name.startswith("more_")]:
            data["data"][name] = None

    found = tampered(stub, tamper)
    rest = {one.number for one in found if one.commits[0].additions is None}
    assert {41, 42, 43, 44, 45} <= rest
    assert len(rest) < 10
    assert list(found) == [by_rest(one) if one.number in rest else one for one in truth(stub)]


def test_files_that_graphql_does_not_tell_come_by_rest(stub: Stub) -> None:
    def tamper(data: dict[str, Any], query: str) -> None:
        for pull in (data["data"].get("repository") or {}).values():
            if isinstance(pull, dict) and "files" in pull:
                pull["files"] = None

    assert list(tampered(stub, tamper, "octocat/hello")) == truth(stub, "octocat/hello")


def test_one_that_is_gone_is_left_out(stub: Stub) -> None:
    found = tampered(stub, spoil("NOT_FOUND", "repository", "pr_17", times=9))
    assert list(found) == [one for one in truth(stub) if one.number != 17]
    assert found.complete
    assert found.found == 59


def test_a_field_that_is_denied_says_so(stub: Stub) -> None:
    with pytest.raises(IncompleteFetch, match="not accessible") as error:
        tampered(stub, deny)
    assert isinstance(error.value.reason, PermissionDenied)
    assert error.value.category is Category.PERMISSION_DENIED
    assert not error.value.passing
    assert "checks" in str(error.value)


def deny(data: dict[str, Any], query: str) -> None:
    if "pr_17" in (data["data"].get("repository") or {}):
        path = ["repository", "pr_17", "statusCheckRollup"]
        message = "Resource not accessible by personal access token"
        data["errors"] = [{"type": "FORBIDDEN", "message": message, "path": path}]


def test_an_error_that_no_smaller_query_mends_says_so(stub: Stub) -> None:
    def tamper(data: dict[str, Any], query: str) -> None:
        if "pr_17" in query:
            data.clear()
            data["errors"] = [{"message": "Field 'fullDatabaseId' doesn't exist on type 'PullRequest'"}]

    with pytest.raises(IncompleteFetch, match="fullDatabaseId") as error:
        tampered(stub, tamper)
    assert not error.value.fetched.complete


def test_a_limit_on_nodes(stub: Stub) -> None:
    """GitHub says so with status 200 and no data."""

    def tamper(data: dict[str, Any], query: str) -> None:
        if query.count("pullRequest(number:") > 4:
            data["data"] = None
            data["errors"] = [{"type": "MAX_NODE_LIMIT_EXCEEDED", "message": "more than 500,000 possible nodes"}]

    assert list(tampered(stub, tamper)) == truth(stub)


def test_resources_that_end_in_the_middle(stub: Stub) -> None:
    """Part of the data, and an error that does not say of what."""

    def tamper(data: dict[str, Any], query: str) -> None:
        if query.count("pullRequest(number:") > 4:
            first = next(name for name in data["data"]["repository"] if name.startswith("pr_"))
            data["data"]["repository"][first]["reviews"]["nodes"] = []
            data["errors"] = [
                {"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded."}
            ]

    assert list(tampered(stub, tamper)) == truth(stub)


def test_a_limit_that_never_passes_is_not_waited_for_for_ever(stub: Stub) -> None:
    stub.fault("secondary", times=None, path="/graphql")
    begun = stub.clock.now()
    with fetcher(stub) as fetching, pytest.raises(IncompleteFetch) as error:
        fetching.fetch_prs_with_details("acme/widgets", **ALL)
    assert error.value.passing
    assert stub.clock.now() - begun < 1000
