"""All credentials at a glance: nothing is unsealed, and still the same is told as by those who unseal."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vestal.core.credential import LOGIN_GRANTS, App, Credential, Intent, LastError, State, TokenState
from vestal.core.errors import ConfigError, StoreUnavailable
from vestal.core.margins import HARD, HARD_SHARE, margins
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.daemon.census import Census, Row, row_of
from vestal.daemon.feed import Outline, outlines
from vestal.daemon.outlook import PATHS, Facts, at
from vestal.home import Home
from vestal.operations.overview import Seen, look, overview
from vestal.stores.codec import public_part
from vestal.stores.keys import EnvironmentKeys, Key, KeySource, format_ring
from vestal.stores.memory import MemoryBackend
from vestal.stores.record import Record
from vestal.stores.sealing import SealedStore
from vestal.stores.sqlite import SQLiteBackend
from vestal.testing.clock import FakeClock

NOW = 1_800_000_000.0
HOUR = 3600.0
APP = App(provider="custom", client_id="app", client_secret=Secret("canary-s"), grant="refresh_token")
TOKEN = Token(Secret("canary-a"), expires_at=NOW + HOUR, issued_at=NOW, version=3)
GOOD = Credential(name="alice", app=APP, token=TOKEN, refresh_token=Secret("canary-r"), version=3)
INTENT = Intent(fingerprint="f", at=NOW - 5, version=3, holder="host/1/2", responses=(Secret("canary-raw"),))
FAILURE = LastError(category="TIMEOUT", message="no answer", at=NOW - 5, passing=True, retry_at=NOW + 30)
KEYS = EnvironmentKeys(environ={"VESTAL_KEY": format_ring([Key.of(bytes(range(32)))])}.get)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def home(tmp_path: Path, clock: FakeClock) -> Iterator[Home]:
    home = Home(tmp_path / "home", clock=clock)
    yield home
    home.close()


def put(home: Home, *changed: Credential) -> None:
    """Save credentials, whatever revision they are of."""
    for credential in changed:
        stored = home.store.load(credential.name)
        home.store.save(replace(credential, revision=0 if stored is None else stored.revision))


def rows(census: Census, **wanted: Any) -> list[str]:
    return [row.name for row in census.page(**wanted).rows]


# The same as by unsealing

moments = st.floats(-2e4, 2e4).map(lambda offset: NOW + offset) | st.floats(allow_nan=False, allow_infinity=False)
some_moment = st.none() | moments
some_secret = st.none() | st.just(Secret("canary"))
tokens = st.builds(
    Token,
    access_token=st.just(Secret("canary")),
    expires_at=some_moment,
    issued_at=moments,
    refresh_at=some_moment,
    version=st.integers(1, 9),
)
failures = st.builds(
    LastError,
    category=st.sampled_from(["NEEDS_LOGIN", "AUTH_FAILED", "TIMEOUT"]),
    message=st.text(max_size=5),
    at=moments,
    retry_at=some_moment,
)
intents = st.builds(
    Intent,
    fingerprint=st.just("f"),
    at=moments,
    version=st.integers(0, 9),
    holder=st.just("h"),
    responses=st.sampled_from([(), (Secret("canary"),)]),
)
credentials = st.builds(
    Credential,
    name=st.just("alice"),
    app=st.builds(App, provider=st.text(max_size=5), grant=st.sampled_from([*LOGIN_GRANTS, "client_credentials", ""])),
    token=st.none() | tokens,
    refresh_token=some_secret,
    refreshed_at=some_moment,
    refresh_count=st.integers(0, 9),
    authorizing_until=some_moment,
    last_error=st.none() | failures,
    intent=st.none() | intents,
)


@st.composite
def lives(draw: st.DrawFn) -> tuple[Credential, list[float]]:
    """A credential, and some moments: most of them where something turns."""
    credential = draw(credentials)
    error = credential.last_error
    turns = [NOW, credential.authorizing_until, None if error is None else error.retry_at]
    if (token := credential.token) is not None:
        turns += [token.issued_at, token.expires_at, margins(token).soft_at]
        if token.expires_at is not None:
            turns.append(token.issued_at - min(HARD, max(token.expires_at - token.issued_at, 0.0) * HARD_SHARE))
    known = [turn for turn in turns if turn is not None and math.isfinite(turn)]
    near = st.sampled_from(known).flatmap(
        lambda turn: st.sampled_from([math.nextafter(turn, -math.inf), turn, math.nextafter(turn, math.inf)])
    )
    return credential, draw(st.lists((near | moments).filter(math.isfinite), min_size=1, max_size=4))


def told(seen: Seen) -> Row:
    """What a row tells, of a credential that was unsealed."""
    credential, token, error = seen.credential, seen.credential.token, seen.credential.last_error
    return Row(
        name=credential.name,
        provider=credential.app.provider,
        grant=credential.app.grant,
        state=seen.state,
        token_state=seen.token_state,
        version=token.version if token else 0,
        issued_at=token.issued_at if token else None,
        expires_at=token.expires_at if token else None,
        refreshed_at=credential.refreshed_at,
        refresh_count=credential.refresh_count,
        next_refresh_at=seen.next_refresh_at,
        interrupted=seen.interrupted,
        error=error.category if error else None,
        error_message=error.message if error else "",
        login=credential.app.grant in LOGIN_GRANTS,
    )


@given(lives(), st.booleans())
@settings(max_examples=300)
def test_the_same_is_told_as_by_those_who_unseal(life: tuple[Credential, list[float]], leased: bool) -> None:
    credential, nows = life
    home = Home.in_memory("/nowhere")
    home.store.save(credential)
    plain, exact = Census(home), Census(home, look_inside=home.store.load)
    with ExitStack() as stack:
        if leased:
            stack.enter_context(home.store.lease("alice", 0))
        for now in nows:
            home.clock = FakeClock(now)
            seen = look(home, "alice")
            states = overview(seen)["state"], overview(seen)["token_state"]
            agree(exact, told(seen), *states)
            (outline,) = outlines(home.store.backend, ["alice"])
            facts = Facts.read(outline.public)
            assert facts is not None
            if facts.certain or seen.leased:
                agree(plain, told(seen), *states)
                assert row_of(outline, now, seen.leased) == told(seen)
            else:
                bare = Seen(nothing_sealed(credential), now, leased=False)
                agree(plain, told(bare), bare.state.value, bare.token_state.value)


def nothing_sealed(credential: Credential) -> Credential:
    """As it is taken to be where it can't be known."""
    intent = credential.intent
    return replace(credential, refresh_token=None, intent=None if intent is None else replace(intent, responses=()))


def agree(census: Census, row: Row, state: str, token_state: str) -> None:
    """All that a census tells of its only credential."""
    assert census.page().rows == [row]
    assert (row.state.value, row.token_state.value) == (state, token_state)
    assert census.counts() == {state: 1}
    for each in State:
        assert census.page(state=each).matching == (each.value == state)
    for other in TokenState:
        assert census.page(token_state=other).matching == (other.value == token_state)


def test_time_passes_and_nobody_writes(home: Home, clock: FakeClock) -> None:
    put(home, replace(GOOD, authorizing_until=NOW + 60))
    census = Census(home)

    def told_at(now: float) -> tuple[str, str]:
        clock.jump(now - clock.now())
        (state,) = census.counts()
        (token_state,) = (each.value for each in TokenState if census.page(token_state=each).matching)
        return state, token_state

    assert told_at(NOW) == ("authorizing", "valid")
    assert told_at(NOW + 60) == ("idle", "valid")
    assert told_at(NOW + HOUR - 601) == ("idle", "valid")
    assert told_at(NOW + HOUR - 600) == ("idle", "expiring")
    assert told_at(NOW + HOUR - 1) == ("idle", "expiring")
    assert told_at(NOW + HOUR) == ("idle", "expired")
    assert told_at(NOW + 30) == ("authorizing", "valid")
    assert told_at(NOW - HOUR) == ("authorizing", "expiring")  # issued in an hour: the clock has gone back


def test_what_is_not_certain() -> None:
    def certain(credential: Credential) -> bool:
        facts = Facts.read(public_part(credential))
        assert facts is not None
        return facts.certain

    fresh = replace(GOOD, token=None)
    assert certain(GOOD)
    assert certain(replace(GOOD, intent=INTENT))
    assert certain(replace(fresh, last_error=FAILURE))
    assert certain(replace(fresh, intent=INTENT))
    assert certain(replace(fresh, app=replace(APP, grant="client_credentials")))
    assert not certain(fresh)
    lost = replace(FAILURE, category="NEEDS_LOGIN")
    assert certain(replace(fresh, last_error=lost))
    assert not certain(replace(GOOD, intent=INTENT, last_error=lost))


# Records that are none

good = public_part(GOOD)


def broken(path: str, value: Any) -> str:
    """A record with something else at a place."""
    public = json.loads(json.dumps(good))
    *folders, last = path.split(".")
    place = public
    for folder in folders:
        place = place[folder]
    place[last] = value
    return json.dumps(public)


BROKEN = [
    "",
    "no JSON",
    "5",
    "[1, 2]",
    "{}",
    broken("app", None),
    broken("app", "custom"),
    broken("app.provider", 5),
    broken("app.grant", None),
    broken("token.issued_at", "soon"),
    broken("token.expires_at", [1]),
    broken("token.expires_at", True),
    broken("token.refresh_at", math.nan),
    broken("token.expires_at", 10**400),
    broken("token.issued_at", 0).replace('"issued_at": 0', '"issued_at": 1e999'),
    broken("authorizing_until", "tomorrow"),
    broken("last_error", {"category": 5}),
    broken("intent", {"at": "now"}),
]


@pytest.mark.parametrize("public", BROKEN)
def test_a_record_that_cannot_be_read_is_an_error_and_hides_no_other(home: Home, public: str) -> None:
    put(home, GOOD)
    home.store.backend.put(Record("bob", 1, 0, public, b"sealed"))
    census = Census(home)
    assert census.counts() == {"idle": 1, "error": 1}
    page = census.page(state=State.ERROR)
    (row,) = page.rows
    assert (row.name, row.state, row.token_state) == ("bob", State.ERROR, TokenState.MISSING)
    assert (row.error, row.error_message) == ("CONFIG_ERROR", "its record can't be read")
    assert rows(census) == ["alice", "bob"]
    assert rows(census, text="custom") == ["alice"]
    assert rows(census, token_state=TokenState.MISSING) == ["bob"]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
places = [*PATHS, *(f"$.{key}" for key in good), "$.last_error.message", "$.last_error.retry_at", "$.token.version"]


@given(st.lists(st.tuples(st.sampled_from(places), anything), max_size=3), moments)
@settings(max_examples=300)
def test_whatever_a_record_holds_there_is_a_row_of_it(changes: list[tuple[str, Any]], now: float) -> None:
    public = json.loads(json.dumps(public_part(replace(GOOD, last_error=FAILURE, intent=INTENT))))
    for path, value in changes:
        *folders, last = path.split(".")[1:]
        place = at(public, ".".join(["$", *folders])) if folders else public
        if isinstance(place, dict):
            place[last] = value
    row = row_of(Outline("alice", 1, public), now)
    assert (row.error_message == "its record can't be read") == (Facts.read(public) is None)
    assert all(isinstance(text, str) for text in (row.provider, row.grant, row.error_message, row.error or ""))
    assert isinstance(row.version, int)
    assert isinstance(row.refresh_count, int)
    for moment in (row.issued_at, row.expires_at, row.refreshed_at, row.next_refresh_at):
        assert moment is None or math.isfinite(moment)


@given(st.lists(credentials, max_size=5), st.lists(st.sampled_from(BROKEN), max_size=3))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_quick_read_of_the_store_brings_the_same(home: Home, some: list[Credential], broken: list[str]) -> None:
    for name in home.store.names():
        home.store.backend.delete(name)
    for number, credential in enumerate(some):
        put(home, replace(credential, name=f"user/{number}"))
    for number, public in enumerate(broken):
        home.store.backend.put(Record(f"zoe/{number}", 1, 0, public, b"sealed"))
    facts = {outline.name: Facts.read(outline.public) for outline in outlines(home.store.backend, home.store.names())}
    census = Census(home)
    assert census.page().matching == len(facts)
    assert {name: each.facts for name, each in census._known.items()} == facts


# How it reads


class Watched(SQLiteBackend):
    """Notes what is read, and does something when a lease is looked at."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.picked: list[str] = []
        self.looked: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def picks(self, names: Sequence[str], paths: Sequence[str]) -> list[tuple[str, int, str | None]]:
        self.picked += names
        return super().picks(names, paths)

    def leased(self, name: str) -> bool:
        self.looked.append(name)
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        return super().leased(name)


@pytest.fixture
def watched(tmp_path: Path, clock: FakeClock) -> Iterator[tuple[Home, Watched]]:
    backend = Watched(tmp_path / "watched" / "store.db")
    store = SealedStore(backend, KEYS)
    yield Home(tmp_path / "watched", clock=clock, store=store), backend
    store.close()


def test_only_what_has_changed_is_read_again(watched: tuple[Home, Watched]) -> None:
    home, backend = watched
    put(home, *(replace(GOOD, name=name) for name in ("a", "b", "c")))
    census = Census(home)
    assert census.counts() == {"idle": 3}
    assert backend.picked == ["a", "b", "c"]
    put(home, replace(GOOD, name="b", last_error=FAILURE), replace(GOOD, name="d"))
    home.store.delete("a")
    assert census.counts() == {"idle": 2, "error": 1}
    assert rows(census) == ["b", "c", "d"]
    assert backend.picked == ["a", "b", "c", "b", "d"]
    home.store.delete("d")
    assert census.counts() == {"idle": 1, "error": 1}
    assert backend.looked == []


def test_nothing_is_unsealed(home: Home) -> None:
    class Keyless:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    put(home, GOOD, replace(GOOD, name="bob", token=None), replace(GOOD, name="carol", intent=INTENT))
    blind = Home(home.folder, clock=home.clock, store=SealedStore(home.store.backend, cast("KeySource", Keyless())))
    census = Census(blind)
    assert census.counts() == {"idle": 1, "needs_login": 1, "error": 1}
    page = census.page()
    assert [row.name for row in page.rows] == ["alice", "bob", "carol"]
    assert "canary" not in repr(page)


def test_somebody_at_work_and_nobody(watched: tuple[Home, Watched]) -> None:
    home, backend = watched
    put(home, GOOD, replace(GOOD, name="bob", intent=INTENT), replace(GOOD, name="carol", intent=INTENT))
    census = Census(home)
    with home.store.lease("bob", 0):
        assert census.counts() == {"idle": 1, "refreshing": 1, "error": 1}
        assert rows(census, state="refreshing") == ["bob"]
        assert rows(census, state="error") == ["carol"]
        backend.looked.clear()
        _, bob, carol = census.page().rows
    assert (bob.state, bob.interrupted) == (State.REFRESHING, False)
    assert (carol.state, carol.interrupted) == (State.ERROR, True)
    assert backend.looked == ["bob", "carol"]


def test_a_refresh_that_ends_while_it_is_looked_at_was_not_interrupted(watched: tuple[Home, Watched]) -> None:
    home, backend = watched
    put(home, replace(GOOD, intent=INTENT))
    census = Census(home)
    census.page()
    backend.meanwhile = lambda: put(home, replace(GOOD, version=4))
    assert census.counts() == {"idle": 1}
    put(home, replace(GOOD, intent=INTENT, version=4))
    backend.meanwhile = lambda: put(home, replace(GOOD, version=5))
    assert [row.state for row in census.page().rows] == [State.IDLE]


def test_one_that_is_removed_while_it_is_looked_at(watched: tuple[Home, Watched]) -> None:
    home, backend = watched
    put(home, GOOD, replace(GOOD, name="bob", intent=INTENT))
    census = Census(home)
    backend.meanwhile = lambda: cast("None", home.store.delete("bob"))
    assert rows(census) == ["alice"]


def test_a_crowd_of_interrupted_ones_is_not_looked_at_one_by_one(watched: tuple[Home, Watched]) -> None:
    home, backend = watched
    put(home, *(replace(GOOD, name=f"user/{number}", intent=INTENT) for number in range(6)))
    census = Census(home, most_open=4)
    with home.store.lease("user/0", 0):
        assert census.counts() == {"error": 5, "refreshing": 1}
        assert census.page(state="error").matching == 5
    assert set(backend.looked[:4]) == {f"user/{number}" for number in range(4)}
    backend.looked.clear()
    census.counts()
    assert len(backend.looked) == 4


def test_looking_inside_where_it_is_not_certain(home: Home) -> None:
    put(home, GOOD, replace(GOOD, name="bob", token=None), replace(GOOD, name="carol", token=None, refresh_token=None))
    asked: list[str] = []

    def look_inside(name: str) -> Credential | None:
        asked.append(name)
        return home.store.load(name)

    census = Census(home, look_inside=look_inside)
    assert census.counts() == {"idle": 2, "needs_login": 1}
    assert census.counts() == {"idle": 2, "needs_login": 1}
    assert asked == ["bob", "carol"]
    assert [row.state.value for row in census.page().rows] == ["idle", "idle", "needs_login"]


def test_trouble_inside_is_told(home: Home) -> None:
    def look_inside(name: str) -> Credential | None:
        raise ConfigError("the key is not at hand")

    put(home, GOOD, replace(GOOD, name="bob", token=None))
    census = Census(home, look_inside=look_inside)
    assert census.counts() == {"idle": 1, "error": 1}
    assert census.page(text="bob").rows[0].error_message == "the key is not at hand"


# Pages


@given(
    st.lists(st.sampled_from(["a", "b/1", "B/2", "c-x", "d", "e/f"]), unique=True),
    st.integers(1, 4),
    st.sampled_from(["", "B", "/", "x", "CUSTOM", "nothing"]),
    st.booleans(),
)
@settings(max_examples=60)
def test_pages_follow_each_other(names: list[str], limit: int, text: str, picky: bool) -> None:
    home = Home.in_memory("/nowhere", clock=FakeClock(NOW))
    put(home, *(replace(GOOD, name=name) for name in names))
    census = Census(home)
    sees = (lambda name: name != "d") if picky else None
    wanted = sorted(name for name in names if not (picky and name == "d"))
    wanted = [name for name in wanted if text.lower() in name.lower() or text.lower() in "custom"]
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        page = census.page(sees, text=text, after=after, limit=limit)
        assert page.matching == len(wanted)
        assert len(page.rows) == limit or page.next is None
        found += [row.name for row in page.rows]
        after = page.next
    assert found == wanted
    assert census.counts(sees) == (
        {"idle": total} if (total := len([n for n in names if sees is None or sees(n)])) else {}
    )


def test_the_most_frequent_state_comes_first(home: Home) -> None:
    put(home, GOOD, *(replace(GOOD, name=name, last_error=FAILURE) for name in ("bob", "carol")))
    assert list(Census(home).counts().items()) == [("error", 2), ("idle", 1)]


# Many at once, and trouble


class Slow(MemoryBackend):
    """Its look at the revisions waits, or fails."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.waiting = threading.Semaphore(0)
        self.go = threading.Semaphore(0)
        self.failing = False

    def revisions(self, after: str = "", limit: int = 1000) -> list[tuple[str, int]]:
        if not after:
            self.looks += 1
            self.waiting.release()
            assert self.go.acquire(timeout=20)
            if self.failing:
                raise StoreUnavailable("it is locked")
        return super().revisions(after, limit)


@pytest.fixture
def slow(clock: FakeClock) -> tuple[Home, Slow]:
    backend = Slow()
    return Home("/nowhere", clock=clock, store=SealedStore(backend, KEYS)), backend


def test_whoever_comes_while_others_look_sees_what_was_saved_before(slow: tuple[Home, Slow]) -> None:
    home, backend = slow
    put(home, GOOD)
    census = Census(home)
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(census.counts)
        assert backend.waiting.acquire(timeout=20)
        put(home, replace(GOOD, last_error=FAILURE))
        others = [pool.submit(census.counts) for _ in range(5)]
        backend.go.release(6)
        assert first.result(20) == {"error": 1}
        assert [other.result(20) for other in others] == [{"error": 1}] * 5


def test_a_look_that_failed_is_nobodys_look(slow: tuple[Home, Slow]) -> None:
    home, backend = slow
    put(home, GOOD)
    census = Census(home)
    backend.failing = True
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(census.page), pool.submit(census.page)]
        backend.go.release(2)
        for each in both:
            with pytest.raises(StoreUnavailable):
                each.result(20)
    backend.failing = False
    backend.go.release()
    assert rows(census) == ["alice"]
