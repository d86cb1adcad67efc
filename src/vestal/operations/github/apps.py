"""GitHub Apps, their installations, and personal access tokens: adding them, and looking at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vestal.core.credential import App, Credential
from vestal.core.errors import ConfigError, VestalError
from vestal.core.pool import Pool
from vestal.core.pool.member import Member
from vestal.services.github.api.app import find_app, place_of
from vestal.services.github.call import API, Call
from vestal.services.github.installations import (
    APP_JWT,
    INSTALLATION,
    PROVIDER,
    Installation,
    add_app,
    read_installation,
)
from vestal.services.github.limits import TERMS
from vestal.services.github.paging import collect
from vestal.services.github.place import Place
from vestal.services.github.token_provider import PROVIDER as TOKEN_PROVIDER
from vestal.services.runner import Runner
from vestal.services.sender import APISender
from vestal.services.steps import Steps

if TYPE_CHECKING:
    from vestal.core.secret import Secret
    from vestal.core.token import Token
    from vestal.home import Home


@dataclass(frozen=True, slots=True)
class AsApp:
    """GitHub's API with an app's own JWTs: for what an app may ask about itself."""

    name: str
    credential: Credential
    api: API
    pool: Pool
    run: Callable[[Steps[Any]], Any]


@contextmanager
def as_app(home: Home, name: str) -> Iterator[AsApp]:
    """Ask as an app of the home, for a block. Raises `ConfigError` for a credential that is none."""
    credential = find_app(home, name)
    pool = Pool(
        [Member(name, home.source(name), f"app/{name}")],
        ledger=home.store.ledger,
        clock=home.clock,
        terms=TERMS,
        name="github",
    )
    sender = APISender(home.clock)
    try:
        yield AsApp(name, credential, API(place_of(credential), clock=home.clock), pool, Runner(sender, home.clock).run)
    finally:
        sender.close()


def apps(home: Home) -> dict[str, Place]:
    """The apps of a home, and the GitHub of each. Records that can't be read are left out."""
    found = {}
    for name in home.store.names():
        credential = _readable(home, name)
        if credential is not None and credential.app.provider == PROVIDER and credential.app.grant == APP_JWT:
            found[name] = place_of(credential)
    return found


def only_app(home: Home, name: str | None) -> str:
    """The app of that name, or the one that there is. Raises `ConfigError`."""
    if name is not None:
        return find_app(home, name).name
    names = list(apps(home))
    if len(names) != 1:
        raise ConfigError(
            f"there are {len(names)} GitHub Apps: {', '.join(names)}" if names else "there is no GitHub App yet",
            remedy="say which one" if names else "add it with `vestal github add-app`",
        )
    return names[0]


def register_app(
    home: Home, name: str, client_id: str, private_key: Secret, base_url: str = "", *, over: bool = False
) -> tuple[Mapping[str, Any], list[Installation]]:
    """Add an app once GitHub has taken its key: what GitHub tells of it (`slug`, ...), and its installations.

    Without `base_url`, it is at the GitHub of what it replaces, or else at github.com. Raises `VestalError`.
    """
    _check_free(home, name, over)
    base_url = base_url.strip() or _where(home, name)
    with trial(home) as tried:
        add_app(tried, name, client_id, private_key, base_url)
        tried.token(name)
        told, found = tried.lifecycle.load(name).extra, installations(tried, name)
    add_app(home, name, client_id, private_key, base_url, over=over)
    return told, found


def register_token(
    home: Home, name: str, token: Secret, base_url: str = "", *, over: bool = False
) -> tuple[Mapping[str, Any], Token]:
    """Add a personal access token once GitHub has taken it: what GitHub tells of it (`login`, `kind`, ...), and the token.

    `base_url` as of an app. Raises `VestalError`.
    """
    _check_free(home, name, over)
    base_url = base_url.strip() or _where(home, name)
    settings = {"base_url": Place.of(base_url).api_url} if base_url else {}
    app = App(provider=TOKEN_PROVIDER, settings=settings)
    with trial(home) as tried:
        tried.add(name, app, token)
        given = tried.token(name)
        told = tried.lifecycle.load(name).extra
    home.add(name, app, token, over=over)
    return told, given


def installations(home: Home, app: str) -> list[Installation]:
    """All installations of an app, asked of GitHub: suspended ones as well.

    https://docs.github.com/en/rest/apps/apps#list-installations-for-the-authenticated-app
    """
    with as_app(home, app) as asking:
        items = asking.run(collect(asking.api, asking.pool, Call("GET", "/app/installations")))
    return [read_installation(item) for item in items]


def installed(home: Home) -> dict[str, Credential]:
    """The credentials of installations in a home."""
    found = {name: _readable(home, name) for name in home.store.names()}
    return {
        name: credential
        for name, credential in found.items()
        if credential is not None and credential.app.provider == PROVIDER and credential.app.grant == INSTALLATION
    }


def _readable(home: Home, name: str) -> Credential | None:
    try:
        return home.store.load(name)
    except VestalError:
        return None


def _check_free(home: Home, name: str, over: bool) -> None:
    """Before GitHub is asked anything."""
    if not over and name in home.store.names():
        raise ConfigError(
            "there is a credential of that name already",
            credential=name,
            remedy="choose another name, or add --replace",
        )


def _where(home: Home, name: str) -> str:
    """The GitHub of what is replaced: a new key, or a new token, is for the same one."""
    known = _readable(home, name)
    ours = known is not None and known.app.provider in (PROVIDER, TOKEN_PROVIDER)
    return known.app.settings.get("base_url", "") if known is not None and ours else ""


@contextmanager
def trial(home: Home) -> Iterator[Home]:
    """A home where something is tried before it is kept."""
    from vestal.home import Home

    tried = Home.in_memory(clock=home.clock, send=home.send)
    try:
        yield tried
    finally:
        tried.store.close()
