"""A provider as one app uses it: its variables filled in, and what the app's settings say put in its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vestal.core.credential import App
from vestal.core.errors import ConfigError
from vestal.oauth2 import settings
from vestal.oauth2.address import check_address, origin
from vestal.oauth2.provider import OAuth2Provider

_ENDPOINTS: Mapping[str, str] = {
    "token_url": "token_endpoint",
    "authorize_url": "authorization_endpoint",
    "device_url": "device_authorization_endpoint",
    "revoke_url": "revocation_endpoint",
    "introspect_url": "introspection_endpoint",
    "issuer": "issuer",
}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "pkce": ("required", "supported", "none"),
    "rotation": ("always", "never", "unknown"),
    "client_auth": ("basic", "post", "none", "private_key_jwt"),
}
_GRANTS = (
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "device_code",
    "jwt_bearer",
    "token_exchange",
)
_FLAGS = ("dpop", "issuer_in_callback")
_ORIGIN = re.compile(r"https?://[^/]*")


def configured(provider: OAuth2Provider, app: App) -> OAuth2Provider:
    """`provider` with `app`'s settings in force.

    The settings are `token_url`, `authorize_url`, `device_url`, `revoke_url`, `introspect_url`, `issuer`, `client_auth`,
    `scope_separator`, `pkce`, `rotation`, `dpop`, `issuer_in_callback`, `access_token_lifetime` (seconds), and one of the
    same name for each `{variable}` that still stands in an endpoint. `web_url` is the address of a server of one's own,
    where the provider's endpoints are then looked for (GitHub Enterprise). Raises `ConfigError`.
    """
    changes: dict[str, Any] = {
        field: _filled(provider, app, app.settings.get(name, _moved(app, getattr(provider, field))))
        for name, field in _ENDPOINTS.items()
    }
    changes |= {name: settings.choice(app, name, getattr(provider, name), known) for name, known in _CHOICES.items()}
    changes |= {name: settings.flag(app, name, getattr(provider, name)) for name in _FLAGS}
    changes["scope_separator"] = app.settings.get("scope_separator", provider.scope_separator)
    changes["access_token_lifetime"] = settings.number(app, "access_token_lifetime", provider.access_token_lifetime)
    made = replace(provider, **changes)
    if made.dpop and made.dpop_algorithms and "ES256" not in made.dpop_algorithms:
        raise ConfigError(f"{made.label} takes no DPoP proofs signed with ES256", remedy="set dpop=false")
    return made


def custom(app: App) -> OAuth2Provider:
    """The provider that is known from an app's settings alone; it is taken to know every grant. Raises `ConfigError`."""
    title = origin(app.settings.get("token_url", "") or app.settings.get("issuer", "")).partition("://")[2]
    return configured(OAuth2Provider(name="custom", title=title, grants=_GRANTS), app)


def settings_of(provider: OAuth2Provider) -> dict[str, str]:
    """The settings from which `custom` makes this provider again: how a discovered one is kept with an app."""
    endpoints = {name: getattr(provider, field) for name, field in _ENDPOINTS.items()}
    kept = {name: value for name, value in endpoints.items() if value}
    kept |= {name: getattr(provider, name) for name in _CHOICES}
    return kept | {name: "true" for name in _FLAGS if getattr(provider, name)}


def _moved(app: App, endpoint: str | None) -> str | None:
    """An endpoint of the catalogue on the app's own server, if it has one."""
    web_url = app.settings.get("web_url", "").strip().rstrip("/")
    if not web_url or not endpoint:
        return endpoint
    if "://" not in web_url:
        web_url = f"https://{web_url}"
    return check_address(web_url, "address of the server", "web_url") + _ORIGIN.sub("", endpoint)


def _filled(provider: OAuth2Provider, app: App, template: str | None) -> str | None:
    """An endpoint with its variables filled in."""
    return settings.filled(app, template, provider.label, provider.variables) if template else None
