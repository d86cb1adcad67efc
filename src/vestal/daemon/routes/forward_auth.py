"""Forward authentication: a gateway asks here, and puts the answer's Authorization header on the request.

nginx https://nginx.org/en/docs/http/ngx_http_auth_request_module.html, Traefik ForwardAuth, Caddy forward_auth, Envoy
ext_authz. Some of them ask with the method of the request that it is about, so all methods do.
"""

from __future__ import annotations

import re

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vestal.core.errors import ConfigError, HTTPError
from vestal.core.token import Token
from vestal.daemon.auth import demand, handed_out
from vestal.daemon.routes.route import OF_TOKENS, PlainRoute, house_of, named, problems

router = APIRouter(route_class=PlainRoute, tags=["gateways"])

METHODS = ["DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
"""Those beside GET that gateways pass on."""

_FIT = re.compile(r"[\x21-\x7e]+ [\x21-\x7e]+")
"""What can stand in a header (RFC 9110, 5.5) and be a scheme with a token (RFC 6750, 2.1)."""

_HEADERS = {
    "Authorization": {"description": "To be put on the request", "schema": {"type": "string"}},
    "X-Vestal-Version": {"description": "The token's version", "schema": {"type": "integer"}},
}


async def _inject(request: Request) -> Response:
    """An empty answer with the Authorization header to inject. Needs `token`."""
    name: str = request.path_params["name"]
    grantee = demand(request.scope, "token", name)
    token = await house_of(request).token(name)
    check(token, name)
    handed_out(request.scope, grantee, name, token.version)
    return Response(headers={"Authorization": token.authorization, "X-Vestal-Version": str(token.version)})


router.add_api_route(
    "/auth/{name:path}",
    _inject,
    methods=["GET"],
    summary="The Authorization header for a gateway",
    responses={200: {"description": "The header to inject", "headers": _HEADERS}, **problems(*OF_TOKENS)},
    openapi_extra=named(),
)
router.add_api_route("/auth/{name:path}", _inject, methods=METHODS, include_in_schema=False)


def check(token: Token, name: str) -> None:
    """Raises `ConfigError` for a token that needs more than a header, `HTTPError` for one that does not fit into one."""
    if token.scheme != "Bearer":
        raise ConfigError(
            "its tokens are bound to a key (DPoP): every request needs a proof of its own",
            credential=name,
            remedy="use Vestal's hook for your HTTP client",
        )
    if not _FIT.fullmatch(token.authorization):
        raise HTTPError(
            "the service's token can't stand in a header", credential=name, remedy="look at its token endpoint"
        )
