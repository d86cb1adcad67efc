from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import ECKey

from tests.oauth2.conftest import NOW, FixedClock, claims_of, header_of
from vestal.core.credential import App
from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.oauth2.assertion import sign_assertion
from vestal.oauth2.jose import generate_key

KEY = generate_key().private()


def sign(
    settings: Mapping[str, str] | None = None, key: Secret | None = KEY, claims: Mapping[str, str] | None = None
) -> str:
    app = App(provider="acme", private_key=key, settings=settings or {})
    made = sign_assertion(
        app, FixedClock(NOW + 0.9), issuer="me", subject="you", audience="https://acme.example/token", claims=claims
    )
    assert isinstance(made, Secret)
    return made.reveal()


def test_its_claims() -> None:
    claims = claims_of(sign())
    assert len(claims.pop("jti")) >= 16
    assert claims == {
        "iss": "me",
        "sub": "you",
        "aud": "https://acme.example/token",
        "iat": int(NOW),
        "exp": int(NOW) + 300,
    }


def test_it_verifies() -> None:
    token = sign()
    key = ECKey.import_key(json.loads(KEY.reveal()))
    assert jwt.decode(token, key).claims == claims_of(token)
    with pytest.raises(BadSignatureError):
        jwt.decode(token, ECKey.generate_key("P-256"))


def test_no_two_are_the_same() -> None:
    assert claims_of(sign())["jti"] != claims_of(sign())["jti"]


def test_settings_change_it() -> None:
    token = sign(
        {
            "assertion_audience": "https://acme.example/",
            "assertion_lifetime": "3600",
            "key_id": "k1",
            "claim.box_sub_type": "enterprise",
            "claim.scope": "read",
            "assertion_header.x5t": "thumb",
        },
        claims={"scope": "write"},
    )
    claims = claims_of(token)
    assert (claims["aud"], claims["exp"] - claims["iat"]) == ("https://acme.example/", 3600)
    assert (claims["box_sub_type"], claims["scope"]) == ("enterprise", "read")
    assert header_of(token) == {"typ": "JWT", "alg": "ES256", "kid": "k1", "x5t": "thumb"}


@pytest.mark.parametrize(
    ("settings", "key", "why"),
    [
        ({}, None, "no private key"),
        ({}, Secret(""), "no private key"),
        ({}, Secret("canary"), "can't be read"),
        ({"assertion_algorithm": "RS256"}, KEY, "can't sign with RS256"),
        ({"assertion_lifetime": "3601"}, KEY, "assertion_lifetime"),
        ({"assertion_lifetime": "soon"}, KEY, "assertion_lifetime"),
    ],
)
def test_what_is_wrong_with_it(settings: Mapping[str, str], key: Secret | None, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        sign(settings, key)
    assert caught.value.remedy
