"""Connections: pages of a list, with cursors that hold the place of an item, not its index.

A cursor is the sort value and id of the item that it points behind, as GitHub's are. An item that moves to the front while a
client pages is therefore neither given twice nor makes the client miss the one that takes its place.
https://docs.github.com/en/graphql/guides/using-pagination-in-the-graphql-api
"""

from __future__ import annotations

import base64
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from graphql import FieldNode, GraphQLResolveInfo

Item = TypeVar("Item")
Place = tuple[Any, ...]
"""Where an item stands in its list: lists are in ascending order of it."""
View = dict[str, Any]
Info = GraphQLResolveInfo[Any]

LIMIT = 100
MARK = b"cursor:v2:"


class Refused(Exception):
    """A field that GitHub refuses: null in the data, and an error of a `type` beside it."""

    def __init__(self, type: str, message: str) -> None:
        super().__init__(message)
        self.type = type


def connection(
    items: Sequence[Item], place: Callable[[Item], Place], view: Callable[[Item], View]
) -> Callable[..., View]:
    """A resolver for a connection over `items`, which are in ascending order of `place`."""

    def resolve(
        info: Info,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        **_: object,
    ) -> View:
        _check(info, first, last)
        low = 0 if after is None else _find(bisect_right, items, after, place)
        high = len(items) if before is None else _find(bisect_left, items, before, place)
        start = low if last is None else max(low, high - last)
        end = high if first is None else min(high, low + first)
        page = items[start : max(start, end)] if first is not None or last is not None else []

        def cursor(item: Item) -> str:
            return base64.b64encode(MARK + json.dumps(place(item)).encode()).decode()

        return {
            "totalCount": len(items),
            "nodes": lambda info: [view(item) for item in page],
            "edges": lambda info: [{"cursor": cursor(item), "node": view(item)} for item in page],
            "pageInfo": {
                "startCursor": cursor(page[0]) if page else None,
                "endCursor": cursor(page[-1]) if page else None,
                "hasNextPage": start + len(page) < len(items),
                "hasPreviousPage": start > 0,
            },
        }

    return resolve


def numbered(items: Sequence[Item], view: Callable[[Item], View]) -> Callable[..., View]:
    """A resolver for a connection over a list that does not change its order: places are indexes."""
    return connection(range(len(items)), lambda index: (index,), lambda index: view(items[index]))


def _find(bisect: Callable[..., int], items: Sequence[Item], cursor: str, place: Callable[[Item], Place]) -> int:
    try:
        text = base64.b64decode(cursor, validate=True)
        if text.startswith(MARK):
            return bisect(items, tuple(json.loads(text.removeprefix(MARK))), key=place)
    except (ValueError, TypeError):  # TypeError: it comes from another connection, which sorts by other things
        pass
    raise Refused("INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor.")


def _check(info: Info, first: int | None, last: int | None) -> None:
    """Refuse bounds that GitHub refuses. It does so where the field is resolved, hence with the field's path."""
    name = info.field_name
    if first is not None and last is not None:
        text = f"Passing both `first` and `last` values to paginate the `{name}` connection is not supported."
        raise Refused("UNPROCESSABLE", text)
    for bound, value in (("first", first), ("last", last)):
        if value is not None and value > LIMIT:
            text = (
                f"Requesting {value} records on the `{name}` connection exceeds the `{bound}` limit of {LIMIT} records."
            )
            raise Refused("EXCESSIVE_PAGINATION", text)
        if value is not None and value < 1:
            raise Refused("UNPROCESSABLE", f"`{bound}` on the `{name}` connection must be within 1-{LIMIT}.")
    if first is None and last is None and not _counts_only(info):
        text = f"You must provide a `first` or `last` value to properly paginate the `{name}` connection."
        raise Refused("MISSING_PAGINATION_BOUNDARIES", text)


def _counts_only(info: Info) -> bool:
    """Whether nothing of the connection is asked for but its length, which needs no bounds."""
    return all(
        isinstance(selected, FieldNode) and selected.name.value in ("totalCount", "__typename")
        for node in info.field_nodes
        if node.selection_set
        for selected in node.selection_set.selections
    )
