"""`Lifecycle`: what happens to credentials, written once, for every provider, store and caller."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace

from vestal.core.breaker import Breakers
from vestal.core.clock import Clock, SystemClock
from vestal.core.credential import Credential
from vestal.core.decision import Demand, decide, satisfies
from vestal.core.errors import ConfigError, Conflict, StoreUnavailable, UnexpectedError
from vestal.core.events import Event, Events, Kind, Listener
from vestal.core.grant import Grant
from vestal.core.provider import Provider
from vestal.core.redemption import Redemption
from vestal.core.retry import RetryPolicy
from vestal.core.saving import CONFLICTS, Granted, changing
from vestal.core.store import Store
from vestal.core.token import Token
from vestal.core.transport import Send

LEASE_TIMEOUT = 120.0
"""Seconds to wait for another worker's lease."""


class Lifecycle:
    """Refreshes credentials of a store through their providers, one at a time each, over all threads and processes."""

    def __init__(
        self,
        store: Store,
        provider_of: Callable[[Credential], Provider],
        send: Send,
        clock: Clock | None = None,
        *,
        listeners: Iterable[Listener] = (),
        token_of: Callable[[str], Token] | None = None,
        breakers: Breakers | None = None,
        retry: RetryPolicy | None = None,
        random: Callable[[], float] = random.random,
    ) -> None:
        """`token_of` gives the token of another credential, for grants that need one (token exchange)."""
        self.store = store
        self.send = send
        self.clock: Clock = clock or SystemClock()
        self.events = Events(listeners)
        self.breakers = breakers or Breakers()
        self.retry = retry or RetryPolicy()
        self.random = random
        self.unsaved: dict[str, Granted] = {}
        """Grants received that the store could not take; saved as soon as it can."""
        self._provider_of = provider_of
        self._token_of = token_of

    def load(self, name: str) -> Credential:
        """The credential as the store has it, with the app that it belongs to. Raises `ConfigError` if there is none.

        An app that is missing is no error before something is to be sent in its name.
        """
        credential = self.store.load(name)
        if credential is None:
            raise ConfigError(
                "there is no credential of that name",
                credential=name,
                remedy="`vestal list` shows all; `vestal add` makes one",
            )
        belongs_to = credential.app.settings.get("app")
        parent = None if belongs_to is None else self.store.load(belongs_to)
        return credential if parent is None else replace(credential, registration=parent.app)

    def present(self, credential: Credential) -> Token | None:
        """The credential's token as callers get it. A bearer token is that as it is; the provider is not even looked up."""
        token = credential.token
        if token is None or token.scheme == "Bearer":
            return token
        return self._provider_of(credential).present(credential)

    def refresh(self, name: str, demand: Demand) -> Credential:
        """See that `name` has a token that satisfies `demand`, and return the credential.

        Sends nothing if the store already has such a token. Under the lease the credential is read again: whoever comes
        late adopts the winner's token. Raises `VestalError`.
        """
        for _ in range(CONFLICTS):
            credential = self.load(name)
            if name not in self.unsaved and self._decide(credential, demand) == "adopt":
                self.emit(Kind.TOKEN_ADOPTED, name, version=credential.version)
                return credential
            _check_registration(credential)
            subject = self._subject(credential)  # another credential's lease must not be taken under this one
            try:
                with self.store.lease(name, LEASE_TIMEOUT):
                    self.emit(Kind.LEASE_TAKEN, name)
                    return self._refresh(name, demand, subject)
            except Conflict:
                continue
        raise changing(name)

    def update(self, name: str, change: Callable[[Credential], Credential]) -> Credential:
        """Change a credential's record under its lease, without touching what a refresh saves meanwhile."""
        for _ in range(CONFLICTS):
            with self.store.lease(name, LEASE_TIMEOUT):
                try:
                    changed = self.store.save(change(self.load(name)))
                except Conflict:
                    continue
            self.emit(Kind.CHANGED, name)
            return changed
        raise changing(name)

    def logged_in(self, name: str, grant: Grant, sent_at: float) -> Credential:
        """Save what a login granted. It replaces whatever was there, and everything that was refused is forgotten.

        What the store can't take is kept in memory, and saved when somebody asks this process for a token and it can. Raises
        `StoreUnavailable` all the same, and as `load`.
        """
        now = self.clock.now()
        made: list[Granted] = []

        def change(credential: Credential) -> Credential:
            clean = replace(credential, refresh_token=None, refresh_token_expires_at=None, failures=0, refusals=0)
            clean = replace(clean, rotating=None)
            changed = clean.granted(grant, sent_at=sent_at, now=now, what="login")
            made.append(Granted(changed, credential.refresh_token))
            return changed

        try:
            credential = self.update(name, change)
        except StoreUnavailable:
            if made:
                self.unsaved[name] = made[-1]
            raise
        self.unsaved.pop(name, None)
        self.emit(Kind.LOGGED_IN, name, version=credential.version)
        return credential

    def emit(self, kind: Kind, name: str, **data: object) -> None:
        """Tell the listeners."""
        self.events.emit(Event(kind, name, self.clock.now(), data))

    def _decide(self, credential: Credential, demand: Demand) -> str:
        now = self.clock.now()
        if satisfies(credential, demand, now):
            return "adopt"
        return decide(credential, demand, self._provider_of(credential), now)

    def _refresh(self, name: str, demand: Demand, subject: Token | None) -> Credential:
        """Under the lease."""
        self._rescue(name)
        credential = self.load(name)
        if self._decide(credential, demand) == "adopt":
            self.emit(Kind.TOKEN_ADOPTED, name, version=credential.version)
            return credential
        _check_registration(credential)
        provider = self._provider_of(credential)
        return Redemption(self, replace(credential, subject=subject), provider, demand).run()

    def _rescue(self, name: str) -> None:
        """Save a grant that an earlier refresh of this process received and the store could not take."""
        granted = self.unsaved.get(name)
        if granted is None:
            return
        with suppress(Conflict):  # it has given way to something newer
            saved = granted.save(self.store)
            self.emit(Kind.TOKEN_SAVED, name, version=saved.version)
        del self.unsaved[name]

    def _subject(self, credential: Credential) -> Token | None:
        needed = self._provider_of(credential).needs(credential)
        if needed is None:
            return None
        if self._token_of is None:
            raise UnexpectedError("this lifecycle can't reach other credentials", credential=credential.name)
        return self._token_of(needed)


def _check_registration(credential: Credential) -> None:
    """Raise `ConfigError` if the app that the credential belongs to is not there: its key is wanted now."""
    belongs_to = credential.app.settings.get("app")
    if belongs_to is not None and credential.registration is None:
        raise ConfigError(
            f"it belongs to the app {belongs_to[:200]!r}, and there is no credential of that name",
            credential=credential.name,
            remedy="add the app again under that name, or remove this credential",
        )
