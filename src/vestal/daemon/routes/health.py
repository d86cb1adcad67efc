"""Whether the daemon lives, and whether it can work."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vestal.core.errors import VestalError
from vestal.daemon.auth import GRANTEE
from vestal.daemon.problem import Refusal
from vestal.daemon.routes.route import PlainRoute, house_of, json_answer, problems
from vestal.stores.sealing import SealedStore

router = APIRouter(route_class=PlainRoute, tags=["health"])

_log = logging.getLogger("vestal.daemon")

PROBE = "vestal-readiness"
"""A name that is looked for in the store, whether or not it is there."""


def _saying(word: str) -> dict[int | str, dict[str, Any]]:
    """The part of the OpenAPI for a yes."""
    properties = {word: {"const": True}, "version": {"type": "string"}}
    schema = {"type": "object", "required": [*properties], "properties": properties}
    return {200: {"description": "Yes", "content": {"application/json": {"schema": schema}}}}


@router.get(
    "/healthz",
    summary="Whether it lives",
    responses=_saying("ok"),
    openapi_extra={"security": []},
)
async def healthz(request: Request) -> Response:
    """Asks nobody. Needs no key."""
    return json_answer({"ok": True, "version": house_of(request).version})


@router.get(
    "/readyz",
    summary="Whether it can work",
    responses={**_saying("ready"), **problems(422, 500, 503, 504)},
    openapi_extra={"security": []},
)
async def readyz(request: Request) -> Response:
    """Reads the store and the master key. Says no from the moment that the daemon is told to stop. Needs no key."""
    house = house_of(request)
    if house.draining:
        raise Refusal(503, "the daemon is stopping", remedy="try again when it runs again")
    try:
        await house.read(lambda: _look(house.home.store))
        return json_answer({"ready": True, "version": house.version})
    except VestalError as error:
        trouble = error.copy()
    if request.scope.get(GRANTEE) is None:  # a stranger is told no paths
        _log.warning("not ready: %s", trouble)
        trouble.message, trouble.remedy, trouble.credential = "it can't work now", "the daemon's log says why", None
    raise trouble


def _look(store: SealedStore) -> None:
    """Raises as `Store.load` and `KeySource.ring`."""
    store.load(PROBE)
    store.keys.ring()  # nothing is unsealed for a name that is not there
