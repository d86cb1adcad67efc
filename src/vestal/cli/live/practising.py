"""The credential `practice` of a home, for as long as its server runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from vestal.core.credential import App, Credential
from vestal.core.errors import ConfigError, TimedOut
from vestal.core.secret import Secret
from vestal.home import Home
from vestal.operations.exclusive import exclusive
from vestal.testing.practice import PracticeServer

NAME = "practice"
"""Of the credential."""


@contextmanager
def practising(server: PracticeServer, home: Home) -> Iterator[None]:
    """Make the credential `practice` anew, since a running server knows no old tokens; it is ours until the block ends.

    Raises `ConfigError` if that name is taken by something else, or if another `vestal practice` has it.
    """
    before = home.store.load(NAME)
    if before is not None and not _ours(before):
        raise ConfigError(
            "there is a credential of that name, and it is not for the practice server",
            credential=NAME,
            remedy="name another folder in VESTAL_HOME",
        )
    with ExitStack() as stack:
        try:
            stack.enter_context(exclusive(home, "practice", 0.0))
        except TimedOut:
            busy = True
        else:
            busy = False
        if busy:
            raise ConfigError(
                f"another `vestal practice` runs in {home.folder}",
                remedy="end it, or name another folder in VESTAL_HOME",
            )
        home.add(NAME, _app(server), Secret(server.issue_refresh_token("practice")), over=True)
        yield


def _app(server: PracticeServer) -> App:
    return App(
        provider="custom",
        client_id="practice",
        client_secret=Secret("practice-secret"),  # everybody knows it
        grant="refresh_token",
        settings={
            "issuer": server.url,
            "token_url": f"{server.url}/token",
            "authorize_url": f"{server.url}/authorize",
            "revoke_url": f"{server.url}/revoke",
            "introspect_url": f"{server.url}/introspect",
            "rotation": "always" if server.settings.rotation else "never",
        },
    )


def _ours(credential: Credential) -> bool:
    app = credential.app
    at_home = app.settings.get("token_url", "").startswith("http://127.0.0.1:")
    return app.provider == "custom" and app.client_id == "practice" and at_home
