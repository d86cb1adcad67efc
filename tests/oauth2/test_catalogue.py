"""The provider catalogue: every entry of ours, a user's own file, and what happens when one is wrong."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.errors import ConfigError
from vestal.oauth2 import catalogue
from vestal.oauth2.catalogue.entry import GRANTS
from vestal.oauth2.provider import OAuth2Provider

FOLDER = Path(catalogue.__file__).parent
NAMES = catalogue.names()
ENDPOINTS = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "device_authorization_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
)
API_HOSTS = {
    *(
        "a.klaviyo.com",
        "connect.squareup.com",
        "connect.squareupsandbox.com",
        "graph.facebook.com",
        "graph.instagram.com",
    ),
    *("graph.microsoft.com", "media.ringcentral.com", "oauth.reddit.com", "platform.ringcentral.com"),
    *("files.stripe.com", "upload.box.com", "uploads.github.com"),
    "{host}",  # of Dexcom, whose variable lists them
}
"""Hosts that are there for an API alone, as the services' documentation has it, though their names don't say so."""
STRANGERS = (
    "amazonaws.com",
    "boxcloud.com",
    "dropboxusercontent.com",
    "githubusercontent.com",
    "googleusercontent.com",
)
WriteFile = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> WriteFile:
    def write(text: str) -> Path:
        path = tmp_path / "providers.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


# Our entries


def test_there_are_many() -> None:
    assert len(NAMES) >= 100
    assert sorted(NAMES) == NAMES
    assert {"github", "google", "microsoft", "netsuite", "spotify", "slack"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_is_complete(name: str) -> None:
    provider = catalogue.find(name)
    assert provider.name == name
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    assert provider.title
    assert urlsplit(provider.docs).scheme == "https"
    assert provider.token_endpoint
    assert set(provider.grants) <= set(GRANTS)
    assert len(set(provider.grants)) == len(provider.grants) > 0
    said = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    assert {"title", "docs", "grants", "client_auth", "pkce", "rotation"} <= said.keys(), (
        "say it, though it be the default"
    )


@pytest.mark.parametrize("name", NAMES)
def test_endpoints_are_https_addresses(name: str) -> None:
    provider = catalogue.find(name)
    for key in ENDPOINTS:
        if (url := getattr(provider, key)) is None:
            continue
        parts = urlsplit(re.sub(r"\{[a-z_]+\}", "x", url))
        assert parts.scheme == "https", key
        assert re.fullmatch(r"[a-z0-9.-]+", parts.netloc), key
        assert re.fullmatch(r"[A-Za-z0-9/_.-]*", parts.path), key
        assert not parts.query, key
        assert not parts.fragment, key


@pytest.mark.parametrize("name", NAMES)
def test_apis_are_https_addresses(name: str) -> None:
    urls = catalogue.find(name).api_urls
    assert len(set(urls)) == len(urls)
    for url in urls:
        assert re.fullmatch(r"https://[a-z0-9.{}-]+\.[a-z]+(/[a-z0-9.]+)*|https://\{host\}(/[a-z0-9.]+)*", url), url


@pytest.mark.parametrize("name", NAMES)
def test_an_api_is_named_without_its_version(name: str) -> None:
    """So that a path at the proxy reads as in the service's documentation: /proxy/spotify/v1/me."""
    for url in catalogue.find(name).api_urls:
        assert not re.search(r"/v?\d[\d.]*(/|$)", url.removeprefix("https://")), url


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_host_gets_tokens_only_if_it_is_there_for_the_api(name: str) -> None:
    """Of a website, or where anybody puts files, it is the API's path alone."""
    for url in catalogue.find(name).api_urls:
        parts = urlsplit(url)
        assert parts.path or "api" in parts.netloc or parts.netloc in API_HOSTS, url
        assert parts.path or parts.netloc != "storage.googleapis.com"
        assert not parts.netloc.endswith(STRANGERS), url


def test_most_apis_are_known() -> None:
    assert sum(bool(catalogue.find(name).api_urls) for name in NAMES) > len(NAMES) * 0.75
    assert catalogue.find("spotify").api_urls == ("https://api.spotify.com",)


@pytest.mark.parametrize("name", NAMES)
def test_placeholders_and_variables_match(name: str) -> None:
    provider = catalogue.find(name)
    urls = [getattr(provider, key) or "" for key in ENDPOINTS]
    assert {found for url in urls for found in re.findall(r"\{(.*?)\}", url)} == set(provider.variables)
    assert set(re.findall(r"\{(.*?)\}", provider.token_endpoint or "")) <= set(provider.variables)
    assert all(len(meaning) > 3 for meaning in provider.variables.values())


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_does_not_contradict_itself(name: str) -> None:
    provider = catalogue.find(name)
    assert (provider.authorization_endpoint is not None) == ("authorization_code" in provider.grants)
    assert (provider.device_authorization_endpoint is not None) == ("device_code" in provider.grants)
    if "refresh_token" not in provider.grants:
        assert provider.rotation == "never", "nothing to rotate"
        assert provider.refresh_token_lifetime is None
    if provider.pkce == "required":
        assert "authorization_code" in provider.grants
    assert "\n" not in provider.quirks


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("atlassian", "authorization_parameters", {"audience": "api.atlassian.com", "prompt": "consent"}),
        ("atlassian", "rotation", "always"),
        ("dropbox", "authorization_parameters", {"token_access_type": "offline"}),
        ("facebook", "scope_separator", ","),
        ("github", "token_headers", {"Accept": "application/json"}),
        ("google", "authorization_parameters", {"access_type": "offline", "prompt": "consent"}),
        ("google", "rotation", "never"),
        ("microsoft", "issuer", "https://login.microsoftonline.com/{tenant}/v2.0"),
        ("netsuite-m2m", "client_auth", "private_key_jwt"),
        ("reddit", "authorization_parameters", {"duration": "permanent"}),
        ("salesforce", "access_token_lifetime", 7200.0),
        ("spotify", "rotation", "unknown"),
        ("spotify", "token_endpoint", "https://accounts.spotify.com/api/token"),
        ("strava", "scope_separator", ","),
        ("x", "pkce", "required"),
        ("xero", "access_token_lifetime", 1800.0),
    ],
)
def test_known_facts(name: str, key: str, value: object) -> None:
    assert getattr(catalogue.find(name), key) == value


@pytest.mark.parametrize("name", ["slack", "miro", "shopify", "zendesk", "github-app-user", "notion"])
def test_no_lifetime_is_assumed_where_silence_means_that_a_token_lasts(name: str) -> None:
    assert catalogue.find(name).access_token_lifetime is None


def test_finding_one_reads_one_file_and_little_code() -> None:
    script = """
import json, sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
from vestal.oauth2 import catalogue
catalogue.find("spotify")
late = {"difflib", "httpx2", "cryptography", "joserfc", "importlib.resources", "rich"} & set(sys.modules)
print(json.dumps([[path for path in opened if path.endswith(".toml")], sorted(late)]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[str(FOLDER / "spotify.toml")], []]


# A user's own file


def test_a_users_file_adds_and_overrides(write: WriteFile) -> None:
    extra = write("""
[acme]
title = "Acme"
docs = "https://docs.acme.example/#tokens"
authorization_endpoint = "https://{host}/authorize"
token_endpoint = "https://{host}/token"
client_auth = "post"
rotation = "always"
access_token_lifetime = 900
variables = { host = "the host of your Acme" }
quirks = '''
Wrapped
  as you like.
'''

[spotify]
token_endpoint = "http://127.0.0.1:8080/token"
""")
    assert set(catalogue.names(extra)) == {*NAMES, "acme"}
    assert catalogue.find("acme", extra) == OAuth2Provider(
        name="acme",
        title="Acme",
        docs="https://docs.acme.example/#tokens",
        authorization_endpoint="https://{host}/authorize",
        token_endpoint="https://{host}/token",
        client_auth="post",
        rotation="always",
        access_token_lifetime=900.0,
        variables={"host": "the host of your Acme"},
        quirks="Wrapped as you like.",
    )
    assert catalogue.find("spotify", extra) == catalogue.load_file(extra)["spotify"]
    assert catalogue.find("spotify", extra).token_endpoint == "http://127.0.0.1:8080/token"
    assert catalogue.find("github", extra) == catalogue.find("github")


def test_a_users_file_need_not_exist(tmp_path: Path) -> None:
    missing = tmp_path / "none.toml"
    assert catalogue.names(missing) == NAMES
    assert catalogue.find("spotify", missing) == catalogue.find("spotify")
    with pytest.raises(ConfigError, match=r"none\.toml: can't be read \(No such file or directory\)"):
        catalogue.load_file(missing)


def test_a_wrong_entry_does_not_stand_in_the_way_of_others(write: WriteFile) -> None:
    extra = write('[bad]\ntoken_endpoint = 5\n[good]\nissuer = "https://login.good.example"\n')
    assert catalogue.find("good", extra).issuer == "https://login.good.example"
    with pytest.raises(ConfigError):
        catalogue.find("bad", extra)
    with pytest.raises(ConfigError):
        catalogue.load_file(extra)


def test_a_byte_order_mark_is_forgiven(tmp_path: Path) -> None:
    path = tmp_path / "windows.toml"
    path.write_bytes(b'\xef\xbb\xbf[acme]\r\nissuer = "https://login.acme.example"\r\n')
    assert catalogue.load_file(path)["acme"].issuer == "https://login.acme.example"


# What is wrong


@pytest.mark.parametrize(
    ("name", "close"), [("spotfy", "spotify"), ("GitHub", "github"), ("gogle", "google"), ("netsuit", "netsuite")]
)
def test_an_unknown_name_gets_close_ones(name: str, close: str) -> None:
    with pytest.raises(ConfigError, match=f"there is no provider '{name}'") as caught:
        catalogue.find(name)
    assert close in caught.value.remedy
    assert "`vestal providers`" in caught.value.remedy


@pytest.mark.parametrize(
    "name", ["", "../catalogue/spotify", "/etc/passwd", "spotify.toml", "a\nb", "\0", "x" * 5000, "SPOTIFY"]
)
def test_a_name_leads_nowhere_else(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        catalogue.find(name)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[acme", "is not TOML"),
        ("a = " + "[" * 5000, "is not TOML"),
        ("token_endpoint = 'https://acme.example'", "'token_endpoint' stands outside a table"),
        ("['a b']\n", "['a b'] can't name a provider"),
        ("['a\\nb']\n", "can't name a provider"),
        ("[custom]\n", "['custom'] can't name a provider"),
        ("[acme]\n[acme]\n", "is not TOML"),
    ],
)
def test_a_broken_file_is_refused_in_one_line(write: WriteFile, text: str, what: str) -> None:
    path = write(text)
    for call in (catalogue.load_file, catalogue.names, lambda extra: catalogue.find("spotify", extra)):
        with pytest.raises(ConfigError) as caught:
            call(path)
        assert caught.value.message.startswith(f"{path}: ")
        assert what in caught.value.message
        assert caught.value.remedy
        assert len(str(caught.value).splitlines()) == 1


def test_what_is_no_text_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "providers.toml"
    path.write_bytes(b"[acme]\ntitle = '\xff'\n")
    with pytest.raises(ConfigError, match=r"is not UTF-8 text \(byte 16\)"):
        catalogue.load_file(path)
    with pytest.raises(ConfigError, match="can't be read"):
        catalogue.names(tmp_path)


@given(
    st.text()
    | st.lists(st.sampled_from(["[", "]", "acme", "=", "'", '"', "\n", "{", "}", ".", "5", "title"])).map("".join)
)
def test_any_text_gives_providers_or_a_config_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        providers = catalogue.load_file(path)
    except ConfigError as error:
        refused: ConfigError | None = error
    else:
        refused = None
        assert all(provider.name == name for name, provider in providers.items())
    assert refused is None or (refused.remedy and len(str(refused).splitlines()) == 1)
