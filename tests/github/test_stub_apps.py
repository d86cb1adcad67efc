"""Apps: JWTs are verified as GitHub does it, and installation tokens are narrowed, expire and are revoked."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest

from tests.github.jwts import app_jwt, bearer
from tests.github.stub import apps
from tests.github.stub.apps import App, Installation
from tests.github.stub.server import Stub


@pytest.fixture
def app(stub: Stub) -> App:
    return stub.add_app()


@pytest.fixture
def installation(stub: Stub, app: App) -> Installation:
    return stub.install(app, "acme")


def mint(stub: Stub, http: httpx2.Client, installation: Installation, **body: Any) -> httpx2.Response:
    headers = bearer(app_jwt(stub, installation.app))
    return http.post(f"/app/installations/{installation.id}/access_tokens", headers=headers, json=body)


def test_jwt_may_name_the_app_by_id_or_by_client_id(stub: Stub, http: httpx2.Client, app: App) -> None:
    for issuer in (app.id, str(app.id), app.client_id):
        answer = http.get("/app", headers=bearer(app_jwt(stub, app, iss=issuer)))
        assert (answer.status_code, answer.json()["id"]) == (200, app.id)


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"exp": 601}, apps.TOO_FAR),
        ({"exp": 0}, apps.BAD_EXP),
        ({"exp": None}, apps.BAD_EXP),
        ({"iat": 120}, apps.BAD_IAT),
        ({"iat": None}, apps.BAD_IAT),
    ],
)
def test_jwt_with_bad_times_is_refused(
    stub: Stub, http: httpx2.Client, app: App, claims: dict[str, int | None], message: str
) -> None:
    now = int(stub.stop_clock())
    absolute: dict[str, Any] = {name: None if late is None else now + late for name, late in claims.items()}
    answer = http.get("/app", headers=bearer(app_jwt(stub, app, **absolute)))
    assert (answer.status_code, answer.json()["message"]) == (401, message)


def test_jwt_at_the_edge_is_accepted(stub: Stub, http: httpx2.Client, app: App) -> None:
    now = int(stub.stop_clock(1_800_000_000))
    assert http.get("/app", headers=bearer(app_jwt(stub, app, iat=now + 60, exp=now + 600))).status_code == 200
    stub.advance(600)
    assert http.get("/app", headers=bearer(app_jwt(stub, app, iat=now + 60, exp=now + 600))).status_code == 401


def test_jwt_signed_by_another_key_is_refused(stub: Stub, http: httpx2.Client, app: App) -> None:
    other = apps.pem(apps.key(1))
    answer = http.get("/app", headers=bearer(app_jwt(stub, app, key=other)))
    assert (answer.status_code, answer.json()["message"]) == (401, apps.UNREADABLE)
    app.public_keys.append(apps.key(1).public_key())
    assert http.get("/app", headers=bearer(app_jwt(stub, app, key=other))).status_code == 200


def test_jwt_of_an_unknown_app_is_not_found(stub: Stub, http: httpx2.Client, app: App) -> None:
    answer = http.get("/app", headers=bearer(app_jwt(stub, app, iss="Iv1.nobody")))
    assert (answer.status_code, answer.json()["message"]) == (404, "Integration not found")


def test_jwt_and_tokens_are_good_for_their_own_paths_only(
    stub: Stub, http: httpx2.Client, installation: Installation
) -> None:
    jwt, token = app_jwt(stub, installation.app), mint(stub, http, installation).json()["token"]
    assert http.get("/repos/acme/widgets", headers=bearer(jwt)).status_code == 401
    assert http.get("/app", headers=bearer(token)).json()["message"] == apps.UNREADABLE


def test_token_lives_as_long_as_it_says(stub: Stub, http: httpx2.Client, installation: Installation) -> None:
    stub.stop_clock(1_800_000_000)
    answer = mint(stub, http, installation)
    assert (answer.status_code, answer.json()["expires_at"]) == (201, "2027-01-15T09:00:00Z")
    assert re.fullmatch(r"ghs_[A-Za-z0-9]{36}", answer.json()["token"])
    headers = bearer(answer.json()["token"])
    stub.advance(3599)
    assert http.get("/repos/acme/secret", headers=headers).status_code == 200
    stub.advance(1)
    expired = http.get("/repos/acme/secret", headers=headers)
    assert (expired.status_code, expired.json()["message"]) == (401, "Bad credentials")
    assert installation.mints == 1


def test_long_tokens(stub: Stub, http: httpx2.Client, installation: Installation) -> None:
    stub.configure(stateless=True)
    token = mint(stub, http, installation).json()["token"]
    assert token.startswith(f"ghs_{installation.app.id}_eyJ")
    assert len(token) > 400
    assert token.count(".") == 2
    assert http.get("/installation/repositories", headers=bearer(token)).status_code == 200
    headers = bearer(app_jwt(stub, installation.app)) | {"X-GitHub-Stateless-S2S-Token": "disabled"}
    short = http.post(f"/app/installations/{installation.id}/access_tokens", headers=headers).json()["token"]
    assert len(short) == 40


def test_narrowed_token_reaches_what_was_asked_for(stub: Stub, http: httpx2.Client, installation: Installation) -> None:
    token = mint(stub, http, installation, repositories=["widgets"], permissions={"issues": "read"}).json()
    assert token["permissions"] == {"metadata": "read", "issues": "read"}
    assert (token["repository_selection"], [r["name"] for r in token["repositories"]]) == ("selected", ["widgets"])
    assert http.get("/repos/acme/secret", headers=bearer(token["token"])).status_code == 404
    sha = stub.world.repository("acme/widgets").history[0]
    status = http.post(f"/repos/acme/widgets/statuses/{sha}", headers=bearer(token["token"]), json={"state": "success"})
    assert (status.status_code, status.headers["x-accepted-github-permissions"]) == (403, "statuses=write")
    assert status.json()["message"] == "Resource not accessible by integration"


def test_private_repositories_want_each_permission(stub: Stub, http: httpx2.Client, app: App) -> None:
    found = stub.install(app, "acme", ["acme/secret"], {"metadata": "read"})
    headers = bearer(mint(stub, http, found).json()["token"])
    assert http.get("/repos/acme/secret", headers=headers).status_code == 200
    refused = http.get("/repos/acme/secret/pulls", headers=headers)
    assert (refused.status_code, refused.headers["x-accepted-github-permissions"]) == (403, "pull_requests=read")


@pytest.mark.parametrize(
    "body", [{"repositories": ["hello"]}, {"repository_ids": [1]}, {"permissions": {"administration": "write"}}]
)
def test_what_is_not_granted_is_unprocessable(
    stub: Stub, http: httpx2.Client, installation: Installation, body: dict[str, Any]
) -> None:
    assert mint(stub, http, installation, **body).status_code == 422
    assert installation.mints == 0


def test_suspended_and_uninstalled(stub: Stub, http: httpx2.Client, installation: Installation) -> None:
    token = mint(stub, http, installation).json()["token"]
    stub.suspend(installation)
    refused = mint(stub, http, installation)
    assert (refused.status_code, refused.json()["message"]) == (403, apps.SUSPENDED)
    assert http.get("/repos/acme/secret", headers=bearer(token)).status_code == 403
    jwt = bearer(app_jwt(stub, installation.app))
    assert http.get("/repos/acme/secret/installation", headers=jwt).json()["suspended_at"] is not None
    stub.suspend(installation, suspended=False)
    assert http.get("/repos/acme/secret", headers=bearer(token)).status_code == 200
    stub.uninstall(installation)
    assert mint(stub, http, installation).status_code == 404
    assert http.get("/repos/acme/secret", headers=bearer(token)).status_code == 401
    assert http.get("/repos/acme/secret/installation", headers=jwt).status_code == 404


def test_revocation(stub: Stub, http: httpx2.Client, installation: Installation) -> None:
    one, two = (mint(stub, http, installation).json()["token"] for _ in range(2))
    assert http.delete("/installation/token", headers=bearer(one)).status_code == 204
    assert http.get("/installation/repositories", headers=bearer(one)).status_code == 401
    assert http.get("/installation/repositories", headers=bearer(two)).status_code == 200
    assert stub.revoke(two)
    assert http.get("/installation/repositories", headers=bearer(two)).status_code == 401


def test_fresh_token_may_lag(stub: Stub, http: httpx2.Client, installation: Installation) -> None:
    stub.stop_clock(1_800_000_000)
    stub.configure(lag=3)
    headers = bearer(mint(stub, http, installation).json()["token"])
    assert http.get("/installation/repositories", headers=headers).status_code == 401
    stub.advance(3)
    assert http.get("/installation/repositories", headers=headers).status_code == 200


def test_installations_come_in_pages(stub: Stub, http: httpx2.Client, app: App) -> None:
    accounts = [stub.add_repository(f"org{n}/repo").owner.login for n in range(5)]
    for account in accounts:
        stub.install(app, account)
    answer = http.get("/app/installations?per_page=2", headers=bearer(app_jwt(stub, app)))
    found = answer.json()
    while "next" in answer.links:
        answer = http.get(answer.links["next"]["url"], headers=bearer(app_jwt(stub, app)))
        found += answer.json()
    assert [one["account"]["login"] for one in found] == accounts
