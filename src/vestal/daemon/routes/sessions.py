"""How a browser gets into the dashboard, and out again."""

from __future__ import annotations

import logging

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from vestal.core.secret import Secret
from vestal.daemon.auth import address_of, demand_all, forbidden, grantee_of, session_of
from vestal.daemon.browsers import DASHBOARD, cookie_name
from vestal.daemon.dashboard import door
from vestal.daemon.dashboard.forms import form_of
from vestal.daemon.problem import Refusal
from vestal.daemon.routes.route import PlainRoute, house_of, json_answer, problems
from vestal.daemon.sessions import INVITATION, LIFETIME

router = APIRouter(route_class=PlainRoute, tags=["dashboard"])
_audit = logging.getLogger("vestal.audit")

_LINK = {
    "type": "object",
    "required": ["url", "expires_in"],
    "properties": {
        "url": {"type": "string", "format": "uri", "description": "To be opened in a browser, once."},
        "expires_in": {"type": "integer", "description": "Seconds."},
    },
}


@router.post(
    "/v1/sessions",
    status_code=201,
    summary="A link that opens the dashboard in a browser, once",
    responses={
        201: {"description": "The link", "content": {"application/json": {"schema": _LINK}}},
        **problems(401, 403, 409, 429),
    },
)
async def invite(request: Request) -> Response:
    """The session may look, refresh and log in, but is given no token. Needs `admin` for all credentials."""
    grantee = demand_all(request.scope)
    if "admin" not in grantee.actions:
        raise forbidden(None)
    house = house_of(request)
    if house.url is None:
        raise Refusal(
            409,
            "the daemon listens at its Unix socket only, which no browser can reach",
            remedy="run `vestal restart --tcp`",
        )
    code = house.sessions.invite(grantee)
    _audit.info("link to the dashboard for=%s from=%s", grantee.name, address_of(request.scope))
    answer = {"url": f"{house.url}{DASHBOARD}/open/{code.reveal()}", "expires_in": int(INVITATION)}
    return json_answer(answer, 201)


@router.get(DASHBOARD + "/open/{code}", include_in_schema=False)
async def open_session(request: Request) -> Response:
    """Begin a session with a link's code."""
    house = house_of(request)
    found = house.sessions.open(Secret(request.path_params["code"]))
    address = address_of(request.scope)
    if found is None:
        wait = house.failed_keys.failed(address, house.home.clock.steady())
        if wait is not None:
            raise Refusal(429, "too many wrong links", retry_after=wait, remedy="wait, and run `vestal open` again")
        _audit.warning("wrong link to the dashboard from=%s", address)
        return door.used()
    cookie, session = found
    _audit.info("session opened for=%s from=%s", session.grantee.name, address)
    age = int(LIFETIME)
    value = f"{cookie_name(house.url)}={cookie.reveal()}; Path={DASHBOARD}; Max-Age={age}; HttpOnly; SameSite=Strict"
    return door.opened({"Set-Cookie": value})


@router.post(DASHBOARD + "/log-out", include_in_schema=False)
async def log_out(request: Request) -> Response:
    """End the session."""
    grantee_of(request.scope)
    await form_of(request)
    session = session_of(request.scope)
    house = house_of(request)
    if session is not None:
        house.sessions.close(session)
    gone = f"{cookie_name(house.url)}=; Path={DASHBOARD}; Max-Age=0; HttpOnly; SameSite=Strict"
    return RedirectResponse(DASHBOARD, 303, {"Set-Cookie": gone})
