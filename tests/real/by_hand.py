"""The code flow and the refresh by a bare HTTP client, without Vestal: for the server's own tests, and for what others
do behind Vestal's back.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from tests.real.browser import Browser
from tests.real.server import AuthorizationServer, Client

REDIRECT = "http://127.0.0.1:1/callback"
"""Nothing listens there: the browser's failed request tells where the server sent it."""


def s256(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def post(oidc: AuthorizationServer, path: str, client: Client, headers: Any = None, **form: str) -> httpx2.Response:
    """Post a form; a confidential client authenticates by Basic."""
    secret = client.client_secret
    auth = httpx2.BasicAuth(client.client_id, secret.reveal()) if secret else httpx2.USE_CLIENT_DEFAULT
    data = form if secret else {"client_id": client.client_id, **form}
    return oidc.http.post(oidc.issuer + path, auth=auth, headers=headers, data=data)


def authorize(oidc: AuthorizationServer, client: Client, browser: Browser, **query: str) -> dict[str, str]:
    """What the server says at the redirect address after a person approved."""
    base = {"client_id": client.client_id, "response_type": "code", "redirect_uri": REDIRECT, "prompt": "consent"}
    with pytest.raises(httpx2.ConnectError) as callback:
        browser.approve(str(httpx2.URL(f"{oidc.issuer}/auth", params=base | query)))
    return {name: values[0] for name, values in parse_qs(urlsplit(str(callback.value.request.url)).query).items()}


def log_in(oidc: AuthorizationServer, client: Client, browser: Browser) -> dict[str, Any]:
    """What the token endpoint gives for a code that a person approved."""
    verifier = secrets.token_urlsafe(48)
    answer = authorize(
        oidc,
        client,
        browser,
        scope="openid offline_access email",
        state="xyz",
        code_challenge=s256(verifier),
        code_challenge_method="S256",
    )
    assert answer["state"] == "xyz"
    assert answer["iss"] == oidc.issuer
    form = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": REDIRECT}
    granted = post(oidc, "/token", client, code_verifier=verifier, **form)
    assert granted.status_code == 200, granted.text
    return cast(dict[str, Any], granted.json())


def refresh(oidc: AuthorizationServer, client: Client, refresh_token: str) -> httpx2.Response:
    return post(oidc, "/token", client, grant_type="refresh_token", refresh_token=refresh_token)
