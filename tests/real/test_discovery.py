from __future__ import annotations

import pytest

from tests.real.server import AuthorizationServer
from vestal.core.errors import ConfigError
from vestal.home import Home
from vestal.oauth2.discovery import discover


def test_the_issuer_is_all_that_a_person_has_to_know(oidc: AuthorizationServer, home: Home) -> None:
    provider = discover(oidc.issuer, home.send)
    assert provider.issuer == oidc.issuer
    assert provider.token_endpoint == f"{oidc.issuer}/token"
    assert provider.authorization_endpoint == f"{oidc.issuer}/auth"
    assert provider.device_authorization_endpoint == f"{oidc.issuer}/device/auth"
    assert provider.revocation_endpoint == f"{oidc.issuer}/token/revocation"
    assert provider.introspection_endpoint == f"{oidc.issuer}/token/introspection"
    assert {"authorization_code", "refresh_token", "client_credentials", "device_code"} <= set(provider.grants)
    assert provider.pkce == "supported"
    assert provider.issuer_in_callback
    assert "ES256" in provider.dpop_algorithms


@pytest.mark.parametrize("change", ["/", "/tenant"])
def test_an_issuer_is_taken_at_its_word_only(oidc: AuthorizationServer, home: Home, change: str) -> None:
    with pytest.raises(ConfigError, match="nothing was discovered"):
        discover(oidc.issuer + change, home.send)
