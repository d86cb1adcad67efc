from __future__ import annotations

import json
from dataclasses import replace

import pytest

from vestal.core.credential import App, Credential, Intent, LastError, State, TokenState
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.operations.overview import Seen, overview

NOW = 1_800_000_000.0
APP = App(provider="custom", client_id="app", client_secret=Secret("canary-s"), grant="refresh_token")
TOKEN = Token(Secret("canary-a"), expires_at=NOW + 3600, issued_at=NOW, version=3)
GOOD = Credential(name="alice", app=APP, token=TOKEN, refresh_token=Secret("canary-r"), version=3, created_at=NOW - 9)
INTENT = Intent(fingerprint="f", at=NOW - 5, version=3, holder="host/1/2", responses=(Secret("canary-raw"),))


def error(category: str = "NETWORK_ERROR", retry_at: float | None = None) -> LastError:
    return LastError(category=category, message="m", at=NOW, remedy="r", passing=True, retry_at=retry_at)


@pytest.mark.parametrize(
    ("credential", "leased", "state", "interrupted"),
    [
        (GOOD, False, State.IDLE, False),
        (replace(GOOD, intent=INTENT), True, State.REFRESHING, False),
        (replace(GOOD, intent=INTENT), False, State.ERROR, True),
        (replace(GOOD, authorizing_until=NOW + 1), False, State.AUTHORIZING, False),
        (replace(GOOD, authorizing_until=NOW - 1), False, State.IDLE, False),
        (replace(GOOD, last_error=error()), False, State.ERROR, False),
        (replace(GOOD, last_error=error("NEEDS_LOGIN")), False, State.NEEDS_LOGIN, False),
        (replace(GOOD, token=None, refresh_token=None), False, State.NEEDS_LOGIN, False),
        (replace(GOOD, token=None, refresh_token=None, authorizing_until=NOW + 1), False, State.AUTHORIZING, False),
        (
            replace(GOOD, token=None, refresh_token=None, app=replace(APP, grant="client_credentials")),
            False,
            State.IDLE,
            False,
        ),
    ],
)
def test_states(credential: Credential, leased: bool, state: State, interrupted: bool) -> None:
    seen = Seen(credential, NOW, leased)
    assert (seen.state, seen.interrupted) == (state, interrupted)


@pytest.mark.parametrize(
    ("now", "token", "state"),
    [
        (NOW, None, TokenState.MISSING),
        (NOW, replace(TOKEN, expires_at=None), TokenState.VALID),
        (NOW, TOKEN, TokenState.VALID),
        (NOW + 2999, TOKEN, TokenState.VALID),
        (NOW + 3000, TOKEN, TokenState.EXPIRING),
        (NOW + 3599, TOKEN, TokenState.EXPIRING),
        (NOW + 3600, TOKEN, TokenState.EXPIRED),
        (NOW - 86400, TOKEN, TokenState.EXPIRING),  # issued tomorrow: the clock has gone back
    ],
)
def test_token_states(now: float, token: Token | None, state: TokenState) -> None:
    assert Seen(replace(GOOD, token=token), now, leased=False).token_state is state


def test_when_the_next_refresh_is_due() -> None:
    def due(credential: Credential, now: float = NOW) -> float | None:
        return Seen(credential, now, leased=False).next_refresh_at

    assert due(GOOD) == NOW + 3000
    assert due(GOOD, NOW + 3300) == NOW + 3300
    assert due(replace(GOOD, token=None)) == NOW
    assert due(replace(GOOD, token=replace(TOKEN, expires_at=None))) is None
    assert due(replace(GOOD, last_error=error(retry_at=NOW + 30))) == NOW + 30
    assert due(replace(GOOD, last_error=error(retry_at=NOW - 30))) == NOW + 3000
    assert due(replace(GOOD, last_error=error("NEEDS_LOGIN"))) is None


def test_everything_but_the_secrets() -> None:
    credential = replace(GOOD, intent=INTENT, last_error=error(), secrets={"dpop_key": Secret("canary-k")})
    values = overview(Seen(credential, NOW, leased=False))
    text = json.dumps(values)
    assert "canary" not in text
    assert values["holds"] == ["access_token", "refresh_token", "client_secret", "dpop_key"]
    assert values["intent"]["answered"] is True
    assert values["expires_at"] == "2027-01-15T09:00:00Z"
    assert values["refresh_token"] == Secret("canary-r").fingerprint()
