from __future__ import annotations

import base64
import hashlib
import json
import threading
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from tests.oauth2.conftest import NOW, FixedClock, claims_of, dump, header_of
from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.core.token import Proof
from vestal.oauth2.dpop import DPoPKey

TOKEN_URL = "https://acme.example/token"


def claims(key: DPoPKey, url: str = TOKEN_URL, method: str = "POST", token: Secret | None = None) -> dict[str, Any]:
    headers = key.headers(method, url, token)
    assert list(headers) == ["DPoP"]
    return claims_of(headers["DPoP"])


@pytest.fixture
def key(clock: FixedClock) -> DPoPKey:
    return DPoPKey.generate(clock)


def test_a_proof(key: DPoPKey) -> None:
    proof: Proof = key
    token = proof.headers("POST", TOKEN_URL)["DPoP"]
    header = header_of(token)
    public = header.pop("jwk")
    assert header == {"typ": "dpop+jwt", "alg": "ES256"}
    assert set(public) == {"kty", "crv", "x", "y"}
    jws.deserialize_compact(token, ECKey.import_key(public), algorithms=["ES256"])
    found = claims_of(token)
    assert len(found.pop("jti")) >= 16
    assert found == {"htm": "POST", "htu": TOKEN_URL, "iat": int(NOW)}


def test_each_proof_is_for_one_request(key: DPoPKey) -> None:
    assert len({claims(key)["jti"] for _ in range(20)}) == 20


def test_a_proof_for_a_request_with_the_token(key: DPoPKey) -> None:
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"at").digest()).rstrip(b"=").decode()
    assert claims(key, token=Secret("at"))["ath"] == digest


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://api.example/a/b?c=d#e", "https://api.example/a/b"),
        ("https://API.example:443", "https://api.example/"),
        ("https://api.example:8443/a%20b", "https://api.example:8443/a%20b"),
    ],
)
def test_the_target_has_no_query_and_no_fragment(key: DPoPKey, url: str, target: str) -> None:
    assert claims(key, url)["htu"] == target


@pytest.mark.parametrize("url", ["", "/path", "https://[bad"])
def test_no_address_no_proof(key: DPoPKey, url: str) -> None:
    with pytest.raises(ConfigError):
        key.headers("GET", url)


def test_the_newest_nonce_of_each_server(key: DPoPKey) -> None:
    assert "nonce" not in claims(key)
    assert key.learn(TOKEN_URL, {"dpop-nonce": "n1"}) is True
    assert key.learn(TOKEN_URL, {"dpop-nonce": "n1"}) is False
    assert key.learn("https://api.example/x", {"dpop-nonce": "m1"}) is True
    assert key.learn(TOKEN_URL, {"dpop-nonce": "n2"}) is True
    assert key.learn(TOKEN_URL, {}) is False
    assert claims(key, "https://ACME.example:443/other?x")["nonce"] == "n2"
    assert claims(key, "https://api.example/y")["nonce"] == "m1"
    assert "nonce" not in claims(key, "https://acme.example:8443/token")


@pytest.mark.parametrize("nonce", ["", "a b", "a\r\nb", "ä", 'a"b', "a\\b", "x" * 2000])
def test_what_is_no_nonce(key: DPoPKey, nonce: str) -> None:
    assert key.learn(TOKEN_URL, {"dpop-nonce": nonce}) is False
    assert "nonce" not in claims(key)


def test_all_objects_of_a_key_share_its_nonces(key: DPoPKey, clock: FixedClock) -> None:
    key.learn(TOKEN_URL, {"dpop-nonce": "n1"})
    again = DPoPKey.from_secret(key.secret(), clock)
    assert claims(again)["nonce"] == "n1"
    assert "nonce" not in claims(DPoPKey.generate(clock))


def test_nonces_are_forgotten_before_they_fill_the_memory(key: DPoPKey) -> None:
    for number in range(200):
        key.learn(f"https://api{number}.example/", {"dpop-nonce": "n"})
    assert "nonce" not in claims(key, "https://api0.example/")
    assert claims(key, "https://api199.example/")["nonce"] == "n"


def test_it_comes_back_as_it_was(key: DPoPKey) -> None:
    again = DPoPKey.from_secret(key.secret())
    assert again.thumbprint() == key.thumbprint()
    assert again.secret() == key.secret()
    public = header_of(key.headers("GET", TOKEN_URL)["DPoP"])["jwk"]
    assert ECKey.import_key(public).thumbprint() == key.thumbprint()


@pytest.mark.parametrize("text", ["canary", "{}", '{"kty": "RSA"}'])
def test_a_broken_key_is_told_when_it_is_used(text: str) -> None:
    key = DPoPKey.from_secret(Secret(text))
    with pytest.raises(ConfigError, match="the DPoP key kept with the credential can't be used") as caught:
        key.headers("GET", TOKEN_URL)
    assert "canary" not in dump(caught.value)


def test_it_does_not_show_itself(key: DPoPKey) -> None:
    assert json.loads(key.secret().reveal())["d"] not in f"{key!r}{vars(key)}"


def test_many_threads_use_one_key(key: DPoPKey) -> None:
    found: list[str] = []
    ready = threading.Barrier(8)

    def work(number: int) -> None:
        ready.wait()
        for turn in range(20):
            key.learn(TOKEN_URL, {"dpop-nonce": f"n{number}-{turn}"})
            found.append(claims(key)["jti"])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 160
