from __future__ import annotations

import base64
from dataclasses import replace
from urllib.parse import unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oauth2.conftest import NOW, FixedClock, claims_of, dump
from vestal.core.credential import App
from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.core.transport import Text
from vestal.oauth2.client_auth import JWT_BEARER, authenticate, client_auth
from vestal.oauth2.jose import generate_key
from vestal.oauth2.provider import ClientAuth, OAuth2Provider

ACME = OAuth2Provider(name="acme")
KEY = generate_key().private()
SECRET = Secret("canary")
TOKEN_URL = "https://acme.example/token"


def app(
    client_auth: str | None = None, secret: Secret | None = SECRET, key: Secret | None = None, client_id: str = "app-1"
) -> App:
    return App(provider="acme", client_id=client_id, client_secret=secret, private_key=key, client_auth=client_auth)


def sent(app: App, provider: OAuth2Provider = ACME, **parameters: Text) -> tuple[dict[str, Text], dict[str, Text]]:
    return authenticate(provider, app, parameters, FixedClock(), TOKEN_URL)


def test_basic() -> None:
    headers, form = sent(app("basic"), grant_type="x")
    assert headers == {"Authorization": Secret("Basic " + base64.b64encode(b"app-1:canary").decode())}
    assert form == {"grant_type": "x"}


@given(st.text(min_size=1), st.text(min_size=1))
def test_basic_survives_any_characters(client_id: str, secret: str) -> None:
    headers, _ = sent(app("basic", Secret(secret), client_id=client_id))
    value = headers["Authorization"]
    assert isinstance(value, Secret)
    scheme, _, encoded = value.reveal().partition(" ")
    first, colon, second = base64.b64decode(encoded).decode("ascii").partition(":")
    assert (scheme, colon) == ("Basic", ":")
    assert [unquote_plus(part, errors="surrogatepass") for part in (first, second)] == [client_id, secret]


def test_basic_is_form_encoded_first() -> None:
    headers, _ = sent(app("basic", Secret("a+b/c d%"), client_id="x:y"))
    assert headers["Authorization"] == Secret("Basic " + base64.b64encode(b"x%3Ay:a%2Bb%2Fc+d%25").decode())


def test_post() -> None:
    assert sent(app("post"), grant_type="x") == (
        {},
        {"grant_type": "x", "client_id": "app-1", "client_secret": SECRET},
    )


def test_none_sends_the_client_id_if_there_is_one() -> None:
    assert sent(app("none"), grant_type="x") == ({}, {"grant_type": "x", "client_id": "app-1"})
    assert sent(app("none", client_id=""), grant_type="x") == ({}, {"grant_type": "x"})


def test_private_key_jwt() -> None:
    headers, form = sent(app("private_key_jwt", None, KEY), grant_type="x")
    assertion = form.pop("client_assertion")
    assert isinstance(assertion, Secret)
    assert headers == {}
    assert form == {
        "grant_type": "x",
        "client_id": "app-1",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    claims = claims_of(assertion.reveal())
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("app-1", "app-1", TOKEN_URL)
    assert claims["exp"] <= NOW + 300


def test_the_parameters_are_left_as_they_were() -> None:
    parameters: dict[str, Text] = {"grant_type": "x"}
    for method in ("basic", "post", "none", "private_key_jwt"):
        authenticate(ACME, app(method, key=KEY), parameters, FixedClock(), TOKEN_URL)
    assert parameters == {"grant_type": "x"}


@pytest.mark.parametrize(
    ("provider_says", "secret", "key", "method"),
    [
        ("basic", SECRET, None, "basic"),
        ("post", SECRET, None, "post"),
        ("post", SECRET, KEY, "post"),
        ("private_key_jwt", SECRET, KEY, "private_key_jwt"),
        ("private_key_jwt", None, KEY, "private_key_jwt"),
        ("basic", None, KEY, "private_key_jwt"),
        ("basic", None, None, "none"),
        ("basic", Secret(""), None, "none"),
        ("private_key_jwt", None, None, "none"),
        ("none", None, None, "none"),
        ("none", SECRET, None, "basic"),
    ],
)
def test_how_an_app_authenticates_that_does_not_say(
    provider_says: ClientAuth, secret: Secret | None, key: Secret | None, method: str
) -> None:
    assert client_auth(replace(ACME, client_auth=provider_says), app(None, secret, key)) == method


def test_what_the_app_says_itself_goes_first() -> None:
    assert client_auth(replace(ACME, client_auth="post"), app("basic")) == "basic"


@pytest.mark.parametrize(
    ("app", "why"),
    [
        (app("basic", None), "no client secret, which basic needs"),
        (app("post", Secret("")), "no client secret, which post needs"),
        (app("private_key_jwt"), "no private key"),
        (app("basic", client_id=""), "no client id, which basic needs"),
        (app("private_key_jwt", None, KEY, client_id=""), "no client id"),
        (app("tls_client_auth"), "the way in which the app authenticates is unknown"),
    ],
)
def test_what_is_missing(app: App, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        sent(app)
    assert why in caught.value.message
    assert caught.value.remedy
    assert "canary" not in dump(caught.value)


def test_in_the_jwt_bearer_grant_the_assertion_is_enough() -> None:
    assert sent(app(None, None, KEY), grant_type=JWT_BEARER) == ({}, {"grant_type": JWT_BEARER})
    assert sent(app("none", None, KEY), grant_type=JWT_BEARER)[1]["client_id"] == "app-1"
    assert (
        sent(app(None, SECRET, KEY), replace(ACME, client_auth="post"), grant_type=JWT_BEARER)[1]["client_secret"]
        == SECRET
    )
