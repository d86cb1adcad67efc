"""`Home`: the folder, its key and configuration, and everything wired together."""

from __future__ import annotations

import base64
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import platformdirs
import pytest

from vestal.core.credential import App, Intent
from vestal.core.errors import AuthFailed, ConfigError, VestalError
from vestal.core.secret import Secret
from vestal.home import KEY_SOURCES, Home, default_folder
from vestal.stores.keys import EnvironmentKeys, FileKeys, KeyringKeys, PassphraseKeys
from vestal.stores.memory import MemoryBackend
from vestal.stores.sealing import SealedStore
from vestal.testing.practice import PracticeServer


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home", environ={})
    yield home
    home.close()


@pytest.fixture
def server() -> Iterator[PracticeServer]:
    with PracticeServer() as server:
        yield server


def app(url: str = "https://acme.example", **values: Any) -> App:
    settings = {"token_url": f"{url}/token", **values.pop("settings", {})}
    secret = Secret("practice-secret")
    return App(**{"provider": "custom", "client_id": "practice", "client_secret": secret, **values}, settings=settings)


def configure(home: Home, text: str) -> None:
    home.folder.mkdir(0o700, exist_ok=True)
    (home.folder / "config.toml").write_text(text, "utf-8")


def refusal(error: pytest.ExceptionInfo[VestalError]) -> str:
    assert type(error.value) is ConfigError
    assert error.value.remedy
    return error.value.message


# The folder


def test_the_default_folder(tmp_path: Path) -> None:
    usual = Path(platformdirs.user_data_dir("vestal", appauthor=False))
    assert default_folder({}) == default_folder({"VESTAL_HOME": ""}) == Home(environ={}).folder == usual
    assert Home(environ={"VESTAL_HOME": str(tmp_path)}).folder == tmp_path
    assert Home(tmp_path / "a", environ={"VESTAL_HOME": str(tmp_path)}).folder == tmp_path / "a"
    assert default_folder({"VESTAL_HOME": "~/x"}) == Path.home() / "x"
    assert default_folder({"VESTAL_HOME": "x"}) == Path.cwd() / "x"


def test_nothing_is_made_before_the_first_use(home: Home) -> None:
    assert isinstance(home.keys(), FileKeys)
    assert home.providers_file is None
    home.close()
    assert not home.folder.exists()
    assert home.store.names() == []
    assert {path.name for path in home.folder.iterdir()} >= {"key", "store.db"}


def test_the_key_is_made_once(home: Home) -> None:
    home.add("a", app())
    key = (home.folder / "key").read_bytes()
    with closing(Home(home.folder, environ={})) as again:
        assert again.store.load("a") == home.store.load("a")
    assert (home.folder / "key").read_bytes() == key


def test_no_new_key_for_a_store_whose_key_is_missing(home: Home) -> None:
    home.add("a", app())
    (home.folder / "key").unlink()
    with closing(Home(home.folder, environ={})) as again, pytest.raises(ConfigError, match="missing"):
        again.store.load("a")
    assert not (home.folder / "key").exists()


# config.toml


@pytest.mark.parametrize("source", KEY_SOURCES)
def test_where_the_key_comes_from(home: Home, source: str) -> None:
    configure(home, f'[key]\nsource = "{source}"\n')
    kinds = {"file": FileKeys, "environment": EnvironmentKeys, "keyring": KeyringKeys, "passphrase": PassphraseKeys}
    assert type(home.keys()) is kinds[source]


@pytest.mark.parametrize("text", ["", "[key]\n"])
def test_an_empty_configuration_is_the_default(home: Home, text: str) -> None:
    configure(home, text)
    assert isinstance(home.keys(), FileKeys)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[key\n", "config.toml"),
        ("[store]\nurl = 1\n", "'store'"),
        ("key = 1\n", "found 1"),
        ('[key]\nsource = "file"\npath = "x"\n', "'path'"),
        ('[key]\nsource = "cloud"\n', "'cloud'"),
        ("[key]\nsource = 1\n", "source is 1"),
        ("[key]\nsource = []\n", "source is []"),
        ("[key]\nsource = {a = 1}\n", "source is {'a': 1}"),
    ],
)
def test_a_broken_configuration(home: Home, text: str, word: str) -> None:
    configure(home, text)
    with pytest.raises(ConfigError) as caught:
        home.store.names()
    assert word in refusal(caught)
    assert not (home.folder / "store.db").exists()


def test_a_configuration_that_is_no_text(home: Home) -> None:
    configure(home, "")
    (home.folder / "config.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError):
        home.keys()
    (home.folder / "config.toml").unlink()
    (home.folder / "config.toml").mkdir()
    with pytest.raises(ConfigError, match="directory"):
        home.keys()


def test_a_key_from_the_given_environment(tmp_path: Path) -> None:
    with closing(Home(tmp_path / "home", environ={"VESTAL_KEY": base64.b64encode(bytes(32)).decode()})) as home:
        configure(home, '[key]\nsource = "environment"\n')
        assert home.add("a", app()).revision == 1
        assert not (home.folder / "key").exists()


def test_a_passphrase_is_asked_for_or_in_the_environment(tmp_path: Path) -> None:
    with closing(Home(tmp_path / "home", passphrase=lambda: Secret("correct horse"))) as home:
        configure(home, '[key]\nsource = "passphrase"\n')
        home.add("a", app())
    with closing(Home(tmp_path / "home", environ={"VESTAL_PASSPHRASE": "correct horse"})) as home:
        assert home.store.load("a") is not None
    with closing(Home(tmp_path / "home", environ={})) as home, pytest.raises(ConfigError, match="passphrase") as caught:
        home.store.load("a")
    assert "VESTAL_PASSPHRASE" in caught.value.remedy


# Credentials


def test_add_and_ask(home: Home, server: PracticeServer) -> None:
    home.add("a", app(server.url), Secret(server.issue_refresh_token()))
    token = home.token("a")
    assert token.version == 1
    assert home.token("a") is token
    assert home.source("a") is home.source("a")
    assert server.counters["redemptions"] == 1


def test_a_taken_name(home: Home) -> None:
    first = home.add("a", app(), Secret("one"))
    with pytest.raises(ConfigError, match="already") as caught:
        home.add("a", app(), Secret("two"))
    assert caught.value.credential == "a"
    assert home.store.load("a") == first


def test_add_over(home: Home, server: PracticeServer) -> None:
    """The new app and refresh token, a clean slate; version, revision and history go on, and sources let go."""
    home.add("a", app(server.url), Secret(server.issue_refresh_token()))
    before = home.token("a")
    old = home.store.load("a")
    assert old is not None
    newer = server.issue_refresh_token()
    made = home.add("a", app(server.url, scopes=("read",)), Secret(newer), over=True)
    assert (made.app.scopes, made.token, made.refresh_token) == (("read",), None, Secret(newer))
    assert (made.version, made.history, made.revision) == (old.version, old.history, old.revision + 1)
    after = home.token("a")
    assert after.version > before.version
    assert after.access_token != before.access_token
    again = home.store.load("a")
    assert again is not None
    kept = home.add("a", app(server.url), over=True)
    assert kept.refresh_token == again.refresh_token != Secret(newer)


def test_add_over_with_the_old_refresh_token_keeps_what_hangs_on_it(home: Home) -> None:
    """A worker died with the answer recorded: in it is the only copy of the next refresh token."""
    intent = Intent(fingerprint="f" * 16, at=1.0, version=0, holder="a dead worker", responses=(Secret("[]"),))
    old = home.add("a", app(), Secret("one"))
    known = replace(old, intent=intent, suspect=True, rotating=True, secrets={"dpop_key": Secret("key")})
    home.store.save(replace(known, refused=("x",), failures=3, refusals=2))
    made = home.add("a", app(client_secret=Secret("corrected")), over=True)
    assert (made.refresh_token, made.intent, made.suspect, made.rotating) == (Secret("one"), intent, True, True)
    assert made.secrets == {"dpop_key": Secret("key")}
    assert (made.refused, made.failures, made.refusals, made.last_error) == ((), 0, 0, None)
    another = home.add("a", app(), Secret("two"), over=True)
    assert (another.refresh_token, another.intent, another.suspect, another.rotating) == (
        Secret("two"),
        None,
        False,
        None,
    )
    assert another.secrets == {}


def test_add_over_nothing_is_add(home: Home) -> None:
    assert home.add("a", app(), over=True).revision == 1


def test_an_unknown_provider(home: Home) -> None:
    with pytest.raises(ConfigError) as caught:
        home.add("a", app(provider="nobody"))
    assert "nobody" in refusal(caught)
    assert home.store.names() == []


@pytest.mark.parametrize("name", ["", "/a", "a b", "../a", "a" * 201, "a\n"])
def test_an_impossible_name(home: Home, name: str) -> None:
    for work in (lambda: home.add(name, app()), lambda: home.source(name)):
        with pytest.raises(ConfigError, match="can't name a credential"):
            work()
    assert not home.folder.exists()


def test_remove(home: Home, server: PracticeServer) -> None:
    home.add("a", app(server.url), Secret(server.issue_refresh_token()))
    source = home.source("a")
    source.token()
    home.remove("a")
    assert home.store.names() == []
    assert source.peek() is None
    with pytest.raises(ConfigError, match="no credential of that name"):
        source.token()
    with pytest.raises(ConfigError, match="no credential of that name"):
        home.remove("a")


def test_a_record_that_was_spoilt_can_be_removed(home: Home) -> None:
    """As its error advises."""
    home.add("a", app())
    with closing(sqlite3.connect(home.folder / "store.db")) as db, db:
        db.execute("UPDATE credentials SET public = replace(public, 'acme', 'evil')")
    with pytest.raises(ConfigError, match="changed outside Vestal") as caught:
        home.token("a")
    assert "`vestal remove a`" in caught.value.remedy
    home.remove("a")
    assert home.add("a", app()).revision == 1


def test_a_token_for_another_credentials_token(home: Home, server: PracticeServer) -> None:
    """Token exchange (RFC 8693) between two credentials of one home."""
    home.add("subject", app(server.url), Secret(server.issue_refresh_token(subject="somebody")))
    exchange = app(server.url, grant="token_exchange", settings={"subject_credential": "subject"})
    home.add("exchanged", exchange)
    token = home.token("exchanged")
    assert token.access_token != home.token("subject").access_token
    assert server.counters["redemptions"] == 1
    assert server.counters["issued.token-exchange"] == 1
    home.token("exchanged", newer_than=token.version)
    assert (server.counters["redemptions"], server.counters["issued.token-exchange"]) == (1, 2)


# Providers of other packages

PLUGGED_IN = """
from vestal.oauth2.provider import OAuth2Provider

def acme():
    return OAuth2Provider(name="acme-plugged-in", token_endpoint="{url}/token")

def broken():
    raise LookupError("a secret, for all we know")
"""


@pytest.fixture
def package(tmp_path: Path, server: PracticeServer) -> Iterator[None]:
    """An installed distribution that brings providers."""
    folder = tmp_path / "site"
    metadata = folder / "acme_vestal_home-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-vestal-home\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(
        "[vestal.providers]\n"
        "acme-plugged-in = acme_vestal_home:acme\n"
        "acme-broken = acme_vestal_home:broken\n"
        "acme-missing = acme_vestal_nowhere:acme\n"
        "spotify = acme_vestal_home:broken\n"
    )
    (folder / "acme_vestal_home.py").write_text(PLUGGED_IN.replace("{url}", server.url))
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))
    sys.modules.pop("acme_vestal_home", None)


@pytest.mark.usefixtures("package")
def test_a_plugged_in_provider(home: Home, server: PracticeServer) -> None:
    plugged_in = App(provider="acme-plugged-in", client_id="practice", client_secret=Secret("practice-secret"))
    home.add("a", plugged_in, Secret(server.issue_refresh_token()))
    assert home.token("a").version == 1
    assert server.counters["redemptions"] == 1


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(("name", "why"), [("acme-broken", "LookupError"), ("acme-missing", "ModuleNotFoundError")])
def test_a_plugged_in_provider_that_does_not_load(home: Home, name: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        home.add("a", app(provider=name))
    message = refusal(caught)
    assert name in message
    assert why in message
    assert "a secret" not in message
    assert caught.value.__context__ is None


@pytest.mark.usefixtures("package")
def test_a_package_can_not_take_the_place_of_a_built_in_provider(home: Home) -> None:
    assert home.plugged_in("spotify") is None
    assert home.provider_for(App(provider="spotify")).title == "Spotify"


# Other stores


def test_a_home_in_memory(tmp_path: Path, server: PracticeServer) -> None:
    with closing(Home.in_memory(tmp_path / "none")) as home, closing(Home.in_memory(tmp_path / "none")) as other:
        home.add("a", app(server.url), Secret(server.issue_refresh_token()))
        assert home.token("a").version == 1
        assert other.store.names() == []
        assert home.store.keys.ring() != other.store.keys.ring()
        record = home.store.backend.get("a")
        assert record is not None
        assert home.token("a").access_token.reveal().encode() not in record.sealed
    assert list(tmp_path.glob("none")) == []


def test_a_store_of_ones_own(tmp_path: Path) -> None:
    class Closed(MemoryBackend):
        closed = False

        def close(self) -> None:
            self.closed = True

    backend = Closed()
    store = SealedStore(backend, EnvironmentKeys(environ={"VESTAL_KEY": base64.b64encode(bytes(32)).decode()}.get))
    with closing(Home(tmp_path / "none", store=store, environ={})) as home:
        home.add("a", app())
        assert home.store is store
    assert store.names() == ["a"]
    assert not backend.closed
    assert not (tmp_path / "none").exists()


def test_a_change_of_an_app_reaches_what_belongs_to_it(home: Home, server: PracticeServer) -> None:
    """What a source remembers of a refusal is forgotten at once, and not some moment later."""
    bad = app(server.url, grant="client_credentials", client_secret=Secret("wrong"))
    home.add("bot", bad)
    home.add("bot/child", bad)
    with pytest.raises(AuthFailed):
        home.token("bot/child")
    child = home.store.load("bot/child")
    assert child is not None
    good = replace(bad, client_secret=Secret("practice-secret"))
    home.store.save(replace(child, app=good, refused=(), last_error=None))  # by another process
    home.add("bot", good, over=True)
    assert home.token("bot/child").version == 1
