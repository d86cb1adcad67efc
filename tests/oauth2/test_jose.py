from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from tests.oauth2.conftest import claims_of, dump, header_of
from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.oauth2.jose import SigningKey, generate_key, read_key


@lru_cache
def native(kind: str) -> Any:
    make: dict[str, Callable[[], Any]] = {
        "RSA": lambda: rsa.generate_private_key(65537, 2048),
        "RSA-1024": lambda: rsa.generate_private_key(65537, 1024),
        "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
        "brainpool": lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
        "Ed25519": ed25519.Ed25519PrivateKey.generate,
        "Ed448": ed448.Ed448PrivateKey.generate,
        "X25519": x25519.X25519PrivateKey.generate,
        "DSA": lambda: dsa.generate_private_key(2048),
    }
    return make[kind]()


def pem(kind: str, form: PrivateFormat = PrivateFormat.PKCS8, password: bytes | None = None) -> Secret:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return Secret(native(kind).private_bytes(Encoding.PEM, form, encryption).decode())


def public_pem(kind: str) -> Secret:
    key = native(kind).public_key()
    return Secret(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def joserfc_key(kind: str) -> Key:
    cls: Any = RSAKey if kind.startswith("RSA") else OKPKey if kind in ("Ed25519", "Ed448", "X25519") else ECKey
    key: Key = cls(native(kind), native(kind))
    return key


def jwk(kind: str, *, private: bool = True, **more: Any) -> Secret:
    return Secret(json.dumps({**joserfc_key(kind).as_dict(private=private), **more}))


class Anything(jws.JWSRegistry):
    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


def verify(token: str, kind: str) -> None:
    jws.deserialize_compact(token, joserfc_key(kind), registry=Anything(strict_check_header=False))


KINDS = [("RSA", "RS256"), ("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512"), ("Ed25519", "EdDSA")]


@pytest.mark.parametrize(("kind", "algorithm"), KINDS)
@pytest.mark.parametrize("form", [pem, jwk])
def test_a_key_signs_with_the_algorithm_that_suits_it(kind: str, algorithm: str, form: Callable[[str], Secret]) -> None:
    token = read_key(form(kind)).sign({"iss": "me", "exp": 5}, {"x5t": "thumb"})
    assert header_of(token) == {"typ": "JWT", "alg": algorithm, "x5t": "thumb"}
    assert claims_of(token) == {"iss": "me", "exp": 5}
    verify(token, kind)


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
def test_an_rsa_key_signs_with_the_algorithm_asked_for(algorithm: str) -> None:
    token = read_key(pem("RSA"), algorithm=algorithm).sign({})
    assert header_of(token)["alg"] == algorithm
    verify(token, "RSA")


@pytest.mark.parametrize(
    ("kind", "form"), [("RSA", PrivateFormat.TraditionalOpenSSL), ("P-256", PrivateFormat.TraditionalOpenSSL)]
)
def test_the_older_kinds_of_pem(kind: str, form: PrivateFormat) -> None:
    verify(read_key(pem(kind, form)).sign({}), kind)


def test_the_key_id() -> None:
    assert header_of(read_key(jwk("P-256", kid="k1")).sign({}))["kid"] == "k1"
    assert header_of(read_key(jwk("P-256", kid="k1"), key_id="k2").sign({}))["kid"] == "k2"
    assert header_of(read_key(pem("P-256"), key_id="k2").sign({}))["kid"] == "k2"
    assert "kid" not in header_of(read_key(pem("P-256")).sign({}))


def test_the_jwk_may_name_its_algorithm() -> None:
    assert read_key(jwk("RSA", alg="PS384")).algorithm == "PS384"


def test_googles_key_file() -> None:
    file = {
        "type": "service_account",
        "private_key_id": "g1",
        "private_key": pem("RSA").reveal(),
        "client_email": "a@b",
    }
    token = read_key(Secret(json.dumps(file))).sign({})
    assert header_of(token)["kid"] == "g1"
    verify(token, "RSA")


SYMMETRIC = Secret(json.dumps(OctKey.generate_key(256).as_dict(private=True)))
NO_KEYS = [
    (pem("RSA-1024"), "only 1024 bits"),
    (jwk("RSA-1024"), "only 1024 bits"),
    (pem("secp256k1"), "can't sign"),
    (pem("brainpool"), "can't sign"),
    (pem("Ed448"), "can't sign"),
    (pem("X25519"), "can't sign"),
    (SYMMETRIC, "can't sign"),
    (pem("DSA"), "can't be read"),
    (pem("RSA", PrivateFormat.PKCS8, b"password"), "is encrypted"),
    (pem("RSA", PrivateFormat.TraditionalOpenSSL, b"password"), "is encrypted"),
    (public_pem("RSA"), "is a public one"),
    (jwk("P-256", private=False), "is a public one"),
    (jwk("RSA", private=False), "is a public one"),
    (Secret("-----BEGIN CERTIFICATE-----\ncanary\n"), "is a public one"),
    (pem("Ed25519", PrivateFormat.OpenSSH), "OpenSSH's own format"),
    (Secret(""), "can't be read"),
    (Secret("canary"), "can't be read"),
    (Secret("-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----"), "can't be read"),
    (Secret("{"), "can't be read"),
    (Secret("{}"), "can't be read"),
    (Secret('{"a":' * 20_000), "can't be read"),
    (Secret('{"kty": "EC", "crv": "P-256", "x": "canary", "y": "canary", "d": "canary"}'), "can't be read"),
    (Secret('{"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA", "d": "AA"}'), "can't be read"),
    (Secret('{"kty": "RSA", "n": 5, "e": [], "d": "canary"}'), "can't be read"),
    (Secret('{"kty": ["RSA"]}'), "can't be read"),
    (Secret('{"private_key": "canary"}'), "can't be read"),
    (Secret("\ud800canary"), "can't be read"),
    (jwk("P-256", use="enc"), "not for signing"),
    (jwk("P-256", key_ops=["verify"]), "not for signing"),
]


@pytest.mark.parametrize(("text", "why"), NO_KEYS)
def test_what_is_no_key_to_sign_with(text: Secret, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_key(text)
    assert why in caught.value.message
    assert caught.value.remedy
    for line in text.reveal().splitlines():
        assert len(line) < 12 or line not in dump(caught.value)
    assert "canary" not in dump(caught.value)


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [("RSA", "ES256"), ("P-256", "ES384"), ("P-256", "RS256"), ("Ed25519", "ES256"), ("RSA", "HS256"), ("RSA", "none")],
)
def test_a_key_of_the_wrong_kind_for_the_algorithm(kind: str, algorithm: str) -> None:
    with pytest.raises(ConfigError, match=f"key can't sign with {algorithm}") as caught:
        read_key(pem(kind), algorithm=algorithm)
    assert caught.value.remedy.startswith("set assertion_algorithm to ")


def test_a_key_meant_for_another_algorithm() -> None:
    with pytest.raises(ConfigError, match="not for signing with RS256"):
        read_key(jwk("RSA", alg="PS256"), algorithm="RS256")


def test_claims_that_cannot_be_written_down() -> None:
    key = read_key(pem("P-256"))
    for claims in ({"a": "\ud800"}, {"a": object()}):
        with pytest.raises(ConfigError) as caught:
            key.sign(claims)
        dump(caught.value)


def test_a_new_key_comes_back_as_it_was() -> None:
    key = generate_key()
    again = read_key(key.private())
    assert (again.algorithm, again.thumbprint()) == ("ES256", key.thumbprint())
    assert set(again.public()) == {"kty", "crv", "x", "y"}
    assert "d" in json.loads(key.private().reveal())


def test_no_part_of_a_key_shows(capsys: pytest.CaptureFixture[str]) -> None:
    key = read_key(jwk("P-256"))
    private_part = json.loads(jwk("P-256").reveal())["d"]
    assert isinstance(key, SigningKey)
    print(key, repr(key), [key], key.public())
    assert private_part not in capsys.readouterr().out


JSON = st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3), max_leaves=3)
FIELDS = st.sampled_from(["kty", "crv", "n", "e", "d", "x", "y", "k", "private_key", "kid", "alg", "use", "key_ops"])


@given(
    st.text()
    | st.dictionaries(FIELDS, JSON | st.sampled_from(["RSA", "EC", "OKP", "oct", "P-256", "AQAB", "sig"])).map(
        json.dumps
    )
)
def test_any_text_is_a_key_or_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        read_key(Secret(text))
