from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.real.house import add, stored
from tests.real.server import AuthorizationServer
from vestal.core.errors import AuthFailed, Category, ConfigError
from vestal.core.secret import Secret
from vestal.home import Home

METHODS = {"basic": "client_secret_basic", "post": "client_secret_post"}


@pytest.mark.parametrize("auth", METHODS)
def test_a_shared_secret(oidc: AuthorizationServer, home: Home, auth: str) -> None:
    client = oidc.register(METHODS[auth], "client_credentials", access_token_lifetime=7)
    add(home, "app", oidc, client, auth=auth, grant="client_credentials", scopes=("api:read", "api:write"))
    token = home.token("app")
    assert token.scope == "api:read api:write"
    assert token.expires_in(token.issued_at) == 7
    assert home.token("app", newer_than=1).version == 2
    assert [(seen.grant_type, seen.status) for seen in oidc.requests(client)] == [("client_credentials", 200)] * 2


@pytest.mark.parametrize(
    ("algorithm", "generate"),
    [
        ("ES256", lambda: ECKey.generate_key("P-256")),
        ("EdDSA", lambda: OKPKey.generate_key("Ed25519")),
        ("RS256", lambda: RSAKey.generate_key(2048)),
    ],
    ids=["ES256", "EdDSA", "RS256"],
)
@pytest.mark.parametrize("form", ["pem", "jwk"])
def test_a_private_key(
    oidc: AuthorizationServer, home: Home, algorithm: str, generate: Callable[[], ECKey | OKPKey | RSAKey], form: str
) -> None:
    key = generate()
    client = oidc.register(
        "private_key_jwt",
        "client_credentials",
        jwks={"keys": [key.as_dict(private=False)]},
        token_endpoint_auth_signing_alg=algorithm,
    )
    text = key.as_pem(private=True).decode() if form == "pem" else json.dumps(key.as_dict(private=True))
    add(
        home,
        "app",
        oidc,
        client,
        auth="private_key_jwt",
        private_key=Secret(text),
        grant="client_credentials",
        scopes=("api:read",),
    )
    assert home.token("app").scope == "api:read"
    assert home.token("app", newer_than=1).version == 2  # with a new assertion: each is good once


def test_a_wrong_secret_is_sent_once(oidc: AuthorizationServer, home: Home) -> None:
    client = oidc.register("client_secret_basic", "client_credentials")
    add(home, "app", oidc, client, auth="basic", grant="client_credentials", client_secret=Secret("not it"), scopes=())
    for _ in range(2):
        with pytest.raises(AuthFailed) as refused:
            home.source("app").token()
        assert refused.value.remedy
    (seen,) = oidc.requests(client)
    assert (seen.status, seen.error, seen.detail) == (401, "invalid_client", "invalid secret provided")
    error = stored(home, "app").last_error
    assert error is not None
    assert error.category == Category.AUTH_FAILED


def test_a_scope_that_the_app_may_not_have(oidc: AuthorizationServer, home: Home) -> None:
    client = oidc.register("client_secret_basic", "client_credentials", scope="api:read")
    add(home, "app", oidc, client, auth="basic", grant="client_credentials", scopes=("api:write",))
    with pytest.raises(ConfigError, match="scope"):
        home.token("app")


def test_a_resource(oidc: AuthorizationServer, home: Home) -> None:
    client = oidc.register("client_secret_basic", "client_credentials")
    scopes = ("api:read",)
    add(home, "app", oidc, client, auth="basic", grant="client_credentials", scopes=scopes, resource=oidc.resource)
    answer = oidc.http.get(oidc.resource, headers=home.token("app").headers("GET", oidc.resource))
    assert answer.json() == {
        "sub": client.client_id,
        "client_id": client.client_id,
        "scope": "api:read",
        "bound": False,
    }
