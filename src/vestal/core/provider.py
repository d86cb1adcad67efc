"""`Provider`: what is known of a service. Data plus one small function, `refresh`.

A provider opens no connection, touches no store, takes no lock and never sleeps: all of that is the lifecycle's, once.
"""

from __future__ import annotations

from typing import Protocol

from vestal.core.clock import Clock
from vestal.core.credential import Credential
from vestal.core.grant import Grant
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.core.transport import Send


class Provider(Protocol):
    """How the lifecycle sees a service."""

    @property
    def name(self) -> str:
        """Its name in the catalogue."""

    def endpoint(self, credential: Credential) -> str:
        """The address that `refresh` talks to. Breakers count per endpoint."""

    def at_stake(self, credential: Credential) -> Secret | None:
        """The refresh token that `refresh` would redeem; None if nothing is lost by asking twice (client credentials)."""

    def rotates(self, credential: Credential) -> bool:
        """Whether redeeming the same refresh token twice may destroy the grant. When in doubt: True."""

    def client_fingerprint(self, credential: Credential) -> str:
        """Identifies what the app authenticates with, so that one that was refused is not sent again until it changes.

        If that is `credential.registration`, then by it: replacing the key there lifts the refusal of all that belong to it.
        """

    def needs(self, credential: Credential) -> str | None:
        """The name of another credential whose token `refresh` wants as `credential.subject`; None if it wants none."""

    def refresh(self, credential: Credential, send: Send, clock: Clock) -> Grant:
        """Ask for a new access token without a person.

        A pure function of its arguments but for `send`: when a refresh was interrupted, it runs again with a `send` that
        gives back the answers recorded the first time, so it must ask for the same things in the same order.
        Raises `VestalError`; `passing` and `outcome` decide what the lifecycle does next.
        """

    def present(self, credential: Credential) -> Token | None:
        """The credential's token as callers get it: with its proof. Asked only for tokens that are bound to a key."""
