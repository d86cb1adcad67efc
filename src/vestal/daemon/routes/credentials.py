"""Credentials as they are shown: everything but their secrets."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vestal.core.credential import check_name
from vestal.core.errors import VestalError
from vestal.core.events import Kind
from vestal.daemon.access import Grantee
from vestal.daemon.auth import demand, grantee_of
from vestal.daemon.problem import Refusal, unknown_credential
from vestal.daemon.routes.route import OF_READING, PlainRoute, house_of, json_answer, named, problems
from vestal.home import Home
from vestal.operations.overview import look, overview

router = APIRouter(route_class=PlainRoute, tags=["credentials"])

PAGE, MOST = 500, 5000
"""Credentials in one answer: by default, and at most."""

_LISTED = {
    "type": "object",
    "required": ["credentials", "next"],
    "properties": {
        "credentials": {"type": "array", "items": {"type": "object"}},
        "next": {"type": ["string", "null"], "description": "What to send as `after` for the next page."},
    },
}
_PAGING = [
    {
        "name": "limit",
        "in": "query",
        "description": "How many, at most.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": PAGE},
    },
    {"name": "after", "in": "query", "description": "Begin after this name.", "schema": {"type": "string"}},
]


@router.get(
    "/v1/credentials",
    summary="All credentials that the key is good for",
    responses={
        200: {"description": "By name, without their histories", "content": {"application/json": {"schema": _LISTED}}},
        **problems(401, 422, 429, 500, 503, 504),
    },
    openapi_extra={"parameters": _PAGING},
)
async def all_credentials(request: Request) -> Response:
    """As `vestal list --json`, in pages. One that can't be read is shown as an error and does not hide the others."""
    grantee = grantee_of(request.scope)
    limit = _limit(request.query_params.get("limit"))
    after = request.query_params.get("after", "")
    house = house_of(request)
    return json_answer(await house.read(lambda: page(house.home, grantee, after, limit)))


@router.get(
    "/v1/credentials/{name:path}",
    summary="One credential, redacted",
    responses={
        200: {
            "description": "As `vestal show --json`",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        **problems(*OF_READING),
    },
    openapi_extra=named(),
)
async def one(request: Request) -> Response:
    """All that may be shown of a credential. Times are RFC 3339 in UTC, lengths of time seconds."""
    name: str = request.path_params["name"]
    demand(request.scope, None, name)
    house = house_of(request)
    await house.source(name)
    found = await house.read(lambda: _overview(house.home, name))
    if found is None:  # removed in this moment, or by another process since
        house.forget(name)
        raise unknown_credential(name)
    return json_answer(found)


@router.post(
    "/v1/credentials/{name:path}/changed",
    status_code=204,
    summary="Another process has changed it",
    responses={204: {"description": "What was held of it is let go of"}, **problems(401, 403, 404, 422, 429)},
    openapi_extra=named(),
)
async def changed(request: Request) -> Response:
    """Its record was changed, or removed: look at it now, and not at the next look at the store. Needs `refresh`.

    The command line says so after `vestal login`, `add`, `remove`, `revoke` and `import`.
    """
    name: str = request.path_params["name"]
    demand(request.scope, "refresh", name)
    house = house_of(request)
    house.forget(check_name(name))
    house.home.lifecycle.emit(Kind.CHANGED, name)
    return Response(status_code=204)


def page(home: Home, grantee: Grantee, after: str, limit: int) -> dict[str, Any]:
    """One page of the list. Raises as `Store.names`."""
    names = home.store.names()
    seen: list[dict[str, Any]] = []
    for name in names[bisect_right(names, after) :]:
        if not grantee.sees(name):
            continue
        if len(seen) == limit:
            return {"credentials": seen, "next": seen[-1]["name"]}
        found = _listed(home, name)
        if found is not None:
            seen.append(found)
    return {"credentials": seen, "next": None}


def _listed(home: Home, name: str) -> dict[str, Any] | None:
    try:
        found = _overview(home, name)
    except VestalError as error:
        trouble = {"category": error.category.value, "message": error.message, "at": None, "remedy": error.remedy}
        return {"name": name, "state": "error", "last_error": trouble}
    return None if found is None else {key: value for key, value in found.items() if key != "history"}


def _overview(home: Home, name: str) -> dict[str, Any] | None:
    return None if home.store.load(name) is None else overview(look(home, name))


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE
    limit = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    if not 1 <= limit <= MOST:
        raise Refusal(422, "limit is no number of credentials", remedy=f"send a number from 1 to {MOST}")
    return limit
