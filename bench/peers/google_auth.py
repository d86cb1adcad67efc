"""google-auth: user credentials in a token.json, as in its quickstarts; `AuthorizedSession` for requests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.good import LIFETIME
from bench.peers.peer import CLIENT_ID, CLIENT_SECRET, Grant, Peer, module


class GoogleAuth(Peer):
    name = "google-auth"
    distributions = ("google-auth",)
    call = "credentials.valid, .token"
    persists = True

    def hot_path(self, resources: ExitStack, folder: Path) -> Callable[[], object]:
        """What its quickstarts do; `before_request`, which a session calls, comes to the same and builds headers too."""
        expiry = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=LIFETIME)
        credentials = module("google.oauth2.credentials").Credentials("a" * 43, expiry=expiry)

        def token() -> object:
            if not credentials.valid:
                raise AssertionError("to be refreshed")
            return credentials.token

        return token

    def keep(self, grant: Grant) -> None:
        credentials = module("google.oauth2.credentials").Credentials(
            grant.access_token,
            refresh_token=grant.refresh_token,
            token_uri=grant.token_url,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            expiry=datetime.fromtimestamp(grant.expires_at, UTC).replace(tzinfo=None),
        )
        grant.file("token.json").write_text(credentials.to_json())

    def caller(self, grant: Grant) -> Callable[[], str]:
        credentials = self._kept(grant)
        request = module("google.auth.transport.requests").Request()

        def token() -> str:
            if not credentials.valid:
                credentials.refresh(request)
                grant.file("token.json").write_text(credentials.to_json())
            return str(credentials.token)

        return token

    def request(self, grant: Grant) -> Callable[[], int]:
        session = module("google.auth.transport.requests").AuthorizedSession(self._kept(grant))
        return lambda: int(session.get(grant.resource_url).status_code)

    def _kept(self, grant: Grant) -> Any:
        kept = module("google.oauth2.credentials").Credentials.from_authorized_user_file(grant.file("token.json"))
        # Reading a file, it puts Google's own token endpoint in place of the one in it; making a copy, it drops the expiry.
        credentials = kept.with_token_uri(grant.token_url)
        credentials.expiry = kept.expiry
        return credentials
