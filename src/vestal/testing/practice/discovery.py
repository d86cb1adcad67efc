"""What the server says about itself: RFC 8414, OpenID Connect Discovery, and its keys."""

from __future__ import annotations

from vestal.testing.practice import assertions, devices, exchange, jose
from vestal.testing.practice.message import Answer, Request, json_answer
from vestal.testing.practice.state import State


def metadata(state: State, request: Request) -> Answer:
    """The metadata document; one for both standards, which share their members (RFC 8414, section 2)."""
    issuer = state.issuer
    methods = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
    return json_answer(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "device_authorization_endpoint": f"{issuer}/device_authorization",
            "revocation_endpoint": f"{issuer}/revoke",
            "introspection_endpoint": f"{issuer}/introspect",
            "jwks_uri": f"{issuer}/jwks",
            "scopes_supported": ["openid", "offline_access", "read", "write"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": [
                "authorization_code",
                "refresh_token",
                "client_credentials",
                devices.GRANT,
                assertions.GRANT,
                exchange.GRANT,
            ],
            "token_endpoint_auth_methods_supported": [*methods, "none"],
            "token_endpoint_auth_signing_alg_values_supported": jose.ALGORITHMS,
            "revocation_endpoint_auth_methods_supported": [*methods, "none"],
            "introspection_endpoint_auth_methods_supported": methods,
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "dpop_signing_alg_values_supported": jose.ALGORITHMS,
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        }
    )


def jwks(state: State, request: Request) -> Answer:
    """The public key that ID tokens are signed with (RFC 7517)."""
    public = state.keys.server.as_dict(private=False)
    return json_answer({"keys": [{**public, "use": "sig", "alg": "ES256"}]})
