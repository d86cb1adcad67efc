"""Private repositories in a pool of which only some see them: nothing that one token does not find is taken for gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.github.fetcher_truth import ALL, BEGINNING, fetcher, truth
from tests.github.stub.server import Stub
from vestal.core.errors import VestalError

SECRET = "acme/secret"


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub(pulls=30) as stub:
        yield stub


def test_those_who_do_not_see_it_are_left_out(stub: Stub) -> None:
    tokens = [stub.add_pat(login) for login in ("bob", "carol", "alice", "bob")]
    for _ in range(3):  # whoever is asked first
        with fetcher(stub, *tokens) as fetching:
            assert list(fetching.fetch_prs_with_details(SECRET, **ALL)) == truth(stub, SECRET)


def test_in_the_middle_of_a_run(stub: Stub, tmp_path: Path) -> None:
    """The list is there; the rest is fetched by a pool whose first members see nothing, and by REST at that."""
    archive = tmp_path / "archive"
    seeing = stub.add_pat("alice")
    stub.fault("bad_gateway", path="/graphql", after=1, times=1000)
    stub.fault("bad_gateway", path=f"/repos/{SECRET}/pulls/", times=1000)
    with fetcher(stub, seeing, checkpoint_file=archive) as fetching, pytest.raises(VestalError):
        fetching.fetch_prs_with_details(SECRET, **ALL)
    stub.clear_faults()
    stub.fault("bad_gateway", path="/graphql", times=200)  # only REST is left for the details
    tokens = [stub.add_pat("bob"), stub.add_pat("carol"), seeing]
    with fetcher(stub, *tokens, checkpoint_file=archive) as fetching:
        try:
            found = list(fetching.fetch_prs_with_details(SECRET, **ALL))
        except VestalError as error:
            assert "missing" not in error.message
            stub.clear_faults()
            found = list(fetching.fetch_prs_with_details(SECRET, **ALL))
    assert [one.number for one in found] == [one.number for one in truth(stub, SECRET)]


def test_contributors(stub: Stub) -> None:
    tokens = [stub.add_pat(login) for login in ("bob", "carol", "alice", "bob")]
    for _ in range(3):
        with fetcher(stub, *tokens) as fetching:
            assert fetching.get_top_contributors(SECRET, since=BEGINNING)


def test_nobody_sees_it(stub: Stub) -> None:
    with fetcher(stub, stub.add_pat("bob"), stub.add_pat("carol")) as fetching, pytest.raises(VestalError) as caught:
        fetching.fetch_prs_with_details(SECRET, **ALL)
    assert caught.value.code == "not_found"


def test_a_dead_token_says_nothing_of_a_repository(stub: Stub) -> None:
    dead = stub.add_pat("alice")
    stub.revoke(dead)
    with fetcher(stub, dead, stub.add_pat("bob")) as fetching, pytest.raises(VestalError) as caught:
        fetching.fetch_prs_with_details(SECRET, **ALL)
    assert caught.value.code == "not_found"


def test_a_public_repository_costs_nothing_more(stub: Stub) -> None:
    with fetcher(stub, stub.add_pat("bob"), stub.add_pat("alice")) as fetching:
        fetching.fetch_prs_with_details("acme/widgets", **ALL)
    assert not [entry for entry in stub.log if entry.path == "/repos/acme/widgets"]
