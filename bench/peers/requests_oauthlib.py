"""requests-oauthlib: `OAuth2Session` that refreshes by itself, with a `token_updater` to keep what was rotated."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from bench.good import LIFETIME
from bench.peers.peer import CLIENT_ID, CLIENT_SECRET, Grant, Peer, module


class RequestsOAuthlib(Peer):
    name = "requests-oauthlib"
    distributions = ("requests-oauthlib",)
    call = "client.add_token(url)"
    persists = True

    def hot_path(self, resources: ExitStack, folder: Path) -> Callable[[], object]:
        """The step of `session.request` that puts the token on the request or finds that it has expired."""
        good = {"access_token": "a" * 43, "token_type": "Bearer", "expires_at": int(time.time()) + LIFETIME}
        client = module("oauthlib.oauth2").WebApplicationClient(CLIENT_ID, token=good)
        return partial(client.add_token, "https://127.0.0.1/", http_method="GET")

    def keep(self, grant: Grant) -> None:
        grant.file("token.json").write_text(json.dumps(grant.token()))

    def caller(self, grant: Grant) -> Callable[[], str]:
        """It refreshes in the middle of a request, so a caller makes one."""
        session = self._session(grant)

        def token() -> str:
            answer = session.get(grant.resource_url)
            return str(answer.request.headers["Authorization"]).removeprefix("Bearer ")

        return token

    def request(self, grant: Grant) -> Callable[[], int]:
        session = self._session(grant)
        return lambda: int(session.get(grant.resource_url).status_code)

    def _session(self, grant: Grant) -> Any:
        os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # its switch for plain http

        def update(token: Any) -> None:
            grant.file("token.json").write_text(json.dumps(token))

        return module("requests_oauthlib").OAuth2Session(
            CLIENT_ID,
            token=json.loads(grant.file("token.json").read_text()),
            auto_refresh_url=grant.token_url,
            auto_refresh_kwargs={"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
            token_updater=update,
        )
