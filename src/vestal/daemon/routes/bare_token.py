"""The token and nothing else, for programs that can only GET: URL-sourced credentials of Google's libraries, curl, scripts.

https://google.aip.dev/auth/4117#determining-the-subject-token-in-microsoft-azure-and-url-sourced-credentials
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vestal.daemon.auth import demand, handed_out
from vestal.daemon.routes.forward_auth import check
from vestal.daemon.routes.route import OF_TOKENS, PlainRoute, house_of, named, problems

router = APIRouter(route_class=PlainRoute, tags=["tokens"])

_PLAIN = {"text/plain": {"schema": {"type": "string"}}}


@router.get(
    "/token/{name:path}",
    summary="The token alone",
    responses={200: {"description": "The token", "content": _PLAIN}, **problems(*OF_TOKENS)},
    openapi_extra=named(),
)
async def bare(request: Request) -> Response:
    """The access token as text, without a line end. Needs `token`."""
    name: str = request.path_params["name"]
    grantee = demand(request.scope, "token", name)
    token = await house_of(request).token(name)
    check(token, name)
    handed_out(request.scope, grantee, name, token.version)
    return Response(token.access_token.reveal(), media_type="text/plain", headers={"Cache-Control": "no-store"})
