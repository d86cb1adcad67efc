"""Whom a pool is made of: tokens, sources, and installations of GitHub Apps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vestal.core.errors import ConfigError, NotInstalled
from vestal.core.secret import Secret
from vestal.core.source import StaticSource, TokenSource
from vestal.core.token import Token
from vestal.oauth2.address import origin
from vestal.services.exchange import APIRequest
from vestal.services.github.installations import APP_JWT, INSTALLATION, ensure, read_installation
from vestal.services.github.paging import PER_PAGE, items, onward
from vestal.services.github.place import Place
from vestal.services.github.refusal import refusal
from vestal.services.steps import Steps, ask, do, send

if TYPE_CHECKING:
    from vestal.core.credential import Credential
    from vestal.home import Home


@dataclass(frozen=True, slots=True)
class Seat:
    """A member to be, whose owner may not be known yet."""

    name: str
    """For people; never the token."""
    source: TokenSource = field(repr=False)
    installation: str | None = None
    """The installation's number, which is the owner. None: the token has to be asked."""


@dataclass(frozen=True, slots=True)
class Apps:
    """Apps all of whose installations are members: GitHub knows which."""

    home: Home = field(repr=False)
    names: tuple[str, ...] = ()


def of_tokens(tokens: Iterable[Secret]) -> list[Seat]:
    """Fixed tokens."""
    return [Seat(f"token-{n}", StaticSource(Token(token))) for n, token in enumerate(tokens, 1)]


def of_sources(sources: Iterable[TokenSource]) -> list[Seat]:
    """Sources of any kind, by the names that they have."""
    return [Seat(str(getattr(each, "name", "") or f"source-{n}"), each) for n, each in enumerate(sources, 1)]


def of_credentials(names: Iterable[str], home: Home | None) -> tuple[list[Seat], list[str]]:
    """Credentials of a home by name; apps among them are given back by their names. Raises `ConfigError`."""
    seats: list[Seat] = []
    apps: list[str] = []
    for name in names:
        credential = _load(name, home)
        assert home is not None
        if credential.app.grant == APP_JWT:
            apps.append(name)
            continue
        number = credential.app.settings.get("installation_id") if credential.app.grant == INSTALLATION else None
        seats.append(Seat(name, home.source(name), number))
    return seats, apps


def place_of(names: Sequence[str], home: Home | None, base_url: str | None = None) -> Place:
    """Where the GitHub of these credentials is, and of tokens that are good at `base_url`.

    Raises `ConfigError` for those of several places.
    """
    places = {_place(_load(name, home), home) for name in names}
    if base_url:
        places.add(Place.of(base_url))
    if len(places) > 1:
        raise ConfigError("these credentials are of different GitHubs", remedy="make a pool for each base_url")
    return places.pop() if places else Place.of()


def installed(apps: Apps, place: Place) -> Steps[list[Seat]]:
    """The installations of apps, asked of GitHub; suspended ones are left out. Raises `VestalError`.

    https://docs.github.com/en/rest/apps/apps#list-installations-for-the-authenticated-app
    """
    seats: list[Seat] = []
    for name in apps.names:
        found = []
        seen: set[str] = set()
        url: str | None = place.url(f"/app/installations?per_page={PER_PAGE}")
        while url is not None:
            token = yield from ask(apps.home.source(name))
            headers = {**place.headers(), "Authorization": Secret(token.authorization)}
            response = yield from send(APIRequest("GET", url, headers))
            error = refusal(response.as_response(), asked="GET /app/installations", route="app")
            if error is not None:
                raise error
            found += [read_installation(item) for item in items(response)]
            url = onward(response, seen)
            if url is not None and origin(url) != origin(place.api_url):
                raise ConfigError("GitHub names a next page that is elsewhere", remedy="check base_url")
        active = [one.id for one in found if one.suspended_at is None]
        if not active:
            raise NotInstalled("the app has no installation that works", credential=name, remedy="install it somewhere")
        for number in active:
            named = yield from do(lambda app=name, number=number: ensure(apps.home, app, number))  # type: ignore[misc]
            seats.append(Seat(named, apps.home.source(named), str(number)))
    return seats


def _load(name: str, home: Home | None) -> Credential:
    if home is None:
        raise ConfigError(
            "credentials are named, and no home that has them", credential=name, remedy="give home=Home()"
        )
    return home.lifecycle.load(name)


def _place(credential: Credential, home: Home | None) -> Place:
    app = credential.app
    if app.grant == INSTALLATION and app.settings.get("app"):
        app = _load(app.settings["app"], home).app
    return Place.of(app.settings.get("base_url", ""))
