"""User-to-server tokens and personal ones."""

from __future__ import annotations

from typing import Any

import httpx2

from tests.github.jwts import bearer
from tests.github.stub.apps import App
from tests.github.stub.server import Stub

JSON = {"Accept": "application/json"}
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def ask(http: httpx2.Client, app: App, **form: str) -> dict[str, Any]:
    answer = http.post("/login/oauth/access_token", data={"client_id": app.client_id, **form}, headers=JSON)
    assert answer.status_code == 200, "errors come with status 200 as well"
    found: dict[str, Any] = answer.json()
    return found


def test_refresh_token_is_good_once(stub: Stub, http: httpx2.Client) -> None:
    app = stub.add_app()
    first = stub.issue_user_token(app, "alice")
    form = {"client_secret": app.client_secret, "grant_type": "refresh_token"}
    second = ask(http, app, **form, refresh_token=str(first["refresh_token"]))
    assert (second["expires_in"], second["refresh_token_expires_in"]) == (28_800, 15_811_200)
    assert http.get("/user", headers=bearer(second["access_token"])).json()["login"] == "alice"
    assert http.get("/user", headers=bearer(str(first["access_token"]))).status_code == 401
    assert ask(http, app, **form, refresh_token=str(first["refresh_token"]))["error"] == "bad_refresh_token"
    wrong = ask(http, app, **{**form, "client_secret": "no"}, refresh_token=second["refresh_token"])
    assert wrong["error"] == "incorrect_client_credentials"
    stub.advance(28_800)
    assert http.get("/user", headers=bearer(second["access_token"])).status_code == 401
    assert "access_token" in ask(http, app, **form, refresh_token=second["refresh_token"])


def test_device_login(stub: Stub, http: httpx2.Client) -> None:
    stub.stop_clock()
    app = stub.add_app()
    device = http.post("/login/device/code", data={"client_id": app.client_id}, headers=JSON).json()
    form = {"grant_type": DEVICE, "device_code": device["device_code"]}
    assert ask(http, app, **form)["error"] == "authorization_pending"
    assert ask(http, app, **form)["error"] == "slow_down"
    stub.decide_device(device["user_code"], "bob")
    token = ask(http, app, **form)
    assert http.get("/user", headers=bearer(token["access_token"])).json()["login"] == "bob"
    again = ask(http, app, grant_type="refresh_token", refresh_token=token["refresh_token"])
    assert again["token_type"] == "bearer", "without a client secret, as it came from device login"
    assert ask(http, app, **form)["error"] == "incorrect_device_code"


def test_device_denied_and_expired(stub: Stub, http: httpx2.Client) -> None:
    app = stub.add_app()
    one, two = (http.post("/login/device/code", json={"client_id": app.client_id}).json() for _ in range(2))
    stub.decide_device(one["user_code"], "bob", approved=False)
    assert ask(http, app, grant_type=DEVICE, device_code=one["device_code"])["error"] == "access_denied"
    stub.advance(two["expires_in"])
    assert ask(http, app, grant_type=DEVICE, device_code=two["device_code"])["error"] == "expired_token"


def test_personal_tokens(stub: Stub, http: httpx2.Client) -> None:
    stub.stop_clock(1_800_000_000)
    classic = stub.add_pat("alice")
    narrow = stub.add_pat(
        "alice", fine_grained=True, expires_in=60, repositories=["acme/secret"], permissions={"metadata": "read"}
    )
    assert classic.startswith("ghp_")
    assert narrow.startswith("github_pat_")
    assert stub.owner_of(classic) == stub.owner_of(narrow), "one user, one quota"
    answer = http.get("/repos/acme/secret", headers=bearer(narrow))
    assert answer.headers["github-authentication-token-expiration"] == "2027-01-15 08:01:00 UTC"
    refused = http.get("/repos/acme/secret/pulls", headers=bearer(narrow))
    assert refused.json()["message"] == "Resource not accessible by personal access token"
    assert http.get("/repos/acme/secret", headers=bearer(stub.add_pat("bob"))).status_code == 404
    stub.advance(60)
    assert http.get("/repos/acme/secret", headers=bearer(narrow)).status_code == 401
    assert http.get("/repos/acme/secret", headers={"Authorization": f"token {classic}"}).status_code == 200
    assert http.get("/repos/acme/secret", auth=("x-access-token", classic)).status_code == 200
