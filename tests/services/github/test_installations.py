"""Apps and installations as credentials."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.services.github.hub import APP, URL, Hub, other_pem
from vestal.core.credential import App, check_name
from vestal.core.errors import ConfigError, HTTPError
from vestal.core.secret import Secret
from vestal.home import Home
from vestal.services.github.installations import (
    EVERYTHING,
    Narrowing,
    add_app,
    credential_name,
    ensure,
    lookup_path,
    read_installation,
)

LEVELS = st.sampled_from(["read", "write", "admin"])
PERMISSIONS = st.dictionaries(st.sampled_from(["contents", "issues", "checks", "pull_requests"]), LEVELS)
REPOSITORIES = st.lists(st.from_regex(r"\A[A-Za-z0-9._-]{1,20}\Z"), max_size=5)


@pytest.fixture
def hub() -> Hub:
    hub = Hub()
    hub.add_app()
    return hub


# Names and narrowings


def test_names() -> None:
    assert credential_name(APP, 42) == credential_name(APP, "42", EVERYTHING) == "acme-bot/installation/42"
    narrowed = credential_name(APP, 42, Narrowing.of(["widgets"]))
    assert narrowed.startswith("acme-bot/installation/42/")
    assert check_name(narrowed) == narrowed


def test_the_same_narrowing_is_the_same_credential() -> None:
    one = Narrowing.of(["Widgets", "acme/gadgets "], permissions={"issues": "write", "Contents": "READ"})
    two = Narrowing.of(["gadgets", "widgets", "acme/WIDGETS"], permissions={"contents": "read", "issues": "write"})
    assert one == two
    assert one.fingerprint() == two.fingerprint()
    assert one.body() == {
        "repositories": ["gadgets", "widgets"],
        "permissions": {"contents": "read", "issues": "write"},
    }
    assert Narrowing.of(repository_ids=["7", 5, 7]).body() == {"repository_ids": [5, 7]}
    assert EVERYTHING.body() == EVERYTHING.settings() == {}
    assert EVERYTHING.fingerprint() == ""


def test_different_narrowings_are_different_credentials() -> None:
    all_of_them = [
        EVERYTHING,
        Narrowing.of(["a"]),
        Narrowing.of(["a", "b"]),
        Narrowing.of(["5"]),
        Narrowing.of(repository_ids=[5]),
        Narrowing.of(permissions={"contents": "read"}),
        Narrowing.of(permissions={"contents": "write"}),
        Narrowing.of(["a"], permissions={"contents": "read"}),
    ]
    assert len({each.fingerprint() for each in all_of_them}) == len(all_of_them)


@given(REPOSITORIES, PERMISSIONS)
def test_a_narrowing_survives_being_written_as_settings(repositories: list[str], permissions: dict[str, str]) -> None:
    narrowing = Narrowing.of(repositories, permissions=permissions)
    assert Narrowing.read(narrowing.settings()) == narrowing
    assert Narrowing.of(reversed(repositories), permissions=dict(reversed(permissions.items()))) == narrowing


@given(st.dictionaries(st.sampled_from(["repositories", "repository_ids", "permissions"]), st.text()))
def test_any_settings_are_a_narrowing_or_an_error(settings: dict[str, str]) -> None:
    with suppress(ConfigError):
        narrowing = Narrowing.read(settings)
        assert Narrowing.read(narrowing.settings()) == narrowing


@pytest.mark.parametrize(
    "wrong",
    [
        {"repositories": ["a"], "repository_ids": [5]},
        {"repositories": [f"r{number}" for number in range(501)]},
        {"repositories": ["a,b"]},
        {"repositories": [""]},
        {"repositories": ["widgets", "acme/ "]},
        {"repository_ids": [""]},
        {"repository_ids": ["five"]},
        {"repository_ids": [-5]},
        {"permissions": {"contents": "all"}},
        {"permissions": {"": "read"}},
    ],
)
def test_what_is_no_narrowing(wrong: Mapping[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        Narrowing.of(**wrong)
    assert caught.value.remedy


# Apps


def test_an_app_is_added_with_its_key_in_order() -> None:
    hub = Hub()
    credential = add_app(hub.home, APP, f" {hub.app.client_id}\n", Secret(hub.app.private_key.replace("\n", "\\n")))
    assert credential.app.client_id == hub.app.client_id
    assert credential.app.private_key == Secret(hub.app.private_key)
    assert (credential.app.provider, credential.app.grant, credential.app.settings) == ("github_app", "app_jwt", {})


@pytest.mark.parametrize(
    ("pasted", "kept"),
    [("ghe.example", "https://ghe.example/api/v3"), ("https://acme.ghe.com/x", "https://api.acme.ghe.com"), (URL, URL)],
)
def test_an_app_of_another_github(pasted: str, kept: str) -> None:
    hub = Hub()
    made = add_app(hub.home, APP, "1", Secret(hub.app.private_key), pasted)
    assert made.app.settings == {"base_url": kept}


@pytest.mark.parametrize(
    ("client_id", "key", "base_url"),
    [("", None, ""), ("1", "no key", ""), ("1", None, "http://ghe.example"), ("1", "-----BEGIN nothing", "")],
)
def test_an_app_that_can_not_work_is_not_saved(client_id: str, key: str | None, base_url: str) -> None:
    hub = Hub()
    with pytest.raises(ConfigError) as caught:
        add_app(hub.home, APP, client_id, Secret(hub.app.private_key if key is None else key), base_url)
    assert caught.value.remedy
    assert hub.home.store.names() == []


def test_an_app_takes_anothers_place_only_when_it_is_said(hub: Hub) -> None:
    with pytest.raises(ConfigError, match="already"):
        hub.add_app(private_key=other_pem())
    assert hub.stored(APP).app.private_key == Secret(hub.app.private_key)
    hub.add_app(private_key=other_pem(), over=True)
    assert hub.stored(APP).app.private_key == Secret(other_pem())


# Installations


def test_an_installation_is_made_once(hub: Hub) -> None:
    name = ensure(hub.home, APP, 42)
    first = hub.stored(name)
    assert first.app.settings == {"app": APP, "installation_id": "42"}
    assert ensure(hub.home, APP, "42") == name
    assert hub.stored(name) == first


def test_many_workers_make_the_same_one_at_once(tmp_path: Path) -> None:
    """Each with a home of its own on the same folder, as processes have."""
    homes = [Home(tmp_path / "home", environ={}) for _ in range(8)]
    hub = Hub()
    add_app(homes[0], APP, "1", Secret(hub.app.private_key))
    start = Barrier(len(homes))

    def work(home: Home) -> str:
        start.wait()
        return ensure(home, APP, 42, Narrowing.of(["widgets"]))

    with ThreadPoolExecutor(len(homes)) as threads:
        names = set(threads.map(work, homes))
    assert len(names) == 1
    assert homes[0].store.names() == [APP, *names]
    for home in homes:
        home.close()


def test_an_installation_of_no_app(hub: Hub) -> None:
    hub.home.add("spotify", App(provider="spotify"))
    for app in ("nobody", "spotify", ensure(hub.home, APP, 1)):
        with pytest.raises(ConfigError) as caught:
            ensure(hub.home, app, 42)
        assert caught.value.credential == app
    with pytest.raises(ConfigError, match="name a credential"):
        ensure(hub.home, APP, "../..")


# Looking them up


def test_where_an_installation_is_looked_up() -> None:
    assert lookup_path(repository="acme/widgets") == "/repos/acme/widgets/installation"
    assert lookup_path(organization="acme") == "/orgs/acme/installation"
    assert lookup_path(user="octo cat") == "/users/octo%20cat/installation"


@pytest.mark.parametrize(
    "wrong",
    [{}, {"organization": "a", "user": "b"}, {"repository": "acme"}, {"repository": "a/b/c"}, {"repository": "/b"}],
)
def test_what_can_not_be_looked_up(wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        lookup_path(**wrong)


def test_reading_what_github_says_of_one(hub: Hub) -> None:
    hub.installation.suspended_at = 1_800_000_000
    token = hub.home.token(APP)
    request = hub.requests[-1]
    path = lookup_path(repository="acme/widgets")
    response = hub.send(type(request)("GET", URL + path, {"Authorization": Secret(token.authorization)}))
    found = read_installation(json.loads(response.bytes()))
    assert (found.id, found.account, found.account_type) == (hub.installation.id, "acme", "Organization")
    assert (found.app_id, found.app_slug, found.repository_selection) == (hub.app.id, "acme-bot", "all")
    assert found.permissions["contents"] == "read"
    assert found.suspended_at == 1_800_000_000
    assert found.html_url


def test_an_installation_in_an_enterprise() -> None:
    found = read_installation({"id": 1, "account": {"slug": "acme-inc"}, "target_type": "Enterprise"})
    assert (found.account, found.account_type, found.suspended_at) == ("acme-inc", "Enterprise", None)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))


@given(st.dictionaries(st.sampled_from(["id", "account", "permissions", "suspended_at", "html_url"]), JSON) | JSON)
def test_any_json_is_an_installation_or_an_error(data: object) -> None:
    with suppress(HTTPError):
        assert type(read_installation(data).id) is int
