"""What GitHub answers has the form that it documents, or there is an error that says so. Pure."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from vestal.core.errors import HTTPError

MALFORMED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""What reading an answer of another form ends in."""

INTEGERS = range(-(1 << 63), 1 << 63)
"""What SQLite and Parquet can hold."""

T = TypeVar("T")


def understood(read: Callable[[], T], what: str) -> T:
    """What `read` makes of an answer. Raises `HTTPError` if the answer is not of the form that it reads."""
    try:
        return read()
    except MALFORMED as error:
        kind = type(error).__name__
    raise HTTPError(
        f"GitHub's answer about {what} is not of the form that it documents ({kind})",
        remedy="ask again, and check the base_url: is this a GitHub that Vestal knows?",
        code="invalid_response",
    )


def checked(record: T) -> T:
    """A record, all of whose fields are of their types. Raises `TypeError` for another."""
    shape: Any = type(record)
    for name, (kind, optional, listed) in _fields(shape):
        value = getattr(record, name)
        if listed and isinstance(value, tuple):
            for item in value:
                _check(item, kind, name)
        elif listed or not (optional and value is None):
            _check(value, tuple if listed else kind, name)
    return record


def _check(value: Any, kind: type, name: str) -> None:
    if type(value) is not kind or (kind is int and value not in INTEGERS):
        raise TypeError(f"{name} is a {type(value).__name__}")
    if kind not in _PLAIN:
        checked(value)


_PLAIN = (int, str, bool, datetime)


@cache
def _fields(kind: type) -> list[tuple[str, tuple[type, bool, bool]]]:
    """Of each field: its type, or that of its items; whether it may be None; whether it is a list."""
    return list(_read_fields(kind))


def _read_fields(kind: Any) -> Iterator[tuple[str, tuple[type, bool, bool]]]:
    hints = get_type_hints(kind)
    for field in fields(kind):
        hint = hints[field.name]
        optional = isinstance(hint, types.UnionType)
        if optional:
            (hint,) = (each for each in get_args(hint) if each is not type(None))
        listed = get_origin(hint) is tuple
        yield field.name, (get_args(hint)[0] if listed else hint, optional, listed)
