"""`StoreContract`: the suite that every `Backend` passes, `vestal.stores.record` as tests.

For a store of your own, in a file that pytest collects:

    class TestMyStore(SharedByProcesses, StoreContract):
        opener = "my_package.testing:open_backend"  # called with the path of an empty folder, as text

`opener` is an import path, since the suite opens the backend in processes of its own as well. Every backend that it opens
for one folder must see the same records and leases; another folder is another store. A store on a server makes a schema
or a key prefix of the folder's name. A backend that lives in one process only does without `SharedByProcesses` (from
`vestal.testing.store_processes`), and overrides `make_backend` instead.

Nothing here needs pytest but to be run by it. For its detailed assertions, put
`pytest.register_assert_rewrite("vestal.testing.store_contract", "vestal.testing.ledger_contract",
"vestal.testing.store_processes")` in a conftest.py.
"""

from __future__ import annotations

import json
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from vestal.core.errors import TimedOut
from vestal.stores.record import Backend, Record
from vestal.testing.ledger_contract import LedgerContract
from vestal.testing.together import PATIENCE, THREADS, elsewhere, together


class StoreContract(LedgerContract):
    """What a backend has to do. Each test has a backend over an empty store of its own."""

    def make_backend(self, folder: Path) -> Backend:
        """A backend over the store of this folder."""
        raise NotImplementedError

    def setup_method(self) -> None:
        """Pytest calls it before each test."""
        self._temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self._temporary.name) / "store"
        self.backend = self.make_backend(self.folder)

    def teardown_method(self) -> None:
        """Pytest calls it after each test."""
        self.backend.close()
        self._temporary.cleanup()

    # Records

    def test_an_empty_store(self) -> None:
        """Nothing is there, and asking for it is no error."""
        assert self.backend.get("a") is None
        assert self.backend.names() == []
        assert list(self.backend.records()) == []
        assert self.backend.delete("a") is False

    def test_what_is_put_is_there(self) -> None:
        """A record comes back as it was, by itself and among the others."""
        record = Record("a", 1, 3, '{"a":1}', b"sealed")
        assert self.backend.put(record) is True
        assert self.backend.get("a") == record
        assert self.backend.names() == ["a"]
        assert list(self.backend.records()) == [record]

    def test_delete(self) -> None:
        """A deleted record is gone; its name may be used again, from revision 1 on and with any version."""
        self.backend.put(Record("a", 1, 7, "{}", b"old"))
        self.backend.put(Record("b", 1, 1, "{}", b""))
        assert self.backend.delete("a") is True
        assert self.backend.delete("a") is False
        assert self.backend.get("a") is None
        assert self.backend.names() == ["b"]
        assert self.backend.put(Record("a", 8, 7, "{}", b"ghost")) is False
        assert self.backend.put(Record("a", 1, 0, "{}", b"new")) is True

    def test_only_revision_1_makes_a_record(self) -> None:
        """A writer that read nothing may only create."""
        for revision in (0, 2, 3, -1):
            assert self.backend.put(Record("a", revision, 1, "{}", b"")) is False, revision
        assert self.backend.get("a") is None

    def test_only_the_next_revision_is_taken(self) -> None:
        """Repeated, stale and skipped revisions are refused, and nothing changes."""
        for revision in (1, 2, 3):
            assert self.backend.put(Record("a", revision, 1, "{}", b"right")) is True
        for revision in (0, 1, 2, 3, 5):
            assert self.backend.put(Record("a", revision, 1, '{"late":1}', b"late")) is False, revision
        assert self.backend.get("a") == Record("a", 3, 1, "{}", b"right")
        assert self.backend.put(Record("a", 4, 1, "{}", b"next")) is True

    def test_the_version_never_goes_back(self) -> None:
        """It may stand still or grow, by any amount."""
        self.backend.put(Record("a", 1, 5, "{}", b"right"))
        assert self.backend.put(Record("a", 2, 4, "{}", b"late")) is False
        assert self.backend.get("a") == Record("a", 1, 5, "{}", b"right")
        assert self.backend.put(Record("a", 2, 5, "{}", b"same")) is True
        assert self.backend.put(Record("a", 3, 50, "{}", b"later")) is True

    def test_texts_and_blobs_come_back_byte_for_byte(self) -> None:
        """They are what seals were made over: no JSON type that orders members or drops blanks will do."""
        public = '{ "b" : 1.50,\n\t"a": "\\u0000 \\ud83d\\ude00 \u00e9 e\u0301 \U0001f600 \u2028",  "a": 1e400 }'
        for number, (text, blob) in enumerate(
            [
                (public, bytes(range(256))),
                ("{}", b""),
                ("null ", b"\0"),
                (json.dumps("\u00e4" * 500_000), b"\xff" * 2**20),
            ]
        ):
            record = Record(f"r{number}", 1, 1, text, blob)
            assert self.backend.put(record)
            assert self.backend.get(record.name) == record, number
            changed = Record(record.name, 2, 1, text + " ", blob + b"\0")
            assert self.backend.put(changed)
            assert self.backend.get(record.name) == changed, number

    def test_names_are_sorted_and_whole(self) -> None:
        """By code point, whatever the database's language; names that begin alike are different ones."""
        names = ["B", "a", "A", "a/b", "a-b", "a/b/c", "a.b", "a_b", "a%b", "Z/1", "a@b:c+d", "10", "9", "a" * 200]
        for name in names:
            assert self.backend.put(Record(name, 1, 1, json.dumps(name), name.encode()))
        assert self.backend.names() == sorted(names)
        assert [record.name for record in self.backend.records()] == sorted(names)
        assert all(record.sealed == record.name.encode() for record in self.backend.records())
        assert self.backend.delete("a_b")
        assert self.backend.get("a%b") is not None

    def test_records_go_on_while_others_write(self) -> None:
        """All that is there from first to last is seen, once and whole; the rest may be."""
        steady = [f"steady/{number:02}" for number in range(20)]
        for name in steady:
            self.backend.put(Record(name, 1, 1, "1", b"1"))
        stop = threading.Event()
        begun = threading.Barrier(3)

        def write(worker: int) -> None:
            begun.wait(PATIENCE)
            revision = 1
            while not stop.is_set():
                revision += 1
                for name in steady[worker::2]:
                    assert self.backend.put(Record(name, revision, 1, f"{revision}", b"%d" % revision))
                self.backend.put(Record(f"passing/{worker}", 1, 1, "1", b"1"))
                self.backend.delete(f"passing/{worker}")

        with ThreadPoolExecutor(2) as pool:
            writers = [pool.submit(write, worker) for worker in range(2)]
            try:
                begun.wait(PATIENCE)
                for _ in range(5):
                    seen = list(self.backend.records())
                    assert [record.name for record in seen if record.name.startswith("steady")] == steady
                    assert all(record.public.encode() == record.sealed == b"%d" % record.revision for record in seen)
            finally:
                stop.set()
            for writer in writers:
                writer.result(PATIENCE)

    def test_one_thread_wins_each_revision(self) -> None:
        """Compare-and-set, raced."""
        rounds = range(1, 11)

        def race(worker: int) -> list[int]:
            return [r for r in rounds if self.backend.put(Record("a", r, r, f"{worker}", b"%d" % worker))]

        won = together(race)
        assert sorted(revision for revisions in won for revision in revisions) == list(rounds)
        record = self.backend.get("a")
        assert record is not None
        last = next(worker for worker, revisions in enumerate(won) if rounds[-1] in revisions)
        assert (record.revision, record.public, record.sealed) == (rounds[-1], f"{last}", b"%d" % last)

    # Leases

    def test_a_lease_is_exclusive(self) -> None:
        """Between threads: each reads and writes under it, and nobody comes between."""

        def count(worker: int) -> list[bool]:
            done = []
            for _ in range(5):
                with self.backend.lease("a", PATIENCE):
                    record = self.backend.get("a")
                    done.append(
                        self.backend.put(Record("a", 1 if record is None else record.revision + 1, 1, "{}", b""))
                    )
            return done

        assert together(count) == [[True] * 5] * THREADS
        record = self.backend.get("a")
        assert record is not None
        assert record.revision == THREADS * 5

    def test_a_held_lease_times_out(self) -> None:
        """At once with timeout 0; the error names the credential, and trying again can help. `leased` tells the truth."""
        assert self.backend.leased("a") is False
        with self.backend.lease("a", 0):
            assert self.backend.leased("a") is True
            for timeout in (0.0, 0.05):
                error = elsewhere(partial(self._refused, timeout))
                assert (error.credential, error.passing) == ("a", True)
            assert self.backend.leased("a") is True, "a caller that gave up has broken the lease"
        assert self.backend.leased("a") is False

    def test_a_lease_is_free_at_once(self) -> None:
        """After a good end and after an exception, again and again, without waiting."""
        for _ in range(3):
            with self.backend.lease("a", 0):
                pass
        try:
            with self.backend.lease("a", 0):
                raise LookupError("on purpose")
        except LookupError:
            pass
        else:
            raise AssertionError("the lease has swallowed an exception")
        assert self.backend.leased("a") is False
        elsewhere(self._take)

    def test_a_waiter_gets_the_lease_when_it_is_free(self) -> None:
        """It need not ask again."""
        waiting = threading.Event()

        def wait() -> bool:
            waiting.set()
            with self.backend.lease("a", PATIENCE):
                return self.backend.leased("a")

        with ThreadPoolExecutor(1) as pool:
            with self.backend.lease("a", 0):
                waiter = pool.submit(wait)
                assert waiting.wait(PATIENCE)
                assert not waiter.done()
            assert waiter.result(PATIENCE) is True

    def test_leases_of_different_names_all_get_their_turn(self) -> None:
        """They may have to wait for each other, but not for ever."""

        def work(worker: int) -> int:
            for number in range(10):
                with self.backend.lease(f"name/{worker}/{number}", PATIENCE):
                    pass
            return worker

        assert together(work) == list(range(THREADS))

    def test_a_lease_needs_no_record_and_keeps_none_from_being_read(self) -> None:
        """Only the right to refresh is held, not the record."""
        with self.backend.lease("a", 0):
            assert elsewhere(lambda: self.backend.put(Record("a", 1, 1, "{}", b"x"))) is True
            assert elsewhere(lambda: self.backend.get("a")) == Record("a", 1, 1, "{}", b"x")
            assert elsewhere(lambda: self.backend.delete("a")) is True

    def _take(self) -> None:
        with self.backend.lease("a", 0):
            pass

    def _refused(self, timeout: float) -> TimedOut:
        try:
            with self.backend.lease("a", timeout):
                pass
        except TimedOut as error:
            return error
        raise AssertionError("two hold the lease")
