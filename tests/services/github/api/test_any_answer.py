"""Whatever GitHub, or what stands in its place, answers: an operation gives something, or a `VestalError`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, repeat
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestal.core.errors import VestalError
from vestal.core.pool import Member, Pool
from vestal.core.retry import RetryPolicy
from vestal.core.secret import Secret
from vestal.core.source import StaticSource
from vestal.core.token import Token
from vestal.services.exchange import APIRequest, APIResponse
from vestal.services.github.api import GitHubAPIClient
from vestal.services.github.api.installed import Installed
from vestal.services.github.api.lookup import Lookup
from vestal.services.github.call import API
from vestal.services.github.graphql import query
from vestal.services.github.place import Place
from vestal.services.github.pool import GitHubTokenPool
from vestal.services.github.pool.members import Apps, installed
from vestal.services.runner import Runner
from vestal.services.steps import Ask, Send, Steps
from vestal.testing.clock import FakeClock

START = 1_800_000_000.0
SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
INSTALLATION = {
    "id": 5,
    "account": {"login": "acme", "id": 1},
    "repository_selection": "all",
    "suspended_at": None,
    "permissions": {"contents": "read"},
}
FILE = {"type": "file", "encoding": "base64", "size": 1, "sha": SHA, "content": "YQ==", "download_url": "https://x/"}
REPOSITORY = {"id": 1, "name": "widgets", "owner": {"login": "acme"}, "topics": ["a"], "license": {"key": "mit"}}
LARGE = {"type": "file", "encoding": "none", "sha": SHA}
RATE = {"limit": 5000, "remaining": 4999, "reset": int(START) + 60}


def api(**options: Any) -> API:
    return API(Place.of(), clock=FakeClock(START), **options)


def pool() -> Pool:
    return Pool([Member("pat", StaticSource(Token(Secret("ghp_x"))), "user/1")], clock=FakeClock(START))


Answer = Callable[[APIRequest], APIResponse]


def run(send: Answer, steps: Steps[object]) -> object:
    return Runner(send, FakeClock(START)).run(steps)


def of_client(use: Callable[[GitHubAPIClient], object]) -> Callable[[Answer], object]:
    def operation(send: Answer) -> object:
        mine = pool()
        try:
            return use(GitHubAPIClient(pool=mine, sender=send, clock=FakeClock(START), environ={}))
        finally:
            assert [state.outstanding for state in mine.states()] == [0]

    return operation


def look_up(send: Answer) -> object:
    def install(number: int) -> Installed:
        return Installed(number, "x", None, None, None)  # type: ignore[arg-type]

    return run(send, Lookup(api(), pool, install).find("acme", "widgets"))


def open_pool(send: Answer) -> object:
    options: dict[str, Any] = {"environ": {}, "listeners": (), "client": lambda info: info}
    with GitHubTokenPool(["ghp_a"], sender=send, clock=FakeClock(START), **options) as tokens:
        tokens.get_best_client("search")
        return tokens.states()


def list_installations(send: Answer) -> object:
    class Home:
        def source(self, name: str) -> StaticSource:
            return StaticSource(Token(Secret("jwt")))

    steps = installed(Apps(Home(), ("app",)), Place.of())  # type: ignore[arg-type]
    step = next(steps)
    with suppress(StopIteration):
        while isinstance(step, Ask | Send):  # up to where the home is written to
            step = steps.send(step.source.token() if isinstance(step, Ask) else send(step.request))
    return step


OPERATIONS: dict[str, tuple[Callable[[Answer], object], list[object]]] = {
    "get_commit_status": (
        of_client(lambda client: client.get_commit_status("acme", "widgets", SHA)),
        [[{"state": "success", "context": "ci"}]],
    ),
    "create_commit_status": (
        of_client(lambda client: client.create_commit_status("acme", "widgets", SHA, "success")),
        [{"state": "success"}],
    ),
    "fetch_commit_patches": (
        of_client(lambda client: client.fetch_commit_patches("acme", "widgets", SHA)),
        [{"sha": SHA, "parents": [{"sha": SHA}], "stats": {"total": 1}, "files": [{"filename": "a", "patch": "+1"}]}],
    ),
    "compare": (
        of_client(lambda client: client.compare("acme", "widgets", "a", "b")),
        [{"status": "ahead", "commits": [{"sha": SHA}], "files": [{"filename": "a"}]}],
    ),
    "fetch_file_contents": (of_client(lambda client: client.fetch_file_contents("acme", "widgets", "a.py")), [FILE]),
    "fetch_multiple_file_contents": (
        of_client(lambda client: client.fetch_multiple_file_contents("acme", "widgets", ["a", "b"], at_once=1)),
        [LARGE, "x", FILE],
    ),
    "list_folder": (
        of_client(lambda client: client.list_folder("acme", "widgets", "src")),
        [[{"name": "a.py", "type": "file"}]],
    ),
    "fetch_repository_metadata": (
        of_client(lambda client: client.fetch_repository_metadata("acme", "widgets")),
        [REPOSITORY, {"Python": 5, "C": 7}, [{"name": "a.py", "type": "file"}, {"name": "src", "type": "dir"}]],
    ),
    "identify_test_files": (
        of_client(lambda client: client.identify_test_files("acme", "widgets", ["a.py"])),
        [{"tree": [{"type": "blob", "path": "tests/test_a.py"}], "truncated": False}],
    ),
    "query": (
        lambda send: run(send, query(api(retry=RetryPolicy(tries=1)), pool(), "query { x }", {})),
        [{"data": {"x": 1}, "errors": [{"type": "NOT_FOUND", "message": "gone", "path": ["x", 1]}]}],
    ),
    "lookup": (look_up, [INSTALLATION]),
    "list_installations": (list_installations, [[INSTALLATION]]),
    "open_pool": (open_pool, [{"login": "ada", "id": 7}, {"resources": {"core": RATE, "search": RATE}}]),
}
JUNK: list[object] = [None, True, 5, -1, 10**400, 1.5, "", "é", [], [5], [[]], [None], {}, {"a": 5}, {"id": "x"}]


def spoilt(value: object) -> Iterator[object]:
    """The same with one of its parts replaced by junk, or taken away, in all ways."""
    yield from JUNK
    match value:
        case dict():
            for name, part in value.items():
                rest = {other: value[other] for other in value if other != name}
                yield rest
                yield from ({**rest, name: other} for other in spoilt(part))
        case list():
            for place, part in enumerate(value):
                yield from ([*value[:place], other, *value[place + 1 :]] for other in spoilt(part))


def sender(answers: list[APIResponse]) -> Answer:
    """The answers in their order, and then none but 404."""
    coming: Iterator[APIResponse] = chain(answers, repeat(APIResponse(404, {}, b"{}", START)))
    return lambda request: next(coming)


@pytest.mark.parametrize("name", OPERATIONS)
def test_answers_with_anything_in_any_place(name: str) -> None:
    operation, good = OPERATIONS[name]
    operation(sender([_success(answer) for answer in good]))
    for number, answer in enumerate(good):
        for odd in spoilt(answer):
            given_ = [*good[:number], odd, *good[number + 1 :]]
            with suppress(VestalError):
                operation(sender([_success(each) for each in given_]))


BODIES = st.binary(max_size=20) | st.sampled_from(
    [
        b"",
        b"{}",
        b"[]",
        b"<html>",
        b"\xff\xfe",
        b"[" * 100_000,
        b"1" * 5000,
        b'"RATE_LIMIT',
        b'{"message": "suspended"}',
    ]
)
NAMES = ["etag", "link", "location", "date", "retry-after", "content-type", "x-github-sso"]
NAMES += [f"x-ratelimit-{name}" for name in ("limit", "remaining", "reset", "resource")]
HEADERS = st.dictionaries(
    st.sampled_from(NAMES),
    st.text(max_size=12)
    | st.integers(0, 10**12).map(str)
    | st.sampled_from(
        ["http://[", "/repositories/1", '<https://api.github.com/x?page=2>; rel="next"', "<http://[>; rel=next", "0"]
    ),
    max_size=5,
)
STATUSES = st.sampled_from([100, 200, 201, 204, 206, 301, 302, 304, 307, 400, 401, 403, 404, 409, 410, 422, 429, 451])
STATUSES |= st.sampled_from([500, 502, 503, 504, 599, 999])
ANSWERS = st.lists(st.builds(APIResponse, STATUSES, HEADERS, BODIES, st.just(START)), min_size=1, max_size=4)


@pytest.mark.parametrize("name", ["get_commit_status", "create_commit_status", "query", "lookup", "open_pool"])
@given(answers=ANSWERS)
@settings(deadline=None, max_examples=60)
def test_answers_of_any_kind(name: str, answers: list[APIResponse]) -> None:
    with suppress(VestalError):
        OPERATIONS[name][0](sender(answers))


def _success(answer: object) -> APIResponse:
    return APIResponse(200, {}, json.dumps(answer).encode(), START)
