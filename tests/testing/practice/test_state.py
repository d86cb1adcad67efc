"""What the server remembers, and what it may forget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestal.core.secret import Secret
from vestal.testing.practice.issue import access_token
from vestal.testing.practice.settings import Settings
from vestal.testing.practice.state import Family, State

if TYPE_CHECKING:
    from tests.testing.practice.conftest import HandClock


def test_a_jti_is_new_once_until_it_has_expired(clock: HandClock) -> None:
    state = State(Settings(), clock, Secret("key"))
    assert state.first_use("a", clock.time + 10)
    assert not state.first_use("a", clock.time + 10)
    assert state.first_use("b", clock.time + 10)
    clock.time += 10
    assert state.first_use("a", clock.time + 10)


def test_what_has_expired_is_forgotten_in_time(clock: HandClock) -> None:
    state = State(Settings(access_token_lifetime=100), clock, Secret("key"))
    family = Family(client_id="c", subject="s", scope="")
    for _ in range(30_000):
        state.first_use(str(clock.time), clock.time + 100)
        token = str(access_token(state, family, "g", scope="", jkt=None)["access_token"])
        clock.time += 1
    assert len(state.access_tokens) < 6000
    assert state.access_tokens[Secret(token).fingerprint()].live(clock.time)
    assert not state.first_use(str(clock.time - 1), clock.time)
