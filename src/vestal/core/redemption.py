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
from dataclasses import replace
from typing import TYPE_CHECKING

from vestal.core.credential import Credential, Intent
from vestal.core.decision import Demand, next_refusals
from vestal.core.errors import (
    AuthFailed,
    Conflict,
    NeedsLogin,
    Outcome,
    UnexpectedError,
    VestalError,
)
from vestal.core.events import Kind
from vestal.core.grant import Grant
from vestal.core.journal import Journal, record
from vestal.core.provider import Provider
from vestal.core.retry import hold_off
from vestal.core.saving import Granted
from vestal.core.secret import Secret
from vestal.core.transport import Request, Response

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
        self._resumed = False
        """Whether something was sent after recorded answers."""

    def run(self) -> Credential:
        """Refresh, and return the credential as saved. Raises the failure after recording it; raises `Conflict`."""
        self._emit(Kind.REFRESH_STARTED, reason=self._demand.reason, version=self._credential.version)
        recorded = self._take_over()
        started, tries, patience = self._house.clock.steady(), 0, self._patience()
        while True:
            if self._unknown > 1 and self._once:
                raise self._fail(self._interrupted())
            if self._stake is not None and not recorded:
                self._write_intent(self._stake)
            journal = Journal(self._resume if recorded else self._house.send, self._keep, recorded)
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
            if wait is None or elapsed + wait > patience:
                raise self._fail(outcome)
            self._settle()
            self._emit(Kind.RETRY_SCHEDULED, cause=outcome.category.value, wait=round(wait, 3), tries=tries)
            self._house.clock.sleep(wait)

    def _patience(self) -> float:
        """Seconds for retries: half of what is left of a token that its callers can still be given instead."""
        token = self._credential.token
        left = None if token is None else token.expires_in(self._house.clock.now())
        spent = left is None or left <= 0 or self._demand.newer_than is not None or self._demand.force
        return float("inf") if spent or left is None else left / 2

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
        trouble = self._try_to_save(replace(self._credential, intent=note), "intent")
        if trouble is not None:
            raise trouble
        self._emit(Kind.INTENT_SAVED, fingerprint=note.fingerprint)

    def _resume(self, request: Request) -> Response:
        """Send what comes after the recorded answers. Whether the worker that died had sent it as well is not known."""
        if self._once and not self._resumed:
            self._resumed = True
            self._unknown += 1
            intent = self._credential.intent
            if self._unknown > 1 or intent is None:
                raise self._interrupted()
            trouble = self._try_to_save(replace(self._credential, intent=replace(intent, replayed=True)), "intent")
            if trouble is not None:
                trouble.outcome = Outcome.NOT_SENT
                raise trouble
        return self._house.send(request)

    def _keep(self, response: Response) -> None:
        """Persist an answer before anybody reads it. Without an intent nothing is at stake, and nothing is kept."""
        self._emit(Kind.RESPONSE_RECEIVED, status=response.status)
        intent = self._credential.intent
        if intent is None:
            return
        noted = replace(intent, responses=(*intent.responses, record(response)))
        if self._try_to_save(replace(self._credential, intent=noted), "response") is None:
            self._emit(Kind.RESPONSE_SAVED)  # if not: it is in hand, go on and save the token

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
            answered = Outcome.NOT_SENT if journal.sent_at is None else Outcome.ANSWERED
            failure = UnexpectedError(
                f"the provider {self._provider.name} failed with {type(error).__name__}",
                remedy="this is a defect: report it",
                outcome=Outcome.UNKNOWN if journal.sending else answered,
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
        granted = Granted(fresh, base.refresh_token)
        for tries in range(SAVE_TRIES):
            if tries:
                self._house.clock.sleep(0.1 * 2**tries)
            try:
                saved = granted.save(self._house.store)
            except Conflict:
                self._house.unsaved.pop(base.name, None)
                raise
            except VestalError as error:
                failure = self._store_failed(error, "token")
                if self._stake is None:
                    saved = fresh  # nothing is lost with it: go on in memory
                    break
                self._house.unsaved[base.name] = granted
            else:
                self._house.unsaved.pop(base.name, None)
                self._emit(Kind.TOKEN_SAVED, version=saved.version)
                break
        else:
            raise failure
        self._credential = saved
        self._emit(Kind.REFRESHED, version=saved.version, reason=self._demand.reason, what=self._what)
        return saved

    def _settle(self) -> None:
        """Before waiting for a retry: the last sending was answered, so the intent says again what is really open."""
        if self._credential.intent is not None:
            self._try_to_save(replace(self._credential, intent=self._still_open()), "retry")

    def _still_open(self) -> Intent | None:
        """The intent, if one sending has an unknown outcome: its replay is still to come."""
        intent = self._credential.intent
        if intent is None or not self._unknown or self._credential.suspect:
            return None
        return replace(intent, replayed=False, responses=())

    def _try_to_save(self, credential: Credential, step: str) -> VestalError | None:
        """Save; trouble is an event and a value."""
        try:
            self._credential = self._house.store.save(credential)
        except VestalError as error:
            return self._store_failed(error, step)
        return None

    def _store_failed(self, error: VestalError, step: str) -> VestalError:
        failure = error.copy()
        failure.credential = self._credential.name
        self._emit(Kind.STORE_FAILED, step=step, cause=failure.message)
        return failure

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
        before, name = self._credential, self._credential.name
        refused, suspect, intent = set(before.refused), before.suspect, self._still_open()
        if isinstance(error, NeedsLogin):
            intent = None
            if error.reason == "interrupted refresh":
                suspect = True
            elif self._stake is not None:
                refused.add(self._stake.fingerprint())
                if self._unknown and self._once:
                    error = self._lost()
                elif not error.remedy:
                    error.remedy = f"run `vestal login {name}`"
        elif isinstance(error, AuthFailed):
            refused.add(self._provider.client_fingerprint(before))
        elif isinstance(error, UnexpectedError) and error.outcome is Outcome.ANSWERED and self._once:
            intent = before.intent  # with the recorded answer, from which a provider without the defect goes on
        now = self._house.clock.now()
        wait = hold_off(error, before.failures + 1, self._house.random())
        error.credential, error.retry_after = name, wait
        failed = before.failed(error, now=now, retry_at=None if wait is None else now + wait)
        if self._demand.force and not isinstance(error, NeedsLogin | AuthFailed) and (suspect or refused):
            failed = replace(
                failed, last_error=before.last_error
            )  # a person tried in vain: what needs mending still does
        self._try_to_save(replace(failed, refused=tuple(sorted(refused)), suspect=suspect, intent=intent), "failure")
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
