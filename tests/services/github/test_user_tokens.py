"""User-to-server tokens of a GitHub App: the catalogue entry `github-app-user`, through the real lifecycle.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.github.stub.server import Stub
from tests.github.stub.world import World
from tests.services.github.hub import URL, Hub
from vestal.core.credential import App
from vestal.core.errors import AuthFailed, ConfigError, NeedsLogin, PermissionDenied
from vestal.core.secret import Secret
from vestal.home import Home
from vestal.operations.login import log_in
from vestal.services.github.installations import add_app, ensure

HOUR = 3600.0
NAME = "me"


@pytest.fixture
def hub() -> Hub:
    return Hub()


def app(hub: Hub, **fields: object) -> App:
    every = {"client_id": hub.app.client_id, "grant": "refresh_token", "settings": {"web_url": URL}} | fields
    return App(provider="github-app-user", **every)  # type: ignore[arg-type]


def issue(hub: Hub, **options: bool) -> Secret:
    """A refresh token."""
    pair = hub.service.oauth.issue(hub.app, hub.service.world.users["octocat"], **options)
    return Secret(str(pair["refresh_token"]))


def log_in_as(hub: Hub, login: str | None) -> None:
    """By device; the person enters the code as soon as it is shown, or says no."""

    def tell(prompt: object) -> None:
        for device in hub.service.oauth.devices.values():
            device.denied, device.user = login is None, hub.service.world.users.get(login or "")

    log_in(hub.home, NAME, device=True, open_browser=lambda address: False, tell=tell)


def test_a_person_logs_in_by_device_and_the_token_lives_on(hub: Hub) -> None:
    hub.home.add(NAME, app(hub, grant="device_code"))
    log_in_as(hub, "octocat")
    first = hub.home.token(NAME)
    assert first.access_token.reveal().startswith("ghu_")
    assert first.expires_at == pytest.approx(hub.clock.now() + 8 * HOUR)
    stored = hub.stored(NAME)
    assert stored.refresh_token_expires_at == pytest.approx(hub.clock.now() + 15_811_200)
    hub.clock.advance(8 * HOUR)
    second = hub.home.token(NAME)
    assert second.version == first.version + 1
    assert hub.service.tokens.find(second.access_token.reveal()).user is hub.service.world.users["octocat"]
    assert hub.stored(NAME).refresh_token != stored.refresh_token
    assert hub.stored(NAME).rotating


def test_a_person_may_say_no(hub: Hub) -> None:
    hub.home.add(NAME, app(hub, grant="device_code"))
    with pytest.raises(PermissionDenied):
        log_in_as(hub, None)
    assert hub.stored(NAME).token is None


def test_a_refresh_token_works_once_and_each_is_used_once(hub: Hub) -> None:
    hub.home.add(NAME, app(hub, client_secret=Secret(hub.app.client_secret)), issue(hub))
    for _ in range(5):
        hub.home.token(NAME)
        hub.clock.advance(8 * HOUR)
    used = [token.used for token in hub.service.oauth.refresh_tokens.values()]
    assert used == [True] * 5 + [False]


def test_a_refresh_token_that_was_used_elsewhere_needs_a_login(hub: Hub) -> None:
    """The refusal comes with status 200."""
    refresh_token = issue(hub)
    hub.service.oauth.refresh_tokens[refresh_token.reveal()].used = True
    hub.home.add(NAME, app(hub, client_secret=Secret(hub.app.client_secret)), refresh_token)
    for _ in range(2):
        with pytest.raises(NeedsLogin) as caught:
            hub.home.token(NAME)
    assert caught.value.reason == "refused"
    assert "bad_refresh_token" in caught.value.message
    assert [logged.status for logged in hub.log] == [200]


def test_a_wrong_client_secret_costs_no_refresh_token(hub: Hub) -> None:
    refresh_token = issue(hub)
    hub.home.add(NAME, app(hub, client_secret=Secret("wrong")), refresh_token)
    with pytest.raises(AuthFailed) as caught:
        hub.home.token(NAME)
    assert caught.value.code == "incorrect_client_credentials"
    assert hub.stored(NAME).refresh_token == refresh_token
    hub.home.add(NAME, app(hub, client_secret=Secret(hub.app.client_secret)), over=True)
    assert hub.home.token(NAME).version == 1


def test_an_address_that_no_secret_may_go_to(hub: Hub) -> None:
    with pytest.raises(ConfigError):
        hub.home.add(NAME, app(hub, settings={"web_url": "http://ghe.example"}), Secret("x"))


def test_all_kinds_of_tokens_over_the_network(tmp_path: Path) -> None:
    """An app, an installation, a user and a personal access token: one GitHub, one home, real connections."""
    world = World()
    octocat = world.add_user("octocat")
    world.add_repository("acme/widgets")
    with Stub(world) as stub:
        service = stub.service
        registered = service.apps.register("acme-bot")
        installed = service.apps.install(registered, world.users["acme"])
        home = Home(tmp_path / "home", environ={})
        for url in (stub.url, stub.enterprise_url):
            add_app(home, "bot", registered.client_id, Secret(registered.private_key), url, over=True)
            assert home.token("bot").access_token.reveal().count(".") == 2
        minted = home.token(ensure(home, "bot", installed.id)).access_token.reveal()
        assert service.tokens.find(minted).installation_id == installed.id
        pair = service.oauth.issue(registered, octocat)
        user = App(
            provider="github-app-user",
            client_id=registered.client_id,
            client_secret=Secret(registered.client_secret),
            settings={"web_url": stub.url},
        )
        home.add("user", user, Secret(str(pair["refresh_token"])))
        users = home.token("user").access_token
        home.add("pat", App(provider="github_token", settings={"base_url": stub.url}), users)
        assert home.token("pat").access_token == users
        assert home.store.load("pat").extra["login"] == "octocat"  # type: ignore[union-attr]
        home.close()
    assert {logged.status for logged in service.log} == {200, 201}
