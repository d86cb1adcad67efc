"""What the buttons do: refresh now, and log in again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from vestal.core.errors import VestalError
from vestal.daemon.auth import demand, grantee_of
from vestal.daemon.browsers import DASHBOARD
from vestal.daemon.dashboard import contents, view
from vestal.daemon.dashboard.forms import form_of
from vestal.daemon.dashboard.render import frame_of, page
from vestal.daemon.dashboard.route import PageRoute
from vestal.daemon.problem import Refusal, headers_of, status_of
from vestal.daemon.routes.route import house_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """What has become of what a person did."""

    title: str
    text: str
    tone: str


def done(what: str, context: Mapping[str, Any]) -> Notice | None:
    """What is said after something went well. An address says only which of these it is: nobody can put words in it."""
    if what == "refreshed" and not context["error"]:
        return Notice("Refreshed", f"The token is version {context['version']} now.", "good")
    return None


@router.post(DASHBOARD + "/credentials/{name:path}/refresh")
async def refresh(request: Request) -> Response:
    """Refresh now, and say what came of it."""
    name: str = request.path_params["name"]
    demand(request.scope, "refresh", name)
    await form_of(request)
    try:
        await house_of(request).refresh(name)
        return RedirectResponse(f"{view.address(name)}?done=refreshed", 303)
    except VestalError as error:
        trouble = error.copy()
    return await _failed(request, name, "This refresh did not work", trouble)


@router.post(DASHBOARD + "/credentials/{name:path}/login")
async def login(request: Request) -> Response:
    """Begin a login. The answer is no redirect to the service: a form may lead nowhere but to us (form-action)."""
    name: str = request.path_params["name"]
    grantee = demand(request.scope, "admin", name)
    fields = await form_of(request)
    try:
        begun = await house_of(request).logins.start(name, device=fields.get("device") == "1", by=grantee.name)
        return RedirectResponse(f"{DASHBOARD}/logins/{begun.id}?go=1", 303)
    except VestalError as error:
        trouble = error.copy()
    return await _failed(request, name, "This login could not begin", trouble)


async def _failed(request: Request, name: str, title: str, error: VestalError) -> Response:
    """The credential's page with an error, and with its status. A credential that is not there has no page."""
    status = status_of(error)
    if status == 404:
        raise error
    notice = Notice(title, f"{error.message}: {error.remedy}" if error.remedy else error.message, "bad")
    context = await contents.of_credential(request, name)
    recorded = context["error"]
    if recorded is not None and recorded.message == error.message:  # it stands on the page already
        notice = Notice(title, "", "bad")
    return page("credential.html", status, headers=headers_of(error), **context, notice=notice)


@router.get(DASHBOARD + "/logins/{id}")
async def login_page(request: Request) -> Response:
    """Where the person is taken; and when that is done, that it is."""
    context = of_login(request, request.path_params["id"])
    found = context["login"]
    context["leaving"] = "go" in request.query_params and found.state == "waiting" and not found.user_code
    headers = {"Refresh": f"1; url={found.address}"} if context["leaving"] else {}
    return page("login.html", headers=headers, **context)


def of_login(request: Request, id: str) -> dict[str, Any]:
    """For the page of a login, whose address is for those who may log in. Raises `Refusal` (401, 403, 404)."""
    grantee_of(request.scope)
    found = house_of(request).logins.of(id)
    if found is None:
        raise Refusal(404, "this login is over", remedy="begin another one on the credential's page")
    demand(request.scope, "admin", found.name)
    frame = frame_of(request)
    return {
        "title": f"Log in to {found.name}",
        "section": "credentials",
        "frame": frame,
        "now": frame.now,
        "login": found,
        "leaving": False,
        "host": urlsplit(found.address).netloc,
        "back": view.address(found.name),
        "said": {"done": "Logged in", "failed": "The login did not work"}.get(found.state, "Waiting for the login"),
        **contents.stream(found.name),
        "fragment": f"{contents.FRAGMENTS}/logins/{found.id}",
    }
