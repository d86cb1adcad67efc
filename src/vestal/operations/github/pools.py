"""With whose tokens GitHub is asked: credentials that are named, an app's installations, or those of the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vestal.core.errors import ConfigError
from vestal.operations.github.apps import as_app, only_app
from vestal.services.github.find import find_installation
from vestal.services.github.installations import ensure
from vestal.services.github.pool import GitHubTokenPool

if TYPE_CHECKING:
    from vestal.home import Home


@dataclass(frozen=True, slots=True)
class Whose:
    """Who asks. Nothing: the tokens of GITHUB_SEEDING_TOKENS and GITHUB_SEEDING_TOKEN."""

    app: str | None = None
    """An app of the home."""
    credentials: tuple[str, ...] = ()
    """Credentials of the home: personal access tokens, installations, and apps, which stand for all their installations."""
    base_url: str = ""
    """Where the environment's tokens are good. Empty: as GITHUB_API_BASE_URL says."""


class Pools:
    """The pools of one command, each made once."""

    def __init__(self, home: Home, whose: Whose, environ: Mapping[str, str] = os.environ) -> None:
        """Raises `ConfigError` for who can't ask."""
        if whose.app and whose.credentials:
            raise ConfigError("both an app and credentials are named", remedy="give one of --app and --credential")
        self._home, self._whose, self._environ = home, whose, environ
        self._made: dict[tuple[str, ...] | None, GitHubTokenPool] = {}
        if whose.app:
            only_app(home, whose.app)

    def all(self) -> GitHubTokenPool:
        """All who may ask. Raises `ConfigError` if there is nobody."""
        names = (self._whose.app,) if self._whose.app else self._whose.credentials
        return self._pool(names or None)

    def reaching(self, repository: str) -> GitHubTokenPool:
        """Those who reach a repository: of an app, the installation there. Raises `VestalError`."""
        if not self._whose.app:
            return self.all()
        with as_app(self._home, self._whose.app) as asking:
            found = asking.run(find_installation(asking.api, asking.pool, repository))
        return self._pool((ensure(self._home, self._whose.app, found.id),))

    def close(self) -> None:
        """Close their connections."""
        for pool in self._made.values():
            pool.close()

    def _pool(self, names: tuple[str, ...] | None) -> GitHubTokenPool:
        if names not in self._made:
            self._made[names] = self._of_environment() if names is None else self._of_names(names)
        return self._made[names]

    def _of_names(self, names: Sequence[str]) -> GitHubTokenPool:
        return GitHubTokenPool([], installations=names, home=self._home)

    def _of_environment(self) -> GitHubTokenPool:
        try:
            return GitHubTokenPool(home=self._home, base_url=self._whose.base_url or None, environ=self._environ)
        except ValueError as error:
            missing = isinstance(error, ConfigError)
        if missing:
            raise ConfigError(
                "there is no GitHub token to ask with",
                remedy="name an app with --app or credentials with --credential, or set GITHUB_SEEDING_TOKENS",
            )
        raise ConfigError("the tokens of the environment can't be used", remedy="check GITHUB_SEEDING_TOKENS")


@contextmanager
def pools(home: Home, whose: Whose) -> Iterator[Pools]:
    """The pools of one command, closed at its end."""
    made = Pools(home, whose)
    try:
        yield made
    finally:
        made.close()
