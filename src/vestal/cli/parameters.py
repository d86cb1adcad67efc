"""Options and arguments that several commands share, with their completion."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_F = TypeVar("_F", bound=Callable[..., Any])


def name_argument(function: _F) -> _F:
    """The argument NAME: a credential. Those of the store complete."""
    return click.argument("name", type=credential_name, metavar="NAME", shell_complete=complete_credential)(function)


def json_option(function: _F) -> _F:
    """The option --json."""
    return click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")(function)


def file_option(*names: str, help: str, required: bool = False) -> Callable[[_F], _F]:
    """An option that names a file, - for stdin."""
    path = click.Path(dir_okay=False, allow_dash=True)
    return click.option(*names, type=path, metavar="FILE", help=help, required=required)


def credential_name(value: str) -> str:
    """A name, if it can name a credential. Raises `ConfigError`."""
    from vestal.core.credential import check_name

    return check_name(value)


def duration(value: str | float) -> float:
    """Seconds, written like 90, 90s, 15m, 2h or 1d. Raises `ConfigError`."""
    from vestal.operations import times

    return value if isinstance(value, float) else times.duration(value)


def setting(value: str | tuple[str, str]) -> tuple[str, str]:
    """KEY=VALUE. The value is not repeated in messages: it may be a secret in the wrong place. Raises `ConfigError`."""
    if isinstance(value, tuple):
        return value
    key, equals, text = value.partition("=")
    if not equals or not key.strip():
        from vestal.core.errors import ConfigError

        raise ConfigError("a setting has no key or no value", remedy="write it as --set KEY=VALUE")
    return key.strip(), text


def complete_credential(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names in the store."""
    return [name for name in stored_names() if name.startswith(incomplete)]


def complete_provider(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names in the catalogue and in the user's own file."""
    from vestal.core.errors import VestalError
    from vestal.home import Home
    from vestal.oauth2 import catalogue

    try:
        names = catalogue.names(Home().providers_file)
    except VestalError:
        names = catalogue.names()
    return [name for name in names if name.startswith(incomplete)]


def complete_key(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of the keys of `vestal key`."""
    return [name for name in _names("daemon.db", "keys") if name.startswith(incomplete)]


def complete_file(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Whatever files the shell finds."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def stored_names() -> list[str]:
    """The names in the store, for completion: no error, and no home is made by looking."""
    return _names("store.db", "credentials")


def _names(file: str, table: str) -> list[str]:
    import sqlite3
    from contextlib import closing

    from vestal.home import default_folder

    path = default_folder() / file
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=0.2)) as db:
            return [name for (name,) in db.execute(f"SELECT name FROM {table} ORDER BY name")]  # noqa: S608 - ours
    except (sqlite3.Error, OSError):
        return []
