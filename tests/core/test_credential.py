from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.house import HOUR, NAME, START, token
from vestal.core.credential import (
    HISTORY_LENGTH,
    App,
    Credential,
    Intent,
    LastError,
    Past,
    State,
    check_name,
    state,
)
from vestal.core.errors import ConfigError, NeedsLogin, NetworkError
from vestal.core.grant import Grant
from vestal.core.secret import Secret

APP = App(provider="plain", scopes=("read", "write"))
INTENT = Intent(fingerprint="f" * 16, at=START, version=1, holder="here")


def credential(**fields: Any) -> Credential:
    every: dict[str, Any] = {"name": NAME, "app": APP, "refresh_token": Secret("rt-1")} | fields
    return Credential(**every)


def grant(number: int, **fields: Any) -> Grant:
    return Grant(access_token=Secret(f"at-{number}"), expires_in=HOUR, **fields)


def refreshed(before: Credential, *, what: str = "refresh", **fields: Any) -> Credential:
    return before.granted(grant(2, **fields), sent_at=START, now=START + 1, what=what)


# Names


@pytest.mark.parametrize("name", ["a", "spotify", "acme-bot/installation/42", "me@example.org", "a.b_c:d+e", "1"])
def test_good_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "/", "a/", "/a", "a//b", "..", "a/../b", ".hidden", "-x", "a b", "a\n", "ä", "a\0", "\udcff", "x" * 201],
)
def test_bad_names(name: str) -> None:
    with pytest.raises(ConfigError):
        check_name(name)


# Grants


@pytest.mark.parametrize("nothing", [None, Secret("")])
def test_a_reply_without_a_refresh_token_keeps_the_old_one(nothing: Secret | None) -> None:
    after = refreshed(credential(refresh_token_expires_at=START + 9), refresh_token=nothing)
    assert after.refresh_token == Secret("rt-1")
    assert after.refresh_token_expires_at == START + 9
    assert after.rotating is False


def test_a_new_refresh_token_replaces_the_old_one_and_its_expiry() -> None:
    after = refreshed(credential(refresh_token_expires_at=START + 9), refresh_token=Secret("rt-2"))
    assert after.refresh_token == Secret("rt-2")
    assert after.refresh_token_expires_at is None
    assert after.rotating is True


def test_the_expiry_of_a_refresh_token_counts_from_the_sending() -> None:
    after = refreshed(credential(), refresh_token=Secret("rt-2"), refresh_token_expires_in=100.0)
    assert after.refresh_token_expires_at == START + 100


def test_a_service_that_rotated_once_is_rotating_for_good() -> None:
    after = refreshed(refreshed(credential(), refresh_token=Secret("rt-2")))
    assert after.refresh_token == Secret("rt-2")
    assert after.rotating is True


def test_a_service_that_sends_the_same_refresh_token_does_not_rotate() -> None:
    assert refreshed(credential(), refresh_token=Secret("rt-1")).rotating is False


def test_a_login_says_nothing_about_rotation() -> None:
    after = refreshed(credential(), what="login", refresh_token=Secret("rt-2"))
    assert after.rotating is None
    assert after.refresh_count == 0


def test_a_first_refresh_token_says_nothing_about_rotation() -> None:
    assert refreshed(credential(refresh_token=None), refresh_token=Secret("rt-1")).rotating is None


def test_a_grant_wipes_the_slate() -> None:
    before = credential(
        failures=3,
        refused=("x",),
        suspect=True,
        intent=INTENT,
        last_error=LastError(category="TIMEOUT", message="", at=1),
    )
    after = refreshed(before)
    assert (after.failures, after.refused, after.suspect, after.intent, after.last_error) == (0, (), False, None, None)
    assert (after.version, after.refresh_count, after.refreshed_at) == (1, 1, START + 1)
    assert after.token is not None
    assert (after.token.version, after.token.issued_at, after.token.expires_at) == (1, START, START + HOUR)


def test_the_scope_of_a_refresh_is_the_one_before_and_of_a_login_the_one_asked_for() -> None:
    before = credential(token=replace(token(1), scope="read"), version=1)
    assert (refreshed(before).token or token()).scope == "read"
    assert (refreshed(before, what="login").token or token()).scope == "read write"
    assert (refreshed(before, scope="less").token or token()).scope == "less"


def test_further_secrets_and_facts_are_added() -> None:
    before = credential(secrets={"dpop_key": Secret("k")}, extra={"team": "a", "plan": "free"})
    after = refreshed(before, secrets={"id_token": Secret("i")}, extra={"plan": "paid"})
    assert after.secrets == {"dpop_key": Secret("k"), "id_token": Secret("i")}
    assert after.extra == {"team": "a", "plan": "paid"}


@given(st.integers(0, 100))
def test_the_history_is_capped_and_keeps_the_latest(refreshes: int) -> None:
    after = credential()
    for number in range(refreshes):
        after = after.granted(grant(number), sent_at=START, now=START + number, what="refresh", detail="due")
    assert len(after.history) == min(refreshes, HISTORY_LENGTH)
    assert [past.version for past in after.history] == list(range(1, refreshes + 1))[-HISTORY_LENGTH:]


def test_a_login_under_way_ends_with_a_login() -> None:
    before = credential(authorizing_until=START + 300)
    assert refreshed(before).authorizing_until == START + 300
    assert refreshed(before, what="login").authorizing_until is None


# Failures


def test_a_failure_is_remembered() -> None:
    error = NetworkError("down", remedy="check the network")
    after = credential().failed(error, now=START, retry_at=START + 2).failed(error, now=START + 2, retry_at=None)
    assert after.failures == 2
    assert after.last_error == LastError(
        category="NETWORK_ERROR", message="down", at=START + 2, remedy="check the network", passing=True
    )
    assert after.history[-1] == Past(at=START + 2, what="failure", version=0, detail="NETWORK_ERROR")


def test_why_a_login_is_needed_is_remembered() -> None:
    after = credential().failed(NeedsLogin("?", reason="interrupted refresh"), now=START, retry_at=None)
    assert after.last_error is not None
    assert after.last_error.reason == "interrupted refresh"


# States

ANSWERED = replace(INTENT, responses=(Secret("[]"),))
BROKEN = LastError(category="NETWORK_ERROR", message="down", at=START, passing=True)
REFUSED = LastError(category="NEEDS_LOGIN", message="refused", at=START)


@pytest.mark.parametrize(
    ("fields", "leased", "expected"),
    [
        ({}, False, State.IDLE),
        ({}, True, State.IDLE),  # somebody reads, or a name with the same lock file is refreshed
        ({"intent": INTENT}, True, State.REFRESHING),
        ({"intent": INTENT}, False, State.ERROR),
        ({"intent": INTENT, "last_error": BROKEN}, True, State.REFRESHING),
        ({"intent": INTENT, "last_error": BROKEN}, False, State.ERROR),
        ({"intent": INTENT, "last_error": REFUSED}, True, State.REFRESHING),
        ({"intent": INTENT, "last_error": REFUSED}, False, State.NEEDS_LOGIN),
        ({"intent": ANSWERED, "last_error": REFUSED}, False, State.ERROR),  # the next caller finishes it
        ({"intent": INTENT, "authorizing_until": START + 1}, True, State.REFRESHING),
        ({"authorizing_until": START + 1}, False, State.AUTHORIZING),
        ({"authorizing_until": START}, False, State.IDLE),
        ({"authorizing_until": START + 1, "last_error": REFUSED}, False, State.AUTHORIZING),
        ({"authorizing_until": START - 1, "last_error": REFUSED}, False, State.NEEDS_LOGIN),
        ({"last_error": REFUSED}, False, State.NEEDS_LOGIN),
        ({"last_error": BROKEN}, False, State.ERROR),
        ({"last_error": BROKEN}, True, State.ERROR),
    ],
)
def test_the_state_is_the_truth(fields: dict[str, Any], leased: bool, expected: State) -> None:
    assert state(credential(**fields), now=START, leased=leased) is expected


def test_a_credential_shows_no_secret() -> None:
    app = App(provider="plain", client_secret=Secret("canary"), private_key=Secret("canary"))
    intent = replace(INTENT, responses=(Secret("canary"),))
    whole = credential(app=app, refresh_token=Secret("canary"), secrets={"k": Secret("canary")}, intent=intent)
    assert "canary" not in repr(whole)
