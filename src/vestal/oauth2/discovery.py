"""Discovery: what an authorization server says of itself (RFC 8414; OpenID Connect Discovery 1.0)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from vestal.core.errors import ConfigError, VestalError
from vestal.core.transport import Request, Response, Send
from vestal.oauth2.address import check_address, origin
from vestal.oauth2.payload import Payload, read_payload, shown
from vestal.oauth2.provider import ClientAuth, OAuth2Provider
from vestal.oauth2.refusal import refusal

_CLIENT_AUTH: Mapping[str, ClientAuth] = {
    "client_secret_basic": "basic",
    "client_secret_post": "post",
    "private_key_jwt": "private_key_jwt",
    "none": "none",
}
_GRANTS: Mapping[str, str] = {
    "authorization_code": "authorization_code",
    "refresh_token": "refresh_token",
    "client_credentials": "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code": "device_code",
    "urn:ietf:params:oauth:grant-type:jwt-bearer": "jwt_bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange": "token_exchange",
}


def discover(issuer: str, send: Send) -> OAuth2Provider:
    """The provider that calls itself `issuer`, exactly as it does (RFC 8414, section 3.3).

    RFC 8414's address is asked first, then OpenID Connect's. Raises `ConfigError` if neither has a usable document, and
    passing errors if the server can't be asked.
    """
    check_address(issuer, "issuer", "issuer")
    if "?" in issuer:
        raise ConfigError("an issuer has no query (RFC 8414, section 2)", remedy="give the issuer without it")
    failures: list[VestalError] = []
    for url in _well_known(issuer):
        response = send(Request("GET", url, headers={"Accept": "application/json"}))
        found = _read(issuer, response)
        if isinstance(found, OAuth2Provider):
            return found
        failures.append(found)
    raise next((failure for failure in failures if failure.passing), failures[-1])


def _well_known(issuer: str) -> tuple[str, str]:
    """RFC 8414, section 3.1: inserted between host and path; OpenID Connect Discovery, section 4.1: appended."""
    path = urlsplit(issuer).path.rstrip("/")
    return (
        f"{origin(issuer)}/.well-known/oauth-authorization-server{path}",
        f"{issuer.rstrip('/')}/.well-known/openid-configuration",
    )


def _read(issuer: str, response: Response) -> OAuth2Provider | VestalError:
    """What a document says, or why it is of no use."""
    payload = read_payload(response)
    host = origin(issuer).partition("://")[2]
    refused = refusal(response, payload, service=host)
    if refused is not None:
        return refused if refused.passing else _unusable(host, f"answered {response.status}")
    if payload is None:
        return _unusable(host, f"answered {response.status} with something that is not JSON")
    if payload.get("issuer") != issuer:
        named = shown(payload.get("issuer"), 100)
        return _unusable(host, f"calls itself {named or 'nothing'}, not {issuer}", f"if you trust it, ask for {named}")
    try:
        return _provider(issuer, host, payload)
    except ConfigError as error:
        return error.copy()


def _unusable(host: str, why: str, remedy: str = "") -> ConfigError:
    return ConfigError(
        f"nothing was discovered: {host} {why}",
        remedy=remedy or "check the issuer, or give the endpoints: --token-url, --authorize-url",
    )


def _provider(issuer: str, host: str, payload: Payload) -> OAuth2Provider:
    """RFC 8414, section 2, with its defaults for what is left out."""
    methods = _words(payload, "token_endpoint_auth_methods_supported") or ("client_secret_basic",)
    challenges = _words(payload, "code_challenge_methods_supported")
    grants = _words(payload, "grant_types_supported") or ("authorization_code", "refresh_token")

    def endpoint(name: str, setting: str) -> str | None:
        return _endpoint(payload, name, setting, issuer)

    return OAuth2Provider(
        name="custom",
        title=host,
        docs=shown(payload.get("service_documentation")),
        issuer=issuer,
        token_endpoint=check_address(endpoint("token_endpoint", "token_url"), "discovered token endpoint", "token_url"),
        authorization_endpoint=endpoint("authorization_endpoint", "authorize_url"),
        device_authorization_endpoint=endpoint("device_authorization_endpoint", "device_url"),
        revocation_endpoint=endpoint("revocation_endpoint", "revoke_url"),
        introspection_endpoint=endpoint("introspection_endpoint", "introspect_url"),
        grants=tuple(_GRANTS[grant] for grant in grants if grant in _GRANTS),
        client_auth=next((ours for name, ours in _CLIENT_AUTH.items() if name in methods), "basic"),
        # a server that says nothing of PKCE ignores it, or takes it silently (RFC 6749, section 3.1)
        pkce="supported" if not challenges or "S256" in challenges else "none",
        issuer_in_callback=payload.get("authorization_response_iss_parameter_supported") is True,  # RFC 9207, section 3
        dpop_algorithms=_words(payload, "dpop_signing_alg_values_supported"),  # RFC 9449, section 5.1
    )


def _endpoint(payload: Payload, name: str, setting: str, issuer: str) -> str | None:
    """An address from the document. A server elsewhere has no business naming one on this machine."""
    url = _text(payload, name)
    if not url:
        return None
    what = f"discovered {name.replace('_', ' ')}"
    check_address(url, what, setting)
    if url.startswith("http:") and not issuer.startswith("http:"):
        raise ConfigError(f"the {what} {origin(url)} is not https", remedy=f"set {setting} if you know better")
    return url


def _text(payload: Payload, name: str) -> str | None:
    value = payload.get(name)
    return value if isinstance(value, str) else None


def _words(payload: Payload, name: str) -> tuple[str, ...]:
    value = payload.get(name)
    return tuple(word for word in value if isinstance(word, str)) if isinstance(value, list) else ()
