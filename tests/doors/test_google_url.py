"""URL-sourced credentials of Google's library, from a daemon with the route that is for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
import uvicorn
from google.auth import exceptions, identity_pool
from google.auth.transport.requests import Request

from tests.doors.conftest import House
from vestal.daemon.access import Access
from vestal.daemon.app import make_app
from vestal.daemon.house import House as Daemon
from vestal.daemon.listening import tcp_socket
from vestal.home import Home


@pytest.fixture
def address(house: House) -> Iterator[str]:
    """Of a daemon."""
    with closing(Home(house.cli.folder)) as home, tcp_socket("127.0.0.1", 0) as bound:
        daemon = Daemon(home)
        config = uvicorn.Config(make_app(daemon), log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([bound])))
        thread.start()
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        server.should_exit = True
        thread.join()
        daemon.close()


def credentials(address: str, name: str, key: str) -> identity_pool.Credentials:
    source = {"url": f"{address}/token/{name}", "headers": {"Authorization": f"Bearer {key}"}}
    return identity_pool.Credentials(  # type: ignore[no-untyped-call]
        audience="//iam.googleapis.com/x",
        subject_token_type="urn:ietf:params:oauth:token-type:jwt",
        token_url="https://sts.googleapis.com/v1/token",
        credential_source=source,
    )


def test_the_url_gives_the_subject_token(house: House, address: str) -> None:
    with closing(Access(house.cli.folder)) as access:
        key = access.add("google", ["acme"], ["token"]).reveal()
    ask = Request()
    with closing(ask.session):
        mine = credentials(address, "acme", key)
        assert mine.retrieve_subject_token(ask) == house.token
        with pytest.raises(exceptions.RefreshError, match="AUTH_FAILED"):
            credentials(address, "acme", "wrong").retrieve_subject_token(ask)
        with pytest.raises(exceptions.RefreshError):
            credentials(address, "other", key).retrieve_subject_token(ask)
