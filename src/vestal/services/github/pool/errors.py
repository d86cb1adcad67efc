"""What can be wrong with a pool of GitHub tokens: there are none, or nothing is left of any."""

from __future__ import annotations

from datetime import UTC, datetime

from vestal.core.errors import AllExhausted, ConfigError

WORDS = "All GitHub tokens are rate-limited. Reset time: {}"


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


def moment(epoch_seconds: float | None) -> datetime | None:
    """Epoch seconds as a time in UTC."""
    return None if epoch_seconds is None else datetime.fromtimestamp(epoch_seconds, UTC)


def epoch(time: datetime) -> float:
    """A time as epoch seconds; one without a zone is UTC, as GitHub's are."""
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
