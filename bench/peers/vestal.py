"""Vestal itself."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bench.good import good_source
from bench.peers.peer import CLIENT_ID, CLIENT_SECRET, Grant, Peer
from vestal.core.credential import App
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.home import Home


class Vestal(Peer):
    name = "vestal"
    distributions = ("vestal",)
    call = "source.token()"
    persists = True

    def hot_path(self, resources: ExitStack, folder: Path) -> Callable[[], object]:
        return good_source(resources, folder).token

    def keep(self, grant: Grant) -> None:
        home = Home(grant.file("vestal"))
        app = App(
            provider="custom",
            client_id=CLIENT_ID,
            client_secret=Secret(CLIENT_SECRET),
            settings={"token_url": grant.token_url},
        )
        token = Token(
            Secret(grant.access_token),
            expires_at=grant.expires_at,
            issued_at=min(time.time(), grant.expires_at) - 3600,
        )
        credential = home.add("practice", app, Secret(grant.refresh_token))
        home.store.save(replace(credential, token=token, version=token.version))
        home.close()

    def caller(self, grant: Grant) -> Callable[[], str]:
        source = Home(grant.file("vestal")).source("practice")
        return lambda: source.token().access_token.reveal()

    def task(self, grant: Grant) -> Callable[[], Awaitable[str]]:
        source = Home(grant.file("vestal")).source("practice")

        async def token() -> str:
            return (await source.atoken()).access_token.reveal()

        return token

    def request(self, grant: Grant) -> Callable[[], int]:
        import requests

        from vestal.hooks.requests import VestalAuth

        session = requests.Session()
        session.auth = VestalAuth(Home(grant.file("vestal")).source("practice"), origins=[grant.url])
        return lambda: session.get(grant.resource_url).status_code
