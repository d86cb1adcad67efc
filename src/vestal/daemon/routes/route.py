"""What all routes are made of."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

from vestal.daemon.house import House
from vestal.daemon.limits import Limits
from vestal.daemon.problem import MEDIA_TYPE, Refusal


class PlainRoute(APIRoute):
    """A route in the OpenAPI whose function takes the request and gives the answer, with nothing in between."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See `APIRoute`."""
        endpoint: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return endpoint


def house_of(request: Request) -> House:
    """The house that a request came to."""
    house: House = request.app.state.house
    return house


def json_answer(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer in JSON."""
    return Response(json.dumps(value), status, headers, "application/json")


async def body_of(scope: Scope, receive: Receive, limits: Limits) -> bytes:
    """The request's body. Raises `Refusal` for one that is too long (413) or too slow (408)."""
    length: bytes | None = b""
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = value
        elif name == b"transfer-encoding":
            length = None
    if length is not None and not length.strip(b"0"):
        return b""
    if length is not None and (not length.isdigit() or int(length[:20]) > limits.body):
        raise _too_long(limits)
    try:
        async with asyncio.timeout(limits.body_time):
            return await _collect(receive, limits)
    except TimeoutError:
        pass
    raise Refusal(408, "the body took too long to arrive", headers={"Connection": "close"})


async def _collect(receive: Receive, limits: Limits) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "the client has gone")
        body += bytes(message.get("body", b""))
        if len(body) > limits.body:
            raise _too_long(limits)
        if not message.get("more_body", False):
            return body


def _too_long(limits: Limits) -> Refusal:
    return Refusal(413, f"the body is longer than {limits.body} bytes", headers={"Connection": "close"})


def named(name: str = "name", **more: Any) -> dict[str, Any]:
    """The part of the OpenAPI for a credential's name in the path."""
    description = "The credential's name. Slashes in it are written as they are."
    schema = {"type": "string", "maxLength": 200}
    parameters = [{"name": name, "in": "path", "required": True, "description": description, "schema": schema}]
    return {"parameters": parameters, **more}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The part of the OpenAPI for these errors."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _WHAT[status], "content": content} for status in statuses}


_WHAT = {
    400: "The request can't be understood",
    401: "No key, or a wrong one",
    403: "The key is not good for that",
    404: "There is no such credential",
    408: "The body took too long",
    409: "NEEDS_LOGIN: a person has to log in; or the daemon is not set up for that",
    413: "The body is too long",
    422: "CONFIG_ERROR: what was asked for, or what Vestal was told, is wrong",
    424: "The service said no; trying again does not help",
    429: "RATE_LIMIT_EXCEEDED, or too many wrong keys",
    500: "UNEXPECTED_ERROR: a defect",
    502: "NETWORK_ERROR or HTTP_ERROR: the service can't be reached, or answers with 5xx",
    503: "STORE_UNAVAILABLE or CIRCUIT_OPEN",
    504: "TIMEOUT: no answer within the deadline",
}
OF_TOKENS = (401, 403, 404, 409, 422, 424, 429, 500, 502, 503, 504)
"""How giving a token can fail."""
OF_READING = (401, 403, 404, 422, 429, 500, 503, 504)
"""How showing a credential can fail."""
