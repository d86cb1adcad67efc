"""DPoP (RFC 9449), with proofs made by joserfc."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from vestal.testing.practice import PracticeServer

if TYPE_CHECKING:
    from tests.testing.practice.conftest import Caller, HandClock

KEY = ECKey.generate_key("P-256")
OTHER = ECKey.generate_key("P-256")


def ath(token: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


def ask(caller: Caller, proof: str) -> httpx2.Response:
    return caller.token(grant_type="client_credentials", proof=proof)


def show(caller: Caller, token: str, proof: str, scheme: str = "DPoP") -> httpx2.Response:
    return caller.resource(token, scheme, DPoP=proof)


@pytest.fixture
def bound(caller: Caller) -> str:
    members = ask(caller, caller.proof(KEY)).json()
    assert members["token_type"] == "DPoP"
    return str(members["access_token"])


def test_a_bound_token_needs_its_key(caller: Caller, bound: str, server: PracticeServer) -> None:
    assert show(caller, bound, caller.proof(KEY, "/resource", method="GET", ath=ath(bound))).status_code == 200
    refused = [
        show(caller, bound, caller.proof(OTHER, "/resource", method="GET", ath=ath(bound))),
        show(caller, bound, caller.proof(KEY, "/resource", method="GET")),
        show(caller, bound, caller.proof(KEY, "/resource", method="GET", ath=ath("other"))),
        show(caller, bound, caller.proof(KEY, "/resource", method="GET", ath=ath(bound)), "Bearer"),
        caller.resource(bound, "DPoP"),
        caller.resource(bound),
        caller.resource(caller.access_token(), "DPoP"),
    ]
    assert {answer.status_code for answer in refused} == {401}
    assert {answer.json()["error"] for answer in refused} == {"invalid_token", "invalid_dpop_proof"}
    assert refused[0].headers["www-authenticate"].startswith('DPoP algs="ES256 ')
    assert (server.counters["resource.200"], server.counters["resource.401"]) == (1, 7)


@pytest.mark.parametrize(
    ("claims", "what"),
    [
        ({"htm": "GET"}, "htm"),
        ({"htm": None}, "htm"),
        ({"htu": "http://127.0.0.1/token"}, "htu"),
        ({"htu": "http://[/token"}, "htu"),
        ({"htu": None}, "htu"),
        ({"iat": None}, "iat"),
        ({"iat": 1}, "iat"),
        ({"iat": 10**12}, "iat"),
        ({"iat": "now"}, "iat"),
        ({"jti": None}, "jti"),
        ({"jti": 5}, "jti"),
    ],
)
def test_every_claim_of_a_proof_is_checked(caller: Caller, claims: dict[str, Any], what: str) -> None:
    answer = ask(caller, caller.proof(KEY, **claims))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")
    assert what in answer.json()["error_description"]


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ({"typ": "JWT"}, "typ"),
        ({"jwk": KEY.as_dict(private=True)}, "jwk"),
        ({"jwk": None}, "jwk"),
        ({"jwk": {"kty": "EC"}}, "jwk"),
        ({"jwk": OTHER.as_dict(private=False)}, "signature"),
    ],
)
def test_the_header_of_a_proof_is_checked(caller: Caller, header: dict[str, Any], what: str) -> None:
    content = {"jti": "1", "htm": "POST", "htu": caller.server.url + "/token", "iat": int(caller.clock.now())}
    shown = {"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY.as_dict(private=False)} | header
    shown = {name: value for name, value in shown.items() if value is not None}
    answer = ask(caller, jwt.encode(shown, content, KEY))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")
    assert what in answer.json()["error_description"]


def test_a_shared_secret_is_no_proof(caller: Caller) -> None:
    key = OctKey.generate_key(256)
    content = {"jti": "1", "htm": "POST", "htu": caller.server.url + "/token", "iat": int(caller.clock.now())}
    proof = jwt.encode({"typ": "dpop+jwt", "alg": "HS256", "jwk": key.as_dict()}, content, key)
    assert ask(caller, proof).json()["error"] == "invalid_dpop_proof"


def test_a_proof_is_good_once(caller: Caller) -> None:
    proof = caller.proof(KEY)
    assert ask(caller, proof).status_code == 200
    assert "jti" in ask(caller, proof).json()["error_description"]


def test_two_proofs_are_refused(caller: Caller) -> None:
    headers = [("DPoP", caller.proof(KEY)), ("DPoP", caller.proof(KEY))]
    form = {"grant_type": "client_credentials"}
    answer = caller.http.post("/token", data=form, headers=headers, auth=("practice", "practice-secret"))
    assert answer.json()["error"] == "invalid_dpop_proof"


def test_the_query_is_no_part_of_htu(caller: Caller, bound: str) -> None:
    proof = caller.proof(KEY, "/resource", method="GET", ath=ath(bound))
    answer = caller.http.get("/resource?a=1", headers={"Authorization": f"DPoP {bound}", "DPoP": proof})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSAKey.generate_key(2048), "PS256"), (OKPKey.generate_key(), "Ed25519")]
)
def test_other_kinds_of_keys(caller: Caller, key: RSAKey | OKPKey, algorithm: str) -> None:
    content = {"jti": "1", "htm": "POST", "htu": caller.server.url + "/token", "iat": int(caller.clock.now())}
    header = {"typ": "dpop+jwt", "alg": algorithm, "jwk": key.as_dict(private=False)}
    proof = jwt.encode(header, content, key, algorithms=[algorithm])
    assert ask(caller, proof).json().get("token_type") == "DPoP"


def test_nonces_can_be_asked_for_and_change(caller: Caller, server: PracticeServer) -> None:
    server.settings.dpop_nonce = True
    first = ask(caller, caller.proof(KEY))
    assert (first.status_code, first.json()["error"]) == (400, "use_dpop_nonce")
    nonce = first.headers["dpop-nonce"]
    members = ask(caller, caller.proof(KEY, nonce=nonce))
    assert members.status_code == 200
    assert members.headers["dpop-nonce"] == nonce
    token = members.json()["access_token"]
    server.renew_dpop_nonce()
    stale = show(caller, token, caller.proof(KEY, "/resource", method="GET", ath=ath(token), nonce=nonce))
    assert stale.status_code == 401
    assert 'error="use_dpop_nonce"' in stale.headers["www-authenticate"]
    nonce = stale.headers["dpop-nonce"]
    fresh = show(caller, token, caller.proof(KEY, "/resource", method="GET", ath=ath(token), nonce=nonce))
    assert fresh.status_code == 200


def test_refusing_for_want_of_a_nonce_redeems_nothing(caller: Caller, server: PracticeServer) -> None:
    server.settings.dpop_nonce = True
    token = server.issue_refresh_token()
    answer = caller.refresh(token, proof=caller.proof(KEY))
    assert answer.json()["error"] == "use_dpop_nonce"
    assert server.counters.redeemed(token) == 0
    again = caller.refresh(token, proof=caller.proof(KEY, nonce=answer.headers["dpop-nonce"]))
    assert again.status_code == 200


def test_a_public_clients_refresh_token_is_bound(caller: Caller, server: PracticeServer) -> None:
    code = caller.callback(caller.authorization_url())["code"]
    token = caller.redeem(code, proof=caller.proof(KEY)).json()["refresh_token"]
    form = {"auth": None, "client_id": "practice-public"}
    assert caller.refresh(token, **form).json()["error"] == "invalid_grant"
    assert caller.refresh(token, proof=caller.proof(OTHER), **form).json()["error"] == "invalid_grant"
    assert caller.refresh(token, proof=caller.proof(KEY), **form).status_code == 200


def test_a_code_can_be_bound(caller: Caller) -> None:
    code = caller.callback(caller.authorization_url(dpop_jkt=KEY.thumbprint()))["code"]
    assert caller.redeem(code, proof=caller.proof(OTHER)).json()["error"] == "invalid_dpop_proof"
    assert caller.redeem(code, proof=caller.proof(KEY)).status_code == 200


def test_a_client_may_have_to_use_dpop(caller: Caller, server: PracticeServer) -> None:
    server.add_client("bound", secret="s", dpop=True)
    auth = ("bound", "s")
    assert caller.token(auth=auth, grant_type="client_credentials").json()["error"] == "invalid_dpop_proof"
    assert caller.token(auth=auth, grant_type="client_credentials", proof=caller.proof(KEY)).status_code == 200


def test_introspection_tells_the_key(caller: Caller, bound: str) -> None:
    answer = caller.http.post("/introspect", data={"token": bound}, auth=("practice", "practice-secret"))
    assert answer.json()["cnf"] == {"jkt": KEY.thumbprint()}
    assert answer.json()["token_type"] == "DPoP"


def test_proofs_from_the_past_and_the_future(caller: Caller, clock: HandClock) -> None:
    old = caller.proof(KEY)
    clock.time += 62
    assert ask(caller, old).json()["error"] == "invalid_dpop_proof"
    assert ask(caller, caller.proof(KEY, iat=int(clock.time) + 30)).status_code == 200
