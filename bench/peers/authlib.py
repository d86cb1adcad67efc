"""Authlib: `OAuth2Session` for requests and `AsyncOAuth2Client`, with `update_token` to keep what was rotated."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.good import LIFETIME
from bench.peers.peer import CLIENT_ID, CLIENT_SECRET, Grant, Peer, module


class Authlib(Peer):
    name = "authlib"
    distributions = ("authlib",)
    call = "session.ensure_active_token()"
    persists = True

    def hot_path(self, resources: ExitStack, folder: Path) -> Callable[[], object]:
        good = {"access_token": "a" * 43, "token_type": "Bearer", "expires_at": int(time.time()) + LIFETIME}
        session = module("authlib.integrations.requests_client").OAuth2Session(CLIENT_ID, CLIENT_SECRET, token=good)
        resources.callback(session.close)
        check: Callable[[], object] = session.ensure_active_token
        return check

    def keep(self, grant: Grant) -> None:
        grant.file("token.json").write_text(json.dumps(grant.token()))

    def caller(self, grant: Grant) -> Callable[[], str]:
        session = self._session(grant)

        def token() -> str:
            session.ensure_active_token()
            return str(session.token["access_token"])

        return token

    def task(self, grant: Grant) -> Callable[[], Awaitable[str]]:
        async def update(token: Any, **old: object) -> None:
            grant.file("token.json").write_text(json.dumps(token))

        client = module("authlib.integrations.httpx_client").AsyncOAuth2Client(**_options(grant), update_token=update)

        async def token() -> str:
            await client.ensure_active_token(client.token)
            return str(client.token["access_token"])

        return token

    def request(self, grant: Grant) -> Callable[[], int]:
        session = self._session(grant)
        return lambda: int(session.get(grant.resource_url).status_code)

    def _session(self, grant: Grant) -> Any:
        def update(token: Any, **old: object) -> None:
            grant.file("token.json").write_text(json.dumps(token))

        return module("authlib.integrations.requests_client").OAuth2Session(**_options(grant), update_token=update)


def _options(grant: Grant) -> dict[str, Any]:
    return {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "token_endpoint": grant.token_url,
        "token": json.loads(grant.file("token.json").read_text()),
    }
