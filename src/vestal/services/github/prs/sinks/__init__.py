"""Where pull requests are written to: JSON lines, CSV, SQLite, Parquet. The choice, by name or by a file's suffix."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vestal.core.errors import ConfigError

if TYPE_CHECKING:
    from vestal.services.github.prs.sinks.sink import Sink

SUFFIXES: Mapping[str, str] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".db": "sqlite",
    ".parquet": "parquet",
}
FORMATS = ("jsonl", "csv", "sqlite", "parquet")


def format_of(path: Path, named: str | None = None) -> str:
    """The format for a file: as it is named, or as the suffix says. Raises `ConfigError`."""
    found = named or SUFFIXES.get(path.suffix.lower())
    if found not in FORMATS:
        raise ConfigError(
            f"{path.name} does not say what to write",
            remedy="let it end in " + ", ".join(SUFFIXES) + ", or use --format",
        )
    return found


def sink(name: str) -> Sink:
    """The sink for a format. Raises `ConfigError` if what it needs is not installed."""
    match name:
        case "jsonl":
            from vestal.services.github.prs.sinks.jsonlines import JSONLines

            return JSONLines()
        case "csv":
            from vestal.services.github.prs.sinks.csv import CSV

            return CSV()
        case "sqlite":
            from vestal.services.github.prs.sinks.sqlite import SQLite

            return SQLite()
        case "parquet":
            from vestal.services.github.prs.sinks.parquet import Parquet

            return Parquet()
    raise ConfigError(f"{name!r} is no format", remedy="use one of " + ", ".join(FORMATS))
