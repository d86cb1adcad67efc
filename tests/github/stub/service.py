"""The stub's GitHub without the network: a request in, an answer out, with all that is remembered in between."""

from __future__ import annotations

import re
import threading
import traceback
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.github.stub import graphql, oauth, rest_apps, rest_commits, rest_contents, rest_pulls, rest_repos, search
from tests.github.stub.apps import SUSPENDED, App, Apps
from tests.github.stub.clock import StubClock
from tests.github.stub.faults import Fault, Faults
from tests.github.stub.framing import (
    READING,
    VERSIONS,
    as_json,
    conditional,
    graphql_body,
    greet,
    instead,
    usual_headers,
    without_prefix,
)
from tests.github.stub.limits import Limits
from tests.github.stub.logged import Logged, Reply, nothing
from tests.github.stub.oauth import OAuth
from tests.github.stub.refusal import JSON, Refused, bad_credentials, not_found
from tests.github.stub.route import Call, Route, find, query_of
from tests.github.stub.show import Show
from tests.github.stub.tokens import Caller, Token, Tokens
from tests.github.stub.world import World
from vestal.testing.practice.message import Answer, Request

ROUTES = (oauth, rest_apps, rest_commits, rest_contents, rest_pulls, rest_repos, search)
"""Importing them registers their routes."""
_REPOSITORY_BY_ID = re.compile(r"/repositories/(\d+)(/.*)?")


@dataclass(slots=True)
class _Charge:
    """Who pays for a request, and what."""

    owner: str
    resource: str = "core"
    cost: int = 0


@dataclass(slots=True)
class Service:
    """All state of the stub. `url`: its address."""

    world: World
    clock: StubClock = field(default_factory=StubClock)
    url: str = "http://127.0.0.1"
    latency: float = 0.0
    """Seconds that every answer is late."""
    etag_by: str = "content"
    """What an ETag depends on beside `Accept`: `content` alone, or the `token` too (then a new one begins anew)."""
    limits_on_enterprise: bool = False
    """Under `/api/v3`: an Enterprise Server has no rate limits by default."""
    log: list[Logged] = field(default_factory=list)

    tokens: Tokens = field(init=False)
    apps: Apps = field(init=False)
    limits: Limits = field(init=False)
    oauth: OAuth = field(init=False)
    faults: Faults = field(init=False)
    started_at: int = field(init=False)
    control: Callable[[Request], Answer] | None = field(init=False, default=None)
    lock: threading.RLock = field(init=False)

    def __post_init__(self) -> None:
        self.world.now = self.clock.now
        self.lock = self.world.lock
        self.tokens = Tokens(self.clock.now)
        self.apps = Apps(self.world, self.tokens, self.clock.now)
        self.limits = Limits(self.clock.now)
        self.oauth = OAuth(self)
        self.faults = Faults()
        self.started_at = int(self.clock.now())

    def answer(self, request: Request) -> Reply:
        """Answer a request; nothing of this waits."""
        if request.path.startswith("/_stub/") and self.control is not None:
            return Reply(self.control(request), 0, nothing)
        with self.lock:
            return self._answer(request)

    def checks_app(self) -> App | None:
        """Whose check runs are: the first App's."""
        return next(iter(self.apps.apps.values()), None)

    def _answer(self, request: Request) -> Reply:
        path, enterprise = without_prefix(request.path)
        path = self._named(path)
        asked = Request(request.method, path, request.query_text, request.headers, request.body, request.keep_alive)
        limited = (not enterprise or self.limits_on_enterprise) and not path.startswith("/login/")
        charge = _Charge("ip:127.0.0.1")
        fault: Fault | None = None
        sent: Callable[[], None] = nothing
        try:
            greet(request)
            charge.owner = (caller := self._caller(asked)).owner
            nodes = self._nodes(asked) if path == "/graphql" and self.faults.nodes_matter else 0
            fault = self.faults.take(request.method, path, caller.owner, nodes)
            if limited:
                self._secondary(asked, caller.owner, fault)
                sent = lambda: self.limits.end(caller.owner)  # noqa: E731
            answer = instead(fault) or self._run(asked, caller, charge, enterprise, limited)
        except Refused as refused:
            answer = refused.answer()
        except Exception:
            # The stub's own fault: the test that meets it is to see why.
            answer = Answer(500, {"Content-Type": "text/plain"}, traceback.format_exc().encode())
        headers = dict(answer.headers)
        if limited:
            headers |= self.limits.headers(charge.owner, charge.resource)
        headers |= usual_headers(request, enterprise, self._token(request))
        answer = Answer(answer.status, headers, answer.body)
        if fault is not None and fault.kind == "malformed":
            answer = Answer(answer.status, headers, answer.body[: max(1, len(answer.body) // 2)])
        cut = fault is not None and fault.kind == "cut"
        self.log.append(
            Logged(
                request.method,
                path,
                request.query_text,
                charge.owner,
                0 if cut else answer.status,
                charge.resource,
                charge.cost,
                self.clock.now(),
                fault.kind if fault else None,
                "if-none-match" in request.headers,
            )
        )
        delay = self.latency + (fault.seconds if fault is not None and fault.kind == "slow" else 0)
        return Reply(None if cut else answer, delay, sent)

    def _caller(self, request: Request) -> Caller:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        value = value.strip()
        if not value or request.path.startswith("/login/"):
            return Caller("ip:127.0.0.1")
        if scheme.lower() == "basic":
            value = b64decode(value + "==").decode("utf-8", "replace").partition(":")[2]
        elif scheme.lower() not in ("token", "bearer"):
            raise bad_credentials()
        if value.startswith("eyJ"):
            app = self.apps.authenticate(value)
            return Caller(f"app:{app.id}", app_id=app.id)
        token = self.tokens.find(value)
        installation = self.apps.installations.get(token.installation_id or 0)
        if installation is not None and installation.suspended_at is not None:
            raise Refused(403, SUSPENDED)
        return Caller(token.owner, token)

    def _secondary(self, request: Request, owner: str, fault: Fault | None) -> None:
        if fault is not None and fault.kind == "secondary":
            raise self.limits.refuse(owner, fault.retry_after)
        if request.path == "/graphql":
            self.limits.begin(owner, "graphql", 5 if b"mutation" in request.body[:60] else 1)
        else:
            self.limits.begin(owner, "rest", 1 if request.method in READING else 5)

    def _run(self, request: Request, caller: Caller, charge: _Charge, enterprise: bool, limited: bool) -> Answer:
        if request.path == "/graphql":
            return self._graphql(request, caller, charge, limited)
        found = find(request.method, request.path)
        if found is None:
            raise not_found()
        served, names = found
        if served.app != (caller.app_id is not None):
            raise Refused(401, "A JSON web token could not be decoded") if served.app else bad_credentials()
        charge.resource = served.resource
        if served.free and enterprise and not self.limits_on_enterprise:
            raise Refused(404, "Rate limiting is not enabled.")
        if limited and not served.free:
            self.limits.check(caller.owner, served.resource)
        api = self.url + ("/api/v3" if enterprise else "")
        version = request.headers.get("x-github-api-version", VERSIONS[0])
        call = Call(self, request, caller, Show(api), names, query_of(request), version)
        try:
            answer = self._serve(served, call)
        except Refused:
            self._charge(served, charge, limited)
            raise
        if answer.status != 304:
            self._charge(served, charge, limited)
        return answer

    def _charge(self, served: Route, charge: _Charge, limited: bool) -> None:
        if limited and not served.free:
            charge.cost = 1
            self.limits.charge(charge.owner, charge.resource)

    def _serve(self, served: Route, call: Call) -> Answer:
        result = served.handler(call)
        answer = result if isinstance(result, Answer) else Answer(call.status, {"Content-Type": JSON}, as_json(result))
        answer = Answer(answer.status, {**answer.headers, **call.headers}, answer.body)
        return conditional(call.request, answer, by_token=self.etag_by == "token")

    def _graphql(self, request: Request, caller: Caller, charge: _Charge, limited: bool) -> Answer:
        charge.resource = "graphql"
        if request.method != "POST":
            raise not_found()
        if caller.token is None:
            raise Refused(401, "This endpoint requires you to be authenticated.")
        body = graphql_body(request)
        points, _ = graphql.cost_of(body)
        if limited:
            try:
                self.limits.check(caller.owner, "graphql")  # whatever the query costs, as long as something is left
            except Refused as refused:
                # Status 200: https://docs.github.com/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
                error = {"type": "RATE_LIMITED", "message": refused.message}
                return Answer(200, {"Content-Type": JSON}, as_json({"errors": [error]}))
        shown = self.limits.shown(caller.owner, "graphql")
        charge.cost = points if limited else 0
        limit, used = shown["limit"], shown["used"] + charge.cost
        quota = graphql.Quota(limit, max(0, limit - used), shown["reset"], used)
        result, _ = graphql.execute(self.world, body, graphql.Caller(user=caller.user, quota=quota, sees=caller.sees))
        if charge.cost:
            self.limits.charge(caller.owner, "graphql", charge.cost)
        return Answer(200, {"Content-Type": JSON}, as_json(result))

    def _nodes(self, request: Request) -> int:
        return graphql.cost_of(graphql_body(request)).nodes

    def _named(self, path: str) -> str:
        """`/repositories/ID/...` as `/repos/OWNER/NAME/...`."""
        match = _REPOSITORY_BY_ID.fullmatch(path)
        if match is None:
            return path
        found = next((r for r in self.world.repositories.values() if r.id == int(match[1])), None)
        return path if found is None else f"/repos/{found.full_name}{match[2] or ''}"

    def _token(self, request: Request) -> Token | None:
        """The token of a request, good or not."""
        return self.tokens.get(request.headers.get("authorization", "").rpartition(" ")[2])
