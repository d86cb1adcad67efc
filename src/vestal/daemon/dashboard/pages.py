"""The pages: the list, the timeline, a credential."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from vestal.daemon.auth import demand, grantee_of
from vestal.daemon.browsers import DASHBOARD
from vestal.daemon.dashboard import actions, assets, contents, fragments, view
from vestal.daemon.dashboard.query import Query
from vestal.daemon.dashboard.render import page
from vestal.daemon.dashboard.route import PageRoute
from vestal.daemon.problem import Refusal

router = APIRouter(route_class=PageRoute, include_in_schema=False)
for part in (assets, fragments, actions):
    router.include_router(part.router)


@router.get("/")
async def root(request: Request) -> Response:
    """Whoever types the address in wants to look."""
    return RedirectResponse(DASHBOARD, 303)


@router.get(DASHBOARD)
async def credentials(request: Request) -> Response:
    """All credentials, or those that are looked for, in pages."""
    grantee_of(request.scope)
    query = Query.of(request.query_params)
    return page("list.html", **await contents.of_list(request, query))


@router.get(DASHBOARD + "/timeline")
async def timeline(request: Request) -> Response:
    """What has happened."""
    only = request.query_params.get("credential", "").strip()[:200]
    return page("timeline.html", **contents.of_timeline(request, only))


@router.get(DASHBOARD + "/credentials/{name:path}")
async def credential(request: Request) -> Response:
    """All that may be shown of one credential. The address of a button, asked for by hand, leads to the page it is on."""
    name: str = request.path_params["name"]
    demand(request.scope, None, name)
    try:
        context = await contents.of_credential(request, name)
    except Refusal:
        holder, _, button = name.rpartition("/")
        if not holder or button not in ("refresh", "login"):
            raise
        return RedirectResponse(view.address(holder), 303)
    return page("credential.html", **context, notice=actions.done(request.query_params.get("done", ""), context))


@router.get(DASHBOARD + "/{rest:path}")
async def nothing(request: Request) -> Response:
    """No such page."""
    grantee_of(request.scope)
    raise Refusal(404, "there is no such page", remedy="go back to the credentials")
