"""`OAuth2Provider`: an OAuth 2 authorization server as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ClientAuth = Literal["basic", "post", "none", "private_key_jwt"]
Rotation = Literal["always", "never", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2Provider:
    """What is known of an authorization server. An entry of the catalogue, or a discovery document, as a value."""

    name: str
    title: str = ""
    docs: str = ""
    """The address of the documentation that the entry follows."""
    issuer: str | None = None
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    device_authorization_endpoint: str | None = None
    revocation_endpoint: str | None = None
    introspection_endpoint: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    """Names that stand in endpoints as `{name}` (a tenant, an account), each with a line that says what it is."""
    grants: tuple[str, ...] = ("authorization_code", "refresh_token")
    client_auth: ClientAuth = "basic"
    scope_separator: str = " "
    pkce: Literal["required", "supported", "none"] = "supported"
    rotation: Rotation = "unknown"
    """Whether a refresh replaces the refresh token. `unknown` is treated as rotating until the service shows otherwise."""
    access_token_lifetime: float | None = None
    """Seconds; used only where the service sends no `expires_in`."""
    refresh_token_lifetime: float | None = None
    """Seconds; for show."""
    authorization_parameters: Mapping[str, str] = field(default_factory=dict)
    token_parameters: Mapping[str, str] = field(default_factory=dict)
    token_headers: Mapping[str, str] = field(default_factory=dict)
    issuer_in_callback: bool = False
    """The authorization response carries `iss`, which then is required (RFC 9207)."""
    dpop: bool = False
    quirks: str = ""
    """What else a person should know."""
