"""What the pages load: our own files, each at an address that holds a hash of its content, so that browsers keep it."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vestal.daemon.browsers import DASHBOARD
from vestal.daemon.problem import Refusal
from vestal.daemon.routes.route import PlainRoute

router = APIRouter(route_class=PlainRoute, include_in_schema=False)

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    address: str
    media_type: str
    content: bytes
    integrity: str
    """For the browser, which has it from its cache, and whoever had this port before may have filled that
    (https://www.w3.org/TR/sri-1/)."""


@functools.cache
def assets() -> Mapping[str, Asset]:
    """All of them by their names."""
    found = {}
    for file in resources.files(__package__).joinpath("static").iterdir():
        media_type = _TYPES.get(file.name.rpartition(".")[2])
        if media_type is not None:
            content = file.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:16]
            integrity = f"sha256-{base64.b64encode(hashlib.sha256(content).digest()).decode('ascii')}"
            found[file.name] = Asset(f"{DASHBOARD}/static/{digest}/{file.name}", media_type, content, integrity)
    return found


@router.get(DASHBOARD + "/static/{digest}/{name}")
async def asset(request: Request) -> Response:
    """One file, for good: another content has another address."""
    found = assets().get(request.path_params["name"])
    if found is None or found.address != request.url.path:
        raise Refusal(404, "there is no such file", remedy="load the page again")
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    }
    return Response(found.content, headers=headers, media_type=found.media_type)
