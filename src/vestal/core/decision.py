"""What to do for a caller, given a credential as the store has it: adopt its token, refresh it, or refuse. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vestal.core import errors
from vestal.core.credential import Credential, LastError
from vestal.core.margins import from_the_future, margins
from vestal.core.provider import Provider
from vestal.core.retry import FRESH, refusal_hold_off
from vestal.core.secret import Secret
from vestal.core.token import Token


@dataclass(frozen=True, slots=True)
class Demand:
    """What a caller wants of a credential."""

    newer_than: int | None = None
    """The version of a token that was refused."""
    outlived: int | None = None
    """The version of a token that the caller's clocks and jitter say is due, whatever the store's reader would say."""
    min_ttl: float | None = None
    """Seconds that the token must still be valid for."""
    early: bool = False
    """A background refresh: the soft margin counts, not the hard one."""
    force: bool = False
    """A person asks for a refresh now, whatever state the token is in, and whether or not it is held off."""
    jitter: float = 0.0
    """Of the source that asks; between 0 and 1."""

    @property
    def reason(self) -> str:
        """Why, in a word, for events and the history."""
        if self.force:
            return "asked"
        if self.newer_than is not None:
            return "refused"
        return "early" if self.early else "due"


def satisfies(credential: Credential, demand: Demand, now: float) -> bool:
    """Whether the credential's present token is what the caller wants."""
    token = credential.token
    if token is None or demand.force or from_the_future(token, now):
        return False
    if token.version <= max(demand.newer_than or 0, demand.outlived or 0):
        return False
    left = token.expires_in(now)
    if demand.min_ttl is not None and left is not None and left < demand.min_ttl:
        return False
    moments = margins(token, demand.jitter)
    limit = moments.soft_at if demand.early else moments.hard_at
    return limit is None or now < limit


def decide(credential: Credential, demand: Demand, provider: Provider, now: float) -> Literal["adopt", "refresh"]:
    """Adopt what is there, or refresh. Raises the error that the caller gets where nothing may be sent."""
    if satisfies(credential, demand, now):
        return "adopt"
    stake = provider.at_stake(credential)
    error = credential.last_error
    if error is not None and (_for_good(credential, error, demand, provider, stake) or _held_off(error, demand, now)):
        raise recall(error, credential.name, now)
    token = credential.token
    if token is not None and _refuses(demand, token, now) and not demand.force:
        longest = refusal_hold_off(credential.refusals)
        wait = token.issued_at + longest - now
        if 0 < wait <= longest:  # longer: it was issued by a clock that is ahead
            raise errors.AuthFailed(
                "the service refuses tokens that it has just issued",
                remedy="check the token's scopes, audience and the account; it is not refreshed again at once",
                credential=credential.name,
                retry_after=wait,
            )
    return "refresh"


def next_refusals(credential: Credential, demand: Demand, now: float) -> int:
    """The count of refusals in a row that the next token of this credential begins with."""
    token = credential.token
    if token is None or not _refuses(demand, token, now) or not 0 <= now - token.issued_at < FRESH:
        return 0
    return credential.refusals + 1


def _refuses(demand: Demand, token: Token, now: float) -> bool:
    """Whether the caller reports this token as refused while it should be good.

    A higher version is from before the credential was removed and added again.
    """
    hard_at = margins(token, demand.jitter).hard_at
    due = hard_at is not None and now >= hard_at
    return demand.newer_than is not None and demand.newer_than >= token.version and not due


def recall(error: LastError, name: str, now: float) -> errors.VestalError:
    """A recorded failure as the error that it was."""
    category = errors.Category(error.category)
    retry_after = None if error.retry_at is None else max(error.retry_at - now, 0.0)
    if category is errors.Category.NEEDS_LOGIN:
        return errors.NeedsLogin(error.message, remedy=error.remedy, credential=name, reason=error.reason or "refused")
    kind = _CLASSES.get(category, errors.UnexpectedError)
    if category is errors.Category.HTTP_ERROR and error.passing:
        kind = errors.ServiceError
    return kind(error.message, remedy=error.remedy, credential=name, retry_after=retry_after)


def _for_good(
    credential: Credential, error: LastError, demand: Demand, provider: Provider, stake: Secret | None
) -> bool:
    """Whether what would be sent has been refused for good, or may not be sent a third time unless a person says so."""
    if stake is not None and stake.fingerprint() in credential.refused:
        return True
    if demand.force:
        return False
    if provider.client_fingerprint(credential) in credential.refused:
        return True
    if stake is None:
        return error.category == errors.Category.NEEDS_LOGIN  # there is nothing that could be sent
    answered = credential.intent is not None and credential.intent.responses  # to be finished without sending
    return credential.suspect and not answered and provider.rotates(credential)


def _held_off(error: LastError, demand: Demand, now: float) -> bool:
    if error.retry_at is None or demand.force:
        return False
    return error.at <= now < error.retry_at  # `at` in the future: the clock has gone back


_CLASSES: dict[errors.Category, type[errors.VestalError]] = {
    errors.Category.AUTH_FAILED: errors.AuthFailed,
    errors.Category.INSTALLATION_NOT_FOUND: errors.NotInstalled,
    errors.Category.RATE_LIMIT_EXCEEDED: errors.RateLimited,
    errors.Category.PERMISSION_DENIED: errors.PermissionDenied,
    errors.Category.TIMEOUT: errors.TimedOut,
    errors.Category.NETWORK_ERROR: errors.NetworkError,
    errors.Category.UNPROCESSABLE_ENTITY: errors.Unprocessable,
    errors.Category.HTTP_ERROR: errors.HTTPError,
    errors.Category.STORE_UNAVAILABLE: errors.StoreUnavailable,
    errors.Category.CONFIG_ERROR: errors.ConfigError,
    errors.Category.CIRCUIT_OPEN: errors.CircuitOpen,
}
