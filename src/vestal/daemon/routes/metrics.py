"""Metrics."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vestal.daemon.auth import demand_all
from vestal.daemon.metrics import MEDIA_TYPE, Metrics
from vestal.daemon.routes.route import PlainRoute, house_of, problems

router = APIRouter(route_class=PlainRoute, tags=["health"])


@router.get(
    "/metrics",
    summary="For Prometheus",
    responses={
        200: {"description": "The text format", "content": {"text/plain": {"schema": {"type": "string"}}}},
        **problems(401, 403, 429, 504),
    },
)
async def metrics(request: Request) -> Response:
    """Needs a key that is good for all credentials, by the pattern `*`; no action."""
    demand_all(request.scope)
    house = house_of(request)
    return Response(await house.read(Metrics(house).text), media_type=MEDIA_TYPE)
