"""Clocks that disagree with GitHub's, and the ends of tokens that are reckoned by them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.services.github.hub import APP, Hub
from vestal.core.errors import AuthFailed
from vestal.core.secret import Secret
from vestal.core.transport import Request, Response

HOUR = 3600.0


@pytest.fixture
def hub() -> Hub:
    hub = Hub()
    hub.add_app()
    return hub


@pytest.mark.parametrize("skew", [HOUR, -HOUR, 600.0, -700.0])
def test_a_clock_that_is_wrong_is_corrected_once_and_remembered(hub: Hub, skew: float) -> None:
    """In both directions, for the app and its installations; the token's end is reckoned by our own wrong clock."""
    hub.github_clock.skew = skew
    for name in (APP, hub.install()):
        before = len(hub.log)
        token = hub.home.token(name)
        assert [logged.status for logged in hub.log[before:]] in ([401, 200], [401, 201])
        assert hub.stored(name).extra["clock_skew"] == pytest.approx(skew, abs=1)
        lifetime = 540 if name == APP else HOUR
        assert token.expires_at == pytest.approx(hub.clock.now() + lifetime, abs=2)
        hub.home.token(name, newer_than=token.version)
        assert len(hub.log) == before + 3  # signed by GitHub's clock from the beginning


@pytest.mark.parametrize("skew", [90.0, -40.0])
def test_a_clock_that_is_a_little_wrong_is_put_up_with_and_reckoned_with(hub: Hub, skew: float) -> None:
    hub.github_clock.skew = skew
    token = hub.home.token(hub.install())
    assert token.expires_at == pytest.approx(hub.clock.now() + HOUR, abs=2)
    jwt = hub.home.token(APP)
    assert jwt.expires_at == pytest.approx(hub.clock.now() + 540 - skew, abs=2)
    assert [logged.status for logged in hub.log] == [201, 200]


def test_a_clock_that_was_set_right_is_noticed(hub: Hub) -> None:
    hub.github_clock.skew = HOUR
    name = hub.install()
    hub.home.token(name)
    hub.github_clock.skew = 0.0
    hub.clock.advance(2 * HOUR)
    hub.home.token(name)
    assert [logged.status for logged in hub.log] == [401, 201, 401, 201]
    assert hub.stored(name).extra["clock_skew"] == 0.0


def test_without_a_date_a_wrong_clock_is_told_as_such(hub: Hub) -> None:
    hub.github_clock.skew = -HOUR
    whole = hub.send

    def dateless(request: Request) -> Response | None:
        hub.before = lambda request: None
        response = whole(request)
        hub.before = dateless
        return replace(response, headers={**response.headers, "date": ""})

    hub.before = dateless
    with pytest.raises(AuthFailed) as caught:
        hub.home.token(APP)
    assert "clock" in caught.value.remedy
    assert len(hub.log) == 1


@pytest.mark.parametrize("expires_at", [None, "", "soon", 5, "2001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", []])
def test_a_token_whose_end_is_not_told_lives_an_hour(hub: Hub, expires_at: object) -> None:
    body = json.dumps({"token": "ghs_x", "expires_at": expires_at, "permissions": ["x"], "repositories": {}})
    hub.before = lambda request: Response(201, {}, Secret(body), hub.clock.now())
    name = hub.install()
    token = hub.home.token(name)
    assert token.expires_at == hub.clock.now() + HOUR
    assert hub.stored(name).extra["permissions"] == {}
