"""What the commands of `vestal github` share: who asks, repositories, times."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vestal.cli.parameters import complete_credential, credential_name, stored_names
from vestal.cli.session import open_home

if TYPE_CHECKING:
    from vestal.operations.github.pools import Pools

_F = TypeVar("_F", bound=Callable[..., Any])
BASE_URL = "GITHUB_API_BASE_URL"
"""The variable that says which GitHub is meant, where nothing else does."""

_INSTALLATION = re.compile(r"(.+)/installation/([0-9]+)(/[0-9a-f]+)?")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9._-]+")


def asking(function: _F) -> _F:
    """The options that say who asks."""
    for option in (
        _base_url_option("Where the tokens of the environment are good"),
        click.option(
            "--credential",
            "credentials",
            type=credential_name,
            metavar="NAME",
            multiple=True,
            shell_complete=complete_credential,
            help="A credential that asks; may be given several times.",
        ),
        click.option(
            "--app",
            type=credential_name,
            metavar="NAME",
            shell_complete=complete_credential,
            help="An app that asks, with the installation that reaches the repository.",
        ),
    ):
        function = option(function)
    return function


def base_url_option(function: _F) -> _F:
    """The option --base-url of what is added."""
    return _base_url_option("The GitHub that it belongs to", "that of what it replaces")(function)


def _base_url_option(what: str, *otherwise: str) -> Callable[[_F], _F]:
    help = f"{what}. Default: {', '.join([f'${BASE_URL}', *otherwise])}, or github.com."
    return click.option("--base-url", metavar="URL", envvar=BASE_URL, default="", help=help)


def repository(value: str) -> str:
    """OWNER/REPO, also out of an address. Raises `ConfigError`."""
    from vestal.core.errors import ConfigError

    name = re.sub(r"^(https://[^/]+/|git@[^:]+:)", "", value.strip()).removesuffix("/").removesuffix(".git")
    if not _REPOSITORY.fullmatch(name) or name.endswith(("/.", "/..")):
        raise ConfigError(f"{value[:100]!r} is no repository", remedy="write it like acme/widgets")
    return name


def how_to_add(missing: str) -> str:
    """How the credential of an installation comes to be that is not there, although its app is; empty for any other."""
    found, names = _INSTALLATION.fullmatch(missing), stored_names()
    if found is None or missing in names or found[1] not in names:
        return ""
    narrowed = ", with the --repository and --permission that narrow it" if found[3] else ""
    return f"`vestal github installations {found[1]} --add --installation {found[2]}` makes it{narrowed}"


@contextmanager
def pools(app: str | None, credentials: tuple[str, ...], base_url: str) -> Iterator[Pools]:
    """Those who ask, for a block. Raises `ConfigError`."""
    from vestal.operations.github.pools import Whose
    from vestal.operations.github.pools import pools as of

    with of(open_home(), Whose(app, credentials, base_url)) as made:
        yield made
