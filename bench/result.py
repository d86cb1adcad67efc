"""What a section of the bench brings: rows of numbers, and its targets with what was measured for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Value = float | int | str | list[float] | dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the printed table: the value of a row under `key`, as `format` has it (a text stands as it is)."""

    key: str
    heading: str
    format: str = "{}"
    text: bool = False
    """Its cells are words, and begin one under the other."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was measured of one contender. Some values are for the JSON file only."""

    name: str
    values: Mapping[str, Value] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A target, and what was measured for it. `met` is None if it could not be measured."""

    target: str
    measured: str
    met: bool | None

    def __str__(self) -> str:
        end = {True: "met", False: "NOT MET", None: "NOT MEASURED"}[self.met]
        return f"target: {self.target} - measured {self.measured}: {end}"


@dataclass(frozen=True, kw_only=True)
class Section:
    """One measurement."""

    name: str
    title: str
    columns: list[Column]
    rows: list[Row]
    verdicts: list[Verdict]
    notes: list[str] = field(default_factory=list)
