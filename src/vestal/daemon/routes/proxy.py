"""Requests to services with the token put in: the way for programs that can do nothing but send plain HTTP.

Answers of the service carry `Via: 1.1 vestal`; the daemon's own errors are problem+json as everywhere, and carry none.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response

from vestal.daemon.proxy.passage import Passage, Proxy
from vestal.daemon.routes.route import OF_TOKENS, PlainRoute, house_of, named, problems


class _Anything(PathConvertor):
    """The rest of a path, whatever was percent-encoded in it; a line end (`%0A`) as well."""

    regex = "(?s:.*)"


register_url_convertor("anything", _Anything())


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    yield
    proxy: Proxy | None = getattr(app.state, "proxy", None)
    if proxy is not None:
        await proxy.aclose()


router = APIRouter(route_class=PlainRoute, tags=["proxy"], lifespan=_running)

METHODS = ["DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
"""Those beside GET."""

_PATH = {
    "name": "path",
    "in": "path",
    "required": True,
    "description": "What is put after the address of the service's API, as it stands, with the query. `~/` in front of it "
    "ends the name for sure; `~HOST/` goes to another of the hosts that the token is for, from its root.",
    "schema": {"type": "string"},
}
_ANSWER = {
    "description": "The service's own answer, whatever it is",
    "headers": {"Via": {"description": "`1.1 vestal`: it is not the daemon's", "schema": {"type": "string"}}},
}


async def _pass_on(request: Request) -> Response:
    """The service's answer to the same request with the credential's token. Needs `token`.

    Both bodies are passed on while they come. A 401 is answered with a newer token and a second try, once, where the body
    has not become too long to be sent again (256 KiB).
    """
    app: Any = request.app
    if not hasattr(app.state, "proxy"):
        app.state.proxy = Proxy(house_of(request))
    return Passage(app.state.proxy)


def _described() -> dict[str, Any]:
    """The part of the OpenAPI for the parameters."""
    return {"parameters": [*named()["parameters"], _PATH]}


router.add_api_route(
    "/proxy/{name:anything}/{path:anything}",
    _pass_on,
    methods=["GET"],
    summary="A request to the credential's service, with its token",
    responses={"default": _ANSWER, **problems(400, *OF_TOKENS)},
    openapi_extra=_described(),
)
router.add_api_route("/proxy/{name:anything}", _pass_on, methods=["GET", *METHODS], include_in_schema=False)
