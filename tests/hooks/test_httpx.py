"""What is particular to httpx and httpx2."""

from __future__ import annotations

import io
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest

from tests.hooks.api import Api
from tests.hooks.sources import Ladder
from vestal.hooks import httpx as httpx_hook
from vestal.hooks import httpx2 as httpx2_hook


class Pipe(io.BytesIO):
    """A file that can't go back."""

    def seekable(self) -> bool:
        return False

    def seek(self, offset: int, whence: int = 0) -> int:
        raise io.UnsupportedOperation

    def fileno(self) -> int:
        raise io.UnsupportedOperation

    def tell(self) -> int:
        raise io.UnsupportedOperation


@pytest.fixture(params=[(httpx2, httpx2_hook), (httpx, httpx_hook)], ids=["httpx2", "httpx"])
def library(request: pytest.FixtureRequest) -> tuple[Any, ModuleType]:
    library: tuple[Any, ModuleType] = request.param
    return library


@pytest.fixture
def client(library: tuple[Any, ModuleType], api: Api, source: Ladder) -> Iterator[Any]:
    client, hook = library
    with client.Client(auth=hook.VestalAuth(source)) as client:
        yield client


def test_auth_none_sends_a_request_without_a_token(client: Any, api: Api, source: Ladder) -> None:
    client.get(api.origin, auth=None)
    assert (api.authorizations, source.asked) == ([None], [])


def test_the_refused_try_stands_in_the_history(client: Any, api: Api) -> None:
    api.accepted = {"t2"}
    response = client.get(api.origin)
    assert [past.status_code for past in response.history] == [401]


def test_a_refused_answer_can_still_be_streamed(client: Any, api: Api, source: Ladder) -> None:
    source.fails_newer = True
    with client.stream("GET", api.origin) as response:
        assert not response.is_closed
        assert b"".join(response.iter_bytes()) == b'{"status": 401}'


def test_a_form_of_texts_is_sent_again(client: Any, api: Api) -> None:
    api.accepted = {"t2"}
    assert client.post(api.origin, files={"file": b"bytes"}, data={"name": "value"}).status_code == 200


def test_a_form_with_a_pipe_is_not_sent_again(client: Any, api: Api, source: Ladder) -> None:
    assert client.post(api.origin, files={"file": Pipe(b"once")}).status_code == 401
    assert source.reported.wait(30)
    assert len(api.seen) == 1
