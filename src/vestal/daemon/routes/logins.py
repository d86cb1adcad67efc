"""Logins: starting one, looking at how it goes, and the browser's way back."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from vestal.core.secret import Secret
from vestal.daemon.auth import address_of, demand, grantee_of
from vestal.daemon.login.place import PATHS
from vestal.daemon.problem import Refusal, document
from vestal.daemon.routes.route import (
    OF_READING,
    OF_TOKENS,
    PlainRoute,
    body_of,
    house_of,
    json_answer,
    named,
    problems,
)
from vestal.operations.times import rfc3339

router = APIRouter(route_class=PlainRoute, tags=["logins"])
_log = logging.getLogger("vestal.daemon")

_ASKED = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "device": {"type": "boolean", "default": False, "description": "With a code, in a browser on any machine."}
    },
}
_BODY = {"required": False, "content": {"application/json": {"schema": _ASKED}}}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_ID = {"type": "string"}
_STATE = {"type": "string", "enum": ["waiting", "done", "failed"]}
_STARTED = {
    "type": "object",
    "required": ["id", "name", "service", "address", "user_code", "address_with_code", "expires_at", "state"],
    "properties": {
        "id": _ID,
        "name": {"type": "string"},
        "service": {"type": "string"},
        "address": {"type": "string", "format": "uri", "description": "For a person's browser, and for nobody else."},
        "user_code": {**_TEXT_OR_NULL, "description": "To be typed there; null if the browser comes back by itself."},
        "address_with_code": {**_TEXT_OR_NULL, "description": "Saves the typing."},
        "expires_at": {"type": "string", "format": "date-time"},
        "state": _STATE,
    },
}
_SEEN = {
    "type": "object",
    "required": ["id", "name", "state", "error", "version"],
    "properties": {
        "id": _ID,
        "name": {"type": "string"},
        "state": _STATE,
        "error": {"oneOf": [{"$ref": "#/components/schemas/Problem"}, {"type": "null"}]},
        "version": {"type": ["integer", "null"], "description": "Of the new token."},
    },
}


@router.post(
    "/v1/credentials/{name:path}/login",
    status_code=202,
    summary="Begin a login",
    responses={
        202: {"description": "Where the person goes", "content": {"application/json": {"schema": _STARTED}}},
        **problems(400, 408, 413, *OF_TOKENS),
    },
    openapi_extra=named(requestBody=_BODY),
)
async def start(request: Request) -> Response:
    """It replaces one under way. A person opens the address; `/v1/logins/{id}` tells how it goes. Needs `admin`."""
    name: str = request.path_params["name"]
    grantee = demand(request.scope, "admin", name)
    house = house_of(request)
    device = _asked(await body_of(request.scope, request.receive, house.limits))
    login = await house.logins.start(name, device, by=grantee.name)
    answer = {
        "id": login.id,
        "name": login.name,
        "service": login.service,
        "address": login.address,
        "user_code": login.user_code,
        "address_with_code": login.address_with_code,
        "expires_at": rfc3339(login.expires_at),
        "state": login.state,
    }
    return json_answer(answer, 202, {"Location": f"/v1/logins/{login.id}"})


@router.get(
    "/v1/logins/{id}",
    summary="How a login goes",
    responses={
        200: {"description": "The login", "content": {"application/json": {"schema": _SEEN}}},
        **problems(*OF_READING),
    },
    openapi_extra={"parameters": [{"name": "id", "in": "path", "required": True, "schema": _ID}]},
)
async def look(request: Request) -> Response:
    """For ten minutes after its end. Needs `admin` for its credential."""
    grantee_of(request.scope)
    login = house_of(request).logins.of(request.path_params["id"])
    if login is None:
        raise Refusal(404, "there is no such login", remedy="it may have ended some time ago: start another one")
    demand(request.scope, "admin", login.name)
    answer = {
        "id": login.id,
        "name": login.name,
        "state": login.state,
        "error": None if login.error is None else document(login.error),
        "version": login.version,
    }
    return json_answer(answer)


@router.get(PATHS[0], include_in_schema=False)
@router.get(PATHS[1], include_in_schema=False)
async def come_back(request: Request) -> Response:
    """A service has sent the browser here. It has no session (SameSite=Strict) and needs none: `state` proves the answer."""
    query = _taken(request.scope)
    status, page = await house_of(request).logins.answer(query)
    if status != 200:
        _log.info("an answer to no login was turned away from=%s", address_of(request.scope))
    return Response(page.html(), status, dict(page.headers()))


def _taken(scope: Scope) -> Secret:
    """The query, which is nowhere else from now on: no report of an error in whatever comes next shows the code."""
    query = Secret(scope["query_string"].decode("latin-1"))
    scope["query_string"] = b""
    return query


def _asked(body: bytes) -> bool:
    """`device` of a request. Raises `Refusal` (400, 422)."""
    if not body.strip():
        return False
    fields: Any = None
    with suppress(ValueError, RecursionError):
        fields = json.loads(body)
    if not isinstance(fields, dict):
        raise Refusal(400, "the body is no JSON object", remedy='send {"device": true}, or nothing')
    unknown = sorted(set(fields) - {"device"})
    if unknown:
        raise Refusal(422, f"there is no field {unknown[0][:40]!r}", remedy="the one field is device")
    device = fields.get("device", False)
    if not isinstance(device, bool):
        raise Refusal(422, "device is no boolean", remedy="send true or false")
    return device
