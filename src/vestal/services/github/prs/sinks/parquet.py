"""Parquet, by the extra `parquet`: one row for each record, lists as lists. It is written at the end, in row groups."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vestal.core.errors import ConfigError
from vestal.services.github.prs.record import moment
from vestal.services.github.prs.sinks.columns import Column, columns

if TYPE_CHECKING:
    import pyarrow

ROWS, CHARACTERS = 500, 1 << 24
"""At most so many rows, and of JSON, in a group, which is held in memory."""


class Parquet:
    """Nothing can be added to a Parquet file, so until the end there is only the checkpoint."""

    name = "parquet"
    streams = False

    def __init__(self) -> None:
        """Raises `ConfigError` if pyarrow is not installed: before anything is fetched."""
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError:
            missing = True
        else:
            missing = False
        if missing:
            raise ConfigError(
                "pyarrow is not installed", remedy="pip install 'vestal[parquet]', or write another format"
            )

    def append(self, partial: Path, position: int, texts: Iterable[str]) -> int:
        """Never: see `streams`."""
        raise NotImplementedError

    def good(self, partial: Path, position: int) -> bool:
        """See `Sink.good`."""
        return True

    def write(self, path: Path, texts: Iterable[str]) -> None:
        """See `Sink.write`."""
        import pyarrow
        import pyarrow.parquet

        layout = schema()
        with path.open("wb") as file:
            with pyarrow.parquet.ParquetWriter(file, layout, compression="zstd") as writer:
                for group in groups(texts):
                    rows = [_row(columns(), json.loads(text)) for text in group]
                    writer.write_table(pyarrow.Table.from_pylist(rows, schema=layout))
            file.flush()
            os.fsync(file.fileno())

    def discard(self, partial: Path) -> None:
        """See `Sink.discard`."""


def groups(texts: Iterable[str], rows: int = ROWS, characters: int = CHARACTERS) -> Iterator[list[str]]:
    """Records in groups of a size that memory can hold: with patches, one may have megabytes."""
    group: list[str] = []
    size = 0
    for text in texts:
        if group and (len(group) == rows or size + len(text) > characters):
            yield group
            group, size = [], 0
        group.append(text)
        size += len(text)
    if group:
        yield group


def schema() -> pyarrow.Schema:
    """The types of the columns."""
    import pyarrow

    return pyarrow.schema([_field(column) for column in columns()])


def _field(column: Column) -> Any:
    import pyarrow

    return pyarrow.field(column.name, _type(column), nullable=not column.required)


def _type(column: Column) -> Any:
    import pyarrow

    if column.kind != "list":
        return _plain(column.kind)
    if isinstance(column.item, tuple):
        return pyarrow.list_(pyarrow.struct([_field(each) for each in column.item]))
    return pyarrow.list_(_plain(column.item))


def _plain(kind: str) -> Any:
    import pyarrow

    types = {
        "integer": pyarrow.int64(),
        "real": pyarrow.float64(),
        "text": pyarrow.string(),
        "boolean": pyarrow.bool_(),
        "time": pyarrow.timestamp("us", "UTC"),
    }
    return types[kind]


def _row(shape: tuple[Column, ...], values: dict[str, Any]) -> dict[str, Any]:
    return dict(_cells(shape, values))


def _cells(shape: tuple[Column, ...], values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for column in shape:
        value = values[column.name]
        if column.kind == "time" and value is not None:
            value = moment(value)
        elif isinstance(column.item, tuple) and column.kind == "list":
            value = [_row(column.item, item) for item in value]
        yield column.name, value
