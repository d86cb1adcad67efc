"""What is particular to aiohttp."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp.base_protocol import BaseProtocol

from tests.hooks.api import Api
from tests.hooks.sources import Ladder
from vestal.core.errors import ConfigError
from vestal.hooks.aiohttp import VestalAuth


def test_the_origins_must_be_given(source: Ladder) -> None:
    with pytest.raises(ConfigError, match="no origins"):
        VestalAuth(source, [])


async def test_a_redirect_between_listed_origins_goes_with_the_token(api: Api, elsewhere: Api, source: Ladder) -> None:
    elsewhere.accepted = {"t1"}
    auth = VestalAuth(source, [api.origin, elsewhere.origin])
    async with (
        aiohttp.ClientSession(middlewares=[auth]) as session,
        session.get(f"{api.origin}/redirect?to={quote(elsewhere.origin)}") as response,
    ):
        assert response.status == 200
    assert elsewhere.authorizations == ["Bearer t1"]


async def test_a_body_that_waits_to_be_asked_for_is_sent_on_the_second_try(api: Api, source: Ladder) -> None:
    api.accepted = {"t2"}
    async with (
        aiohttp.ClientSession(middlewares=[VestalAuth(source, [api.origin])]) as session,
        session.post(api.origin, data=b"body", expect100=True) as response,
    ):
        assert response.status == 200
    assert [(seen.authorization, seen.body) for seen in api.seen] == [("Bearer t1", b""), ("Bearer t2", b"body")]


async def test_a_form_with_a_stream_in_it_is_not_sent_again(api: Api, source: Ladder) -> None:
    reader = aiohttp.StreamReader(BaseProtocol(asyncio.get_running_loop()), 1024)
    reader.feed_data(b"once")
    reader.feed_eof()
    form = aiohttp.FormData()
    form.add_field("file", reader, filename="stream")
    async with (
        aiohttp.ClientSession(middlewares=[VestalAuth(source, [api.origin])]) as session,
        session.post(api.origin, data=form) as response,
    ):
        assert response.status == 401
    assert source.reported.wait(30)
    assert len(api.seen) == 1
