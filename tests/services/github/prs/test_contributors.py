from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.github.fetcher_truth import StubTime, pool_of
from tests.github.stub.generate import END
from tests.github.stub.server import Stub
from tests.services.github.prs.made import record
from tests.services.github.script import Renewable, Script, reply
from vestal.core.errors import HTTPError
from vestal.services.github.call import API
from vestal.services.github.place import Place
from vestal.services.github.prs.contributors import Contributor, is_bot, of_records, rank, top_contributors
from vestal.services.runner import Runner
from vestal.services.sender import APISender


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub(pulls=230) as stub:
        yield stub


def ask(stub: Stub, repository: str, most: int = 15, since: datetime | None = None) -> list[Contributor]:
    time = StubTime(stub)
    sender = APISender(time)
    try:
        pool = pool_of(stub, stub.add_pat("alice"))
        api = API(Place.of(stub.url), clock=time)
        return Runner(sender, time).run(top_contributors(api, pool, repository, most, since))
    finally:
        sender.close()


@pytest.mark.parametrize("days", [None, 200, 1])
def test_people_are_counted_and_bots_are_not(stub: Stub, days: int | None) -> None:
    since = None if days is None else datetime.fromtimestamp(END - days * 86400, UTC)
    pulls = stub.world.repository("acme/widgets").pulls.values()
    counts = Counter(
        pull.author.login
        for pull in pulls
        if pull.author is not None
        and pull.author.type == "User"
        and (since is None or pull.updated_at >= since.timestamp())
    )
    found = ask(stub, "acme/widgets", 5, since)
    assert [each.pr_count for each in found] == sorted(counts.values(), reverse=True)[:5]
    for each in found:
        user = stub.world.users[each.github_login]
        assert counts[each.github_login] == each.pr_count
        assert (each.github_id, each.display_name, each.avatar_url) == (user.id, user.name, user.avatar_url)


def test_addresses_are_those_of_the_profiles(stub: Stub) -> None:
    stub.world.users["dev00"].email = "dev0@example.com"
    found = {each.github_login: each.email for each in ask(stub, "acme/widgets", 3)}
    assert found.pop("dev00") == "dev0@example.com"
    assert set(found.values()) == {None}


def test_nobody(stub: Stub) -> None:
    assert ask(stub, "acme/empty") == []
    with pytest.raises(HTTPError, match="acme/nothing is missing"):
        ask(stub, "acme/nothing")


def test_the_busiest_come_first_then_the_alphabet() -> None:
    authors = [
        Contributor(None, login, None, None, None) for login in ("Zoe", "bob", "ZOE", "alice", "codecov", "x[bot]")
    ]
    found = [(each.github_login, each.pr_count) for each in rank(authors, 9)]
    assert found == [("Zoe", 2), ("alice", 1), ("bob", 1)]
    assert len(rank(authors, 1)) == 1


def test_records_at_hand_can_be_counted() -> None:
    records = [record(1), record(3), record(6), record(9, author_login="dependabot[bot]")]
    assert of_records(records) == [Contributor(7, "alice", None, None, None, 2)]


@pytest.mark.parametrize(("login", "bot"), [("renovate[bot]", True), ("Dependabot", True), ("bottom", False)])
def test_bots_are_known_by_name(login: str, bot: bool) -> None:
    assert is_bot(login) is bot


@pytest.mark.parametrize("cursor", [None, "same"])
@pytest.mark.parametrize("nodes", [[], [{"updatedAt": 5}]])
def test_a_listing_that_is_none_does_not_go_on_for_ever(cursor: str | None, nodes: list[object]) -> None:
    pulls = {"nodes": nodes, "pageInfo": {"hasNextPage": True, "endCursor": cursor}}
    script = Script([reply(200, {"data": {"repository": {"pullRequests": pulls}}})] * 3)
    steps = top_contributors(
        script.api(), script.pool([Renewable("a")]), "acme/widgets", since=datetime(2026, 1, 1, tzinfo=UTC)
    )
    with pytest.raises(HTTPError, match="not of the form"):
        script.run(steps)
