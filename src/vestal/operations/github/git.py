"""Vestal as git's credential helper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestal.core.errors import ConfigError
from vestal.operations.github.apps import apps, as_app, installed, only_app
from vestal.services.git_protocol import Question
from vestal.services.github.find import find_installation
from vestal.services.github.git_credential import answer, concerns, is_ours
from vestal.services.github.installations import ensure

if TYPE_CHECKING:
    from vestal.core.secret import Secret
    from vestal.core.token import Token
    from vestal.home import Home

LEFT = 300.0
"""Seconds that a token is good for at least when git gets it: a clone takes its time."""


def get(home: Home, question: Question, app: str | None = None, installation: int | None = None) -> Secret | None:
    """What git is told; None for what is not ours to answer, such as another host. Raises `VestalError`."""
    names = [name for name, place in apps(home).items() if concerns(question, place)]
    if app is not None:
        names = [name for name in names if name == only_app(home, app)]
    if not names:
        return None
    if len(names) > 1:
        raise ConfigError(f"there are {len(names)} GitHub Apps for {question.host}", remedy="say which one with --app")
    return answer(_token(home, names[0], question.repository, installation))


def erase(home: Home, question: Question) -> None:
    """GitHub has refused what git had from us: it is replaced, so that the next question gets a newer one.

    What git tells of tokens that are not ours, or not the present ones, says nothing about ours. Raises `VestalError`.
    """
    places = apps(home)
    if not any(concerns(question, place) for place in places.values()):
        return
    tokens = {name: credential.token for name, credential in installed(home).items()}
    name = is_ours(question, tokens)
    token = None if name is None else tokens[name]
    if name is not None and token is not None:
        home.token(name, newer_than=token.version)


def _token(home: Home, app: str, repository: str, installation: int | None) -> Token:
    if installation is None:
        if not repository:
            raise ConfigError(
                "git did not say which repository it is about",
                remedy="`git config --global credential.useHttpPath true`, or name an --installation",
            )
        with as_app(home, app) as asking:
            installation = asking.run(find_installation(asking.api, asking.pool, repository)).id
    return home.token(ensure(home, app, installation), min_ttl=LEFT)
