"""The device authorization grant (RFC 8628)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from vestal.core.errors import ConfigError
from vestal.testing.practice import PracticeServer, log_in

if TYPE_CHECKING:
    from tests.testing.practice.conftest import Caller, HandClock

GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def device(caller: Caller) -> dict[str, Any]:
    answer = caller.http.post("/device_authorization", data={"client_id": "practice-public", "scope": "read"})
    assert answer.status_code == 200
    return dict(answer.json())


def poll(caller: Caller, device: dict[str, Any]) -> httpx2.Response:
    form = {"grant_type": GRANT, "device_code": device["device_code"], "client_id": "practice-public"}
    return caller.token(auth=None, **form)


def test_what_the_device_is_told(device: dict[str, Any], server: PracticeServer) -> None:
    assert device["verification_uri"] == f"{server.url}/device"
    assert device["user_code"] in device["verification_uri_complete"]
    assert (device["expires_in"], device["interval"]) == (600, 5)


def test_pending_then_approved_once(caller: Caller, device: dict[str, Any], server: PracticeServer) -> None:
    pending = poll(caller, device)
    assert (pending.status_code, pending.json()["error"]) == (400, "authorization_pending")
    server.decide_device(device["user_code"])
    members = poll(caller, device).json()
    assert members["scope"] == "read"
    assert caller.resource(members["access_token"]).status_code == 200
    assert caller.refresh(members["refresh_token"], auth=None, client_id="practice-public").status_code == 200
    assert poll(caller, device).json()["error"] == "invalid_grant"
    assert server.counters["issued.device_code"] == 1


def test_polling_too_often_makes_the_interval_grow(caller: Caller, device: dict[str, Any], clock: HandClock) -> None:
    assert poll(caller, device).json()["error"] == "authorization_pending"
    clock.time += 4.9
    assert poll(caller, device).json()["error"] == "slow_down"
    clock.time += 9.9  # the interval is 10 now, and stays so
    assert poll(caller, device).json()["error"] == "slow_down"
    clock.time += 15
    assert poll(caller, device).json()["error"] == "authorization_pending"


def test_denied(caller: Caller, device: dict[str, Any], server: PracticeServer) -> None:
    server.decide_device(device["user_code"], approved=False)
    assert poll(caller, device).json()["error"] == "access_denied"


def test_expired(caller: Caller, device: dict[str, Any], clock: HandClock, server: PracticeServer) -> None:
    clock.time += 600
    assert poll(caller, device).json()["error"] == "expired_token"
    with pytest.raises(ConfigError):
        server.decide_device(device["user_code"])


def test_another_client_can_not_redeem_it(caller: Caller, device: dict[str, Any], server: PracticeServer) -> None:
    server.decide_device(device["user_code"])
    answer = caller.token(grant_type=GRANT, device_code=device["device_code"])
    assert answer.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(("allow", "code"), [(True, None), (False, "access_denied")])
def test_the_person_decides_on_the_page(caller: Caller, device: dict[str, Any], allow: bool, code: str | None) -> None:
    log_in(device["verification_uri_complete"], allow=allow)
    assert poll(caller, device).json().get("error") == code


def test_the_page_takes_the_code_as_people_type_it(caller: Caller, device: dict[str, Any]) -> None:
    typed = device["user_code"].replace("-", " ").lower()
    form = {"user_code": typed, "username": "practice", "password": "practice", "decision": "allow"}
    assert "Wrong name" in caller.http.post("/device", data=form | {"password": "wrong"}).text
    assert "no such code" in caller.http.post("/device", data=form | {"user_code": "AAAA"}).text
    assert "Allowed" in caller.http.post("/device", data=form).text
    assert poll(caller, device).status_code == 200
