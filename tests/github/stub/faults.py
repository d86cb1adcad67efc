"""What goes wrong on demand: for the next requests that match, or for some of them by chance (from a seed)."""

from __future__ import annotations

import random
import re
import threading
from dataclasses import dataclass, field

KINDS = ("bad_gateway", "gateway_timeout", "slow", "cut", "malformed", "secondary", "graphql_timeout")
BAD_GATEWAY = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
GATEWAY_TIMEOUT = (
    '{"message":"We couldn\'t respond to your request in time. Sorry about that. Please try resubmitting."}'
)
GRAPHQL_TIMEOUT = (
    "Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub "
    "bug. Please include `ABCD:1234:5678` when reporting this issue."
)


@dataclass(slots=True)
class Fault:
    """`times`: how many requests it is for (None: all). `owner`, `method`, `path` (a regular expression): which ones.

    `effect`: of `cut`, whether the request takes effect before. `nodes_over`: only GraphQL queries that ask for more
    nodes than that. `status`: of `graphql_timeout`, 200 or 502. `retry_after`: of `secondary`, seconds or None.
    """

    kind: str
    times: int | None = 1
    probability: float = 1.0
    method: str | None = None
    path: str | None = None
    owner: str | None = None
    seconds: float = 1.0
    effect: bool = False
    nodes_over: int | None = None
    status: int = 502
    retry_after: int | None = 60
    after: int = 0
    """How many matching requests go well first."""
    happened: int = field(default=0, init=False)


class Faults:
    """The faults that are due. All methods may be called from any thread."""

    def __init__(self, seed: int = 1) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._random = random.Random(seed)

    def add(self, fault: Fault) -> Fault:
        """Raises `ValueError` if there is no such kind."""
        if fault.kind not in KINDS:
            raise ValueError(f"no fault is called {fault.kind}; there are {', '.join(KINDS)}")
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    @property
    def nodes_matter(self) -> bool:
        """Whether a fault looks at the nodes of queries."""
        with self._lock:
            return any(fault.nodes_over is not None for fault in self._faults)

    def take(self, method: str, path: str, owner: str, nodes: int = 0) -> Fault | None:
        """The fault for a request, if there is one; it is used up by that."""
        if not self._faults:
            return None
        with self._lock:
            for fault in self._faults:
                if not _matches(fault, method, path, owner, nodes):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                if fault.probability < 1 and self._random.random() >= fault.probability:
                    continue
                fault.happened += 1
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None


def _matches(fault: Fault, method: str, path: str, owner: str, nodes: int) -> bool:
    return (
        fault.times != 0
        and fault.method in (None, method)
        and fault.owner in (None, owner)
        and (fault.path is None or re.search(fault.path, path) is not None)
        and (fault.nodes_over is None or nodes > fault.nodes_over)
        and (fault.kind != "graphql_timeout" or path == "/graphql")
    )
