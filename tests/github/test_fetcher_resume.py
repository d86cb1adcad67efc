"""Runs that end before their end: what they say, and how the next one goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.github.fetcher_truth import ALL, async_fetcher, fetcher, truth
from tests.github.stub.faults import Fault
from tests.github.stub.server import Stub
from vestal.core.errors import Category
from vestal.services.github.prs.incomplete import IncompleteFetch
from vestal.services.github.prs.record import FetchedPRFull

NAME = "acme/widgets"


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub(pulls=250) as stub:
        yield stub


def exhaust(stub: Stub, token: str, remaining: int) -> int:
    """Leave so many points to a token; when it has all of them again."""
    reset = int(stub.clock.now()) + 1800
    stub.set_limit(stub.owner_of(token), "graphql", remaining=remaining, reset=reset)
    return reset


def test_exhaustion_says_what_there_is_and_the_next_call_goes_on(stub: Stub, tmp_path: Path) -> None:
    token, path = stub.add_pat("alice"), tmp_path / "prs.db"
    reset = exhaust(stub, token, 25)
    with fetcher(stub, token, checkpoint_file=path) as fetching, pytest.raises(IncompleteFetch) as caught:
        fetching.fetch_prs_with_details(NAME, **ALL)
    error = caught.value
    assert 0 < len(error.fetched) < 250 == error.found
    assert not error.fetched.complete
    assert error.category is Category.RATE_LIMIT_EXCEEDED
    assert error.passing
    assert error.reset_at == pytest.approx(reset, abs=120)
    assert str(path) in str(error)
    assert f"{len(error.fetched)} of 250" in str(error)
    expected = {one.number: one for one in truth(stub)}
    assert [expected[one.number] for one in error.fetched] == list(error.fetched)

    stub.advance(1801)
    with fetcher(stub, token, checkpoint_file=path) as fetching:
        found = fetching.fetch_prs_with_details(NAME, **ALL)
    assert list(found) == truth(stub)
    assert found.complete
    assert found.points <= 0.25 * (250 - len(error.fetched)) + 8  # nothing twice


def test_without_a_checkpoint_it_says_how_to_have_one(stub: Stub) -> None:
    token = stub.add_pat("alice")
    exhaust(stub, token, 10)
    with fetcher(stub, token) as fetching, pytest.raises(IncompleteFetch, match="name a checkpoint_file") as caught:
        fetching.fetch_prs_with_details(NAME, **ALL)
    assert caught.value.found == 250


async def test_a_call_that_is_cancelled_leaves_the_checkpoint_to_the_next_one(stub: Stub, tmp_path: Path) -> None:
    """At the worst moment: another thread is just opening it."""
    async with async_fetcher(stub, checkpoint_file=tmp_path / "prs.db") as fetching:
        task = asyncio.create_task(fetching.fetch_prs_with_details("acme/widgets", **ALL))
        await asyncio.sleep(0)  # it begins
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        found = await fetching.fetch_prs_with_details("acme/widgets", **ALL)
    assert list(found) == truth(stub)


async def test_exhaustion_awaited(stub: Stub, tmp_path: Path) -> None:
    token = stub.add_pat("alice")
    exhaust(stub, token, 20)
    async with async_fetcher(stub, token, checkpoint_file=tmp_path / "prs.db") as fetching:
        with pytest.raises(IncompleteFetch) as caught:
            await fetching.fetch_prs_with_details(NAME, **ALL)
    assert 0 < len(caught.value.fetched) < 250


def test_on_request_it_waits_for_the_reset(stub: Stub) -> None:
    token = stub.add_pat("alice")
    heard: list[str] = []
    exhaust(stub, token, 25)
    started = stub.clock.now()
    with fetcher(stub, token, wait=True, progress_callback=lambda *told: heard.append(told[0])) as fetching:
        found = fetching.fetch_prs_with_details(NAME, **ALL)
    assert list(found) == truth(stub)
    assert stub.clock.now() - started >= 1800
    assert "waiting" in heard


def test_it_waits_no_longer_than_allowed(stub: Stub) -> None:
    token = stub.add_pat("alice")
    exhaust(stub, token, 25)
    with fetcher(stub, token, max_wait=600) as fetching, pytest.raises(IncompleteFetch):
        fetching.fetch_prs_with_details(NAME, **ALL)


def test_a_stream_gives_what_there_is_and_then_says_that_it_is_not_all(stub: Stub, tmp_path: Path) -> None:
    token, path = stub.add_pat("alice"), tmp_path / "prs.db"
    exhaust(stub, token, 25)
    seen: list[FetchedPRFull] = []
    with fetcher(stub, token, checkpoint_file=path) as fetching, pytest.raises(IncompleteFetch) as caught:
        seen.extend(fetching.stream(NAME, **ALL))  # a list keeps what came before the error
    stub.advance(1801)
    with fetcher(stub, token, checkpoint_file=path) as fetching:
        rest = list(fetching.stream(NAME, **ALL))
    assert 0 < len(seen) == caught.value.fetched.stored
    assert sorted(rest, key=lambda one: (one.updated_at, one.number), reverse=True) == truth(stub)


def test_a_revoked_token_leaves_the_work_to_the_others(stub: Stub) -> None:
    lost, kept = stub.add_pat("bob"), stub.add_pat("alice")

    def revoke(step: str, current: int, total: int, message: str) -> None:
        if step == "fetching":
            stub.revoke(lost)

    with fetcher(stub, lost, kept, progress_callback=revoke) as fetching:
        found = fetching.fetch_prs_with_details(NAME, **ALL)
    assert list(found) == truth(stub)
    assert any(entry.status == 401 for entry in stub.log)


def test_the_last_token_revoked(stub: Stub, tmp_path: Path) -> None:
    token, path = stub.add_pat("alice"), tmp_path / "prs.db"

    def revoke(step: str, current: int, total: int, message: str) -> None:
        if step == "fetching":
            stub.revoke(token)

    fetching = fetcher(stub, token, checkpoint_file=path, progress_callback=revoke)
    with fetching, pytest.raises(IncompleteFetch) as caught:
        fetching.fetch_prs_with_details(NAME, **ALL)
    assert not caught.value.passing
    assert 0 < len(caught.value.fetched) < 250
    with fetcher(stub, stub.add_pat("carol"), checkpoint_file=path) as fetching:
        assert list(fetching.fetch_prs_with_details(NAME, **ALL)) == truth(stub)


def test_the_network_goes_away(stub: Stub, tmp_path: Path) -> None:
    token, path = stub.add_pat("alice"), tmp_path / "prs.db"
    cuts: list[Fault] = []

    def cut(step: str, current: int, total: int, message: str) -> None:
        if step == "fetching" and not cuts:
            cuts.append(stub.fault("cut", times=None))

    with fetcher(stub, token, checkpoint_file=path, progress_callback=cut) as fetching:
        with pytest.raises(IncompleteFetch) as caught:
            fetching.fetch_prs_with_details(NAME, **ALL)
        assert caught.value.category is Category.NETWORK_ERROR
        assert caught.value.passing
        assert 0 < len(caught.value.fetched) < 250
        stub.clear_faults()
        assert list(fetching.fetch_prs_with_details(NAME, **ALL)) == truth(stub)


def test_a_listing_that_was_interrupted_goes_on_where_it_was(stub: Stub, tmp_path: Path) -> None:
    stub.fault("bad_gateway", path="/graphql", after=1, times=None)
    with fetcher(stub, checkpoint_file=tmp_path / "prs.db") as fetching:
        with pytest.raises(IncompleteFetch) as caught:
            fetching.fetch_prs_with_details(NAME, **ALL)
        assert len(caught.value.fetched) == 0
        assert caught.value.found == 100
        stub.clear_faults()
        stub.change_pull(NAME, 33, title="Moved to the front")
        stub.change_pull(NAME, 241, title="Moved to the front as well")
        found = fetching.fetch_prs_with_details(NAME, **ALL)
    assert list(found) == truth(stub)


def test_other_options_begin_afresh_and_say_so(stub: Stub, tmp_path: Path) -> None:
    token = stub.add_pat("alice")
    exhaust(stub, token, 25)
    with fetcher(stub, token, checkpoint_file=tmp_path / "prs.db") as fetching:
        with pytest.raises(IncompleteFetch):
            fetching.fetch_prs_with_details(NAME, **ALL)
        stub.advance(1801)
        found = fetching.fetch_prs_with_details(NAME, ALL["since"])
    assert "afresh" in found.note
    assert list(found) == truth(stub, wanted=lambda pull: pull.state == "closed" and not pull.draft)


def test_a_run_with_the_default_beginning_goes_on_later(stub: Stub, tmp_path: Path) -> None:
    token = stub.add_pat("alice")
    exhaust(stub, token, 3)
    begun = stub.clock.now()
    with fetcher(stub, token, checkpoint_file=tmp_path / "prs.db") as fetching:
        with pytest.raises(IncompleteFetch):
            fetching.fetch_prs_with_details(NAME)
        stub.advance(86400)
        found = fetching.fetch_prs_with_details(NAME)
    edge = int(begun) - 90 * 86400
    expected = truth(stub, wanted=lambda pull: pull.state == "closed" and not pull.draft and pull.updated_at >= edge)
    assert list(found) == expected
    assert found.note == ""
