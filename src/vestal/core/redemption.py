"""One refresh of one credential, under its lease: intent, redeeming, journal, saving. What survives a crash is decided here.

The order of the steps is the contract (see docs/explanation/refresh.md):

1. The intent is saved before anything is sent. If the store can't take it, a refresh token is not redeemed.
2. The answer is saved, sealed, before it is read.
3. The new token, the new refresh token and the end of the intent are saved in one write, with compare-and-set.
4. Only then anybody sees the token.

A rotating refresh token whose redemption had an unknown outcome (sent, not answered) is sent once more, at once, and never
a third time unless a person says so: whether the service's grace, if it has one, still runs can't be known later.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from vestal.core.credential import Credential, Intent
from vestal.core.decision import Demand, next_refusals
from vestal.core.errors import (
    AuthFailed,
    Conflict,
    NeedsLogin,
    Outcome,
    StoreUnavailable,
    UnexpectedError,
    VestalError,
)
from vestal.core.events import Kind
from vestal.core.grant import Grant
from vestal.core.journal import Journal, record
from vestal.core.provider import Provider
from vestal.core.retry import hold_off
from vestal.core.secret import Secret
from vestal.core.transport import Response

if TYPE_CHECKING:
    from vestal.core.lifecycle import Lifecycle

SAVE_TRIES = 4
"""How often the saving of a grant is tried: it is all that stands between the answer and its loss."""


class Redemption:
    """One refresh. `run` once, in the block of the lease."""

    def __init__(self, lifecycle: Lifecycle, credential: Credential, provider: Provider, demand: Demand) -> None:
        self._house = lifecycle
        self._credential = credential
        self._provider = provider
        self._demand = demand
        self._what = "refresh"
        self._stake = provider.at_stake(credential)
        self._once = self._stake is not None and provider.rotates(credential)
        """Sending the refresh token twice may destroy the grant."""
        self._unknown = 1 if credential.suspect else 0
        """Sendings of this refresh token whose outcome is not known."""

    def run(self) -> Credential:
        """Refresh, and return the credential as saved. Raises the failure after recording it; raises `Conflict`."""
        self._emit(Kind.REFRESH_STARTED, reason=self._demand.reason, version=self._credential.version)
        recorded = self._take_over()
        started, tries = self._house.clock.steady(), 0
        while True:
            if self._unknown > 1 and self._once:
                raise self._fail(self._interrupted())
            journal = Journal(self._house.send, self._keep, recorded)
            if self._stake is not None and not recorded:
                self._write_intent(self._stake)
            recorded = ()
            outcome = self._attempt(journal)
            if isinstance(outcome, Grant):
                return self._save(outcome, journal)
            if self._once and outcome.outcome is Outcome.UNKNOWN:
                self._unknown += 1
                if self._unknown == 1:
                    self._emit(Kind.REPLAY_STARTED, cause=outcome.category.value)
                    continue
                raise self._fail(self._interrupted())
            tries += 1
            elapsed = self._house.clock.steady() - started
            wait = self._house.retry.wait(outcome, tries, elapsed, self._house.random())
            if wait is None:
                raise self._fail(outcome)
            self._settle()
            self._emit(Kind.RETRY_SCHEDULED, cause=outcome.category.value, wait=round(wait, 3), tries=tries)
            self._house.clock.sleep(wait)

    def _take_over(self) -> Sequence[Secret]:
        """Look at an intent that somebody left open; the answers recorded for it, if any."""
        intent = self._credential.intent
        if intent is None:
            return ()
        if self._stake is None or intent.fingerprint != self._stake.fingerprint():
            self._credential = replace(self._credential, intent=None)  # void: the refresh token has changed since
            return ()
        self._what = "recovery"
        self._emit(Kind.RECOVERY_STARTED, answered=bool(intent.responses), replayed=intent.replayed)
        if intent.responses:
            self._unknown = int(intent.replayed)
            return intent.responses
        self._unknown = 2 if intent.replayed and not self._demand.force else 1
        if self._unknown == 1:
            self._emit(Kind.REPLAY_STARTED, cause="interrupted")
        return ()

    def _write_intent(self, stake: Secret) -> None:
        note = Intent(
            fingerprint=stake.fingerprint(),
            at=self._house.clock.now(),
            version=self._credential.version,
            holder=f"{socket.gethostname()}/{os.getpid()}/{threading.get_ident()}",
            replayed=self._unknown > 0,
        )
        self._credential = self._house.store.save(replace(self._credential, intent=note))
        self._emit(Kind.INTENT_SAVED, fingerprint=note.fingerprint)

    def _keep(self, response: Response) -> None:
        """Persist an answer before anybody reads it. Without an intent nothing is at stake, and nothing is kept."""
        self._emit(Kind.RESPONSE_RECEIVED, status=response.status)
        intent = self._credential.intent
        if intent is None:
            return
        try:
            noted = replace(intent, responses=(*intent.responses, record(response)))
            self._credential = self._house.store.save(replace(self._credential, intent=noted))
        except (StoreUnavailable, Conflict) as error:
            self._emit(Kind.STORE_FAILED, step="response", cause=error.message)  # it is in hand: go on, save the token
            return
        self._emit(Kind.RESPONSE_SAVED)

    def _attempt(self, journal: Journal) -> Grant | VestalError:
        """Ask the provider once. A failure is a value here, so that no frame that saw a secret hangs on it."""
        failure: VestalError
        try:
            with self._house.breakers.calling(self._provider.endpoint(self._credential)):
                grant = self._provider.refresh(self._credential, journal, self._house.clock)
                self._emit(Kind.TOKEN_PARSED)
                return grant
        except VestalError as error:
            failure = error.copy()
        except Exception as error:  # a provider's defect must not cost the refresh token
            unknown = journal.sending or journal.sent_at is not None
            failure = UnexpectedError(
                f"the provider {self._provider.name} failed with {type(error).__name__}",
                remedy="this is a defect: report it",
                outcome=Outcome.UNKNOWN if unknown else Outcome.NOT_SENT,
            )
        failure.credential = self._credential.name
        return failure

    def _save(self, grant: Grant, journal: Journal) -> Credential:
        now = self._house.clock.now()
        base = self._credential
        fresh = replace(
            base.granted(grant, sent_at=journal.sent_at or now, now=now, what=self._what, detail=self._demand.reason),
            refusals=next_refusals(base, self._demand, now),
        )
        for tries in range(SAVE_TRIES):
            try:
                self._credential = self._house.store.save(fresh)
                break
            except Conflict:
                fresh = self._rebase(fresh)
            except StoreUnavailable as error:
                failure = error.copy()
                self._emit(Kind.STORE_FAILED, step="token", cause=failure.message)
                if self._stake is None:
                    self._credential = fresh  # nothing is lost with it: go on in memory
                    break
                self._house.unsaved[base.name] = fresh
                if tries + 1 == SAVE_TRIES:
                    raise failure from None
                self._house.clock.sleep(0.1 * 2**tries)
        self._house.unsaved.pop(base.name, None)
        self._emit(Kind.TOKEN_SAVED, version=self._credential.version)
        self._emit(Kind.REFRESHED, version=self._credential.version, reason=self._demand.reason, what=self._what)
        return self._credential

    def _rebase(self, fresh: Credential) -> Credential:
        """The new token on top of what somebody else has saved meanwhile; gives way if that is a newer token."""
        stored = self._house.store.load(fresh.name)
        if stored is None or stored.version >= fresh.version:
            raise Conflict(
                "the credential was changed while it was being refreshed", credential=fresh.name, remedy="ask again"
            )
        return replace(fresh, app=stored.app, revision=stored.revision)

    def _settle(self) -> None:
        """Before waiting for a retry: the last sending was answered, so the intent says again what is really open."""
        intent = self._credential.intent
        if intent is None:
            return
        left = replace(intent, replayed=False, responses=()) if self._unknown else None
        with suppress(StoreUnavailable):
            self._credential = self._house.store.save(replace(self._credential, intent=left))

    def _interrupted(self) -> NeedsLogin:
        name = self._credential.name
        return NeedsLogin(
            "an interrupted refresh: the refresh token was sent, and whether the service has replaced it is not known",
            reason="interrupted refresh",
            remedy=f"run `vestal refresh {name}` to try the kept refresh token once more, or `vestal login {name}`",
            credential=name,
            outcome=Outcome.UNKNOWN,
        )

    def _fail(self, error: VestalError) -> VestalError:
        """Record a failure that ends this refresh; the error to raise."""
        name = self._credential.name
        now = self._house.clock.now()
        refused = set(self._credential.refused)
        suspect = self._credential.suspect
        intent: Intent | None = None
        if isinstance(error, NeedsLogin) and self._stake is not None:
            if error.reason == "interrupted refresh":
                suspect = True
            else:
                refused.add(self._stake.fingerprint())
                if self._unknown:
                    error = self._lost()
                elif not error.remedy:
                    error.remedy = f"run `vestal login {name}`"
        elif isinstance(error, AuthFailed):
            refused.add(self._provider.client_fingerprint(self._credential))
        if error.passing and self._unknown and self._credential.intent is not None:
            intent = replace(self._credential.intent, replayed=False, responses=())  # its replay is still to come
        wait = hold_off(error, self._credential.failures + 1, self._house.random())
        error.credential = name
        error.retry_after = wait
        failed = self._credential.failed(error, now=now, retry_at=None if wait is None else now + wait)
        failed = replace(failed, refused=tuple(sorted(refused)), suspect=suspect, intent=intent)
        try:
            self._credential = self._house.store.save(failed)
        except (StoreUnavailable, Conflict) as trouble:
            self._emit(Kind.STORE_FAILED, step="failure", cause=trouble.message)
        self._emit(Kind.REFRESH_FAILED, category=error.category.value, message=error.message)
        if isinstance(error, NeedsLogin):
            self._emit(Kind.LOGIN_NEEDED, reason=error.reason)
        return error

    def _lost(self) -> NeedsLogin:
        name = self._credential.name
        return NeedsLogin(
            "an interrupted refresh: the service had replaced the refresh token, and its answer was lost",
            reason="interrupted refresh",
            remedy=f"run `vestal login {name}`",
            credential=name,
            code="invalid_grant",
        )

    def _emit(self, kind: Kind, **data: object) -> None:
        self._house.emit(kind, self._credential.name, **data)
