"""kill -9 of the daemon in the middle of a refresh: what its next start makes of it.

The points are those of test_kill; what dies is the daemon, with a client that waits, and what recovers is `vestal start`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.daemon.real_daemon import STEERED, RealDaemon
from tests.daemon.storm import crowd, healthy, leave, on_socket, question, storm
from tests.lifecycle.test_kill import ANSWER_LOST, DONE, FROM_THE_JOURNAL, POINTS, SERVERS
from vestal.testing.practice import PracticeServer, Settings

NAME, OTHER = "practice", "bystander"
FAULTS = {"arrived": "hang_before", "redeemed": "hang_after"}


@contextlib.contextmanager
def daemon_of(folder: Path, **settings: Any) -> Iterator[RealDaemon]:
    """A home with two credentials that have tokens, and no daemon yet."""
    with PracticeServer(Settings(access_token_lifetime=600, **settings)) as server:
        daemon = RealDaemon(folder / "home", server, command=STEERED)
        try:
            for name in (NAME, OTHER):
                daemon.add(name)
                daemon.home.token(name)
            yield daemon
        finally:
            daemon.close()


@dataclass
class Asking:
    """A client in a thread of its own, which is not told what becomes of the daemon."""

    daemon: RealDaemon
    newer_than: int

    def __post_init__(self) -> None:
        self.answer: httpx2.Response | None = None
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self) -> None:
        with contextlib.suppress(httpx2.TransportError):
            self.answer = self.daemon.ask(NAME, newer_than=self.newer_than)

    def end(self) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive(), "a client of a dead daemon must not go on waiting"


def die(daemon: RealDaemon, point: str) -> None:
    """Have a client report its token as refused, and kill the daemon at that point of the refresh."""
    hangs = FAULTS.get(point)
    if hangs:
        daemon.start()
        daemon.server.faults.add("token", hangs)
    else:
        daemon.start(CRASH=point)
    (daemon.folder / "armed").touch()
    asking = Asking(daemon, 1)
    if hangs:
        daemon.server.held()
        daemon.kill()
        daemon.server.faults.release()
    else:
        daemon.killed()
    asking.end()
    assert asking.answer is None, "nobody was told of a token that may be lost"
    (daemon.folder / "armed").unlink()


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("service", ["rotating", "rotating with grace"])
def test_killed_at_every_step(tmp_path: Path, service: str, point: str) -> None:
    with daemon_of(tmp_path, **SERVERS[service]) as daemon:
        at_stake = daemon.credential(NAME).refresh_token
        bystander = daemon.credential(OTHER)
        assert at_stake is not None
        die(daemon, point)
        sent, redeemed = POINTS[point]
        assert sent_by(daemon) == sent
        assert daemon.server.counters.redeemed(at_stake) == redeemed

        daemon.start()
        answer = daemon.ask(NAME, newer_than=1)
        if service == "rotating" and point in ANSWER_LOST:
            interrupted(answer)
            assert sent_by(daemon) == 2
            interrupted(daemon.ask(NAME, newer_than=1))
            assert sent_by(daemon) == 2, "never a third time"
            return
        works(daemon, answer, 2)
        assert daemon.server.counters["reuse_detected"] == 0
        if point in (*FROM_THE_JOURNAL, *DONE):
            assert sent_by(daemon) == 1
        lives_on(daemon, 3)
        assert daemon.credential(OTHER) == bystander
        works(daemon, daemon.ask(OTHER), 1)


def sent_by(daemon: RealDaemon) -> int:
    """Requests of daemons to the token endpoint: while there has been one refresh token only, how often it was sent."""
    return daemon.server.counters["requests.token"] - 2  # those that made the first tokens


def works(daemon: RealDaemon, answer: httpx2.Response, version: int) -> None:
    """The answer is a token of that version, which the service takes."""
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == version
    assert daemon.accepted(answer.json()["access_token"])


def lives_on(daemon: RealDaemon, version: int) -> None:
    """What is stored now is good for a further refresh, to that version."""
    with daemon.client() as client:
        told = client.post(f"/v1/credentials/{NAME}/refresh")
    assert (told.status_code, told.json().get("version")) == (200, version), told.text


def interrupted(answer: httpx2.Response) -> None:
    """The answer says that a person is needed, and why: nobody has revoked anything."""
    assert answer.status_code == 409, answer.text
    assert answer.json()["category"] == "NEEDS_LOGIN"
    assert answer.json()["reason"] == "interrupted refresh"
    assert "vestal login" in answer.json()["remedy"]


ROUNDS = 20


@pytest.mark.parametrize(
    ("service", "seed"),
    [
        pytest.param("rotating", 1, id="rotating"),
        pytest.param("rotating with grace", 2, id="grace", marks=pytest.mark.slow),
        *[pytest.param("rotating", seed, id=f"rotating-{seed}", marks=pytest.mark.slow) for seed in range(3, 6)],
    ],
)
def test_killed_at_random_moments(tmp_path: Path, service: str, seed: int) -> None:
    """A daemon that is always refreshing. After each kill, the truth is read from its record and the service's counters."""
    moments = random.Random(seed)
    ends: Counter[str] = Counter()
    with daemon_of(tmp_path, latency=0.02, **SERVERS[service]) as daemon:
        daemon.start()
        for _ in range(ROUNDS):
            refresh_until_killed(daemon, moments.uniform(0.0, 0.25))
            left = daemon.credential(NAME)
            at_stake = left.refresh_token
            assert at_stake is not None
            daemon.start()
            answer = daemon.ask(NAME, newer_than=left.version)
            if answer.status_code == 409:
                interrupted(answer)
                assert left.intent is not None
                assert not left.intent.responses, "its answer was on the disk"
                assert daemon.server.counters.redeemed(at_stake) == 1, "it was redeemed by nobody: the replay was good"
                assert daemon.server.counters.presented(at_stake) == 2
                ends["lost"] += 1
                daemon.add(NAME)  # a person logs in again
            else:
                works(daemon, answer, left.version + 1)
                ends["recovered" if left.intent else "between two"] += 1
        assert daemon.server.counters["reuse_detected"] == ends["lost"]
        if service == "rotating with grace":
            assert ends["lost"] == 0
        assert ends["lost"] + ends["recovered"] > ROUNDS / 4, f"it was hardly ever killed in mid-refresh: {ends}"


def refresh_until_killed(daemon: RealDaemon, seconds: float) -> None:
    """Refresh, and refresh again; the daemon is killed so many seconds after the first has ended."""
    began = threading.Event()

    def go_on() -> None:
        with contextlib.suppress(httpx2.TransportError), daemon.client() as client:
            while True:
                client.post(f"/v1/credentials/{NAME}/refresh")
                began.set()

    thread = threading.Thread(target=go_on)
    thread.start()
    began.wait(30)
    time.sleep(seconds)  # the very thing that is tried: any moment
    daemon.kill()
    thread.join(30)
    assert not thread.is_alive()


async def test_killed_with_a_crowd_waiting(tmp_path: Path) -> None:
    """Those who ask again share the token that was being fetched: the refresh is finished, not begun anew."""
    with daemon_of(tmp_path, **SERVERS["rotating"]) as daemon:
        daemon.start(CRASH="response_saved")
        daemon.server.faults.add("token", "hang_after")
        waiting = await crowd(on_socket(daemon), 200)
        asking = asyncio.gather(
            *[storm([each], question(NAME, newer_than=1)) for each in waiting], return_exceptions=True
        )
        await asyncio.to_thread(daemon.server.held)
        await healthy(on_socket(daemon))  # all have asked
        (daemon.folder / "armed").touch()
        daemon.server.faults.release()
        await asyncio.to_thread(daemon.killed)
        assert [isinstance(end, OSError | EOFError) for end in await asking] == [True] * 200
        await leave(waiting)
        (daemon.folder / "armed").unlink()

        daemon.start()
        again = await crowd(on_socket(daemon), 200)
        answers = await storm(again, question(NAME, newer_than=1))
        await leave(again)
        assert Counter((each.status, each.told.get("version")) for each in answers) == {(200, 2): 200}
        (token,) = {each.told["access_token"] for each in answers}
        assert daemon.accepted(token)
        assert daemon.server.counters["redemptions"] == 3  # the two first tokens, and this one
