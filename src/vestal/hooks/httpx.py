"""The hook for httpx.

    client = httpx.Client(auth=VestalAuth(source, origins=["https://api.example.com"]))

The same object serves `AsyncClient`, and single requests (`auth=`); `auth=None` sends a request without a token.
"""

from __future__ import annotations

import httpx

from vestal.hooks.like_httpx import LikeHttpx


class VestalAuth(LikeHttpx, httpx.Auth):
    """Keeps the requests of an httpx client authorized; see `vestal.hooks.hook.Hook` for what it does and does not."""

    byte_stream = httpx.ByteStream
