"""One process of the store contract: `python -m vestal.testing.store_worker OPENER FOLDER TASK`.

It opens the backend, says `ready`, waits for a line, does its task, and says what came of it as one line of JSON.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from typing import cast

from vestal.stores.record import Backend, Record
from vestal.testing import ledger_contract

NAME = "shared"
ROUNDS = 20
CHANGES = 500
"""A change is quick: so many take long enough for processes to meet."""
BLOB = 1 << 18
"""Bytes of a record that takes more than one page, packet or system call to write."""


def load(opener: str) -> Callable[[str], Backend]:
    """What an import path, `module:function`, stands for."""
    module, _, function = opener.partition(":")
    return cast("Callable[[str], Backend]", getattr(importlib.import_module(module), function))


def whole(revision: int) -> Record:
    """A large record, all of whose parts tell its revision."""
    return Record(NAME, revision, revision, json.dumps(revision), b"%08d" % revision * (BLOB // 8))


def race(backend: Backend) -> list[int]:
    """Try to write every revision; which ones were won."""
    return [revision for revision in range(1, ROUNDS + 1) if backend.put(Record(NAME, revision, revision, "{}", b""))]


def count(backend: Backend, patience: float = 60.0) -> list[bool]:
    """Read and write again under the lease; whether each write was the next one."""
    done = []
    for _ in range(ROUNDS):
        with backend.lease(NAME, patience):
            record = backend.get(NAME)
            done.append(backend.put(Record(NAME, 1 if record is None else record.revision + 1, 1, "{}", b"")))
    return done


def hold(backend: Backend) -> list[int]:
    """Take the lease, say so, and keep it until killed."""
    with backend.lease(NAME, 0):
        print("holding", flush=True)
        sys.stdin.readline()
    return []


def write(backend: Backend) -> list[int]:
    """Write large records, one after the other, until killed."""
    record = backend.get(NAME)
    revision = 0 if record is None else record.revision
    while backend.put(whole(revision + 1)):
        revision += 1
        print(revision, flush=True)
    return [revision]


def enter(backend: Backend) -> list[int]:
    """Change one value of the ledger, again and again; what it was each time."""
    return [backend.ledger.change(NAME, ledger_contract.count) for _ in range(CHANGES)]


def enter_more(backend: Backend) -> list[int]:
    """Enter large values, one after the other, until killed."""
    while True:
        print(backend.ledger.change(NAME, larger), flush=True)


def larger(value: str | None) -> tuple[str, int]:
    """A change: a large text, all of whose parts tell which one it is. That number."""
    number = 1 if value is None else int(value[:8]) + 1
    return f"{number:08}" * (BLOB // 8), number


def stop(backend: Backend) -> list[int]:
    """Begin a change, say so, and come no further until killed."""

    def change(value: str | None) -> tuple[str, list[int]]:
        print("changing", flush=True)
        sys.stdin.readline()
        return "spoilt", []

    return backend.ledger.change(NAME, change)


TASKS: dict[str, Callable[[Backend], object]] = {
    "race": race,
    "count": count,
    "hold": hold,
    "write": write,
    "enter": enter,
    "enter_more": enter_more,
    "stop": stop,
}


def main(opener: str, folder: str, task: str) -> None:
    """Do one task."""
    backend = load(opener)(folder)
    backend.names()
    backend.ledger.read([NAME])
    print("ready", flush=True)
    if sys.stdin.readline():
        print(json.dumps(TASKS[task](backend)), flush=True)
    backend.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
