"""The gate before all routes: whose request it is, and what every answer carries. Plain ASGI: it is on the hot path."""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from vestal.core.errors import UnexpectedError, VestalError
from vestal.core.secret import Secret
from vestal.daemon import browsers
from vestal.daemon.access import LOCAL, PREFIX, Grantee
from vestal.daemon.problem import MEDIA_TYPE, Refusal, body_of, headers_of, status_of
from vestal.daemon.sessions import Session

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from vestal.daemon.house import House

    Shortcut: TypeAlias = Callable[[Scope, Receive], Awaitable[ASGIApp] | None]

GRANTEE = "vestal.grantee"
"""In a request's scope: its `Grantee`, or None if it came without a key. A wrong key does not come that far."""

SESSION = "vestal.session"
"""In a request's scope, for pages of the dashboard: the browser's `Session`, if it has one."""

PEER = "vestal.peer"
"""In the extensions of a scope: of what user the process at the other end of the Unix socket is, `{"uid": int}`."""

SECURITY: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""On every answer that does not have its own. There is no CORS header: no page of another origin may read anything."""

_SECURITY_NAMES = frozenset(name for name, _ in SECURITY)
_ASKED_BY_GATEWAYS = "/auth/"
"""There the headers, Host and Origin with them, are those of the request that a gateway asks about. With its key it may ask
as anybody; without one, on the socket, not by a name that can be somebody's: a page at that name could read the answer."""
_COME_BACK_TO = ("/callback", "/login/callback")
"""There a service sends the browser, and a gateway may be in between. What counts is the login's `state`."""
_FROM_ELSEWHERE = (_ASKED_BY_GATEWAYS, *_COME_BACK_TO)
_LOOKED_AT = frozenset({b"host", b"authorization", b"cookie", b"origin", b"sec-fetch-site"})
_BEARER = b"bearer "
_OURS = PREFIX.encode()
_log = logging.getLogger("vestal.daemon")
_audit = logging.getLogger("vestal.audit")


class Gate:
    """An ASGI app around the one with the routes."""

    def __init__(self, house: House, app: ASGIApp, shortcut: Shortcut) -> None:
        """`shortcut` answers the most frequent question without the app; with the headers of `SECURITY`."""
        self._house = house
        self._app = app
        self._shortcut = shortcut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await self._app(scope, receive, send)
            return
        began = False

        async def secured(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                headers = message["headers"]
                own = _SECURITY_NAMES.intersection(name for name, _ in headers)
                more = SECURITY if not own else [each for each in SECURITY if each[0] not in own]
                message["headers"] = [*headers, *more]
            await send(message)

        trouble: VestalError
        locked = False
        try:
            await self._admit(scope)
            short = self._shortcut(scope, receive)
            if short is None:
                await self._app(scope, receive, secured)
                return
            answer = await short
            began = True
            await answer(scope, receive, send)
            return
        except VestalError as error:
            locked = isinstance(error, Locked)
            trouble = error.copy()
        except Exception as error:  # its text may hold anything, so only its kind and place are told
            trouble = defect(error)
            _log.error("%s %s: %s", scope["method"], _place(error), type(error).__name__)
        if began:
            return
        if locked:
            from vestal.daemon.dashboard.door import locked as page

            await page()(scope, receive, secured)
        else:
            await send_problem(trouble, secured)

    async def _admit(self, scope: Scope) -> None:
        """Note whose request it is. Raises `Refusal`, and as `Access.check`."""
        found: dict[bytes, bytes] = {}
        hosts = 0
        for name, value in scope["headers"]:
            if name in _LOOKED_AT:
                found[name] = value
                hosts += name == b"host"
        host, key = found.get(b"host", b""), found.get(b"authorization", b"")
        peer: Any = scope.get("extensions", {}).get(PEER)
        local = peer is not None and peer.get("uid") == os.geteuid()
        elsewhere = scope["path"].startswith(_FROM_ELSEWHERE)
        if peer is None and not elsewhere and (hosts != 1 or not self._is_us(host)):
            raise Refusal(
                421,
                "the Host header names another server",
                remedy="use 127.0.0.1 or localhost; or start it with --host-name",
            )
        # A gateway's question carries the headers of the request that it is about: on the socket only a key of ours counts.
        # It counts before the peer's own rights, so that a process can do with less than it may.
        if key[: len(_BEARER)].lower() == _BEARER:
            key = key[len(_BEARER) :].strip()
            if not local or key.startswith(_OURS):
                scope[GRANTEE] = await self._holder(Secret(key.decode("latin-1")), scope)
                return
        scope[GRANTEE] = LOCAL if local else None
        page = browsers.is_page(scope["path"])
        if (page and scope["method"] not in browsers.SAFE) or (local and not page and not elsewhere):
            browsers.check_site(host, found.get(b"origin"), found.get(b"sec-fetch-site"))
        if local and not scope["path"].startswith(_COME_BACK_TO):
            browsers.check_name(host, self._house.limits.hosts)
        if page and not local:
            await self._let_in(scope, found.get(b"cookie", b""))

    def _is_us(self, host: bytes) -> bool:
        return browsers.without_port(host) in self._house.limits.hosts

    async def _let_in(self, scope: Scope, cookies: bytes) -> None:
        """Note whose browser it is. Raises `Locked`, and as `House.welcomes`."""
        cookie = browsers.cookie_of(cookies, browsers.cookie_name(self._house.url))
        session = None if cookie is None else self._house.sessions.of(cookie)
        if session is not None and not await self._house.welcomes(session.grantee):
            self._house.sessions.close(session)
            session = None
        if session is not None:
            scope[SESSION] = session
            scope[GRANTEE] = session.grantee
        elif not scope["path"].startswith(browsers.OPEN):
            raise Locked()

    async def _holder(self, key: Secret, scope: Scope) -> Grantee:
        access = self._house.access
        if access.stale:
            await self._house.read_keys()
        grantee = access.check(key)
        if grantee is not None:
            self._house.note_keys()
            return grantee
        address = address_of(scope)
        wait = self._house.failed_keys.failed(address, self._house.home.clock.steady())
        if wait is not None:
            raise Refusal(429, "too many wrong keys", retry_after=wait, remedy="wait, and use the right key")
        _audit.warning("wrong key from=%s", address)
        raise unauthorized("the key is wrong, or was revoked", ' error="invalid_token"')


class Locked(Refusal):
    """A page was asked for without a session. It is answered with a page that says how to get in."""

    def __init__(self) -> None:
        super().__init__(401, "the dashboard is locked", remedy="run `vestal open`, and open the link that it prints")


def unauthorized(message: str = "a key is needed", error: str = "") -> Refusal:
    """401 with its challenge (RFC 6750, 3)."""
    challenge = 'Bearer realm="vestal"' + ("," + error if error else "")
    return Refusal(
        401,
        message,
        headers={"WWW-Authenticate": challenge},
        remedy="send `Authorization: Bearer KEY`; `vestal key add` makes a key",
    )


def session_of(scope: Scope) -> Session | None:
    """The session of the browser that sent this; None for a program, and on the Unix socket."""
    session: Session | None = scope.get(SESSION)
    return session


async def still_welcome(house: House, scope: Scope) -> bool:
    """Whether who sent this would be let in now as well: for answers that go on. Raises as `House.welcomes`."""
    session = session_of(scope)
    return (session is None or house.sessions.is_open(session)) and await house.welcomes(grantee_of(scope))


def grantee_of(scope: Scope) -> Grantee:
    """Whose request it is. Raises `Refusal` (401) if nobody's."""
    grantee: Grantee | None = scope.get(GRANTEE)
    if grantee is None:
        raise unauthorized()
    return grantee


def demand(scope: Scope, action: str | None, name: str) -> Grantee:
    """Whose request it is, if they may do this (None: look at what is no secret). Raises `Refusal` (401, 403)."""
    grantee = grantee_of(scope)
    if grantee.sees(name) if action is None else grantee.may(action, name):
        return grantee
    raise forbidden(name)


def demand_all(scope: Scope) -> Grantee:
    """Whose request it is, if they may look at all credentials. Raises `Refusal` (401, 403)."""
    grantee = grantee_of(scope)
    if grantee.sees_all:
        return grantee
    raise forbidden(None)


def forbidden(name: str | None) -> Refusal:
    """403 with its challenge (RFC 6750, 3.1)."""
    return Refusal(
        403,
        "the key is not good for that",
        headers={"WWW-Authenticate": 'Bearer realm="vestal", error="insufficient_scope"'},
        credential=None if name is None else name[:200],
        remedy="`vestal key list` shows what keys are good for; `vestal key add` makes another",
    )


def handed_out(scope: Scope, grantee: Grantee, name: str, version: int) -> None:
    """Write down who was given which token; never what."""
    _audit.info(
        "token credential=%s version=%d to=%s from=%s path=%s",
        name,
        version,
        grantee.name,
        address_of(scope),
        scope["path"].split("/")[1],
    )


def defect(error: Exception) -> UnexpectedError:
    """An error that nobody foresaw, as it is told."""
    return UnexpectedError(type(error).__name__, remedy="this is a defect: report it, with the daemon's log")


def address_of(scope: Scope) -> str:
    """Where a request comes from: an IP address, or the user at the other end of the Unix socket."""
    peer: Any = scope.get("extensions", {}).get(PEER)
    if peer is not None:
        return f"uid:{peer.get('uid')}"
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


async def send_problem(error: VestalError, send: Send) -> None:
    """Answer with an error."""
    body = body_of(error)
    headers = {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body)), **headers_of(error)}
    raw = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status_of(error), "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _place(error: Exception) -> str:
    place, trace = "somewhere", error.__traceback__
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if module.startswith("vestal"):
            place = f"in {module}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place
