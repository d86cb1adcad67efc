"""The server is what the other tests here take it for. Driven by a bare HTTP client, without Vestal."""

from __future__ import annotations

import hashlib
import time
import uuid

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.real.browser import Browser
from tests.real.by_hand import authorize, log_in, post, refresh, s256
from tests.real.server import AuthorizationServer


def dpop_proof(key: ECKey, method: str, url: str, **claims: str) -> str:
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    body = {"htm": method, "htu": url, "iat": int(time.time()), "jti": str(uuid.uuid4()), **claims}
    return jwt.encode(header, body, key)


def test_a_code_needs_pkce(oidc: AuthorizationServer, browser: Browser) -> None:
    assert authorize(oidc, oidc.register("none"), browser, scope="openid")["error"] == "invalid_request"


def test_an_old_refresh_token_revokes_the_grant(oidc: AuthorizationServer, browser: Browser) -> None:
    client = oidc.register("none", access_token_lifetime=7)
    first = log_in(oidc, client, browser)
    assert first["expires_in"] == 7
    second = refresh(oidc, client, first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    userinfo = {"Authorization": f"Bearer {second['access_token']}"}
    assert oidc.http.get(f"{oidc.issuer}/me", headers=userinfo).json() == {"sub": "ada", "email": "ada@example.com"}

    assert refresh(oidc, client, first["refresh_token"]).json()["error"] == "invalid_grant"
    assert refresh(oidc, client, second["refresh_token"]).json()["error"] == "invalid_grant"
    assert oidc.http.get(f"{oidc.issuer}/me", headers=userinfo).status_code == 401

    code, good, old, dead = oidc.requests(client)
    assert [code.grant_type, good.grant_type] == ["authorization_code", "refresh_token"]
    assert good.refresh_token == hashlib.sha256(first["refresh_token"].encode()).hexdigest()
    assert (good.status, good.grant_revoked) == (200, False)
    assert (old.status, old.detail, old.grant_revoked) == (400, "refresh token already used", True)
    assert old.refresh_token == good.refresh_token
    assert (dead.status, dead.detail) == (400, "refresh token not found")


def test_an_access_token_can_be_forgotten_alone(oidc: AuthorizationServer, browser: Browser) -> None:
    client = oidc.register("none")
    tokens = log_in(oidc, client, browser)
    oidc.forget(tokens["access_token"])
    userinfo = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert oidc.http.get(f"{oidc.issuer}/me", headers=userinfo).status_code == 401
    assert refresh(oidc, client, tokens["refresh_token"]).status_code == 200


def test_revocation_and_introspection(oidc: AuthorizationServer, browser: Browser) -> None:
    client = oidc.register("client_secret_basic")
    tokens = log_in(oidc, client, browser)
    assert post(oidc, "/token/introspection", client, token=tokens["access_token"]).json()["active"] is True
    assert post(oidc, "/token/revocation", client, token=tokens["refresh_token"]).status_code == 200
    assert post(oidc, "/token/introspection", client, token=tokens["access_token"]).json() == {"active": False}
    assert refresh(oidc, client, tokens["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("approved", [True, False])
def test_the_device_page(oidc: AuthorizationServer, browser: Browser, approved: bool) -> None:
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    client = oidc.register("none", grant, "refresh_token")
    device = post(oidc, "/device/auth", client, scope="openid offline_access").json()
    form = {"grant_type": grant, "device_code": device["device_code"]}
    assert post(oidc, "/token", client, **form).json()["error"] == "authorization_pending"
    decide = browser.approve if approved else browser.refuse
    decide(device["verification_uri"], user_code=device["user_code"])
    answer = post(oidc, "/token", client, **form).json()
    assert "refresh_token" in answer if approved else answer["error"] == "access_denied"


def test_dpop_with_nonces(oidc: AuthorizationServer) -> None:
    client = oidc.register(
        "client_secret_basic",
        "client_credentials",
        dpop_bound_access_tokens=True,
        dpop_nonce=True,
        default_resource=oidc.resource,
    )
    key = ECKey.generate_key("P-256")
    form = {"grant_type": "client_credentials", "scope": "api:read"}
    url = f"{oidc.issuer}/token"
    assert post(oidc, "/token", client, **form).json()["error"] == "invalid_grant"
    demand = post(oidc, "/token", client, {"DPoP": dpop_proof(key, "POST", url)}, **form)
    assert demand.json()["error"] == "use_dpop_nonce"
    proof = dpop_proof(key, "POST", url, nonce=demand.headers["DPoP-Nonce"])
    granted = post(oidc, "/token", client, {"DPoP": proof}, **form).json()
    assert granted["token_type"] == "DPoP"
    ath = s256(granted["access_token"])

    def call(query: str = "", scheme: str = "DPoP", proof: str = "", **claims: str) -> httpx2.Response:
        proof = proof or dpop_proof(key, "GET", oidc.resource, ath=ath, **claims)
        headers = {"Authorization": f"{scheme} {granted['access_token']}", "DPoP": proof}
        return oidc.http.get(oidc.resource + query, headers=headers)

    assert call().json() == {"sub": client.client_id, "client_id": client.client_id, "scope": "api:read", "bound": True}
    assert call(scheme="Bearer").status_code == 401
    proof = dpop_proof(key, "GET", oidc.resource, ath=ath)
    assert [call(proof=proof).status_code, call(proof=proof).status_code] == [200, 401]
    refused = call("?nonce=required")
    assert refused.json() == {"error": "use_dpop_nonce"}
    nonce = refused.headers["DPoP-Nonce"]
    assert call("?nonce=required", nonce=nonce).status_code == 200
    assert call("?nonce=required", nonce=nonce).status_code == 401  # each is good for one request
