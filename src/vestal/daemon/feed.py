"""What the store's records show without being unsealed, in pages: a look at 100,000 of them takes a tenth of a second."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, cast, runtime_checkable

from vestal.stores.record import Backend

Public = Mapping[str, Any]

PAGE = 1000
"""Records per look: the store is free for others after each."""


@runtime_checkable
class Quick(Protocol):
    """What a backend may offer beyond `Backend`."""

    def revisions(self, after: str = "", limit: int = PAGE) -> list[tuple[str, int]]:
        """The first `limit` names behind `after`, sorted, with their revisions."""

    def outlines(self, names: Sequence[str]) -> list[tuple[str, int, str]]:
        """Name, revision and readable part of those of these records that there are. The history may be missing."""


@dataclass(frozen=True, slots=True)
class Outline:
    """The readable part of a record."""

    name: str
    revision: int
    public: Public | None
    """None: it can't be read."""


def revisions(backend: Backend) -> Iterator[list[tuple[str, int]]]:
    """All names with their revisions, in pages. Raises as `Backend`."""
    if not isinstance(backend, Quick):
        records = ((record.name, record.revision) for record in backend.records())
        while page := list(islice(records, PAGE)):
            yield page
        return
    after = ""
    while page := backend.revisions(after, PAGE):
        yield page
        after = page[-1][0]


def outlines(backend: Backend, names: Sequence[str]) -> list[Outline]:
    """The readable parts of these records, as far as there are any. Raises as `Backend`."""
    if isinstance(backend, Quick):
        return [
            _outline(*found)
            for start in range(0, len(names), PAGE)
            for found in backend.outlines(names[start : start + PAGE])
        ]
    records = (backend.get(name) for name in names)
    return [_outline(record.name, record.revision, record.public) for record in records if record is not None]


def _outline(name: str, revision: int, public: str) -> Outline:
    try:
        found = json.loads(public)
    except ValueError:
        found = None
    return Outline(name, revision, cast("dict[str, Any]", found) if isinstance(found, dict) else None)
