"""What the client tells of the tokens that it keeps. Pure: records in, plain values out, and never a token."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from vestal.core.credential import Credential
from vestal.services.github.api.installed import Noted

SOON = 600.0
"""Seconds: a token with no more left than that expires soon."""


class CachedTokenInfo(TypedDict, total=False):
    """One token, as a repository sees it. Times are epoch seconds. `repo_key` is missing where it is the key of a table."""

    has_token: bool
    token_length: int
    expires_at: float | None
    expires_in_seconds: float | None
    """Negative after expiry; None without a token."""
    expires_in_minutes: float | None
    is_expired: bool
    """It has less left than the buffer."""
    is_expired_no_buffer: bool
    installation_id: int
    repo_key: str
    """`owner/name`, in lower case."""
    created_at: float | None
    """When this token was asked for."""
    age_in_seconds: float | None
    age_in_minutes: float | None
    refresh_count: int
    """How often the installation's token was replaced by a new one, over all processes."""
    last_error: str | None
    """`CATEGORY: message` of the last failure. A refresh that went well since does not take it away."""


class TokenStats(TypedDict):
    """All tokens. An installation has one token, however many repositories it reaches."""

    total_cached_tokens: int
    expired_tokens: int
    soon_to_expire_tokens: int
    """Not expired, but with 10 minutes or less left."""
    healthy_tokens: int
    total_refreshes: int
    tokens_with_errors: int
    last_cleanup_time: float
    """Epoch seconds; when the client was made, if there was none yet."""
    time_since_last_cleanup_minutes: float
    installation_id_cache_size: int
    """Repositories whose installation is remembered."""


def token_info(
    installation_id: int, credential: Credential | None, noted: Noted | None, *, now: float, buffer: float
) -> CachedTokenInfo:
    """What is known of an installation's token. `noted`: the last failure that this process saw; `buffer`: seconds."""
    token = credential.token if credential is not None else None
    left = None if token is None else token.expires_in(now)
    age = None if token is None else now - token.issued_at
    return {
        "has_token": token is not None,
        "token_length": 0 if token is None else len(token.access_token.reveal()),
        "expires_at": None if token is None else token.expires_at,
        "expires_in_seconds": left,
        "expires_in_minutes": None if left is None else left / 60,
        "is_expired": token is None or (left is not None and left <= buffer),
        "is_expired_no_buffer": token is None or (left is not None and left <= 0),
        "installation_id": installation_id,
        "created_at": None if token is None else token.issued_at,
        "age_in_seconds": age,
        "age_in_minutes": None if age is None else age / 60,
        # The first token of a credential is no refresh of one.
        "refresh_count": 0 if credential is None else max(credential.refresh_count - 1, 0),
        "last_error": last_error(credential, noted),
    }


def last_error(credential: Credential | None, noted: Noted | None) -> str | None:
    """The last failure: of this process's own knowledge, of the record, or of its history, whichever is the latest."""
    known = [] if noted is None else [noted]
    if credential is not None and credential.last_error is not None:
        error = credential.last_error
        known.append(Noted(error.at, f"{error.category}: {error.message}"))
    latest = max(known, key=lambda found: found.at, default=None)
    past = [line for line in (credential.history if credential is not None else ()) if line.what == "failure"]
    # The history has only the category, and the same failure as the others have: it counts if it is clearly a later one.
    if past and (latest is None or past[-1].at > latest.at + 1):
        return past[-1].detail
    return None if latest is None else latest.text


def token_stats(
    infos: Iterable[CachedTokenInfo], *, repositories: int, last_cleanup: float, since_cleanup: float
) -> TokenStats:
    """The counts over all installations. `since_cleanup`: seconds."""
    known = list(infos)
    tokens = [info for info in known if info["has_token"]]
    expired = [info for info in tokens if info["is_expired"]]
    soon = [info for info in tokens if not info["is_expired"] and _soon(info)]
    return {
        "total_cached_tokens": len(tokens),
        "expired_tokens": len(expired),
        "soon_to_expire_tokens": len(soon),
        "healthy_tokens": len(tokens) - len(expired) - len(soon),
        "total_refreshes": sum(info["refresh_count"] for info in known),
        "tokens_with_errors": sum(info["last_error"] is not None for info in known),
        "last_cleanup_time": last_cleanup,
        "time_since_last_cleanup_minutes": since_cleanup / 60,
        "installation_id_cache_size": repositories,
    }


def _soon(info: CachedTokenInfo) -> bool:
    left = info["expires_in_seconds"]
    return left is not None and left <= SOON
