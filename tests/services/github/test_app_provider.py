"""GitHub Apps and their installations through the real lifecycle, against the stub."""

from __future__ import annotations

import base64
import json
import logging
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.github.stub.tokens import Token as Granted
from tests.services.github.hub import APP, URL, Hub, other_pem
from vestal.core.credential import App, Credential
from vestal.core.errors import (
    AuthFailed,
    ConfigError,
    VestalError,
)
from vestal.core.events import Kind
from vestal.core.secret import Secret
from vestal.core.transport import Response
from vestal.services.github.app_provider import GitHubAppProvider
from vestal.services.github.installations import Narrowing

HOUR = 3600.0


@pytest.fixture
def hub() -> Hub:
    hub = Hub()
    hub.add_app()
    return hub


def claims(jwt: Secret) -> dict[str, object]:
    part = jwt.reveal().split(".")[1]
    read: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return read


def granted(hub: Hub, token: Secret) -> Granted:
    return hub.service.tokens.find(token.reveal())


# The app


def test_the_token_of_an_app_is_its_jwt_shown_to_github_once(hub: Hub) -> None:
    token = hub.home.token(APP)
    now = hub.clock.now()
    assert claims(token.access_token) == {"iss": hub.app.client_id, "iat": int(now) - 60, "exp": int(now) + 540}
    assert token.expires_at == pytest.approx(now + 540)
    assert hub.asked() == [("GET", "/app", 200)]
    extra = hub.stored(APP).extra
    assert (extra["slug"], extra["app_id"], extra["clock_skew"]) == ("acme-bot", hub.app.id, 0.0)
    assert extra["permissions"]["contents"] == "read"
    assert hub.home.token(APP) is token


def test_a_jwt_is_replaced_before_it_ends(hub: Hub) -> None:
    first = hub.home.token(APP)
    hub.clock.advance(500)
    second = hub.home.token(APP)
    assert second.version == first.version + 1
    assert len(hub.log) == 2


def test_the_app_id_will_do_as_well(hub: Hub) -> None:
    hub.replace_record(APP, app=replace(hub.stored(APP).app, client_id=str(hub.app.id)))
    assert hub.home.token(APP).version == 1


def test_an_app_that_github_does_not_know(hub: Hub) -> None:
    hub.apps.apps.clear()
    with pytest.raises(AuthFailed) as caught:
        hub.home.token(APP)
    assert "client id" in caught.value.remedy


# Installations


def test_an_installation_is_given_a_token_with_the_apps_key(hub: Hub) -> None:
    name = hub.install()
    token = hub.home.token(name)
    assert name == f"acme-bot/installation/{hub.installation.id}"
    assert granted(hub, token.access_token).installation_id == hub.installation.id
    assert token.expires_at == pytest.approx(hub.clock.now() + HOUR)
    assert hub.asked() == [("POST", f"/app/installations/{hub.installation.id}/access_tokens", 201)]
    child = hub.stored(name)
    assert (child.app.private_key, child.app.client_id, child.intent) == (None, "", None)
    assert child.extra["repository_selection"] == "all"
    assert child.extra["permissions"]["statuses"] == "write"
    assert child.extra["repositories"] is None


def test_a_token_may_be_narrowed(hub: Hub) -> None:
    name = hub.install(Narrowing.of(["acme/Widgets"], permissions={"contents": "read"}))
    token = hub.home.token(name)
    mine = granted(hub, token.access_token)
    assert mine.repositories == frozenset([hub.repositories[0].id])
    assert mine.permissions == {"metadata": "read", "contents": "read"}
    assert hub.stored(name).extra["repositories"] == 1
    assert hub.stored(name).extra["repository_selection"] == "selected"
    by_id = hub.install(Narrowing.of(repository_ids=[hub.repositories[1].id]))
    assert granted(hub, hub.home.token(by_id).access_token).repositories == frozenset([hub.repositories[1].id])


@pytest.mark.parametrize("stateless", [False, True])
def test_tokens_are_opaque_and_of_any_length(hub: Hub, stateless: bool) -> None:
    hub.apps.stateless = stateless
    text = hub.home.token(hub.install()).access_token.reveal()
    assert (len(text) > 300) is stateless
    assert granted(hub, Secret(text)).installation_id == hub.installation.id


def test_a_crowd_gets_one_token_with_one_request(hub: Hub) -> None:
    """Fifty repositories of one installation, each asked for by a thread of its own that knows nothing of the others."""
    start = threading.Barrier(50)

    def work(_: int) -> Secret:
        start.wait()
        return hub.home.token(hub.install()).access_token

    with ThreadPoolExecutor(50) as threads:
        tokens = set(threads.map(work, range(50)))
    assert len(tokens) == 1
    assert hub.installation.mints == 1
    assert len(hub.log) == 1


def test_many_installations_each_get_one(hub: Hub) -> None:
    octocat = hub.service.world.users["octocat"]
    installed = [hub.apps.install(hub.app, octocat) for _ in range(5)]

    def work(number: int) -> Secret:
        return hub.home.token(hub.install(installation=installed[number % 5])).access_token

    with ThreadPoolExecutor(16) as threads:
        tokens = set(threads.map(work, range(50)))
    assert len(tokens) == 5
    assert [each.mints for each in installed] == [1] * 5


# Keeping


def test_nothing_secret_is_told_or_kept_open(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "vestal"):
        name = hub.install()
        hub.home.token(APP)
        token = hub.home.token(name)
        hub.add_app(private_key=other_pem(), over=True)
        with pytest.raises(AuthFailed) as caught:
            hub.home.token(name, newer_than=token.version)
    stored = hub.stored(name)
    open_part = [hub.home.store.backend.get(each).public for each in (APP, name)]  # type: ignore[union-attr]
    told = "\n".join([caplog.text, *map(str, hub.events), str(caught.value), repr(stored), *open_part])
    jwts = [request.headers["Authorization"].reveal().split()[1] for request in hub.requests]  # type: ignore[union-attr]
    key = hub.app.private_key.splitlines()[3]
    for secret in (token.access_token.reveal(), *jwts, key):
        assert secret not in told
        assert secret.split(".")[-1] not in told
    assert any(event.kind is Kind.REFRESHED for event in hub.events)


@pytest.mark.parametrize("status", [201, 401, 403, 404])
@pytest.mark.parametrize(
    "body", ['{"token": "ghs_0123456789abcdefghijkl\\u0007"}', '{"message": "no"}', "ghs_0123456789abcdefghijkl"]
)
def test_no_frame_of_a_traceback_shows_a_secret(hub: Hub, status: int, body: str) -> None:
    """As programs dump them that capture the locals of every frame."""
    hub.before = lambda request: Response(status, {}, Secret(body), hub.clock.now())
    child = hub.home.lifecycle.load(hub.install())
    with pytest.raises(VestalError) as caught:
        GitHubAppProvider().refresh(child, hub.send, hub.clock)
    jwt = hub.requests[0].headers["Authorization"].reveal().split()[1]  # type: ignore[union-attr]
    ours = [frame for frame in traceback.walk_tb(caught.tb) if "/src/vestal/" in frame[0].f_code.co_filename]
    assert ours
    shown = "\n".join(repr(frame.f_locals) for frame, _ in ours)
    for secret in ("ghs_0123456789", jwt, jwt.split(".")[2], hub.app.private_key.splitlines()[3]):
        assert secret not in shown


@pytest.mark.parametrize(
    ("app", "word"),
    [
        (App(provider="github_app", grant=""), "vestal github add-app"),
        (App(provider="github_app", grant="app_jwt", client_id="x"), "vestal github add-app"),
        (App(provider="github_app", grant="app_jwt", private_key=Secret("x")), "vestal github add-app"),
        (App(provider="github_app", grant="app_jwt", client_id="x", private_key=Secret("x")), ".pem"),
        (App(provider="github_app", grant="installation"), "vestal github add-app"),
        (App(provider="github_app", grant="installation", settings={"app": APP, "installation_id": "x"}), "vestal"),
        (
            App(
                provider="github_app",
                grant="installation",
                settings={"app": APP, "installation_id": "1", "permissions": "contents"},
            ),
            "contents:read",
        ),
    ],
)
def test_what_can_not_work_is_not_saved(hub: Hub, app: App, word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        hub.home.add("x", app)
    assert word in caught.value.remedy
    assert "x" not in hub.home.store.names()


def test_an_app_or_installation_that_was_spoilt_in_the_store(hub: Hub) -> None:
    name = hub.install()
    hub.replace_record(name, app=replace(hub.stored(name).app, settings={"app": APP, "installation_id": "../x"}))
    hub.replace_record(APP, app=replace(hub.stored(APP).app, private_key=None))
    for each in (name, APP):
        with pytest.raises(ConfigError):
            hub.home.token(each)
    assert hub.requests == []


def test_what_it_says_of_itself(hub: Hub) -> None:
    provider = GitHubAppProvider()
    child = hub.home.lifecycle.load(hub.install())
    assert provider.endpoint(child) == URL
    assert provider.at_stake(child) is None
    assert provider.needs(child) is None
    assert not provider.rotates(child)
    assert provider.client_fingerprint(child) == provider.client_fingerprint(hub.stored(APP))
    assert provider.client_fingerprint(child) != provider.client_fingerprint(replace(child, registration=None))
    assert provider.present(Credential(name="x", app=child.app)) is None


def test_where_the_token_of_an_installation_is_for() -> None:
    """Its app knows."""
    app = App(provider="github_app", grant="app_jwt", settings={"base_url": "https://github.acme.example"})
    installation = App(provider="github_app", grant="installation", settings={"app": "bot", "installation_id": "1"})
    apis = (
        "https://github.acme.example/api/v3",
        "https://github.acme.example/api/graphql",
        "https://github.acme.example/api/uploads",
    )
    provider = GitHubAppProvider()
    assert provider.apis(Credential(name="bot", app=app)) == apis
    assert provider.apis(Credential(name="bot/installation/1", app=installation, registration=app)) == apis
