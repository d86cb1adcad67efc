"""Mock mode, blocking and awaited."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services.github.api.both import KINDS, Both
from vestal.core.errors import ConfigError
from vestal.services.exchange import APIRequest, APIResponse
from vestal.testing.clock import FakeClock

MOCK = {"GITHUB_MOCK_MODE": "1"}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def github(kind: str, clock: FakeClock) -> Iterator[Both]:
    made = Both(kind, environ=MOCK, clock=clock)
    yield made
    made.finish()


def test_tokens_are_invented_and_good_for_an_hour(github: Both, clock: FakeClock) -> None:
    token = github.get_installation_token("any", "thing")
    assert token.startswith("mock_installation_token")
    info = github.get_cached_token_info("any", "thing")
    assert (info["installation_id"], info["expires_in_seconds"]) == (12345, 3600)
    clock.advance(3400)
    assert github.get_installation_token("any", "other") != token
    assert github.get_cached_token_info("any", "other")["refresh_count"] == 1


def test_nothing_else_is_sent(github: Both) -> None:
    with pytest.raises(ConfigError, match="mock mode sends nothing: GET /repos/any/thing"):
        github.get_repo_details("any", "thing")


def test_a_sender_of_ones_own_answers_the_rest(kind: str) -> None:
    def answer(request: APIRequest) -> APIResponse:
        return APIResponse(200, {}, b'{"id": 7}', url=request.url)

    async def aanswer(request: APIRequest) -> APIResponse:
        return answer(request)

    github = Both(kind, environ=MOCK, sender=answer if kind == "sync" else aanswer)
    assert github.get_repo_details("any", "thing") == {"id": 7}
    github.finish()


def test_who_gives_credentials_is_not_mocked(kind: str) -> None:
    github = Both(kind, environ=MOCK, tokens=["ghp_x"])
    assert github.client.connection.mock is None
    github.finish()
