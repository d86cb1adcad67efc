"""Fixtures: two protected APIs (two origins), a source, and each client in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.hooks.api import Api, running
from tests.hooks.clients import CLIENTS, Client
from tests.hooks.sources import Ladder

Connected = Callable[..., Client]


@pytest.fixture
def api() -> Iterator[Api]:
    """The API that the token is for."""
    with running() as api:
        yield api


@pytest.fixture
def elsewhere() -> Iterator[Api]:
    """Another origin."""
    with running() as api:
        yield api


@pytest.fixture
def source() -> Ladder:
    return Ladder()


@pytest.fixture(params=CLIENTS)
def kind(request: pytest.FixtureRequest) -> str:
    """The name of the client."""
    return str(request.param)


@pytest.fixture
def connect(kind: str, api: Api, elsewhere: Api) -> Iterator[Connected]:
    """`connect(source, *origins)`: a client with its hook, closed at the end.

    Without `origins` the hook gets none, but for aiohttp's, which needs one: the API's.
    """
    with ExitStack() as stack:

        def connect(source: Ladder, *origins: str) -> Client:
            needed = (api.origin,) if kind == "aiohttp" else ()
            client = CLIENTS[kind](source, origins or needed)
            stack.callback(client.close)
            return client

        yield connect
