"""The remaining grants: client credentials, JWT bearer, token exchange; and what is no grant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from joserfc.jwk import ECKey

from vestal.testing.practice import PracticeServer

if TYPE_CHECKING:
    from tests.testing.practice.conftest import Caller, HandClock

BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


def error(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_client_credentials_gives_no_refresh_token(caller: Caller, server: PracticeServer) -> None:
    members = caller.token(grant_type="client_credentials", scope="read").json()
    assert "refresh_token" not in members
    assert members["scope"] == "read"
    assert caller.resource(members["access_token"]).json()["subject"] == "practice"
    assert server.counters["issued.client_credentials"] == 1


def test_client_credentials_is_not_for_public_clients(caller: Caller) -> None:
    answer = caller.token(auth=None, grant_type="client_credentials", client_id="practice-public")
    assert error(answer) == (400, "unauthorized_client")


def test_a_client_may_be_held_to_some_scopes(caller: Caller, server: PracticeServer) -> None:
    server.add_client("narrow", secret="s", scopes=["a", "b"])
    auth = ("narrow", "s")
    assert caller.token(auth=auth, grant_type="client_credentials").json()["scope"] == "a b"
    assert error(caller.token(auth=auth, grant_type="client_credentials", scope="a c")) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
    ],
)
def test_what_is_no_grant(caller: Caller, form: dict[str, Any], code: str) -> None:
    assert error(caller.token(**form)) == (400, code)


def test_the_body_must_be_a_form(caller: Caller) -> None:
    answer = caller.http.post("/token", json={"grant_type": "client_credentials"}, auth=("practice", "practice-secret"))
    assert error(answer) == (400, "invalid_request")
    form = "grant_type=client_credentials&client_id=practice&client_secret=practice-secret"
    for kind, status in (("application/json", 400), ("Application/X-WWW-Form-URLEncoded; charset=utf-8", 200)):
        assert caller.http.post("/token", content=form, headers={"Content-Type": kind}).status_code == status


def test_a_parameter_given_twice_is_refused(caller: Caller) -> None:
    answer = caller.http.post(
        "/token",
        content="grant_type=client_credentials&grant_type=client_credentials",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        auth=("practice", "practice-secret"),
    )
    assert error(answer) == (400, "invalid_request")


def test_jwt_bearer_needs_no_other_authentication(caller: Caller, server: PracticeServer) -> None:
    answer = caller.token(auth=None, grant_type=BEARER, assertion=caller.assertion(sub="somebody"), scope="read")
    members = answer.json()
    assert "refresh_token" not in members
    seen = caller.resource(members["access_token"]).json()
    assert (seen["subject"], seen["client_id"], seen["scope"]) == ("somebody", "practice-jwt", "read")
    assert server.counters["issued.jwt-bearer"] == 1


def test_jwt_bearer_checks_a_client_that_authenticates(caller: Caller) -> None:
    members = caller.token(grant_type=BEARER, assertion=caller.assertion()).json()
    assert caller.resource(members["access_token"]).json()["client_id"] == "practice"
    answer = caller.token(auth=("practice", "wrong"), grant_type=BEARER, assertion=caller.assertion())
    assert error(answer) == (401, "invalid_client")


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "nobody"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"aud": "other"},
        {"aud": None},
        {"exp": None},
        {"exp": 1},
        {"exp": True},
        {"exp": 10**12},
    ],
)
def test_jwt_bearer_checks_the_claims(caller: Caller, claims: dict[str, Any]) -> None:
    answer = caller.token(auth=None, grant_type=BEARER, assertion=caller.assertion(**claims))
    assert error(answer) == (400, "invalid_grant")


def test_jwt_bearer_checks_the_signature(caller: Caller) -> None:
    forged = caller.assertion(ECKey.generate_key("P-256"))
    assert error(caller.token(auth=None, grant_type=BEARER, assertion=forged)) == (400, "invalid_grant")


def test_token_exchange(caller: Caller, server: PracticeServer) -> None:
    subject = caller.refresh(server.issue_refresh_token(scope="read write", subject="somebody")).json()
    form: dict[str, Any] = {
        "grant_type": EXCHANGE,
        "subject_token": subject["access_token"],
        "subject_token_type": ACCESS_TOKEN,
    }
    members = caller.token(**form, scope="read").json()
    assert members["issued_token_type"] == ACCESS_TOKEN
    assert members["access_token"] != subject["access_token"]
    seen = caller.resource(members["access_token"]).json()
    assert (seen["subject"], seen["scope"]) == ("somebody", "read")
    actor: dict[str, Any] = {"actor_token": caller.access_token(), "actor_token_type": ACCESS_TOKEN}
    assert caller.token(**form, **actor, requested_token_type=ACCESS_TOKEN).status_code == 200
    assert server.counters["issued.token-exchange"] == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"subject_token": "unknown"}, "invalid_request"),
        ({"subject_token": ""}, "invalid_request"),
        ({"subject_token_type": ""}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
        ({"actor_token": "unknown", "actor_token_type": ACCESS_TOKEN}, "invalid_request"),
        ({"actor_token_type": ACCESS_TOKEN}, "invalid_request"),
        ({"scope": "read admin"}, "invalid_scope"),
    ],
)
def test_token_exchange_refuses(caller: Caller, changes: dict[str, Any], code: str) -> None:
    form: dict[str, Any] = {
        "grant_type": EXCHANGE,
        "subject_token": caller.access_token(),
        "subject_token_type": ACCESS_TOKEN,
    }
    assert error(caller.token(**form | changes)) == (400, code)


def test_token_exchange_wants_a_live_token(caller: Caller, server: PracticeServer, clock: HandClock) -> None:
    token = caller.access_token()
    form: dict[str, Any] = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN}
    clock.time += 60
    assert error(caller.token(**form)) == (400, "invalid_request")
    form["subject_token"] = caller.access_token()
    server.revoke_access_tokens()
    assert error(caller.token(**form)) == (400, "invalid_request")
