"""The process in which a peer is asked by many at once: `python -m bench.crowd PEER`.

Says `ready`. Then, for each line of JSON that it reads (`prepare` builds what the callers share, `go` lets them go), it
says one: how often which result came, and which errors.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable

from bench.peers import OURS, PEERS
from bench.peers.peer import Grant, NotHandled, Peer


class Outcomes:
    """What came of the callers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.results: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()

    def got(self, result: str) -> None:
        with self._lock:
            self.results[result] += 1

    def failed(self, error: Exception) -> None:
        with self._lock:
            self.errors[type(error).__name__] += 1


def threads(call: Callable[[], str | int], count: int) -> Outcomes:
    outcomes, gate = Outcomes(), threading.Barrier(count)

    def work() -> None:
        gate.wait()
        try:
            outcomes.got(str(call()))
        except Exception as error:  # whatever it is, it is what the caller gets
            outcomes.failed(error)

    crowd = [threading.Thread(target=work) for _ in range(count)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    return outcomes


def tasks(prepare: Callable[[], Callable[[], Awaitable[str]]], count: int) -> Outcomes:
    outcomes = Outcomes()

    async def work(call: Callable[[], Awaitable[str]]) -> None:
        try:
            outcomes.got(await call())
        except Exception as error:
            outcomes.failed(error)

    async def everyone() -> None:
        call = prepare()
        await asyncio.gather(*(work(call) for _ in range(count)))

    asyncio.run(everyone())
    return outcomes


def prepared(peer: Peer, what: str, count: int, grant: Grant) -> Callable[[], Outcomes]:
    """What `go` starts. Raises `NotHandled`."""
    if what == "tasks":
        return lambda: tasks(lambda: peer.task(grant), count)
    call = peer.request(grant) if what == "requests" else peer.caller(grant)
    return lambda: threads(call, count)


def main() -> None:
    peer = next(peer for peer in (OURS, *PEERS) if peer.name == sys.argv[1])
    start: Callable[[], Outcomes] | None = None
    _say("ready")
    for line in sys.stdin:
        order = json.loads(line)
        try:
            if order["do"] == "prepare":
                start = prepared(peer, order["what"], order["count"], Grant(**order["grant"]))
                _say({})
            else:
                assert start is not None
                outcomes = start()
                _say({"results": outcomes.results, "errors": outcomes.errors})
        except NotHandled as missing:
            _say({"not_handled": str(missing)})


def _say(something: object) -> None:
    print(json.dumps(something), flush=True)


if __name__ == "__main__":
    main()
