"""Two thousand clients at the moment of expiry: one redemption, no error. All of it real: processes, sockets, the clock."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.daemons import wait_for
from tests.daemon.real_daemon import RealDaemon
from tests.daemon.storm import Answer, crowd, healthy, leave, many_files, on_socket, on_tcp, question, storm
from vestal.testing.practice import PracticeServer, Settings

NAME = "practice"
CROWD = 2000


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[RealDaemon]:
    """A daemon at both doors, whose tokens live for a short time; a service that rotates, and forgives nothing."""
    settings = Settings(access_token_lifetime=6, rotation=True, reuse_grace=0)
    with many_files(CROWD + 500), PracticeServer(settings) as server:
        made = RealDaemon(tmp_path / "home", server)
        made.add(NAME)
        try:
            yield made
        finally:
            made.close()


def check(daemon: RealDaemon, answers: list[Answer], version: int) -> None:
    """All have the same token, of that version, and it works."""
    assert Counter(each.status for each in answers) == {200: len(answers)}
    assert Counter(each.told["version"] for each in answers) == {version: len(answers)}
    (token,) = {each.told["access_token"] for each in answers}
    assert daemon.accepted(token)
    assert daemon.server.counters["reuse_detected"] == 0
    assert daemon.credential(NAME).version == version


@pytest.mark.parametrize(("door", "size"), [("socket", CROWD), ("tcp", 200)])
async def test_one_redemption_for_all_who_ask_when_the_token_expires(daemon: RealDaemon, door: str, size: int) -> None:
    """The service does not answer until the token has expired and all have asked."""
    key = daemon.key("robot", "token", pattern=NAME) if door == "tcp" else None
    daemon.start(tcp=True)
    connections = await crowd(on_tcp(daemon) if door == "tcp" else on_socket(daemon), size)
    try:
        check(daemon, await storm(connections, question(NAME, key)), 1)
        daemon.server.faults.add("token", "hang_before")
        await asyncio.to_thread(daemon.server.held, 1, 30)
        await asyncio.to_thread(wait_for, lambda: expired(daemon))
        asking = asyncio.create_task(storm(connections, question(NAME, key)))
        await asyncio.sleep(0)  # they have asked
        await healthy(on_socket(daemon))
        daemon.server.settings.access_token_lifetime = 600
        assert daemon.server.counters["redemptions"] == 1
        daemon.server.faults.release()
        check(daemon, await asking, 2)
        assert daemon.server.counters["requests.token"] == 2
        assert daemon.server.counters["redemptions"] == 2
    finally:
        await leave(connections)
    assert " ERROR " not in daemon.log()
    assert daemon.log().count(f"token credential={NAME} version=2") == size


def expired(daemon: RealDaemon) -> bool:
    token = daemon.credential(NAME).token
    return token is not None and token.expires_at is not None and token.expires_at <= daemon.home.clock.now()


async def test_one_redemption_for_all_whose_token_was_refused(daemon: RealDaemon) -> None:
    """Each comes with a connection of its own, as curl does."""
    daemon.server.settings.access_token_lifetime = 600
    daemon.start()
    daemon.ask(NAME)
    daemon.server.revoke_access_tokens()
    connections = await crowd(on_socket(daemon), 500)
    try:
        check(daemon, await storm(connections, question(NAME, newer_than=1)), 2)
    finally:
        await leave(connections)
    assert daemon.server.counters["redemptions"] == 2


async def test_one_question_for_all_who_must_be_told_that_a_person_is_needed(daemon: RealDaemon) -> None:
    daemon.server.revoke_family(daemon.add(NAME))
    daemon.start()
    connections = await crowd(on_socket(daemon), 500)
    try:
        answers = await storm(connections, question(NAME)) + await storm(connections, question(NAME))
    finally:
        await leave(connections)
    assert Counter((each.status, each.told["category"]) for each in answers) == {(409, "NEEDS_LOGIN"): 1000}
    assert daemon.server.counters["requests.token"] == 1


async def test_those_who_leave_take_nothing_from_those_who_stay(daemon: RealDaemon) -> None:
    daemon.server.settings.access_token_lifetime = 600
    daemon.server.faults.add("token", "hang_before")
    daemon.start()
    connections = await crowd(on_socket(daemon), 500)
    try:
        for _, writer in connections[:250]:
            writer.write(question(NAME))
        asking = asyncio.create_task(storm(connections[250:], question(NAME)))
        await asyncio.to_thread(daemon.server.held, 1, 30)
        await leave(connections[:250])
        await healthy(on_socket(daemon))
        daemon.server.faults.release()
        check(daemon, await asking, 1)
    finally:
        await leave(connections[250:])
    assert daemon.server.counters["requests.token"] == 1
    assert " ERROR " not in daemon.log()
