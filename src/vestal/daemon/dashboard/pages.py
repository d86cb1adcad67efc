"""The pages."""

from __future__ import annotations

from fastapi import APIRouter

from vestal.daemon.routes.route import PlainRoute

router = APIRouter(route_class=PlainRoute, include_in_schema=False)
