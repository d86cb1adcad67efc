"""`OAuth2Provider`: an OAuth 2 authorization server as one value, and as the lifecycle sees it.

`vestal token` with a good token imports this module and calls `present`: what takes long to load is imported later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from vestal.core.clock import Clock
from vestal.core.credential import Credential
from vestal.core.grant import Grant
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.core.transport import Send

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
    api_urls: tuple[str, ...] = ()
    """Where its tokens are for: base addresses of its APIs, the usual one first. Nothing is sent elsewhere by the proxy."""
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
    """Tokens are bound to a key (RFC 9449)."""
    dpop_algorithms: tuple[str, ...] = ()
    """The algorithms that the server takes in proofs, as it says itself. It does not say whether the APIs take them too."""
    quirks: str = ""
    """What else a person should know."""

    @property
    def label(self) -> str:
        """How messages call it."""
        return self.title or self.name

    def endpoint(self, credential: Credential) -> str:
        """The token endpoint. Raises `ConfigError` if there is none, or none that a secret may be sent to."""
        from vestal.oauth2.address import check_address

        return check_address(self.token_endpoint, "token endpoint", "token_url")

    def apis(self, credential: Credential) -> tuple[str, ...]:
        """The base addresses of its APIs for this credential; none where they are not known. Raises `ConfigError`.

        Tokens of another server than the catalogue's (`web_url`, `token_url`, `issuer`) are not for the catalogue's APIs.
        """
        if credential.app.settings.keys() & {"web_url", "token_url", "issuer"}:
            return ()
        from vestal.oauth2.settings import base_url, filled

        app = credential.app
        return tuple(base_url(filled(app, url, self.label, self.variables)) for url in self.api_urls)

    def at_stake(self, credential: Credential) -> Secret | None:
        """The refresh token: wherever there is one, it is what `refresh` redeems."""
        return credential.refresh_token or None

    def rotates(self, credential: Credential) -> bool:
        """As the provider is known to do it; if nothing is known, as it was seen to do it; else True."""
        if self.rotation == "unknown":
            return credential.rotating is not False
        return self.rotation == "always"

    def client_fingerprint(self, credential: Credential) -> str:
        """Identifies the app's registration and settings, so that any change to them lifts a refusal."""
        app = credential.app
        held = [secret.fingerprint() if secret else "" for secret in (app.client_secret, app.private_key)]
        parts = [self.token_endpoint or "", app.grant, app.client_id, app.client_auth or self.client_auth, *held]
        parts += [f"{name}={value}" for name, value in sorted(app.settings.items())]
        return Secret("\0".join(parts)).fingerprint()

    def needs(self, credential: Credential) -> str | None:
        """The credential whose token is to be exchanged (RFC 8693), if that is what `refresh` will do."""
        if credential.app.grant != "token_exchange" or credential.refresh_token:
            return None
        return credential.app.settings.get("subject_credential")

    def refresh(self, credential: Credential, send: Send, clock: Clock) -> Grant:
        """As `vestal.oauth2.refresh.refresh`."""
        from vestal.oauth2.refresh import refresh

        return refresh(self, credential, send, clock)

    def present(self, credential: Credential) -> Token | None:
        """The credential's token; a bound one with the key that proves it."""
        token = credential.token
        if token is None or token.scheme != "DPoP":
            return token
        from vestal.oauth2.dpop import DPOP_KEY, DPoPKey

        key = credential.secrets.get(DPOP_KEY)
        return token if key is None else replace(token, proof=DPoPKey.from_secret(key))
