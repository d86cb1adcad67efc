"""Client authentication."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import httpx2
import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from vestal.core.errors import ConfigError
from vestal.testing.practice import PracticeServer

if TYPE_CHECKING:
    from tests.testing.practice.conftest import Caller, HandClock

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
STRANGE = "p@ss: w%rd+&=ü"


def post(caller: Caller, assertion: str, **form: str) -> httpx2.Response:
    sent = {"client_assertion_type": TYPE, "client_assertion": assertion} | form
    return caller.token(auth=None, grant_type="client_credentials", **sent)


def test_basic_and_post(caller: Caller) -> None:
    assert caller.token(grant_type="client_credentials").status_code == 200
    form = {"client_id": "practice", "client_secret": "practice-secret"}
    assert caller.token(auth=None, grant_type="client_credentials", **form).status_code == 200


def test_basic_is_form_encoded_first(caller: Caller, server: PracticeServer) -> None:
    server.add_client("an:app", secret=STRANGE)
    encoded = (quote_plus("an:app"), quote_plus(STRANGE))
    assert caller.token(auth=encoded, grant_type="client_credentials").status_code == 200
    assert caller.token(auth=("an:app", STRANGE), grant_type="client_credentials").status_code == 401


@pytest.mark.parametrize("auth", [("practice", "wrong"), ("practice", ""), ("nobody", "practice-secret"), ("", "")])
def test_wrong_basic_is_invalid_client_with_a_challenge(caller: Caller, auth: tuple[str, str]) -> None:
    answer = caller.token(auth=auth, grant_type="client_credentials")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Bearer abc", "Basic /w=="])
def test_an_unreadable_header_is_invalid_client(caller: Caller, header: str) -> None:
    answer = caller.http.post("/token", data={"grant_type": "client_credentials"}, headers={"Authorization": header})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"client_id": "nobody"},
        {"client_id": "practice"},
        {"client_id": "practice", "client_secret": "wrong"},
        {"client_id": "practice-public", "client_secret": "anything"},
        {"client_id": "practice-jwt"},
    ],
)
def test_wrong_credentials_in_the_body_are_invalid_client(caller: Caller, form: dict[str, str]) -> None:
    answer = caller.token(auth=None, grant_type="client_credentials", **form)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "www-authenticate" not in answer.headers


def test_two_ways_at_once_are_refused(caller: Caller) -> None:
    answer = caller.token(grant_type="client_credentials", client_secret="practice-secret")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert caller.token(grant_type="client_credentials", client_id="practice-public").json()["error"] == (
        "invalid_request"
    )


def test_a_client_may_be_held_to_one_way(caller: Caller, server: PracticeServer) -> None:
    server.add_client("strict", secret="s", auth=["basic"])
    assert caller.token(auth=("strict", "s"), grant_type="client_credentials").status_code == 200
    form = {"client_id": "strict", "client_secret": "s"}
    assert caller.token(auth=None, grant_type="client_credentials", **form).status_code == 401
    server.add_client("strict", secret="s", auth=["post"])
    assert caller.token(auth=None, grant_type="client_credentials", **form).status_code == 200
    assert caller.token(auth=("strict", "s"), grant_type="client_credentials").status_code == 401


def test_a_signed_assertion_is_good_once(caller: Caller) -> None:
    assertion = caller.assertion()
    assert post(caller, assertion).status_code == 200
    answer = post(caller, assertion)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "jti" in answer.json()["error_description"]
    assert post(caller, caller.assertion(aud=[caller.server.url + "/token"])).status_code == 200


@pytest.mark.parametrize(
    ("claims", "what"),
    [
        ({"iss": "nobody"}, "iss"),
        ({"iss": None}, "iss"),
        ({"iss": "practice"}, "iss"),
        ({"sub": "practice"}, "sub"),
        ({"sub": None}, "sub"),
        ({"aud": "https://elsewhere.example"}, "aud"),
        ({"aud": None}, "aud"),
        ({"jti": None}, "jti"),
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"exp": 1}, "exp"),
        ({"exp": 10**12}, "exp"),
        ({"nbf": 10**12}, "nbf"),
        ({"iat": 10**12}, "iat"),
    ],
)
def test_every_claim_of_an_assertion_is_checked(caller: Caller, claims: dict[str, Any], what: str) -> None:
    answer = post(caller, caller.assertion(**claims))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert what in answer.json()["error_description"]


def test_an_assertion_expires(caller: Caller, clock: HandClock) -> None:
    assertion = caller.assertion()
    clock.time += 75
    assert post(caller, assertion).status_code == 401


@pytest.mark.parametrize("text", ["x", "a.b.c", "e30.e30.e30", "", "..", "ü.ü.ü"])
def test_what_is_no_assertion_is_refused(caller: Caller, text: str) -> None:
    assert post(caller, text).status_code in (400, 401)


def test_the_type_of_an_assertion_must_be_named(caller: Caller) -> None:
    answer = post(caller, caller.assertion(), client_assertion_type="urn:example:other")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_an_algorithm_that_does_not_fit_the_key(caller: Caller) -> None:
    head, claims, signature = caller.assertion().split(".")
    for header, what in ((b'{"alg":"RS256"}', "signature"), (b'{"alg":"none"}', "alg"), (b'{"alg":"HS256"}', "alg")):
        head = base64.urlsafe_b64encode(header).rstrip(b"=").decode()
        answer = post(caller, f"{head}.{claims}.{signature}")
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert what in answer.json()["error_description"]


def test_a_key_alone_is_no_way_to_authenticate(caller: Caller, server: PracticeServer) -> None:
    key = ECKey.generate_key("P-256")
    server.add_client("issuer", secret="s", public_key=key.as_pem(private=False).decode())
    answer = post(caller, caller.assertion(key, "issuer"))
    assert answer.status_code == 401
    assert "not registered for it" in answer.json()["error_description"]
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": caller.assertion(key, "issuer")}
    assert caller.token(auth=None, **form).status_code == 200


def test_another_key_is_refused(caller: Caller) -> None:
    answer = post(caller, caller.assertion(ECKey.generate_key("P-256")))
    assert answer.status_code == 401
    assert "signature" in answer.json()["error_description"]


def test_client_id_beside_an_assertion_must_fit(caller: Caller) -> None:
    assert post(caller, caller.assertion(), client_id="practice-jwt").status_code == 200
    assert post(caller, caller.assertion(), client_id="practice").status_code == 401


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(RSAKey.generate_key(2048), "RS256"), (RSAKey.generate_key(2048), "PS256"), (OKPKey.generate_key(), "Ed25519")],
)
def test_other_kinds_of_keys(caller: Caller, server: PracticeServer, key: RSAKey | OKPKey, algorithm: str) -> None:
    from joserfc import jwt

    server.add_client("signer", public_key=key.as_pem(private=False).decode())
    claims = {"iss": "signer", "sub": "signer", "aud": server.url, "exp": int(caller.clock.now()) + 9, "jti": "1"}
    assertion = jwt.encode({"alg": algorithm}, claims, key, algorithms=[algorithm])
    assert post(caller, assertion).status_code == 200


def test_a_jwk_will_do_and_a_private_key_is_cut_down(server: PracticeServer) -> None:
    import json

    key = ECKey.generate_key("P-256")
    server.add_client("signer", public_key=json.dumps(key.as_dict(private=True)))
    registered = server._state.clients["signer"].key
    assert registered is not None
    assert not registered().is_private


def test_a_client_that_makes_no_sense_is_refused(server: PracticeServer) -> None:
    for arguments in (
        {"auth": ["basic"]},
        {"auth": ["magic"]},
        {"public_key": "no key"},
        {"auth": ["private_key_jwt"]},
    ):
        with pytest.raises(ConfigError):
            server.add_client("x", **arguments)
    with pytest.raises(ConfigError):
        server.add_client("")
