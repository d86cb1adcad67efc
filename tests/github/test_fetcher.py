"""The fetcher against the stub: what it gives is what the stub's world holds, field by field, once each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, timedelta

import pytest

from tests.github.fetcher_truth import ALL, BEGINNING, async_fetcher, fetcher, record, truth, when
from tests.github.stub.server import Stub
from vestal.core.errors import ConfigError, HTTPError
from vestal.services.github.prs.fetcher import GitHubAuthenticatedFetcher


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    """With 300 pull requests, some with more of everything than a page holds."""
    with Stub(pulls=300) as stub:
        yield stub


def test_every_field_of_every_pull_request(stub: Stub) -> None:
    with fetcher(stub) as fetching:
        found = fetching.fetch_prs_with_details("acme/widgets", **ALL)
    assert list(found) == truth(stub)
    assert found.complete
    assert found.found == found.stored == len(found) == 300
    assert found.points <= 0.4 * 300
    assert found.requests <= 0.1 * 300


def test_what_it_counts_is_what_was_sent(stub: Stub) -> None:
    before = len(stub.log)
    with fetcher(stub) as fetching:
        found = fetching.fetch_prs_with_details("octocat/hello", **ALL)
    sent = stub.log[before:]
    assert found.requests == len(sent)
    assert found.points == sum(entry.cost for entry in sent)


async def test_the_same_awaited(stub: Stub) -> None:
    async with async_fetcher(stub) as fetching:
        found = await fetching.fetch_prs_with_details("acme/widgets", **ALL)
    assert list(found) == truth(stub)


def test_the_default_is_what_was_closed_in_the_last_90_days_and_is_no_draft(stub: Stub) -> None:
    edge = stub.clock.now() - 90 * 86400
    with fetcher(stub) as fetching:
        found = fetching.fetch_prs_with_details("acme/widgets")
    expected = truth(stub, wanted=lambda pull: pull.state == "closed" and not pull.draft and pull.updated_at >= edge)
    assert list(found) == expected
    assert 10 < len(found) < 200


@pytest.mark.parametrize("include_open", [True, False])
@pytest.mark.parametrize("include_drafts", [True, False])
def test_the_window_includes_since_and_not_until(stub: Stub, include_open: bool, include_drafts: bool) -> None:
    everything = truth(stub)
    until, since = everything[40].updated_at, everything[120].updated_at
    with fetcher(stub) as fetching:
        found = fetching.fetch_prs_with_details(
            "acme/widgets", since, until, include_open=include_open, include_drafts=include_drafts
        )
    assert list(found) == [
        one
        for one in everything
        if since <= one.updated_at < until
        and (include_open or one.state != "open")
        and (include_drafts or not one.is_draft)
    ]


@pytest.mark.parametrize("most", [1, 7, 150])
def test_max_prs_cuts_the_ones_updated_last(stub: Stub, most: int) -> None:
    with fetcher(stub) as fetching:
        found = fetching.fetch_prs_with_details("acme/widgets", BEGINNING, max_prs=most)
    expected = truth(stub, wanted=lambda pull: pull.state == "closed" and not pull.draft)
    assert list(found) == expected[:most]


def test_times_without_a_zone_are_utc(stub: Stub) -> None:
    since = truth(stub)[20].updated_at
    with fetcher(stub) as fetching:
        naive = fetching.fetch_prs_with_details("acme/widgets", since.replace(tzinfo=None))
        aware = fetching.fetch_prs_with_details("acme/widgets", since.astimezone(UTC))
    assert list(naive) == list(aware)


def test_patches_on_request(stub: Stub) -> None:
    since = when(stub.world.repository("acme/widgets").pulls[41].updated_at)
    until = since + timedelta(days=8)
    with fetcher(stub) as fetching:
        found = fetching.fetch_prs_with_details(
            "acme/widgets", **{**ALL, "since": since}, until=until, with_patches=True
        )
    expected = [one for one in truth(stub, patches=True) if since <= one.updated_at < until]
    assert list(found) == expected
    assert any(file.patch for one in found for file in one.files)
    assert any(len(one.files) > 100 for one in found)


def test_an_empty_repository(stub: Stub) -> None:
    with fetcher(stub) as fetching:
        found = fetching.fetch_prs_with_details("acme/empty")
    assert found == []
    assert found.complete
    assert found.points == 1


def test_a_repository_that_is_not_there_or_hidden(stub: Stub) -> None:
    with fetcher(stub, stub.add_pat("bob")) as fetching:
        for name in ("acme/nothing", "acme/secret"):
            with pytest.raises(HTTPError, match="missing, or hidden") as error:
                fetching.fetch_prs_with_details(name)
            assert error.value.code == "not_found"


@pytest.mark.parametrize("name", ["acme", "acme/widgets/x", "", "acme/wid gets", "../secret"])
def test_a_name_that_is_none(stub: Stub, name: str) -> None:
    with fetcher(stub) as fetching, pytest.raises(ConfigError, match="OWNER/REPO"):
        fetching.fetch_prs_with_details(name)


def test_a_renamed_repository_is_followed(stub: Stub) -> None:
    stub.add_repository("acme/former", pulls=5)
    stub.rename("acme/former", "latter")
    with fetcher(stub) as fetching:
        found = fetching.fetch_prs_with_details("acme/former", **ALL, with_patches=True)
    assert list(found) == truth(stub, "acme/latter", patches=True)
    assert {one.github_repo for one in found} == {"acme/latter"}


def test_progress_is_told_and_its_errors_stop_nothing(stub: Stub) -> None:
    heard: list[tuple[str, int, int, str]] = []

    def callback(step: str, current: int, total: int, message: str) -> None:
        heard.append((step, current, total, message))
        raise RuntimeError("of the callback")

    with fetcher(stub, progress_callback=callback) as fetching:
        found = fetching.fetch_prs_with_details("octocat/hello", **ALL)
    assert len(found) == 12
    assert heard[0][0] == "listing"
    assert heard[-1][:3] == ("done", 12, 12)


def test_streaming(stub: Stub) -> None:
    with fetcher(stub) as fetching:
        found = list(fetching.stream("acme/widgets", **ALL))
    assert sorted(found, key=lambda one: (one.updated_at, one.number), reverse=True) == truth(stub)


async def test_streaming_awaited(stub: Stub) -> None:
    async with async_fetcher(stub) as fetching:
        found = [one async for one in fetching.stream("acme/widgets", **ALL)]
    assert sorted(found, key=lambda one: (one.updated_at, one.number), reverse=True) == truth(stub)


def test_a_stream_that_is_closed_stops_the_run(stub: Stub) -> None:
    with fetcher(stub, parallel=1) as fetching:
        before = len(stub.log)
        stream = fetching.stream("acme/widgets", **ALL)
        next(stream)
        stream.close()  # type: ignore[attr-defined]  # it is a generator
        sent = len(stub.log) - before
        assert sent < 15
        assert len(list(fetching.stream("octocat/hello", **ALL))) == 12


async def test_an_async_stream_that_is_closed_stops_the_run(stub: Stub) -> None:
    async with async_fetcher(stub, parallel=1) as fetching:
        before = len(stub.log)
        stream = fetching.stream("acme/widgets", **ALL)
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        assert len(stub.log) - before < 15


def test_tokens_of_its_own(stub: Stub) -> None:
    tokens = [stub.add_pat("alice"), stub.add_pat("carol")]
    with GitHubAuthenticatedFetcher(tokens=tokens, base_url=stub.url) as fetching:
        found = fetching.fetch_prs_with_details("octocat/hello", **ALL)
        assert list(found) == truth(stub, "octocat/hello")
        assert 0 < fetching.get_rate_limit_remaining() < 10_000


def test_token_and_tokens_are_refused() -> None:
    with pytest.raises(ValueError, match="not several"):
        GitHubAuthenticatedFetcher(token="a", tokens=["b"])


def test_top_contributors(stub: Stub) -> None:
    edge = stub.clock.now() - 90 * 86400
    with fetcher(stub) as fetching:
        found = fetching.get_top_contributors("acme/widgets", 3)
        records = truth(stub, wanted=lambda pull: pull.updated_at >= edge)
    people = Counter(one.author_login for one in records if one.author_login and "[bot]" not in one.author_login)
    assert [one.pr_count for one in found] == [count for _, count in people.most_common(3)]
    assert all(people[one.github_login] == one.pr_count for one in found)


async def test_top_contributors_awaited(stub: Stub) -> None:
    async with async_fetcher(stub) as fetching:
        assert len(await fetching.get_top_contributors("acme/widgets")) == 15


def test_an_enterprise_server(stub: Stub) -> None:
    token = stub.add_pat("alice")
    with GitHubAuthenticatedFetcher(token, base_url=stub.enterprise_url) as fetching:
        assert list(fetching.fetch_prs_with_details("octocat/hello", **ALL)) == truth(stub, "octocat/hello")


def test_the_moment_of_the_default_is_whole_seconds_before_now() -> None:
    """So that a pull request of the very edge is not in one run and out of the next within that second."""
    with Stub(pulls=0) as stub, fetcher(stub) as fetching:
        repository = stub.world.repository("acme/empty")
        edge = int(stub.stop_clock(1_795_000_000.75)) - 90 * 86400
        inside = stub.world.add_pull(repository, state="closed", updated_at=edge, created_at=edge, closed_at=edge)
        stub.world.add_pull(repository, state="closed", updated_at=edge - 1, created_at=edge - 1, closed_at=edge - 1)
        assert list(fetching.fetch_prs_with_details("acme/empty")) == [record(repository, inside)]
