"""The whole OpenAPI, asked by schemathesis at both doors of a real daemon, with keys of all kinds and without.

No answer is a 5xx, every answer is as it is documented, nothing is given to nobody, and a key that is limited to one
credential is told nothing of another.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

import httpx2
import pytest
import requests
import schemathesis
from fastapi import APIRouter, Request
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.daemon.real_daemon import RealDaemon
from tests.daemon.routes.conftest import API, api, practice
from vestal.core.credential import App, Credential
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.daemon.app import make_app
from vestal.daemon.auth import PEER
from vestal.testing.practice import PracticeServer, Settings

__all__ = ["api", "practice"]

Case: TypeAlias = schemathesis.Case[Any]
MINE, OTHERS = "mine/main", "others/canary"
VERSION = 424_242
"""Of the token of the others: a number that nothing else has."""
PRIVATE = ("canary-access-token", "canary-refresh-token", "canary-client", str(VERSION))
"""What is known of the others, beside the name, which who asks for it may be told again."""

OPEN = {"/healthz", "/readyz", "/openapi.json"}
"""What answers without a key."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@dataclass
class Door:
    """One way to ask, and what came of it."""

    kind: str
    client: httpx2.Client
    names: tuple[str, ...]
    """Credentials that are asked for beside those that schemathesis makes up."""
    secrets: list[str]
    """Keys: they are told nobody, not even who has them."""
    answers: Counter[int] = field(default_factory=Counter)

    def ask(self, case: Case) -> httpx2.Response:
        """Send a case as schemathesis would, which only knows how to reach TCP. Of a stream, what comes first."""
        try:
            made = requests.Request(**case.as_transport_kwargs(base_url="http://127.0.0.1")).prepare()
            request = self.client.build_request(
                str(made.method), made.path_url, headers=dict(made.headers), content=made.body
            )
        except (requests.exceptions.InvalidHeader, UnicodeError, httpx2.InvalidURL):
            reject()  # can't be sent by any client
        answer = self.client.send(request, stream=True)
        try:
            if answer.headers.get("content-type", "").startswith("text/event-stream"):
                body = next(answer.iter_raw())
            else:
                body = answer.read()
        finally:
            answer.close()
        whole = httpx2.Response(answer.status_code, headers=answer.headers, content=body, request=request)
        whole.elapsed = timedelta()
        self.answers[whole.status_code] += 1
        return whole


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDaemon]:
    with PracticeServer(Settings(access_token_lifetime=3600)) as server:
        made = RealDaemon(tmp_path_factory.mktemp("api") / "home", server)
        ends = {"authorize": "authorize", "device": "device_authorization"}
        addresses = {f"{what}_url": f"{server.url}/{path}" for what, path in ends.items()}
        made.add(MINE, grant="authorization_code", **addresses, api_url=server.url)
        made.home.store.save(of_others(made))
        try:
            made.start(tcp=True)
            yield made
        finally:
            made.close()


def of_others(daemon: RealDaemon) -> Credential:
    """A credential of which everything can be recognised. Its token is good for so long that nobody refreshes it."""
    now = daemon.home.clock.now()
    return Credential(
        name=OTHERS,
        app=App(
            provider="custom",
            client_id="canary-client",
            client_secret=Secret("canary-secret"),
            settings={"token_url": f"{daemon.server.url}/token"},
        ),
        refresh_token=Secret("canary-refresh-token"),
        token=Token(Secret("canary-access-token"), issued_at=now, expires_at=now + 10 * 3600, version=VERSION),
        version=VERSION,
    )


@pytest.fixture(scope="module")
def doors(daemon: RealDaemon) -> Iterator[list[Door]]:
    with ExitStack() as stack:
        keys = [daemon.key("limited", "token", pattern=MINE), daemon.key("all", "token", "refresh", "admin")]
        limited, everything = (stack.enter_context(daemon.client(key, tcp=True)) for key in keys)
        secrets = [key.reveal() for key in keys]
        assert limited.get("/v1/credentials").json()["credentials"][0]["name"] == MINE
        yield [
            Door("nobody", stack.enter_context(daemon.client(tcp=True)), (MINE, OTHERS), secrets),
            Door("limited", limited, (MINE, OTHERS), secrets),
            Door("everything", everything, (MINE,), secrets),
            Door("local", stack.enter_context(daemon.client()), (MINE,), secrets),
        ]


@pytest.fixture(scope="module")
def schema(doors: list[Door]) -> schemathesis.BaseSchema:
    config = SchemathesisConfig()
    config.projects.default.generation.with_security_parameters = False  # the doors have keys of their own
    return schemathesis.openapi.from_dict(doors[0].client.get("/openapi.json").json(), config=config)


@pytest.mark.parametrize("examples", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_the_whole_api(
    schema: schemathesis.BaseSchema,
    doors: list[Door],
    daemon: RealDaemon,
    examples: int,
    subtests: pytest.Subtests,
) -> None:
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        with subtests.test(operation.label):
            for mode in GenerationMode:
                explore(operation, mode, doors, examples)
    for door in doors:
        print(door.kind, dict(sorted(door.answers.items())))
    answered = {door.kind: door.answers for door in doors}
    assert set(answered["nobody"]) <= {200, 401, 404}
    assert {200, 401, 403} & set(answered["limited"]) == {200, 403}
    assert answered["everything"][200] > 10 < answered["local"][200]
    assert daemon.credential(OTHERS).version == VERSION, "what is looked for would be out of date"


def explore(operation: Any, mode: GenerationMode, doors: list[Door], examples: int) -> None:
    """Ask for one operation in many ways, the same at all doors."""

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode))
    def check(case: Case) -> None:
        made_up = dict(case.path_parameters or {})
        for door in doors:
            for name in (None, *(door.names if "name" in made_up else ())):
                case.path_parameters = made_up if name is None else {**made_up, "name": name}
                answer = door.ask(case)
                if "via" not in answer.headers:  # the practice server's own, through the proxy
                    case.validate_response(answer, checks=CHECKS)
                check_told(door, case, answer)

    try:
        check()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, "there is a way to ask that is right"


def check_told(door: Door, case: Case, answer: httpx2.Response) -> None:
    """The check of our own: nothing unauthorised."""
    told = answer.text + str(answer.headers)
    assert not [mark for mark in ("practice-secret", *door.secrets) if mark in told]
    if door.kind == "nobody":
        is_open = case.operation.definition.raw.get("security") == []
        no_route = answer.status_code == 404 and "%0A" in answer.request.url.raw_path.decode()  # no name has line ends
        assert answer.status_code == 401 or is_open or no_route, f"{answer.status_code} for nobody"
    if door.kind in ("nobody", "limited"):
        assert not [each for each in PRIVATE if each in told]
        assert OTHERS not in told or OTHERS in str(answer.request.url), "a name that was not asked for"
        if OTHERS in str(answer.request.url.path):
            assert answer.status_code in (401, 403)


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
WAYS_IN = {"/", "/callback", "/login/callback", "/dashboard/open/{code}", "/dashboard/static/{path:path}"}
"""Routes beside those that say how to get in, or are of no use to a stranger: `state`, or a code, proves who comes."""


def paths_of(routes: Iterable[Any]) -> Iterator[str]:
    """The paths of routes, and of the routers among them (FastAPI keeps those as they are)."""
    for route in routes:
        router = getattr(route, "original_router", None)
        if router is None:
            yield route.path
        else:
            yield from paths_of(router.routes)


async def test_no_route_forgets_to_ask_who_comes(api: API) -> None:
    """Those that are in no document as well, with every method."""
    spy = APIRouter()

    @spy.get("/routes")
    async def routes(request: Request) -> list[str]:
        return list(paths_of(request.app.routes))

    await api.socket.post("/v1/credentials/alice/token")
    credential = api.home.store.load("alice")
    assert credential is not None
    assert credential.token is not None
    app = make_app(api.house, [spy])

    async def as_local(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "extensions": {PEER: {"uid": os.geteuid()}}}, receive, send)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(as_local), base_url="http://localhost") as client:
        paths = set((await client.get("/routes")).json())
    assert len(paths) > 10
    given = {}
    for path in sorted(paths - OPEN - WAYS_IN - {"/routes"}):
        address = re.sub(r"\{name(:\w+)?\}", "alice", path)
        address = re.sub(r"\{\w+(:\w+)?\}", "x", address)
        for method in METHODS:
            answer = await api.tcp.request(method, address)
            if answer.status_code not in (401, 403, 404, 405):
                given[f"{method} {path}"] = answer.status_code
            assert credential.token.access_token.reveal() not in answer.text + str(answer.headers)
    assert given == {}
