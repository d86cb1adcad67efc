from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.credential import App
from vestal.core.errors import ConfigError
from vestal.oauth2 import settings


def app(**values: str) -> App:
    return App(provider="acme", settings=values)


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("Yes", True), (" 1 ", True), ("false", False), ("NO", False)]
)
def test_a_flag(text: str, value: bool) -> None:
    assert settings.flag(app(on=text), "on", not value) is value


def test_a_flag_that_is_not_set_has_its_default() -> None:
    assert settings.flag(app(), "on") is False
    assert settings.flag(app(), "on", True) is True


def test_a_flag_that_is_neither() -> None:
    with pytest.raises(ConfigError, match="setting on is not true or false"):
        settings.flag(app(on="perhaps"), "on")


def test_a_number() -> None:
    assert settings.number(app(wait="2.5"), "wait", None) == 2.5
    assert settings.number(app(), "wait", 7.0) == 7.0


@given(st.text())
def test_a_number_is_above_nothing_and_within_its_limit(text: str) -> None:
    try:
        value = settings.number(app(wait=text), "wait", None, longest=3600)
    except ConfigError:
        return
    assert value is not None
    assert 0 < value <= 3600


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "1e999", "soon", "3601"])
def test_numbers_that_are_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings.number(app(wait=text), "wait", None, longest=3600)
    assert caught.value.remedy == "set wait to a number up to 3600, greater than 0"


def test_a_choice() -> None:
    assert settings.choice(app(way="left"), "way", "right", ("left", "right")) == "left"
    assert settings.choice(app(), "way", "right", ("left", "right")) == "right"
    with pytest.raises(ConfigError, match="one of left, right"):
        settings.choice(app(way="up"), "way", "right", ("left", "right"))


def test_settings_with_a_prefix() -> None:
    one = App(provider="acme", settings={"claim.role": "admin", "claim.a.b": "c", "claims": "no"})
    assert settings.prefixed(one, "claim.") == {"role": "admin", "a.b": "c"}


def test_addresses_of_apis() -> None:
    assert settings.api_urls(app()) == ()
    assert settings.api_urls(app(api_url=" ")) == ()
    urls = settings.api_urls(app(api_url="https://api.acme.example/  http://127.0.0.1:80/v1//\thttps://b.example"))
    assert urls == ("https://api.acme.example", "http://127.0.0.1:80/v1", "https://b.example")


@pytest.mark.parametrize(
    "url",
    ["api.acme.example", "http://api.acme.example", "https://me@acme.example", "https://a.example/?x", "https://a/#"],
)
def test_an_address_that_is_no_base(url: str) -> None:
    with pytest.raises(ConfigError, match="address of the API") as refused:
        settings.api_urls(app(api_url=url))
    assert "api_url" in refused.value.remedy


@pytest.mark.parametrize("text", ["acme", " acme/ ", "https://acme"])
def test_an_address_with_a_variable(text: str) -> None:
    template, variables = "https://{tenant}.example/api", {"tenant": "the tenant"}
    assert settings.filled(app(tenant=text), template, "Acme", variables) == "https://acme.example/api"


def test_an_address_whose_variable_is_not_set() -> None:
    with pytest.raises(ConfigError, match="needs to know tenant: the tenant") as refused:
        settings.filled(app(), "https://{tenant}.example", "Acme", {"tenant": "the tenant"})
    assert "set tenant=" in refused.value.remedy


def test_a_variable_that_makes_no_address() -> None:
    with pytest.raises(ConfigError, match="part of an address"):
        settings.filled(app(tenant="a b"), "https://{tenant}.example", "Acme", {})
