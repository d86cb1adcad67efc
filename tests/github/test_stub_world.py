"""The generated world: the same each time, and of every shape that clients must cope with."""

from __future__ import annotations

import threading

import pytest

from tests.github.stub.dump import dump
from tests.github.stub.generate import BIG, generate
from tests.github.stub.world import World


@pytest.fixture(scope="module")
def world() -> World:
    return generate(seed=7, pulls=400)


def test_same_seed_same_world(world: World) -> None:
    again, other = generate(seed=7, pulls=400), generate(seed=8, pulls=400)
    repository = world.repository("acme/widgets")
    assert dump(again.repository("acme/widgets")) == dump(repository)
    assert dump(other.repository("acme/widgets")) != dump(repository)


def test_shapes(world: World) -> None:
    pulls = list(world.repository("acme/widgets").pulls.values())
    assert len(pulls) == 400
    assert {(pull.state, pull.merged) for pull in pulls} == {("open", False), ("closed", False), ("closed", True)}
    assert {pull.author and pull.author.type for pull in pulls} == {None, "User", "Bot"}
    for name in ("draft", "body", "milestone", "labels", "assignees", "linked_issues", "reviews", "comments"):
        assert {bool(getattr(pull, name)) for pull in pulls} == {False, True}, name
    sizes = {"files": 100, "more files": 300, "checks": 50, "reviews": 100, "comments": 100, "commits": 100}
    attributes = {"more files": "files", "checks": "check_runs"}
    for number, what in BIG.items():
        pull = world.repository("acme/widgets").pulls[number]
        assert len(getattr(pull, attributes.get(what, what))) > sizes[what]


def test_it_holds_together(world: World) -> None:
    repository = world.repository("acme/widgets")
    assert not set(repository.pulls) & set(repository.issues)
    for pull in repository.pulls.values():
        assert pull.created_at <= (pull.closed_at or pull.updated_at) <= pull.updated_at
        assert pull.merged_at in (None, pull.closed_at)
        assert pull.commits[-1].sha == pull.head_sha
        assert pull.additions == sum(file.additions for file in pull.files)
        assert all((pull.head_sha if file else "") for file in pull.files)
        reviews = {review.id for review in pull.reviews}
        firsts = {comment.id for comment in pull.comments if comment.in_reply_to is None}
        assert all(comment.review_id in reviews for comment in pull.comments)
        assert {comment.thread for comment in pull.comments} == firsts
        assert world.node(pull.node_id) is pull


def test_changes_while_others_read() -> None:
    world = generate(pulls=30)
    repository = world.repository("acme/widgets")

    def change(first: int) -> None:
        for _ in range(50):
            world.change_pull(repository, first, title="Changed")
            world.add_pull(repository)

    threads = [threading.Thread(target=change, args=(number,)) for number in (1, 2, 3, 4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        numbers = [pull.number for pull in world.pulls(repository, "updated_at")]
        assert len(numbers) == len(set(numbers))
    for thread in threads:
        thread.join()
    assert len(repository.pulls) == 230
    world.now = lambda: 1_900_000_000.5
    assert world.pulls(repository, "updated_at")[0].number != 5
    newest = world.change_pull(repository, 5, title="Newest")
    assert newest.updated_at == 1_900_000_000
    assert world.pulls(repository, "updated_at")[0] is newest
    assert world.pulls(repository, "updated_at", descending=False)[-1] is newest
