"""One entry of the catalogue: what can be written in it, and what is refused."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.errors import ConfigError
from vestal.oauth2.catalogue.entry import GRANTS, parse
from vestal.oauth2.provider import OAuth2Provider

ENDPOINTS = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "device_authorization_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
)
GOOD = {"token_endpoint": "https://login.acme.example/token"}


def refusal(table: dict[str, Any]) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse("acme", table, "mine.toml")
    return caught.value


def test_all_fields_of_a_provider_can_be_written() -> None:
    table = {
        **dict.fromkeys(ENDPOINTS, "https://login.acme.example/{tenant}"),
        "title": "Acme",
        "docs": "https://docs.acme.example",
        "checked": "2026-11-22",
        "api_urls": ["https://api.acme.example", "https://{tenant}.acme.example/api"],
        "variables": {"tenant": "the tenant"},
        "grants": list(GRANTS),
        "client_auth": "none",
        "scope_separator": ",",
        "pkce": "required",
        "rotation": "never",
        "access_token_lifetime": 1.5,
        "refresh_token_lifetime": 86400,
        "authorization_parameters": {"prompt": "consent"},
        "token_parameters": {"resource": "acme"},
        "token_headers": {"User-Agent": "acme (me@acme.example)"},
        "issuer_in_callback": True,
        "dpop": True,
        "dpop_algorithms": ["ES256"],
        "quirks": "None.",
    }
    assert {field.name for field in fields(OAuth2Provider)} == {"name", *table} - {"checked"}
    provider = parse("acme", table, "mine.toml")
    for key in table.keys() - {"checked", "grants", "dpop_algorithms", "api_urls"}:
        assert getattr(provider, key) == table[key], key
    assert provider.grants == GRANTS
    assert provider.dpop_algorithms == ("ES256",)
    assert provider.api_urls == ("https://api.acme.example", "https://{tenant}.acme.example/api")


@pytest.mark.parametrize(
    ("table", "what", "mend"),
    [
        ({"token_endpont": "x"}, "has the unknown key 'token_endpont'", "did you mean 'token_endpoint'?"),
        ({"zzz": 1}, "has the unknown key 'zzz'", "use one of: title, docs,"),
        ({"token_endpoint": 5}, "token_endpoint is not text in quotes", "write token_endpoint as text in quotes"),
        ({"token_endpoint": "acme"}, "the token_endpoint is not an address", "set token_endpoint"),
        ({"token_endpoint": "https://a b/"}, "the token_endpoint is not an address", "set token_endpoint"),
        ({"token_endpoint": "https://"}, "the token_endpoint is not an address", "set token_endpoint"),
        (
            {"token_endpoint": "http://acme.example/t"},
            "http://acme.example is not https",
            "set token_endpoint to an https",
        ),
        ({"token_endpoint": "http://{host}/t", "variables": {"host": "the host"}}, "is not https", "https address"),
        ({"token_endpoint": "ftp://127.0.0.1/t"}, "is not https", "https address"),
        ({"api_urls": "https://api.acme.example"}, "api_urls is not a list of addresses", "write api_urls as a list"),
        ({"api_urls": []}, "api_urls is not a list of addresses", "write api_urls as a list"),
        ({"api_urls": ["http://api.acme.example"]}, "is not https", "set api_urls to an https"),
        ({"api_urls": ["https://api.acme.example/"]}, "api_urls holds no base address", "leave out"),
        ({"api_urls": ["https://api.acme.example?x"]}, "api_urls holds no base address", "leave out"),
        ({**GOOD, "api_urls": ["https://{host}"]}, "does not explain {host}", "add host = "),
        ({"token_endpoint": "https://me:pw@acme.example/"}, "has a user name in it", "without one"),
        ({"token_endpoint": "https://{Host}/"}, "the token_endpoint is not an address", "set token_endpoint"),
        ({"docs": "acme"}, "the docs is not an address", "set docs"),
        ({"issuer": "http://acme.example"}, "is not https", "set issuer"),
        ({"issuer": "https://{host}"}, "does not explain {host}", "add host = 'what it is' to variables"),
        ({**GOOD, "variables": {"host": "it"}}, "explains 'host', which no endpoint uses", "in braces"),
        ({**GOOD, "variables": {"My host": "it"}}, "variables has the name 'My host'", "use a-z"),
        ({"issuer": "https://{host}", "variables": {"host": " "}}, "variables leaves host unexplained", "what it is"),
        ({**GOOD, "variables": ["host"]}, "variables is not a table of texts", "write variables as"),
        ({}, "has neither token_endpoint nor issuer", "add one of them"),
        ({**GOOD, "grants": ["authorization_code"]}, "without authorization_endpoint", "leave authorization_code out"),
        (
            {**GOOD, "grants": ["device_code"]},
            "without device_authorization_endpoint",
            "add device_authorization_endpoint",
        ),
        ({**GOOD, "grants": ["device"]}, "grants has a value that is not known", "did you mean 'device_code'?"),
        ({**GOOD, "grants": [{}]}, "grants has a value that is not known", "use one of: authorization_code"),
        ({**GOOD, "grants": []}, "grants is not a list of grants", "write grants as"),
        ({**GOOD, "grants": "device_code"}, "grants is not a list of grants", "write grants as"),
        ({**GOOD, "pkce": True}, "pkce has a value that is not known", "use one of: required, supported, none"),
        ({**GOOD, "pkce": "require"}, "pkce has a value that is not known", "did you mean 'required'?"),
        ({**GOOD, "client_auth": "Basic"}, "client_auth has a value that is not known", "did you mean 'basic'?"),
        ({**GOOD, "rotation": "sometimes"}, "rotation has a value that is not known", "always, never, unknown"),
        ({**GOOD, "scope_separator": ", "}, "scope_separator is not one character", "' ' or ','"),
        ({**GOOD, "access_token_lifetime": "3600"}, "access_token_lifetime is not a number of seconds", "more than 0"),
        ({**GOOD, "access_token_lifetime": 0}, "access_token_lifetime is not a number of seconds", "more than 0"),
        ({**GOOD, "access_token_lifetime": True}, "access_token_lifetime is not a number of seconds", "more than 0"),
        ({**GOOD, "access_token_lifetime": float("nan")}, "access_token_lifetime is not a number", "more than 0"),
        ({**GOOD, "refresh_token_lifetime": 10**400}, "refresh_token_lifetime is not a number", "less than a century"),
        ({**GOOD, "dpop": "yes"}, "dpop is not true or false", "write dpop as true or false"),
        ({**GOOD, "dpop_algorithms": "ES256"}, "dpop_algorithms is not a list of texts", "write dpop_algorithms"),
        ({**GOOD, "checked": "yesterday"}, "checked is not a day", "'2026-11-22'"),
        ({**GOOD, "token_parameters": {"n": 1}}, "token_parameters is not a table of texts", "write token_parameters"),
        ({**GOOD, "token_parameters": {"client_id": "x"}}, "which each request sets itself", "leave it out"),
        ({**GOOD, "token_headers": {"X": "a\r\nb"}}, "a header that can't be sent", "plain ASCII in one line"),
        ({**GOOD, "token_headers": {"X:": "a"}}, "a header that can't be sent", "plain ASCII in one line"),
        ({**GOOD, "quirks": ["none"]}, "quirks is not text in quotes", "write quirks as"),
    ],
)
def test_a_wrong_entry_is_refused_in_one_line(table: dict[str, Any], what: str, mend: str) -> None:
    error = refusal(table)
    assert error.message.startswith("mine.toml: [acme] ")
    assert what in error.message
    assert mend in error.remedy
    assert len(str(error).splitlines()) == 1


@pytest.mark.parametrize(
    "table",
    [
        {**GOOD, "client_secret": "canary"},
        {**GOOD, "token_parameters": {"client_secret": "canary"}},
        {**GOOD, "token_headers": {"Authorization": "Basic canary"}},
        {"token_endpoint": "https://me:canary@acme.example/token"},
        {"token_endpoint": "https://acme.example/token?secret=canary canary"},
        {**GOOD, "client_auth": "canary"},
        {**GOOD, "dpop": "canary"},
    ],
)
def test_a_misplaced_secret_is_refused_and_not_repeated(table: dict[str, Any]) -> None:
    assert "canary" not in repr(refusal(table).__dict__)


toml_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("https://a.example/{b}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.sampled_from(["b"]), inner, max_size=3),
    max_leaves=6,
)
toml_keys = st.sampled_from([field.name for field in fields(OAuth2Provider)]) | st.text()


@given(st.dictionaries(toml_keys, toml_values, max_size=6))
def test_any_table_gives_a_provider_or_a_config_error(table: dict[str, Any]) -> None:
    try:
        provider = parse("acme", table, "mine.toml")
    except ConfigError as error:
        refused: ConfigError | None = error
    else:
        refused = None
        assert provider.token_endpoint or provider.issuer
    assert refused is None or (refused.remedy and len(str(refused).splitlines()) == 1)
