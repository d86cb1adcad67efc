"""Where a GitHub lives, from whatever a person pastes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.errors import ConfigError
from vestal.oauth2.address import check_address
from vestal.services.github.place import Place

GITHUB = Place("https://api.github.com", "https://api.github.com/graphql", "https://github.com")
SERVER = Place(
    "https://ghe.example/api/v3",
    "https://ghe.example/api/graphql",
    "https://ghe.example",
    "https://ghe.example/api/uploads",
)
TENANT = Place(
    "https://api.acme.ghe.com",
    "https://api.acme.ghe.com/graphql",
    "https://acme.ghe.com",
    "https://uploads.acme.ghe.com",
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "https://api.github.com",
        "https://api.github.com/",
        "https://api.github.com/graphql",
        "HTTPS://API.GITHUB.COM",
        "github.com",
        "www.github.com",
        "https://github.com/acme/widgets?tab=readme#top",
        "https://uploads.github.com",
    ],
)
def test_github_com(text: str) -> None:
    assert Place.of(text) == GITHUB == Place()


@pytest.mark.parametrize(
    "text",
    [
        "ghe.example",
        "https://ghe.example",
        "https://ghe.example/",
        "https://GHE.example:443/api/v3",
        "https://ghe.example/api/v3/",
        "https://ghe.example/api/v3/repos/acme/widgets",
        "https://ghe.example/api/graphql",
        "https://ghe.example/api/uploads",
        "https://ghe.example/acme/widgets",
    ],
)
def test_an_enterprise_server(text: str) -> None:
    assert Place.of(text) == SERVER


def test_an_enterprise_server_with_a_port_or_behind_a_prefix() -> None:
    assert Place.of("https://ghe.example:8443/api/v3").graphql_url == "https://ghe.example:8443/api/graphql"
    assert Place.of("https://proxy.example/ghe/api/v3").web_url == "https://proxy.example/ghe"


@pytest.mark.parametrize(
    "text",
    ["acme.ghe.com", "https://acme.ghe.com/octo/repo", "https://api.acme.ghe.com", "https://uploads.acme.ghe.com"],
)
def test_a_tenant_with_data_residency(text: str) -> None:
    assert Place.of(text) == TENANT


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"])
def test_a_stub_on_this_machine(host: str) -> None:
    root = f"http://{host}"
    assert Place.of(f"{root}/") == Place(root, f"{root}/graphql", root, root)
    assert Place.of(f"{root}/api/v3") == Place(f"{root}/api/v3", f"{root}/api/graphql", root, f"{root}/api/uploads")


@pytest.mark.parametrize(
    "text",
    ["http://ghe.example", "https://me:secret@ghe.example", "https://", "ftp://ghe.example", "ghe example", "ghe.com",
     "https://a.b.ghe.com", "https://ghe.example:x", "https://gh\u00e9.example"],
)  # fmt: skip
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Place.of(text)
    assert "base_url" in caught.value.remedy
    assert "secret@" not in str(caught.value)


@given(st.text() | st.from_regex(r"\A(https?://)?[a-z0-9.:\[\]-]{0,20}(/[a-z0-9/]{0,20})?\Z"))
def test_any_text_gives_addresses_that_secrets_may_go_to_or_an_error(text: str) -> None:
    with suppress(ConfigError):
        place = Place.of(text)
        for url in (place.api_url, place.graphql_url, place.web_url, place.uploads_url):
            assert check_address(url, "x", "x") == url
            assert not url.endswith("/")
        assert Place.of(place.api_url) == place


def test_paths_headers_and_the_page_where_an_app_is_installed() -> None:
    assert GITHUB.url("/app") == GITHUB.url("app") == "https://api.github.com/app"
    headers = GITHUB.headers()
    assert (headers["Accept"], headers["X-GitHub-Api-Version"]) == ("application/vnd.github+json", "2022-11-28")
    assert str(headers["User-Agent"]).startswith("vestal/")
    assert GITHUB.headers("application/vnd.github.diff")["Accept"] == "application/vnd.github.diff"
    assert GITHUB.install_url("acme bot") == "https://github.com/apps/acme%20bot/installations/new"
    assert SERVER.install_url("bot") == "https://ghe.example/github-apps/bot/installations/new"
