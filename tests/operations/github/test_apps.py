from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.github.stub.server import Stub
from vestal.core.errors import AuthFailed, ConfigError, NeedsLogin, NotInstalled
from vestal.core.secret import Secret
from vestal.home import Home
from vestal.operations.github import git
from vestal.operations.github.apps import apps, installations, installed, only_app, register_app, register_token
from vestal.operations.github.pools import Pools, Whose
from vestal.operations.github.quota import lines
from vestal.services.git_protocol import Question


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub(pulls=1) as stub:
        yield stub


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    yield home
    home.close()


def add(home: Home, stub: Stub, name: str = "acme-bot", *accounts: str) -> str:
    """An app, installed in accounts."""
    app = stub.add_app(name)
    for account in accounts:
        stub.install(app, account)
    told, _ = register_app(home, name, app.client_id, Secret(app.private_key), stub.url)
    assert told["slug"] == name
    return name


def test_an_app_is_added_when_github_takes_its_key(home: Home, stub: Stub) -> None:
    app, other = stub.add_app("acme-bot"), stub.add_app("other", key_number=1)
    stub.install(app, "acme")
    with pytest.raises(AuthFailed):
        register_app(home, "acme-bot", app.client_id, Secret(other.private_key), stub.url)
    assert home.store.names() == []
    told, found = register_app(home, "acme-bot", str(app.id), Secret(app.private_key), stub.url)
    assert (told["app_id"], [each.account for each in found]) == (app.id, ["acme"])
    assert list(apps(home)) == ["acme-bot"]
    before = len(stub.log)
    with pytest.raises(ConfigError, match="already"):
        register_app(home, "acme-bot", app.client_id, Secret(app.private_key), stub.url)
    assert len(stub.log) == before
    register_app(home, "acme-bot", app.client_id, Secret(app.private_key), stub.url, over=True)


def test_a_token_is_added_when_github_takes_it(home: Home, stub: Stub) -> None:
    token = stub.add_pat("alice", expires_in=86400)
    told, given = register_token(home, "me", Secret(token), stub.url)
    assert (told["login"], told["kind"]) == ("alice", "classic")
    assert given.expires_at is not None
    assert home.token("me").access_token == Secret(token)
    stub.revoke(token)
    with pytest.raises(NeedsLogin):
        register_token(home, "again", Secret(token), stub.url)
    assert home.store.names() == ["me"]


def test_what_replaces_stays_at_its_github(home: Home, stub: Stub) -> None:
    app = stub.add_app("acme-bot")
    register_app(home, "acme-bot", app.client_id, Secret(app.private_key), stub.url)
    register_app(home, "acme-bot", str(app.id), Secret(app.private_key), over=True)
    register_token(home, "me", Secret(stub.add_pat("alice")), stub.url)
    register_token(home, "me", Secret(stub.add_pat("alice")), over=True)
    assert [each.app.settings for each in home.store.iterate()] == [{"base_url": stub.url}] * 2
    assert home.lifecycle.load("acme-bot").app.client_id == str(app.id)


def test_one_app_is_enough_of_a_name(home: Home, stub: Stub) -> None:
    with pytest.raises(ConfigError, match="no GitHub App yet"):
        only_app(home, None)
    add(home, stub)
    assert only_app(home, None) == "acme-bot"
    add(home, stub, "second")
    with pytest.raises(ConfigError, match="2 GitHub Apps: acme-bot, second"):
        only_app(home, None)
    assert only_app(home, "second") == "second"
    with pytest.raises(ConfigError):
        only_app(home, "third")


def test_all_pages_of_installations_are_read(home: Home, stub: Stub) -> None:
    app = stub.add_app("acme-bot")
    for number in range(105):
        stub.world.add_user(f"org{number}", type="Organization")
        stub.install(app, f"org{number}")
    stub.suspend(stub.install(app, "acme"))
    _, found = register_app(home, "acme-bot", app.client_id, Secret(app.private_key), stub.url)
    assert len(found) == 106
    assert [each.account for each in installations(home, "acme-bot") if each.suspended_at is not None] == ["acme"]


def test_a_pool_of_an_app_is_the_installation_that_reaches(home: Home, stub: Stub) -> None:
    add(home, stub, "acme-bot", "acme", "octocat")
    pools = Pools(home, Whose(app="acme-bot"))
    try:
        assert [info.owner.partition("/")[2] for info in pools.reaching("acme/secret").tokens] == [
            "installation/" + name.rpartition("/")[2] for name in installed(home)
        ]
        assert pools.reaching("acme/widgets") is pools.reaching("acme/secret")
        with pytest.raises(NotInstalled, match="not installed on bob/thing"):
            pools.reaching("bob/thing")
        assert {line.bucket for line in lines(pools.all())} == {"core", "graphql", "search"}
        assert len({line.owner for line in lines(pools.all(), everything=True)}) == 2
    finally:
        pools.close()


def test_a_credential_asks_where_it_is_good(home: Home, stub: Stub) -> None:
    register_token(home, "me", Secret(stub.add_pat("alice")), stub.url)
    pools = Pools(home, Whose(credentials=("me",)))
    try:
        assert pools.all().api.place.api_url == stub.url
        assert pools.reaching("acme/widgets") is pools.all()
    finally:
        pools.close()


def test_who_can_not_ask(home: Home) -> None:
    with pytest.raises(ConfigError, match="both an app and credentials"):
        Pools(home, Whose("a", ("b",)))
    with pytest.raises(ConfigError):
        Pools(home, Whose("a"))
    with pytest.raises(ConfigError, match="there is no GitHub token to ask with"):
        Pools(home, Whose(), environ={}).all()


def test_several_apps_for_a_host_have_to_be_told_apart(home: Home, stub: Stub) -> None:
    add(home, stub, "acme-bot", "acme")
    add(home, stub, "second", "acme")
    question = Question("http", stub.url.removeprefix("http://"), "acme/secret.git")
    with pytest.raises(ConfigError, match="say which one with --app"):
        git.get(home, question)
    assert git.get(home, question, app="second") is not None
    assert list(installed(home)) == [name for name in home.store.names() if name.startswith("second/installation/")]
