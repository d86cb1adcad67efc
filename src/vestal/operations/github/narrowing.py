"""Credentials for installations of an app, with all that was granted to them or with less."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from vestal.core.errors import ConfigError
from vestal.operations.github.apps import trial
from vestal.services.github.api.app import find_app
from vestal.services.github.installations import Installation, Narrowing, ensure

if TYPE_CHECKING:
    from vestal.home import Home


def narrowing_of(repositories: Sequence[str], permissions: Iterable[str]) -> Narrowing:
    """What a person asks for: repositories by their names, with or without the owner, and `NAME:LEVEL`.

    Raises `ConfigError`.
    """
    pairs = [text.partition(":") for text in permissions]
    levels = {name: level for name, _, level in pairs}
    if len(levels) < len(pairs):
        raise ConfigError("a permission is given twice", remedy="give each once, with one level")
    return Narrowing.of(repositories, permissions=levels)


def chosen(found: Sequence[Installation], numbers: Sequence[int], repositories: Sequence[str]) -> list[Installation]:
    """The installations that are meant: by their ids, or by who owns the repositories.

    A repository belongs to one account: where any is named, one installation is meant. Raises `ConfigError`.
    """
    there = {each.id for each in found}
    missing = [str(number) for number in numbers if number not in there]
    if missing:
        raise ConfigError(
            f"the app has no installation {', '.join(missing)}", remedy="`vestal github installations` shows all"
        )
    owners = {name.rpartition("/")[0].strip().lower() for name in repositories} - {""}
    meant = [
        each
        for each in found
        if (not numbers or each.id in numbers) and (not owners or owners == {each.account.lower()})
    ]
    if owners and not meant:
        raise ConfigError(
            f"no one installation is that of {' and '.join(sorted(owners))}",
            remedy="`vestal github installations` shows all",
        )
    if repositories and len(meant) > 1:
        raise ConfigError(
            f"a repository is named, and there are {len(meant)} installations",
            remedy="name the repository with its owner, or the --installation",
        )
    return meant


def add(home: Home, app: str, found: Iterable[Installation], narrowing: Narrowing) -> Mapping[int, str]:
    """Make the credentials; their names, by installation.

    Less than all is asked of GitHub first, and nothing is kept if it is refused. An installation that is suspended can't be
    asked. Raises `VestalError`.
    """
    installations = list(found)
    if narrowing.body():
        with trial(home) as tried:
            tried.add(app, find_app(home, app).app)
            for each in installations:
                if each.suspended_at is None:
                    tried.token(ensure(tried, app, each.id, narrowing))
    return {each.id: ensure(home, app, each.id, narrowing) for each in installations}
