"""What is told of tokens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vestal.core.credential import App, Credential, LastError, Past
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.services.github.api.installed import Noted
from vestal.services.github.api.token_info import CachedTokenInfo, last_error, token_info, token_stats

EMPTY = Credential(name="app/installation/1", app=App(provider="github_app"))
KEPT = replace(EMPTY, token=Token(Secret("ghs_123"), expires_at=4600.0, issued_at=1000.0), refresh_count=3)


def info(credential: Credential | None, now: float, buffer: float = 300.0) -> CachedTokenInfo:
    return token_info(42, credential, None, now=now, buffer=buffer)


@pytest.mark.parametrize(
    ("now", "buffer", "expired", "really"),
    [(4299.9, 300, False, False), (4300, 300, True, False), (4599.9, 0, False, False), (4600, 0, True, True)],
)
def test_the_buffer_counts_as_expired(now: float, buffer: float, expired: bool, really: bool) -> None:
    told = info(KEPT, now, buffer)
    assert (told["is_expired"], told["is_expired_no_buffer"]) == (expired, really)


def test_a_token_without_an_end() -> None:
    endless = replace(KEPT, token=Token(Secret("ghs_123"), issued_at=1000.0))
    told = info(endless, 9e9)
    assert (told["is_expired"], told["expires_in_minutes"], told["expires_at"]) == (False, None, None)


@pytest.mark.parametrize("credential", [EMPTY, None])
def test_no_token(credential: Credential | None) -> None:
    told = info(credential, 1000.0)
    assert (told["has_token"], told["token_length"], told["is_expired"]) == (False, 0, True)
    assert (told["age_in_minutes"], told["refresh_count"], told["last_error"]) == (None, 0, None)


def test_the_first_token_is_no_refresh() -> None:
    assert info(replace(KEPT, refresh_count=1), 1000.0)["refresh_count"] == 0
    assert info(KEPT, 1000.0)["refresh_count"] == 2


def test_the_latest_failure_is_told() -> None:
    record = replace(KEPT, last_error=LastError(category="TIMEOUT", message="no answer", at=50.0))
    past = replace(KEPT, history=(Past(at=60.0, what="failure", version=1, detail="NETWORK_ERROR"),))
    assert last_error(None, None) is None
    assert last_error(record, None) == "TIMEOUT: no answer"
    assert last_error(record, Noted(51.0, "HTTP_ERROR: newer")) == "HTTP_ERROR: newer"
    assert last_error(record, Noted(49.0, "HTTP_ERROR: older")) == "TIMEOUT: no answer"
    assert last_error(past, None) == "NETWORK_ERROR"
    assert last_error(past, Noted(60.01, "NETWORK_ERROR: the same, in full")) == "NETWORK_ERROR: the same, in full"
    assert last_error(past, Noted(10.0, "TIMEOUT: of old")) == "NETWORK_ERROR"
    assert last_error(replace(KEPT, history=(Past(at=60.0, what="refresh", version=1),)), None) is None


def test_stats_put_each_token_in_one_group() -> None:
    infos = [info(KEPT, now) for now in (1000.0, 3999.0, 4000.0, 4299.0, 4300.0, 5000.0)] + [info(None, 0.0)]
    told = token_stats(infos, repositories=9, last_cleanup=1.0, since_cleanup=90.0)
    assert told == {
        "total_cached_tokens": 6,
        "expired_tokens": 2,
        "soon_to_expire_tokens": 2,
        "healthy_tokens": 2,
        "total_refreshes": 12,
        "tokens_with_errors": 0,
        "last_cleanup_time": 1.0,
        "time_since_last_cleanup_minutes": 1.5,
        "installation_id_cache_size": 9,
    }
