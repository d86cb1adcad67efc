"""Taking credentials from one home to another, secrets and all, in a sealed envelope."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from vestal.core.credential import Credential, check_name
from vestal.core.errors import ConfigError, Conflict
from vestal.core.lifecycle import LEASE_TIMEOUT
from vestal.core.secret import Secret
from vestal.operations import envelope
from vestal.operations.times import rfc3339
from vestal.stores.codec import Secrets, join, public_part, secret_part

if TYPE_CHECKING:
    from vestal.home import Home


def export(home: Home, passphrase: Secret, names: Iterable[str] = ()) -> tuple[str, tuple[str, ...]]:
    """An envelope with the credentials of these names (none given: all), and whom it holds.

    Each is read under its lease: a refresh under way is waited for, so that no half-redeemed refresh token travels.
    Raises `ConfigError` for an unknown name, and where there is nothing to export.
    """
    wanted = tuple(dict.fromkeys(names)) or tuple(home.store.names())
    if not wanted:
        raise ConfigError("there is nothing to export", remedy="`vestal add` makes a credential")
    for name in wanted:
        home.lifecycle.load(name)
    credentials = []
    for name in wanted:
        with home.store.lease(name, LEASE_TIMEOUT):
            credentials.append(home.lifecycle.load(name))
    note = {"made_at": rfc3339(home.clock.now()), "credentials": len(credentials)}
    return envelope.seal(_write(credentials), passphrase, note), wanted


def take_in(home: Home, text: str, passphrase: Secret, *, over: bool = False) -> tuple[str, ...]:
    """Keep the credentials of an envelope here; their names. With `over`, they replace those of the same names.

    All or none, as far as names go: if one is taken, nothing is changed. Raises `ConfigError`.
    """
    credentials = _read(envelope.unseal(text, passphrase))
    if not over:
        taken = sorted(set(home.store.names()) & {credential.name for credential in credentials})
        if taken:
            raise _taken(taken)
    for credential in credentials:
        fresh = replace(credential, revision=0, authorizing_until=None)
        try:
            home.store.save(fresh)
        except Conflict:
            if not over:
                raise _taken([credential.name]) from None
            home.lifecycle.update(credential.name, lambda old, fresh=fresh: _in_place_of(old, fresh))  # type: ignore[misc]
    return tuple(credential.name for credential in credentials)


def _in_place_of(old: Credential, fresh: Credential) -> Credential:
    """`fresh` as the successor of `old`: versions only grow, also for callers that hold a token of `old`."""
    version = fresh.version if fresh.version > old.version else old.version + 1
    token = None if fresh.token is None else replace(fresh.token, version=version)
    return replace(fresh, version=version, token=token, revision=old.revision)


def _taken(names: list[str]) -> ConfigError:
    return ConfigError(
        f"there are credentials of these names already: {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}",
        remedy="add --replace to put the imported ones in their place",
    )


def _write(credentials: Iterable[Credential]) -> Secret:
    return Secret(
        json.dumps(
            [
                {
                    "name": credential.name,
                    "version": credential.version,
                    "public": public_part(credential),
                    "secret": secret_part(credential),
                }
                for credential in credentials
            ]
        )
    )


def _read(contents: Secret) -> list[Credential]:
    try:
        return [
            join(check_name(item["name"]), int(item["version"]), 0, item["public"], Secrets(item["secret"]))
            for item in json.loads(contents.reveal(), object_hook=_masked)
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise ConfigError(
        "the export can't be read: it was made by another version", remedy="install the Vestal that made it"
    )


def _masked(fields: dict[str, object]) -> Secrets:
    """Objects that do not show their values in a traceback."""
    return Secrets(fields)
