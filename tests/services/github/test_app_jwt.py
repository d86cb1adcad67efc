"""The JWT of an app, and its key."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from email.utils import formatdate

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.github.stub.apps import key, pem
from vestal.core.credential import App
from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.core.transport import Response
from vestal.services.github.app_jwt import is_untimely, read_pem, sign, skew_of

NOW = 1_800_000_000.75
PRIVATE = serialization.PrivateFormat
PLAIN = serialization.NoEncryption()


def write(
    native: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    format: PRIVATE = PRIVATE.PKCS8,
    encryption: serialization.KeySerializationEncryption = PLAIN,
) -> str:
    return native.private_bytes(serialization.Encoding.PEM, format, encryption).decode()


def app(**fields: object) -> App:
    every = {"client_id": "Iv23li", "private_key": Secret(pem(key()))} | fields
    return App(provider="github_app", grant="app_jwt", **every)  # type: ignore[arg-type]


def test_what_is_signed() -> None:
    text = sign(app(), NOW).reveal()
    token = jwt.decode(text, RSAKey.import_key(key().public_key()), algorithms=["RS256"])
    assert token.header == {"alg": "RS256", "typ": "JWT"}
    assert token.claims == {"iss": "Iv23li", "iat": 1_800_000_000 - 60, "exp": 1_800_000_000 + 540}
    assert json.loads(urlsafe_b64decode(text.split(".")[1] + "==")) == token.claims


@pytest.mark.parametrize("field", ["private_key", "client_id"])
def test_nothing_is_signed_without(field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        sign(app(**{field: Secret("") if field == "private_key" else ""}), NOW)
    assert "add-app" in caught.value.remedy


def test_keys_in_order() -> None:
    """As GitHub gives them (PKCS#1), PKCS#8, from an environment variable, from Windows."""
    text = pem(key())
    for written in (text, f"\ufeff\n {text}\n", text.replace("\n", "\\n"), text.replace("\n", "\r\n"), text.strip()):
        assert read_pem(Secret(written)) == Secret(text)
    assert read_pem(Secret(write(key()))).reveal().startswith("-----BEGIN PRIVATE KEY-----")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "-----BEGIN"),
        ('{"kty": "RSA"}', "-----BEGIN"),
        ("SHA256:abc", "-----BEGIN"),
        ("-----BEGIN RSA PRIVATE KEY-----\nnonsense\n-----END RSA PRIVATE KEY-----", "can't be read"),
        (write(rsa.generate_private_key(65537, 1024)), "only 1024 bits"),
        (write(ec.generate_private_key(ec.SECP256R1())), "no RSA key"),
        (write(key(), encryption=serialization.BestAvailableEncryption(b"x")), "encrypted"),
        (write(key(), PRIVATE.OpenSSH), "OpenSSH"),
        (
            key()
            .public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode(),
            "public",
        ),
    ],
)
def test_what_is_no_key_of_an_app(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_pem(Secret(text))
    assert words in caught.value.message
    assert caught.value.remedy
    assert caught.value.__context__ is None


def answer(status: int = 401, ahead: float | None = 0.0, message: str = "Bad credentials") -> Response:
    headers = {} if ahead is None else {"date": formatdate(NOW + ahead, usegmt=True)}
    return Response(status, headers, Secret(json.dumps({"message": message})), NOW)


@pytest.mark.parametrize(("ahead", "skew"), [(0, 0.0), (4, 0.0), (-4, 0.0), (3600, 3599.0), (-90, -91.0), (None, None)])
def test_the_skew_of_the_clocks(ahead: float | None, skew: float | None) -> None:
    assert skew_of(answer(ahead=ahead)) == skew


EXP = "'Expiration time' claim ('exp') is too far in the future"


@pytest.mark.parametrize(
    ("response", "used", "untimely"),
    [
        (answer(message=EXP), 0.0, True),
        (answer(ahead=100), 0.0, True),
        (answer(ahead=-100), 0.0, True),
        (answer(), 3600.0, True),
        (answer(ahead=20), 0.0, False),
        (answer(ahead=100), 99.0, False),
        (answer(ahead=None, message=EXP), 0.0, False),
        (answer(403, ahead=100), 0.0, False),
    ],
)
def test_whether_a_jwt_was_refused_for_its_time(response: Response, used: float, untimely: bool) -> None:
    assert is_untimely(response, used) is untimely
