from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.credential import App
from vestal.core.errors import ConfigError
from vestal.oauth2.address import check_address
from vestal.oauth2.configuration import configured, custom, settings_of
from vestal.oauth2.provider import OAuth2Provider

TENANTED = OAuth2Provider(
    name="acme",
    title="Acme",
    issuer="https://{domain}/{realm}",
    authorization_endpoint="https://{domain}/{realm}/authorize",
    token_endpoint="https://{domain}/{realm}/token",
    variables={"domain": "your own host", "realm": "the realm"},
)
PLAIN = OAuth2Provider(name="plain", token_endpoint="https://plain.example/token")


def app(**settings: str) -> App:
    return App(provider="acme", settings=settings)


def test_variables_are_filled_in() -> None:
    made = configured(TENANTED, app(domain="acme.example", realm="main"))
    assert made.issuer == "https://acme.example/main"
    assert made.authorization_endpoint == "https://acme.example/main/authorize"
    assert made.token_endpoint == "https://acme.example/main/token"
    assert made.revocation_endpoint is None


@pytest.mark.parametrize("pasted", ["acme.example", "https://acme.example", "https://acme.example/", " acme.example "])
def test_a_host_may_be_pasted_as_an_address(pasted: str) -> None:
    made = configured(TENANTED, app(domain=pasted, realm="main"))
    assert made.token_endpoint == "https://acme.example/main/token"


def test_a_whole_address_may_be_a_variable() -> None:
    made = configured(replace(PLAIN, token_endpoint="{base}/token"), app(base="http://127.0.0.1:8080/"))
    assert made.token_endpoint == "http://127.0.0.1:8080/token"


@pytest.mark.parametrize("settings", [{}, {"domain": "acme.example"}, {"domain": "", "realm": "main"}])
def test_an_unset_variable_is_named_and_explained(settings: dict[str, str]) -> None:
    name, what = ("realm", "the realm") if settings.get("domain") else ("domain", "your own host")
    with pytest.raises(ConfigError) as caught:
        configured(TENANTED, app(**settings))
    assert caught.value.message == f"Acme needs to know {name}: {what}"
    assert caught.value.remedy == f"set {name}=..."


@pytest.mark.parametrize("value", ["evil.example#", "a b", "a?b", "me@evil.example", "a\\b", "{realm}", "tänant"])
def test_a_variable_cannot_bend_the_address(value: str) -> None:
    with pytest.raises(ConfigError, match="realm can't be a part of an address"):
        configured(TENANTED, app(domain="acme.example", realm=value))


def test_endpoints_can_be_replaced() -> None:
    made = configured(
        TENANTED,
        app(
            token_url="https://t.example",
            authorize_url="https://a.example",
            device_url="https://d.example",
            revoke_url="https://r.example",
            introspect_url="https://i.example",
            issuer="https://s.example",
        ),
    )
    assert made.token_endpoint == "https://t.example"
    assert made.authorization_endpoint == "https://a.example"
    assert made.device_authorization_endpoint == "https://d.example"
    assert made.revocation_endpoint == "https://r.example"
    assert made.introspection_endpoint == "https://i.example"
    assert made.issuer == "https://s.example"


def test_other_fields_can_be_replaced() -> None:
    made = configured(
        PLAIN,
        app(
            scope_separator=",",
            pkce="required",
            rotation="never",
            dpop="true",
            client_auth="post",
            issuer_in_callback="true",
            access_token_lifetime="1800",
        ),
    )
    assert made == replace(
        PLAIN,
        scope_separator=",",
        pkce="required",
        rotation="never",
        dpop=True,
        client_auth="post",
        issuer_in_callback=True,
        access_token_lifetime=1800.0,
    )


def test_without_settings_nothing_changes() -> None:
    full = replace(PLAIN, pkce="none", rotation="always", dpop=True, access_token_lifetime=60.0)
    assert configured(full, app()) == full


@pytest.mark.parametrize("settings", [{"pkce": "maybe"}, {"rotation": "often"}, {"dpop": "x"}, {"client_auth": "x"}])
def test_what_is_no_value(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=f"the setting {next(iter(settings))} is not"):
        configured(PLAIN, app(**settings))


def test_a_server_whose_proofs_we_cannot_sign() -> None:
    strict = replace(PLAIN, dpop_algorithms=("RS256",))
    assert configured(strict, app()).dpop is False
    with pytest.raises(ConfigError, match="no DPoP proofs signed with ES256"):
        configured(strict, app(dpop="true"))
    assert configured(replace(PLAIN, dpop_algorithms=("RS256", "ES256")), app(dpop="true")).dpop is True


def test_a_custom_provider_is_made_of_settings() -> None:
    made = custom(app(token_url="https://acme.example/token", pkce="none"))
    assert (made.name, made.label) == ("custom", "acme.example")
    assert (made.token_endpoint, made.pkce) == ("https://acme.example/token", "none")
    assert {"device_code", "client_credentials", "token_exchange"} <= set(made.grants)
    assert custom(app()).label == "custom"


def test_a_provider_is_kept_in_settings_and_made_again() -> None:
    found = custom(
        app(
            issuer="https://acme.example",
            token_url="https://acme.example/token",
            device_url="https://acme.example/device",
            client_auth="post",
            pkce="none",
            issuer_in_callback="true",
        )
    )
    assert custom(app(**settings_of(found))) == found


@given(st.text(), st.text())
def test_any_value_gives_a_sound_address_or_an_error(domain: str, realm: str) -> None:
    try:
        made = configured(TENANTED, app(domain=domain, realm=realm))
        check_address(made.token_endpoint, "token endpoint", "token_url")
    except ConfigError:
        return
    assert made.token_endpoint is not None
    assert made.token_endpoint.endswith("/token")


# A server of one's own

GITHUB = OAuth2Provider(
    name="github",
    authorization_endpoint="https://github.com/login/oauth/authorize",
    token_endpoint="https://github.com/login/oauth/access_token",
)


@pytest.mark.parametrize("pasted", ["ghe.example:8443", "https://ghe.example:8443/", " https://ghe.example:8443 "])
def test_a_server_of_ones_own(pasted: str) -> None:
    made = configured(GITHUB, app(web_url=pasted, authorize_url="https://login.example/x"))
    assert made.token_endpoint == "https://ghe.example:8443/login/oauth/access_token"
    assert made.authorization_endpoint == "https://login.example/x"
    assert made.device_authorization_endpoint is None


def test_a_server_of_ones_own_keeps_variables() -> None:
    made = configured(TENANTED, app(domain="acme.example", realm="main", web_url="https://sso.example"))
    assert made.token_endpoint == "https://sso.example/main/token"


@pytest.mark.parametrize("pasted", ["http://ghe.example", "https://me:pass@ghe.example", "ghe example"])
def test_a_server_of_ones_own_that_no_secret_may_go_to(pasted: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configured(GITHUB, app(web_url=pasted))
    assert "web_url" in caught.value.remedy
