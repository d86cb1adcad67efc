"""What is particular to requests and niquests."""

from __future__ import annotations

import io
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from urllib.parse import quote

import niquests
import pytest
import requests

from tests.hooks.api import Api
from tests.hooks.sources import Ladder
from tests.hooks.test_httpx import Pipe
from vestal.core.errors import ConfigError
from vestal.hooks import niquests as niquests_hook
from vestal.hooks import requests as requests_hook


@pytest.fixture(params=[(requests, requests_hook), (niquests, niquests_hook)], ids=["requests", "niquests"])
def library(request: pytest.FixtureRequest) -> tuple[Any, ModuleType]:
    library: tuple[Any, ModuleType] = request.param
    return library


@pytest.fixture
def auth(library: tuple[Any, ModuleType], source: Ladder) -> Any:
    return library[1].VestalAuth(source)


@pytest.fixture
def session(library: tuple[Any, ModuleType], api: Api) -> Iterator[Any]:
    with library[0].Session() as session:
        yield session


def test_the_refused_try_stands_in_the_history_with_the_token_it_had(session: Any, auth: Any, api: Api) -> None:
    api.accepted = {"t2"}
    response = session.get(api.origin, auth=auth)
    assert [past.status_code for past in response.history] == [401]
    assert [past.request.headers["Authorization"] for past in response.history] == ["Bearer t1"]
    assert response.request.headers["Authorization"] == "Bearer t2"


def test_a_redirect_after_a_retry_goes_with_the_newer_token(session: Any, auth: Any, api: Api) -> None:
    api.accepted = {"t2"}
    api.guarded = True
    assert session.get(f"{api.origin}/redirect?to={quote('/thing')}", auth=auth).status_code == 200
    assert api.authorizations == ["Bearer t1", "Bearer t2", "Bearer t2"]


def test_a_prepared_request_may_be_sent_many_times(session: Any, library: Any, auth: Any, api: Api) -> None:
    prepared = session.prepare_request(library[0].Request("POST", api.origin, data=b"body", auth=auth))
    for number in (2, 3):
        api.accepted = {f"t{number}"}
        assert session.send(prepared).status_code == 200
    assert api.authorizations == ["Bearer t1", "Bearer t2", "Bearer t2", "Bearer t3"]


def test_a_file_begins_again_where_it_was(session: Any, auth: Any, api: Api) -> None:
    api.accepted = {"t2"}
    file = io.BytesIO(b"skipped sent")
    file.seek(8)
    assert session.post(api.origin, data=file, auth=auth).status_code == 200
    assert [seen.body for seen in api.seen] == [b"sent"] * 2


def test_a_pipe_is_not_sent_again(session: Any, auth: Any, api: Api, source: Ladder) -> None:
    assert session.post(api.origin, data=Pipe(b"once"), auth=auth).status_code == 401
    assert source.reported.wait(30)
    assert len(api.seen) == 1


@pytest.mark.parametrize("url", ["http://evil.example\\@127.0.0.1", "HTTP://a.example", "http://a.example?b=/c"])
def test_a_doubtful_address_is_refused(session: Any, auth: Any, url: str, source: Ladder) -> None:
    with pytest.raises(ConfigError):
        session.get(url, auth=auth)
    assert source.asked == []


def test_a_multiplexed_answer_is_not_tried_again(api: Api, source: Ladder) -> None:
    with niquests.Session(multiplexed=True) as session:
        assert session.get(api.origin, auth=niquests_hook.VestalAuth(source)).status_code == 401
    assert source.reported.wait(30)
    assert len(api.seen) == 1
