"""The columns of a record, read from its type, for the formats that have columns."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from vestal.services.github.prs.record import COMPUTED, FetchedPRFull

Kind = Literal["integer", "real", "text", "boolean", "time", "list"]
_KINDS: dict[Any, Kind] = {int: "integer", float: "real", str: "text", bool: "boolean", datetime: "time"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `required`: it is never null."""

    name: str
    kind: Kind
    required: bool
    item: Kind | tuple[Column, ...] = ()
    """Of a list: what its items are; for records, their columns."""


@cache
def columns() -> tuple[Column, ...]:
    """Of a pull request: its fields in their order, then what is computed."""
    return (*_fields(FetchedPRFull), *(_column(name, _returned(name)) for name in COMPUTED))


def scalars() -> tuple[Column, ...]:
    """Those that are no lists."""
    return tuple(column for column in columns() if column.kind != "list")


def lists() -> tuple[Column, ...]:
    """Those that are."""
    return tuple(column for column in columns() if column.kind == "list")


def _fields(kind: type) -> tuple[Column, ...]:
    hints = get_type_hints(kind)
    return tuple(_column(field.name, hints[field.name]) for field in fields(kind))


def _returned(name: str) -> Any:
    getter: Callable[..., Any] = getattr(FetchedPRFull, name).fget
    return get_type_hints(getter)["return"]


def _column(name: str, hint: Any) -> Column:
    required = True
    if isinstance(hint, types.UnionType):
        (hint,) = (each for each in get_args(hint) if each is not type(None))
        required = False
    if get_origin(hint) is tuple:
        item = get_args(hint)[0]
        return Column(name, "list", required, _KINDS[item] if item in _KINDS else _fields(item))
    return Column(name, _KINDS[hint], required)
