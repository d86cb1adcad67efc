"""Parts of pages, for the script that puts them in place, and the stream of events that tells it when."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vestal.core.events import Event
from vestal.daemon.auth import demand, grantee_of, still_welcome
from vestal.daemon.browsers import DASHBOARD
from vestal.daemon.dashboard import actions, contents
from vestal.daemon.dashboard.query import Query
from vestal.daemon.dashboard.render import page
from vestal.daemon.routes.events import EventStream
from vestal.daemon.routes.route import PlainRoute, house_of

router = APIRouter(route_class=PlainRoute, include_in_schema=False)


@router.get(DASHBOARD + "/events")
async def events(request: Request) -> Response:
    """What pages listen to: what changes how a credential is shown, or with `every` all there is. As `/v1/events`, but that
    nothing is told again: a page that comes back looks at everything.
    """
    grantee, house = grantee_of(request.scope), house_of(request)
    only, every = request.query_params.get("credential"), "every" in request.query_params

    def wanted(event: Event) -> bool:
        told = (every or event.kind in contents.TELLING) and only in (None, event.credential)
        return told and grantee.sees(event.credential)

    listening = house.broadcast.listen(wanted, by=grantee.name)
    return EventStream(house.broadcast, listening, house.limits, lambda: still_welcome(house, request.scope))


@router.get(contents.FRAGMENTS + "/list")
async def rows(request: Request) -> Response:
    """The summary, and the rows of the credentials that are named: once for each `name`."""
    grantee_of(request.scope)
    query = Query.of(request.query_params)
    return page("_list.html", **await contents.of_rows(request, query, request.query_params.getlist("name")))


@router.get(contents.FRAGMENTS + "/timeline")
async def timeline(request: Request) -> Response:
    """The timeline."""
    only = request.query_params.get("credential", "")[:200]
    return page("_timeline.html", **contents.of_timeline(request, only))


@router.get(contents.FRAGMENTS + "/credentials/{name:path}")
async def credential(request: Request) -> Response:
    """The parts of a credential's page."""
    name: str = request.path_params["name"]
    demand(request.scope, None, name)
    return page("_credential.html", **await contents.of_credential(request, name))


@router.get(contents.FRAGMENTS + "/logins/{id}")
async def login(request: Request) -> Response:
    """How a login stands."""
    return page("_login.html", **actions.of_login(request, request.path_params["id"]))
