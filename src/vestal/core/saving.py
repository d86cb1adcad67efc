"""Saving what a service granted: on top of what others have written meanwhile, and later if the store can't take it now."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vestal.core.credential import Credential
from vestal.core.errors import Conflict, StoreUnavailable
from vestal.core.secret import Secret
from vestal.core.store import Store

CONFLICTS = 5
"""How often a change is made again on top of what somebody else has saved meanwhile."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A credential with a grant that is on its way to the store."""

    credential: Credential
    redeemed: Secret | None
    """The refresh token that the grant was given for."""

    def save(self, store: Store) -> Credential:
        """Save it; what is returned is what the store has now.

        It gives way, and `Conflict` is raised, if somebody has saved a newer token, or another refresh token, or has
        removed the credential. Another change of the app is kept. Raises `StoreUnavailable` and `ConfigError` like `Store`.
        """
        credential = self.credential
        for _ in range(CONFLICTS):
            try:
                return store.save(credential)
            except Conflict:
                pass
            stored = store.load(credential.name)
            if stored is None or stored.version >= credential.version or stored.refresh_token != self.redeemed:
                raise Conflict(
                    "the credential was changed while it was being refreshed",
                    credential=credential.name,
                    remedy="ask again",
                )
            credential = replace(credential, app=stored.app, revision=stored.revision)
        raise changing(credential.name)


def changing(name: str) -> StoreUnavailable:
    """The error for a record that others change faster than this worker."""
    return StoreUnavailable("other workers keep changing the credential", credential=name, remedy="ask again")
