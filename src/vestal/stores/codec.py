"""A credential as two parts: readable JSON, and secrets to be sealed. One place for the stored form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from vestal.core.credential import App, Credential, Intent, LastError, Past
from vestal.core.secret import Secret, secret_or_none
from vestal.core.token import Token

_PLAIN = (
    "refresh_token_expires_at",
    "created_at",
    "refreshed_at",
    "refresh_count",
    "failures",
    "refusals",
    "rotating",
    "suspect",
    "authorizing_until",
)


class Secrets(dict[str, Any]):
    """The secret part, as JSON values. Its repr shows names only."""

    def __repr__(self) -> str:
        return f"<secrets: {', '.join(self)}>"


def public_part(credential: Credential) -> dict[str, Any]:
    """What may be read by whoever can open the store; also what `vestal show` starts from."""
    app, token, intent = credential.app, credential.token, credential.intent
    return {
        "app": {
            "provider": app.provider,
            "client_id": app.client_id,
            "client_auth": app.client_auth,
            "grant": app.grant,
            "scopes": list(app.scopes),
            "settings": dict(app.settings),
        },
        "token": None
        if token is None
        else {
            "token_type": token.token_type,
            "expires_at": token.expires_at,
            "scope": token.scope,
            "version": token.version,
            "issued_at": token.issued_at,
            "refresh_at": token.refresh_at,
        },
        **{name: getattr(credential, name) for name in _PLAIN},
        "refused": list(credential.refused),
        "last_error": None if credential.last_error is None else asdict(credential.last_error),
        "intent": None
        if intent is None
        else {
            "fingerprint": intent.fingerprint,
            "at": intent.at,
            "version": intent.version,
            "holder": intent.holder,
            "replayed": intent.replayed,
        },
        "extra": dict(credential.extra),
        "history": [asdict(past) for past in credential.history],
    }


def secret_part(credential: Credential) -> Secrets:
    """What must be sealed. The values are plain text: pass the result on, keep nothing."""
    app = credential.app
    named = {
        "access_token": credential.token.access_token if credential.token else None,
        "refresh_token": credential.refresh_token,
        "client_secret": app.client_secret,
        "private_key": app.private_key,
    }
    parts = Secrets({name: secret.reveal() for name, secret in named.items() if secret is not None})
    parts["more"] = Secrets({name: secret.reveal() for name, secret in credential.secrets.items()})
    parts["responses"] = [] if credential.intent is None else [line.reveal() for line in credential.intent.responses]
    return parts


def join(name: str, version: int, revision: int, public: Mapping[str, Any], secret: Secrets) -> Credential:
    """The credential again. Raises KeyError, TypeError or ValueError for what is no credential."""
    app, token, intent, error = public["app"], public["token"], public["intent"], public["last_error"]
    return Credential(
        name=name,
        version=version,
        revision=revision,
        app=App(
            provider=app["provider"],
            client_id=app["client_id"],
            client_secret=secret_or_none(secret.get("client_secret")),
            private_key=secret_or_none(secret.get("private_key")),
            client_auth=app["client_auth"],
            grant=app["grant"],
            scopes=tuple(app["scopes"]),
            settings=app["settings"],
        ),
        token=None if token is None else Token(access_token=Secret(secret["access_token"]), **token),
        refresh_token=secret_or_none(secret.get("refresh_token")),
        refused=tuple(public["refused"]),
        last_error=None if error is None else LastError(**error),
        intent=None
        if intent is None
        else Intent(**intent, responses=tuple(Secret(line) for line in secret.get("responses", ()))),
        secrets={key: Secret(value) for key, value in secret.get("more", {}).items()},
        extra=public["extra"],
        history=tuple(Past(**past) for past in public["history"]),
        **{key: public[key] for key in _PLAIN},
    )


def dumps(value: Mapping[str, Any]) -> str:
    """Compact JSON with sorted keys: the same bytes for the same values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
