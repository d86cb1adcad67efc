"""The hook for httpx2.

    client = httpx2.Client(auth=VestalAuth(source, origins=["https://api.example.com"]))

The same object serves `AsyncClient`, and single requests (`auth=`); `auth=None` sends a request without a token.
"""

from __future__ import annotations

import httpx2

from vestal.hooks.like_httpx import LikeHttpx


class VestalAuth(LikeHttpx, httpx2.Auth):
    """Keeps the requests of an httpx2 client authorized; see `vestal.hooks.hook.Hook` for what it does and does not."""

    byte_stream = httpx2.ByteStream
