"""Forward authentication: a gateway asks here, and puts the answer's Authorization header on the request.

nginx https://nginx.org/en/docs/http/ngx_http_auth_request_module.html, Caddy
https://caddyserver.com/docs/caddyfile/directives/forward_auth, Traefik
https://doc.traefik.io/traefik/reference/routing-configuration/http/middlewares/forwardauth/, Envoy
https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/ext_authz_filter. Some of them ask with the
method of the request that it is about, so all methods do. What is said when there is no token is said to strangers.
"""

from __future__ import annotations

import logging

from fastapi import APIRouter
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response

from vestal.core.errors import ConfigError, VestalError
from vestal.core.token import Token
from vestal.daemon.auth import demand, grantee_of, handed_out
from vestal.daemon.header_value import check_fit
from vestal.daemon.routes.route import OF_TOKENS, PlainRoute, house_of, named, problems

router = APIRouter(route_class=PlainRoute, tags=["gateways"])

END = "/~"
"""Ends the name: what comes after it is not looked at. No name can hold `~`, so that a gateway that asks with its client's
path behind its own (Envoy) asks for the credential it was told to, whatever the path; without it `/auth/acme` and the
client's `/admin` would be the credential `acme/admin`."""


class _Named(Convertor[str]):
    """The rest of a path, of which what stands before `END` counts."""

    regex = "(?s:.*)"
    """A client's path holds anything, line ends (`%0A`) too."""

    def convert(self, value: str) -> str:
        return value.partition(END)[0]

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("named", _Named())

METHODS = ["DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
"""Those beside GET that gateways pass on."""

_log = logging.getLogger("vestal.daemon")

_HEADERS = {
    "Authorization": {"description": "To be put on the request", "schema": {"type": "string"}},
    "X-Vestal-Version": {"description": "The token's version", "schema": {"type": "integer"}},
}


async def _inject(request: Request) -> Response:
    """An empty answer with the Authorization header to inject. Needs `token`. What follows `/~` is not looked at."""
    name: str = request.path_params["name"]
    grantee_of(request.scope)  # nobody without a key writes into the log
    try:
        grantee = demand(request.scope, "token", name)
        token = await house_of(request).token(name)
        check(token, name)
    except VestalError as error:
        _log.warning("no token for a gateway: credential=%r: %s", name[:200], error)
        trouble = for_strangers(error)
    else:
        handed_out(request.scope, grantee, name, token.version)
        return Response(headers={"Authorization": token.authorization, "X-Vestal-Version": str(token.version)})
    raise trouble


router.add_api_route(
    "/auth/{name:named}",
    _inject,
    methods=["GET"],
    summary="The Authorization header for a gateway",
    responses={200: {"description": "The header to inject", "headers": _HEADERS}, **problems(*OF_TOKENS)},
    openapi_extra=named(),
)
router.add_api_route("/auth/{name:named}", _inject, methods=METHODS, include_in_schema=False)


def for_strangers(error: VestalError) -> VestalError:
    """An error without its words: most gateways hand it on to their client, who is told no names and no remedies."""
    told = error.copy()
    told.message, told.remedy, told.credential = "there is no token", "the daemon's log says why", None
    return told


def check(token: Token, name: str) -> None:
    """Raises `ConfigError` for a token that needs more than a header, `HTTPError` for one that does not fit into one."""
    if token.scheme != "Bearer":
        raise ConfigError(
            "its tokens are bound to a key (DPoP): every request needs a proof of its own",
            credential=name,
            remedy="use Vestal's hook for your HTTP client",
        )
    check_fit(token, name)
