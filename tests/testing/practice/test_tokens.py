"""The protected resource, introspection, revocation, discovery."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vestal.testing.practice import PracticeServer

if TYPE_CHECKING:
    from tests.testing.practice.conftest import Caller, HandClock

BASIC = ("practice", "practice-secret")


def test_the_resource_without_a_token(caller: Caller, server: PracticeServer) -> None:
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}):
        answer = caller.http.get("/resource", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith('Bearer realm="practice", DPoP ')
        assert "error" not in answer.headers["www-authenticate"]  # RFC 6750, 3.1
    assert server.counters["resource.401"] == 3


def test_the_resource_says_why_a_token_is_refused(caller: Caller, server: PracticeServer, clock: HandClock) -> None:
    expired = caller.access_token()
    assert caller.resource(expired).status_code == 200
    clock.time += 60
    revoked = caller.access_token()
    assert server.revoke_access_tokens() == 1
    for token, why in ((expired, "expired"), (revoked, "revoked"), ("unknown", "unknown")):
        answer = caller.resource(token)
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        assert why in answer.headers["www-authenticate"]
    assert (server.counters["resource.200"], server.counters["resource.401"]) == (1, 3)


def test_a_token_in_the_query_is_not_taken(caller: Caller) -> None:
    assert caller.http.get("/resource", params={"access_token": caller.access_token()}).status_code == 401


def test_the_resource_takes_any_method_and_body(caller: Caller) -> None:
    headers = {"Authorization": f"bearer {caller.access_token()}"}
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        seen = caller.http.request(method, "/resource", headers=headers, content=b"12345").json()
        assert (seen["method"], seen["received"]) == (method, 5)
    assert caller.http.head("/resource", headers=headers).content == b""


def test_introspection(caller: Caller, server: PracticeServer, clock: HandClock) -> None:
    members = caller.refresh(server.issue_refresh_token(scope="read")).json()

    def introspect(token: str) -> dict[str, object]:
        return dict(caller.http.post("/introspect", data={"token": token}, auth=BASIC).json())

    access = introspect(members["access_token"])
    assert (access["active"], access["scope"], access["client_id"], access["sub"]) == (True, "read", *["practice"] * 2)
    assert access["exp"] == int(clock.time + 60)
    assert introspect(members["refresh_token"])["active"] is True
    server.settings.refresh_token_lifetime = 30
    limited = caller.refresh(members["refresh_token"]).json()["refresh_token"]
    assert introspect(limited)["exp"] == int(clock.time + 30)
    assert introspect(members["refresh_token"]) == {"active": False}
    assert introspect("unknown") == {"active": False}
    clock.time += 60
    assert introspect(members["access_token"]) == introspect(limited) == {"active": False}


def test_introspection_needs_a_confidential_client(caller: Caller) -> None:
    assert caller.http.post("/introspect", data={"token": "x"}).status_code == 401
    assert caller.http.post("/introspect", data={"token": "x", "client_id": "practice-public"}).status_code == 401


def test_revoking_a_refresh_token_ends_the_grant(caller: Caller, server: PracticeServer) -> None:
    members = caller.refresh(server.issue_refresh_token()).json()
    form = {"token": members["refresh_token"], "token_type_hint": "access_token"}  # only a hint
    answer = caller.http.post("/revoke", data=form, auth=BASIC)
    assert (answer.status_code, answer.content) == (200, b"")
    assert caller.resource(members["access_token"]).status_code == 401
    assert caller.refresh(members["refresh_token"]).status_code == 400
    assert server.counters["families_revoked"] == 1
    assert server.counters["reuse_detected"] == 0


def test_revoking_an_access_token_ends_only_that(caller: Caller, server: PracticeServer) -> None:
    members = caller.refresh(server.issue_refresh_token()).json()
    assert caller.http.post("/revoke", data={"token": members["access_token"]}, auth=BASIC).status_code == 200
    assert caller.resource(members["access_token"]).status_code == 401
    assert caller.refresh(members["refresh_token"]).status_code == 200


def test_revocation_of_what_is_unknown_or_of_others(caller: Caller, server: PracticeServer) -> None:
    assert caller.http.post("/revoke", data={"token": "unknown"}, auth=BASIC).status_code == 200
    assert caller.http.post("/revoke", data={}, auth=BASIC).json()["error"] == "invalid_request"
    assert caller.http.post("/revoke", data={"token": "unknown"}).status_code == 401
    token = server.issue_refresh_token("practice-public")
    assert caller.http.post("/revoke", data={"token": token}, auth=BASIC).json()["error"] == "unauthorized_client"
    assert caller.http.post("/revoke", data={"token": token, "client_id": "practice-public"}).status_code == 200


@pytest.mark.parametrize("name", ["oauth-authorization-server", "openid-configuration"])
def test_discovery(caller: Caller, server: PracticeServer, name: str) -> None:
    metadata = caller.http.get(f"/.well-known/{name}").json()
    assert metadata["issuer"] == server.url
    for member, value in metadata.items():
        if member.endswith("_endpoint") or member == "jwks_uri":
            assert caller.http.get(value).status_code != 404
    errors = {caller.token(grant_type=grant).json().get("error") for grant in metadata["grant_types_supported"]}
    assert errors == {None, "invalid_request"}  # each is known, and all but one miss a parameter


def test_other_addresses_and_methods(caller: Caller) -> None:
    assert caller.http.get("/nowhere").status_code == 404
    answer = caller.http.get("/token")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
