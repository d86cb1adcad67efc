from __future__ import annotations

from vestal.core.secret import Secret
from vestal.daemon.access import LOCAL, Grantee
from vestal.daemon.sessions import INVITATION, LIFETIME, MOST, Sessions
from vestal.testing.clock import FakeClock


def test_a_link_opens_one_session() -> None:
    made = Sessions(FakeClock())
    code = made.invite(LOCAL)
    opened = made.open(code)
    assert opened is not None
    cookie, session = opened
    assert made.open(code) is None
    assert made.of(cookie) == session
    assert made.of(Secret("another")) is None
    assert cookie.reveal() not in repr(made.__dict__), "what is kept is its hash"


def test_a_session_is_never_good_for_a_token() -> None:
    made = Sessions(FakeClock())
    opened = made.open(made.invite(Grantee("robot", ("a*",), ("token", "admin"))))
    assert opened is not None
    grantee = opened[1].grantee
    assert not grantee.may("token", "a")
    assert grantee.may("admin", "a")
    assert not grantee.may("admin", "b")


def test_a_link_is_good_for_five_minutes() -> None:
    clock = FakeClock()
    made = Sessions(clock)
    early, late = made.invite(LOCAL), made.invite(LOCAL)
    clock.advance(INVITATION - 1)
    assert made.open(early) is not None
    clock.advance(1)
    assert made.open(late) is None


def test_a_session_ends_however_much_it_is_used() -> None:
    """As its cookie does: only somebody who has stolen it would have it for longer."""
    clock = FakeClock()
    made = Sessions(clock)
    opened = made.open(made.invite(LOCAL))
    assert opened is not None
    for _ in range(9):
        clock.advance(LIFETIME / 10)
        assert made.of(opened[0]) is not None
    clock.advance(LIFETIME / 10)
    assert made.of(opened[0]) is None


def test_a_session_that_is_closed_is_over() -> None:
    made = Sessions(FakeClock())
    opened, other = made.open(made.invite(LOCAL)), made.open(made.invite(LOCAL))
    assert opened is not None
    assert other is not None
    assert made.is_open(opened[1])
    made.close(opened[1])
    assert not made.is_open(opened[1])
    assert made.of(opened[0]) is None
    assert made.of(other[0]) is not None


def test_there_are_not_too_many() -> None:
    made = Sessions(FakeClock())
    codes = [made.invite(LOCAL) for _ in range(MOST + 1)]
    assert made.open(codes[0]) is None, "the oldest gave way"
    cookies = [opened[0] for code in codes[1:] if (opened := made.open(code)) is not None]
    assert len(cookies) == MOST
    assert made.open(made.invite(LOCAL)) is not None
    assert made.of(cookies[0]) is None
    assert made.of(cookies[1]) is not None


def test_secrets_differ() -> None:
    made = Sessions(FakeClock())
    opened = [made.open(made.invite(LOCAL)) for _ in range(3)]
    held = [secret.reveal() for each in opened if each is not None for secret in (each[0], each[1].csrf)]
    assert len(set(held)) == 6
    assert min(map(len, held)) >= 43
