"""The control API and its lock."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from vestal.testing.practice import PracticeServer
from vestal.testing.practice.app import ROUTES

if TYPE_CHECKING:
    from tests.testing.practice.conftest import Caller

DOORS = [(path, method) for path, place in ROUTES.items() if place.name == "practice" for method in place.methods]


@pytest.mark.parametrize(("path", "method"), DOORS)
def test_every_door_has_a_lock(caller: Caller, server: PracticeServer, path: str, method: str) -> None:
    for headers in ({}, {"Practice-Key": ""}, {"Practice-Key": "wrong"}, {"Practice-Key": server.control_key + "x"}):
        answer = caller.http.request(method, path, headers=headers, json={})
        assert answer.status_code == 401
        assert set(answer.json()) == {"error", "error_description"}
    assert caller.http.request(method, path, headers={"Practice-Key": server.control_key}).status_code in (200, 400)


def test_counters(caller: Caller, server: PracticeServer) -> None:
    token = server.issue_refresh_token()
    caller.refresh(token)
    counts = caller.control("GET", "counters").json()
    assert counts["redemptions"] == 1
    assert counts == server.counters.snapshot()
    assert token not in str(counts)


def test_settings(caller: Caller, server: PracticeServer) -> None:
    assert caller.control("GET", "settings").json() == dataclasses.asdict(server.settings)
    changed = caller.control("POST", "settings", {"reuse_grace": 5, "expires_in": '"60"', "rotation": False})
    assert changed.json()["reuse_grace"] == 5
    assert (server.settings.expires_in, server.settings.rotation) == ('"60"', False)
    bad = caller.control("POST", "settings", {"rotation": True, "reuse_grace": "long"})
    assert (bad.status_code, bad.json()["error"]) == (400, "invalid_request")
    assert server.settings.rotation is False  # all or none
    assert "no setting" in caller.control("POST", "settings", {"colour": "red"}).json()["error_description"]


def test_faults(caller: Caller, server: PracticeServer) -> None:
    fault = {"endpoint": "resource", "kind": "status", "times": None, "status": 502}
    assert caller.control("POST", "faults", fault).status_code == 200
    assert [caller.resource("x").status_code for _ in range(3)] == [502] * 3
    assert caller.control("DELETE", "faults").json() == {"released": 0}
    assert caller.resource("x").status_code == 401
    assert caller.control("POST", "release").json() == {"released": 0}
    for wrong in ({}, fault | {"kind": "x"}, fault | {"times": 0}, fault | {"times": "2"}, fault | {"colour": 1}):
        assert caller.control("POST", "faults", wrong).status_code == 400


def test_seeding_and_revoking(caller: Caller, server: PracticeServer) -> None:
    seeded = caller.control("POST", "refresh-token", {"client_id": "practice", "scope": "read"}).json()
    members = caller.refresh(seeded["refresh_token"]).json()
    assert members["scope"] == "read"
    assert server.counters[f"redeemed.{seeded['fingerprint']}"] == 1
    assert caller.control("POST", "revoke-access-tokens").json() == {"revoked": 1}
    assert caller.resource(members["access_token"]).status_code == 401
    members = caller.refresh(members["refresh_token"]).json()
    assert caller.control("POST", "revoke-family", {"refresh_token": members["refresh_token"]}).status_code == 200
    assert caller.refresh(members["refresh_token"]).status_code == 400
    assert caller.control("POST", "revoke-family", {"refresh_token": "unknown"}).status_code == 400
    assert caller.control("POST", "refresh-token", {"client_id": "nobody"}).status_code == 400


@pytest.mark.parametrize(("decision", "code"), [("approve", None), ("deny", "access_denied")])
def test_devices(caller: Caller, decision: str, code: str | None) -> None:
    device = caller.http.post("/device_authorization", data={"client_id": "practice-public"}).json()
    for status in (200, 400):
        answer = caller.control("POST", f"device/{decision}", {"user_code": device["user_code"]})
        assert answer.status_code == status
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": device["device_code"]}
    assert caller.token(auth=None, client_id="practice-public", **form).json().get("error") == code


def test_clients(caller: Caller) -> None:
    key = ECKey.generate_key("P-256")
    client = {"client_id": "mine", "secret": "s", "scopes": ["a"], "auth": ["basic"]}
    assert caller.control("POST", "clients", client).status_code == 200
    assert caller.token(auth=("mine", "s"), grant_type="client_credentials").json()["scope"] == "a"
    signer = {"client_id": "signer", "public_key": key.as_pem(private=False).decode()}
    assert caller.control("POST", "clients", signer).status_code == 200
    for wrong in ({}, {"client_id": "x", "colour": 1}, {"client_id": "x", "dpop": "yes"}, signer | {"public_key": "x"}):
        assert caller.control("POST", "clients", wrong).status_code == 400


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from(
    ["endpoint", "kind", "times", "status", "client_id", "scope", "user_code", "refresh_token", "self"]
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(DOORS), st.dictionaries(names | st.text(max_size=5), json_values, max_size=4) | json_values)
def test_any_json_is_done_or_refused(caller: Caller, door: tuple[str, str], value: Any) -> None:
    import json

    body = json.dumps(value)  # with NaN and Infinity
    headers = {"Practice-Key": caller.server.control_key, "Content-Type": "application/json"}
    assert caller.http.request(door[1], door[0], content=body, headers=headers).status_code in (200, 400)


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b"\xff", b"[" * 100_000])
def test_any_bytes_are_done_or_refused(caller: Caller, body: bytes) -> None:
    headers = {"Practice-Key": caller.server.control_key}
    assert caller.http.post("/practice/faults", content=body, headers=headers).status_code == 400
