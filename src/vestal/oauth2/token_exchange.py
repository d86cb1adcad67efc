"""Token exchange (RFC 8693): another token, from elsewhere, for one of this service."""

from __future__ import annotations

from pathlib import Path

from vestal.core.clock import Clock
from vestal.core.credential import Credential
from vestal.core.errors import ConfigError
from vestal.core.grant import Grant
from vestal.core.secret import Secret
from vestal.core.transport import Send, Text
from vestal.oauth2.provider import OAuth2Provider
from vestal.oauth2.token_endpoint import ask_for

_GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:"


def refresh(provider: OAuth2Provider, credential: Credential, send: Send, clock: Clock) -> Grant:
    """Exchange the subject token: another credential's token, or what a file holds, which is read again each time.

    Settings: `subject_token_file`, `subject_token_type` and `requested_token_type` (a URI, or its last word:
    `access_token`, `id_token`, `jwt`, ...), `audience`, `resource`. An answer need not have `issued_token_type`, although
    section 2.2.1 demands it, and its `token_type` may be `N_A`. Raises `ConfigError`, and as `ask`.
    """
    app = credential.app
    parameters: dict[str, Text] = {
        "grant_type": _GRANT_TYPE,
        "subject_token": _subject_token(credential),
        "subject_token_type": _token_type(app.settings.get("subject_token_type", "access_token")),
    }
    if app.scopes:
        parameters["scope"] = provider.scope_separator.join(app.scopes)
    if "requested_token_type" in app.settings:
        parameters["requested_token_type"] = _token_type(app.settings["requested_token_type"])
    parameters |= {name: app.settings[name] for name in ("audience", "resource") if name in app.settings}
    return ask_for(provider, credential, send, clock, parameters)


def _subject_token(credential: Credential) -> Secret:
    if credential.subject is not None:
        return credential.subject.access_token
    name = credential.app.settings.get("subject_token_file")
    if not name:
        raise ConfigError(
            "a token exchange needs a token to exchange",
            remedy="set subject_credential to another credential's name, or subject_token_file to a file",
        )
    token = _read(name)
    if not token:
        raise ConfigError(
            f"the file {name} holds no token that can be read", remedy="check the file and who may read it"
        )
    return token


def _read(name: str) -> Secret | None:
    try:
        return Secret(Path(name).expanduser().read_text(encoding="ascii").strip())
    except (OSError, ValueError, RuntimeError):  # RuntimeError: no home directory
        return None


def _token_type(text: str) -> str:
    return text if ":" in text else _TOKEN_TYPE + text
