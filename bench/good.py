"""A home whose credential has a good token: for what is measured while there is nothing to refresh."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

from vestal.core.credential import App
from vestal.core.refreshing import RefreshingSource
from vestal.core.secret import Secret
from vestal.core.transport import Request, Response
from vestal.home import Home

NAME = "bench"
LIFETIME = 12 * 3600
"""Seconds: no margin of any contender comes near."""


def _answer(request: Request) -> Response:
    """The token endpoint, without a network."""
    body = f'{{"access_token": "{"a" * 43}", "token_type": "Bearer", "expires_in": {LIFETIME}}}'
    return Response(200, {"content-type": "application/json"}, Secret(body), time.time())


def good_source(resources: ExitStack, folder: Path, **settings: str) -> RefreshingSource:
    """The source of a credential in a real store, which has been refreshed. `settings`: more for its app."""
    home = Home(folder, send=_answer)
    resources.callback(home.close)
    app = App(
        provider="custom",
        client_id="bench",
        client_secret=Secret("bench-secret"),
        settings={"token_url": "https://127.0.0.1/token", **settings},
    )
    home.add(NAME, app, Secret("r" * 43))
    source = home.source(NAME)
    source.token()
    return source
