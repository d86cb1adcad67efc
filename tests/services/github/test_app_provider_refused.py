"""What becomes of an app's credentials when GitHub says no."""

from __future__ import annotations

import pytest

from tests.services.github.hub import URL, Hub, other_pem
from vestal.core.errors import (
    AuthFailed,
    HTTPError,
    NotInstalled,
    PermissionDenied,
    RateLimited,
    ServiceError,
    Unprocessable,
)
from vestal.core.secret import Secret
from vestal.core.transport import Response
from vestal.services.github.installations import Narrowing

HOUR = 3600.0


@pytest.fixture
def hub() -> Hub:
    hub = Hub()
    hub.add_app()
    return hub


def test_a_refused_key_is_remembered_until_another_is_put_in_its_place(hub: Hub) -> None:
    hub.add_app(private_key=other_pem(), over=True)
    name = hub.install()
    for _ in range(3):
        with pytest.raises(AuthFailed) as caught:
            hub.home.token(name)
    assert "private key" in caught.value.remedy
    assert len(hub.log) == 1
    hub.clock.advance(86400)
    with pytest.raises(AuthFailed):
        hub.home.token(name)
    assert len(hub.log) == 1
    hub.add_app(over=True)
    assert hub.home.token(name).version == 1
    assert len(hub.log) == 2


def test_a_suspended_installation(hub: Hub) -> None:
    hub.installation.suspended_at = int(hub.clock.now())
    name = hub.install()
    with pytest.raises(PermissionDenied) as caught:
        hub.home.token(name)
    assert caught.value.code == "suspended"
    assert "owner" in caught.value.remedy
    assert len(hub.log) == 1
    hub.installation.suspended_at = None
    hub.clock.advance(300)
    assert hub.home.token(name).version == 1


def test_an_installation_that_is_gone_says_where_the_app_can_be_installed(hub: Hub) -> None:
    name = hub.install()
    hub.apps.uninstall(hub.installation)
    with pytest.raises(NotInstalled) as caught:
        hub.home.token(name)
    assert f"{URL}/apps/acme-bot/installations/new" in caught.value.remedy
    assert [logged.status for logged in hub.log] == [404, 200]


def test_an_app_that_is_gone_is_no_installation_that_is_gone(hub: Hub) -> None:
    name = hub.install()
    hub.apps.apps.clear()
    with pytest.raises(AuthFailed, match="no such app"):
        hub.home.token(name)


@pytest.mark.parametrize(
    "narrowing",
    [Narrowing.of(["nowhere"]), Narrowing.of(permissions={"contents": "write"})],
    ids=["repository", "permission"],
)
def test_what_the_installation_does_not_reach_is_asked_for_once(hub: Hub, narrowing: Narrowing) -> None:
    name = hub.install(narrowing)
    with pytest.raises(Unprocessable) as caught:
        hub.home.token(name)
    assert "granted" in caught.value.remedy
    assert len(hub.log) == 1


def test_passing_trouble_is_tried_again(hub: Hub) -> None:
    answers = [Response(502, {"content-type": "text/html"}, Secret("<html>Unicorn!</html>"), hub.clock.now())]
    hub.before = lambda request: answers.pop() if answers else None
    assert hub.home.token(hub.install()).version == 1
    assert len(hub.requests) == 2


def test_limits_of_the_service_are_waited_for(hub: Hub) -> None:
    message = '{"message": "You have exceeded a secondary rate limit."}'
    hub.before = lambda request: Response(403, {"retry-after": "90"}, Secret(message), hub.clock.now())
    name = hub.install()
    for _ in range(2):
        with pytest.raises(RateLimited) as caught:
            hub.home.token(name)
        assert caught.value.retry_after == 90
    assert len(hub.requests) == 1
    hub.before = lambda request: None
    hub.clock.advance(91)
    assert hub.home.token(name).version == 1


@pytest.mark.parametrize("body", ["", "[]", "<html>", '{"token": 5}', '{"token": ""}', '{"token": "a\\nb"}', "{}"])
def test_an_answer_without_a_token(hub: Hub, body: str) -> None:
    hub.before = lambda request: Response(201, {}, Secret(body), hub.clock.now())
    with pytest.raises(HTTPError):
        hub.home.token(hub.install())


def test_a_breaker_counts_for_the_api(hub: Hub) -> None:
    hub.before = lambda request: Response(503, {}, Secret(""), hub.clock.now())
    name = hub.install()
    for _ in range(2):
        with pytest.raises(ServiceError):
            hub.home.token(name)
        hub.clock.advance(60)
    assert hub.home.lifecycle.breakers.state(URL) == "open"
