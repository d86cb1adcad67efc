"""The part of the store contract that takes several processes, and kills some of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, ClassVar

from vestal.core.errors import TimedOut
from vestal.stores.record import Backend, Record
from vestal.testing.store_worker import CHANGES, NAME, ROUNDS, larger, load, whole
from vestal.testing.together import PATIENCE

PROCESSES = 4


class SharedByProcesses:
    """What a backend has to do for processes that share it: a second base beside `StoreContract`, which sets it up."""

    opener: ClassVar[str] = ""
    """`module:function`: what opens a backend for the path of a folder."""
    lease_lifetime: ClassVar[float] = 0.0
    """Seconds after which the lease of a killed holder is free. 0: at once, as with a lock that the kernel releases."""

    folder: Path
    backend: Backend

    def make_backend(self, folder: Path) -> Backend:
        """A backend over the store of this folder."""
        return load(self.opener)(str(folder))

    def test_another_user_of_the_store_sees_a_record(self) -> None:
        """Whoever opens the same store."""
        record = Record(NAME, 1, 3, '{"a":1}', b"sealed")
        assert self.backend.put(record) is True
        other = self.make_backend(self.folder)
        assert other.get(NAME) == record
        other.close()

    def test_one_process_wins_each_revision(self) -> None:
        """Compare-and-set, raced by processes."""
        won = self._all("race")
        assert sorted(revision for revisions in won for revision in revisions) == list(range(1, ROUNDS + 1))
        record = self.backend.get(NAME)
        assert record is not None
        assert record.revision == ROUNDS

    def test_a_lease_is_exclusive_between_processes(self) -> None:
        """Each reads and writes under it, and nobody comes between."""
        assert self._all("count") == [[True] * ROUNDS] * PROCESSES
        record = self.backend.get(NAME)
        assert record is not None
        assert record.revision == ROUNDS * PROCESSES

    def test_a_killed_holder_frees_its_lease(self) -> None:
        """SIGKILL: nothing of its own runs any more."""
        with self._worker("hold") as worker:
            assert _line(worker) == "ready"
            _go(worker)
            assert _line(worker) == "holding"
            assert self.backend.leased(NAME) is True
            try:
                with self.backend.lease(NAME, 0):
                    raise AssertionError("two processes hold the lease")
            except TimedOut:
                pass
            worker.kill()
            worker.wait(PATIENCE)
            with self.backend.lease(NAME, self.lease_lifetime):
                assert self.backend.leased(NAME) is True
        assert self.backend.leased(NAME) is False

    def test_a_writer_killed_in_mid_write_leaves_a_whole_record(self) -> None:
        """The one from before or the new one, no mixture; never one older than it has reported; and writing goes on."""
        for kill in range(3):
            with self._worker("write") as worker:
                assert _line(worker) == "ready"
                _go(worker)
                reported = [int(_line(worker)) for _ in range(3 + kill)][-1]
                worker.kill()
                worker.wait(PATIENCE)
            record = self.backend.get(NAME)
            assert record is not None
            assert record.revision >= reported
            assert record == whole(record.revision)
            assert self.backend.put(whole(record.revision + 1)) is True

    def test_no_change_of_a_process_is_lost(self) -> None:
        """Each is made of the value before it, whoever entered that."""
        seen = self._all("enter")
        assert sorted(number for numbers in seen for number in numbers) == list(range(CHANGES * PROCESSES))
        assert self.backend.ledger.read([NAME]) == {NAME: str(CHANGES * PROCESSES)}

    def test_a_process_killed_in_mid_change_leaves_the_old_value(self) -> None:
        """And holds nobody up."""
        self.backend.ledger.change(NAME, lambda _: ("1", None))
        with self._worker("stop") as worker:
            assert _line(worker) == "ready"
            _go(worker)
            assert _line(worker) == "changing"
            assert self.backend.ledger.read([NAME]) == {NAME: "1"}
            worker.kill()
            worker.wait(PATIENCE)
            assert self.backend.ledger.change(NAME, lambda value: ("2", value)) == "1"

    def test_no_change_that_a_killed_process_has_seen_through_is_lost(self) -> None:
        """The value is whole, and not older than it has reported."""
        for kill in range(3):
            with self._worker("enter_more") as worker:
                assert _line(worker) == "ready"
                _go(worker)
                reported = [int(_line(worker)) for _ in range(3 + kill)][-1]
                worker.kill()
                worker.wait(PATIENCE)
            value = self.backend.ledger.read([NAME])[NAME]
            number = int(value[:8])
            assert number >= reported
            assert (value, number) == larger(f"{number - 1:08}")

    def _all(self, task: str) -> list[Any]:
        """What came of a task that processes begin at the same moment."""
        with ExitStack() as stack:
            workers = [stack.enter_context(self._worker(task)) for _ in range(PROCESSES)]
            for worker in workers:
                assert _line(worker) == "ready"
            for worker in workers:
                _go(worker)
            return [json.loads(_line(worker)) for worker in workers]

    @contextmanager
    def _worker(self, task: str) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-m", "vestal.testing.store_worker", self.opener, str(self.folder), task]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) as worker:  # noqa: S603
            try:
                yield worker
            finally:
                worker.kill()


def _go(worker: subprocess.Popen[str]) -> None:
    _pipe(worker.stdin).write("go\n")
    _pipe(worker.stdin).flush()


def _line(worker: subprocess.Popen[str]) -> str:
    return _pipe(worker.stdout).readline().rstrip("\n")


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
