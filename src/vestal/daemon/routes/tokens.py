"""Tokens and refreshes. The first of these is the hot path: no thread, and no validation but its own."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

from vestal.core.margins import margins
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.daemon.auth import SECURITY, demand, handed_out
from vestal.daemon.house import House
from vestal.daemon.problem import Refusal
from vestal.daemon.routes.route import OF_TOKENS, PlainRoute, body_of, house_of, json_answer, named, problems
from vestal.operations import show_token
from vestal.operations.times import LONGEST, rfc3339

router = APIRouter(route_class=PlainRoute, tags=["tokens"])

_START, _END = "/v1/credentials/", "/token"

_VERSION = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
_SECONDS = {"type": "number", "minimum": 0, "maximum": LONGEST}
_ASKED = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "newer_than": {**_VERSION, "description": "The version of a token that the service refused (401)."},
        "min_ttl": {**_SECONDS, "description": "Seconds that the token must still be valid for."},
    },
}
_BODY = {"required": False, "content": {"application/json": {"schema": _ASKED}}}
_SHOWN = {
    "token_type": {"type": "string"},
    "expires_at": {"type": ["string", "null"], "format": "date-time"},
    "expires_in": {"type": ["integer", "null"], "description": "Whole seconds."},
    "scope": {"type": "string"},
    "version": {"type": "integer"},
    "issued_at": {"type": "string", "format": "date-time"},
    "refresh_after": {
        "type": ["number", "null"],
        "minimum": 0,
        "description": "Seconds for which there is no use in asking again; null: until the token is refused.",
    },
}
TOKEN = {
    "type": "object",
    "required": ["access_token", *_SHOWN],
    "properties": {"access_token": {"type": "string"}, **_SHOWN},
}
REFRESHED = {"type": "object", "required": ["name", *_SHOWN], "properties": {"name": {"type": "string"}, **_SHOWN}}


def _ok(schema: str, what: str) -> dict[int | str, dict[str, Any]]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {200: {"description": what, "content": content}}


@router.post(
    _START + "{name:path}" + _END,
    summary="A token that works",
    responses={**_ok("Token", "The token"), **problems(400, 408, 413, *OF_TOKENS)},
    openapi_extra=named(requestBody=_BODY),
)
async def token(request: Request) -> Response:
    """It is refreshed first if it is due; whoever else asks meanwhile waits for the same refresh. Needs `token`."""
    return await give(house_of(request), request.path_params["name"], request.scope, request.receive)


async def give(house: House, name: str, scope: Scope, receive: Receive) -> Response:
    """The answer to one question for a token. Raises `VestalError`."""
    grantee = demand(scope, "token", name)
    newer_than, min_ttl = asked(await body_of(scope, receive, house.limits))
    found = await house.token(name, newer_than, min_ttl)
    handed_out(scope, grantee, name, found.version)
    return _Given(written(found, house.home.clock.now()))


def shortcut(house: House) -> Callable[[Scope, Receive], Awaitable[Response] | None]:
    """The way past FastAPI's routing for the same question; None for any other."""

    def way(scope: Scope, receive: Receive) -> Awaitable[Response] | None:
        path: str = scope["path"]
        if scope["method"] == "POST" and path.endswith(_END) and path.startswith(_START):
            return give(house, path[len(_START) : -len(_END)], scope, receive)
        return None

    return way


class _Given(Response):
    """An answer with a token: what `Response` makes of its arguments is known before."""

    def __init__(self, body: bytes) -> None:
        self.status_code = 200
        self.background = None
        self.body = body
        self.raw_headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json"), *SECURITY]


@router.post(
    "/v1/credentials/{name:path}/refresh",
    summary="Refresh now",
    responses={**_ok("Refreshed", "What is told of the new token; not the token itself"), **problems(*OF_TOKENS)},
    openapi_extra=named(),
)
async def refresh(request: Request) -> Response:
    """Refresh a token whether or not it is due, and whatever was refused before. Needs `refresh`."""
    name: str = request.path_params["name"]
    demand(request.scope, "refresh", name)
    house = house_of(request)
    found = await house.refresh(name)
    return json_answer({"name": name, **as_values(found, house.home.clock.now())})


def asked(body: bytes) -> tuple[int | None, float | None]:
    """`newer_than` and `min_ttl` of a request. Raises `Refusal` (400, 422)."""
    if not body.strip():
        return None, None
    trouble = ""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        trouble = "the body is no JSON"
    else:
        if not isinstance(fields, dict):
            trouble = "the body is no JSON object"
    if trouble:
        raise Refusal(400, trouble, remedy='send an object such as {"min_ttl": 60}, or nothing')
    unknown = sorted(set(fields) - {"newer_than", "min_ttl"})
    if unknown:
        raise Refusal(422, f"there is no field {unknown[0][:40]!r}", remedy="fields are newer_than and min_ttl")
    newer_than, min_ttl = fields.get("newer_than"), fields.get("min_ttl")
    if newer_than is not None and (type(newer_than) is not int or not 0 <= newer_than < 2**63):
        raise Refusal(422, "newer_than is no version", remedy="send the version of the token that was refused")
    if min_ttl is not None and (
        type(min_ttl) not in (int, float) or not math.isfinite(min_ttl) or not 0 <= min_ttl <= LONGEST
    ):
        raise Refusal(422, "min_ttl is no length of time", remedy=f"send seconds, from 0 to {LONGEST}")
    return newer_than, min_ttl


def written(token: Token, now: float) -> bytes:
    """The token with `as_values`, in JSON. What does not change is written once; the secret is not kept with it."""
    lasting, soft_at = _lasting(
        token.token_type, token.expires_at, token.scope, token.version, token.issued_at, token.refresh_at
    )
    left = "null" if token.expires_at is None else int(token.expires_at - now)
    rest = "null" if soft_at is None else round(max(soft_at - now, 0.0), 3)
    return (
        f'{{"access_token": {_quoted(token.access_token.reveal())}, {lasting}, '
        f'"expires_in": {left}, "refresh_after": {rest}}}'
    ).encode("ascii")


@lru_cache(maxsize=1024)
def _lasting(
    token_type: str, expires_at: float | None, scope: str, version: int, issued_at: float, refresh_at: float | None
) -> tuple[str, float | None]:
    """What is told of a token at any time, as the inside of an object in JSON; and its soft margin, in epoch seconds."""
    token = Token(Secret(""), token_type, expires_at, scope, version, issued_at, refresh_at)
    values = as_values(token, issued_at)
    del values["expires_in"], values["refresh_after"]
    return json.dumps(values)[1:-1], margins(token).soft_at


def as_values(token: Token, now: float) -> dict[str, Any]:
    """What is told of a token beside the secret: as `vestal token --json`, and what those need who keep it."""
    soft_at = margins(token).soft_at
    return {
        **show_token.as_values(token, now),
        "issued_at": rfc3339(token.issued_at),
        "refresh_after": None if soft_at is None else round(max(soft_at - now, 0.0), 3),
    }
