"""msal, alone and with the file cache of msal-extensions. It wants https, so a local `http_client` leads to the server."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from bench.good import LIFETIME
from bench.peers.peer import CLIENT_ID, CLIENT_SECRET, SCOPE, Grant, NotHandled, Peer, module
from vestal.testing.practice.state import USER

AUTHORITY = "https://practice.invalid/tenant"


class Msal(Peer):
    name = "msal"
    distributions: ClassVar[tuple[str, ...]] = ("msal",)
    call = "app.acquire_token_for_client(scopes)"

    def hot_path(self, resources: ExitStack, folder: Path) -> Callable[[], object]:
        app = self._app(self._cache(folder), _LocalHttp(""))
        app.acquire_token_for_client([SCOPE])
        return partial(app.acquire_token_for_client, [SCOPE])

    def caller(self, grant: Grant) -> Callable[[], str]:
        cache = self._cache(Path(grant.folder))
        if not self.persists:
            cache.add(_event(grant))
        app = self._app(cache, _LocalHttp(grant.url))

        def token() -> str:
            accounts = app.get_accounts()
            answer = app.acquire_token_silent([SCOPE], account=accounts[0]) if accounts else None
            if not answer or "access_token" not in answer:
                raise LookupError("there is nothing for it but to log in")
            return str(answer["access_token"])

        return token

    def request(self, grant: Grant) -> Callable[[], int]:
        raise NotHandled("no HTTP client")

    def _cache(self, folder: Path) -> Any:
        return module("msal").TokenCache()

    def _app(self, cache: Any, http: _LocalHttp) -> Any:
        return module("msal").ConfidentialClientApplication(
            CLIENT_ID,
            client_credential=CLIENT_SECRET,
            oidc_authority=AUTHORITY,
            http_client=http,
            token_cache=cache,
            instance_discovery=False,
        )


class MsalExtensions(Msal):
    name = "msal + extensions"
    distributions = ("msal", "msal-extensions")
    call = "the same, cache in a file"
    persists = True

    def keep(self, grant: Grant) -> None:
        self._cache(Path(grant.folder)).add(_event(grant))

    def _cache(self, folder: Path) -> Any:
        extensions = module("msal_extensions")
        return extensions.PersistedTokenCache(extensions.FilePersistence(str(folder / "msal.json")))


class _Answer:
    """What msal needs of a response."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.status_code, self.headers, self.text = 200, dict[str, str](), json.dumps(body)

    def raise_for_status(self) -> None:
        """It is 200."""


class _LocalHttp:
    """Answers discovery by itself, and token requests too if there is no server."""

    def __init__(self, server: str) -> None:
        self._server = server

    def get(self, url: str, **options: Any) -> Any:
        endpoints = {"authorization_endpoint": f"{AUTHORITY}/authorize", "token_endpoint": f"{AUTHORITY}/token"}
        return _Answer({"issuer": AUTHORITY, **endpoints})

    def post(self, url: str, **options: Any) -> Any:
        if not self._server:
            return _Answer({"access_token": "a" * 43, "token_type": "Bearer", "expires_in": LIFETIME})
        return module("requests").post(f"{self._server}/token", timeout=30, **options)

    def close(self) -> None:
        """There is nothing to close."""


def _event(grant: Grant) -> dict[str, Any]:
    """What the application tells its cache after a login; the ID token makes the account (msal does not verify it)."""
    claims = base64.urlsafe_b64encode(json.dumps({"sub": USER}).encode()).decode().rstrip("=")
    answer = {**grant.token(), "expires_in": int(grant.expires_at - time.time()), "id_token": f"e30.{claims}.e30"}
    return {
        "client_id": CLIENT_ID,
        "scope": [SCOPE],
        "environment": "practice.invalid",
        "token_endpoint": f"{AUTHORITY}/token",
        "response": answer,
    }
