"""What can be wrong with a pool of GitHub tokens: there are none, or nothing is left of any."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from vestal.core.errors import AllExhausted, ConfigError, NeedsLogin
from vestal.core.pool.member import MemberState

WORDS = "All GitHub tokens are rate-limited. Reset time: {}"

ENVIRONMENT = "check that the tokens of GITHUB_SEEDING_TOKENS are complete, still valid, and for this GitHub"
GIVEN = "check that the tokens that were given are complete, still valid, and for this GitHub"
"""What a person should look at when all tokens are refused."""

SHOWN = 5
"""Tokens whose refusal is told one by one."""


class NoTokensError(ConfigError, ValueError):
    """A pool is made of nothing."""

    def __init__(self) -> None:
        super().__init__(
            "there is no GitHub token",
            remedy="give tokens, sources or installations, or set GITHUB_SEEDING_TOKENS (separated by commas)",
        )


class AllTokensExhaustedException(AllExhausted):
    """All GitHub tokens are rate-limited. `reset_time` says until when (UTC; None: unknown)."""

    def __init__(
        self, reset_time: datetime | None = None, *, bucket: str = "core", retry_after: float | None = None
    ) -> None:
        """`bucket`: which quota; `retry_after`: seconds until the reset."""
        when = "unknown" if reset_time is None else reset_time.isoformat(sep=" ", timespec="seconds")
        super().__init__(
            WORDS.format(when) + ("" if bucket in ("", "core") else f" ({bucket})"),
            bucket=bucket,
            reset_at=None if reset_time is None else epoch(reset_time),
            retry_after=retry_after,
            remedy="wait for the reset, or add a token of another owner",
        )

    @classmethod
    def of(cls, error: AllExhausted) -> AllTokensExhaustedException:
        """The same in GitHub's terms."""
        return cls(moment(error.reset_at), bucket=error.bucket, retry_after=error.retry_after)

    @property
    def reset_time(self) -> datetime | None:
        """When the first token has something left again (UTC); None: unknown."""
        return moment(self.reset_at)


def all_refused(states: Iterable[MemberState], remedy: str) -> NeedsLogin:
    """None of these tokens can be used, and why."""
    reasons = [f"{state.name}: {state.benched}" for state in states]
    more = [f"and {len(reasons) - SHOWN} more"] if len(reasons) > SHOWN else []
    return NeedsLogin(
        f"no GitHub token can be used: {'; '.join([*reasons[:SHOWN], *more])}",
        remedy=remedy or "put new tokens in their place",
    )


def what_to_look_at(credentials: Sequence[str]) -> list[str]:
    """The same for credentials of a home."""
    if not credentials:
        return []
    return [f"`vestal show {credentials[0]}` says more" if len(credentials) == 1 else "`vestal doctor` says more"]


def moment(epoch_seconds: float | None) -> datetime | None:
    """Epoch seconds as a time in UTC."""
    return None if epoch_seconds is None else datetime.fromtimestamp(epoch_seconds, UTC)


def epoch(time: datetime) -> float:
    """A time as epoch seconds; one without a zone is UTC, as GitHub's are."""
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
