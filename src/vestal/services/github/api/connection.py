"""What a client stands on: where GitHub is, as whom it asks, and what is remembered of installations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vestal.core.clock import Clock, SystemClock
from vestal.core.errors import ConfigError
from vestal.core.pool import Member, Pool
from vestal.core.retry import RetryPolicy
from vestal.core.secret import Secret
from vestal.services.github.api.app import ensure_app, find_app, place_of
from vestal.services.github.api.cleanup import Cleanup
from vestal.services.github.api.installed import Installed, installed, sleep_of
from vestal.services.github.api.lookup import Lookup
from vestal.services.github.api.mock import APP_ID, MockGitHub, new_key
from vestal.services.github.call import API
from vestal.services.github.config import GitHubConfig, read_config, read_private_key
from vestal.services.github.installations import EVERYTHING, Narrowing, ensure
from vestal.services.github.limits import TERMS
from vestal.services.github.place import Place
from vestal.services.github.pool.owners import host_of
from vestal.services.github.pool.pool import NAME, GitHubTokenPool

if TYPE_CHECKING:
    from vestal.home import Home

REFRESH_BUFFER = 300.0
"""Seconds before its expiry from which a token counts as expired. It is also the lifecycle's own hard margin."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """As whom a client asks, as its caller said it. Nothing: the environment decides."""

    app_id: str = ""
    private_key: Secret | None = None
    private_key_path: Path | None = None
    app: str = ""
    """The name of an app in the home."""
    tokens: tuple[Secret, ...] = ()
    pool: Pool | None = None

    def __bool__(self) -> bool:
        return bool(self.app_id or self.private_key or self.private_key_path or self.app or self.tokens or self.pool)


@dataclass(slots=True)
class Connection:
    """Made once for a client. Either `lookup` (an app) or `pool` (personal access tokens) is there."""

    api: API
    clock: Clock
    buffer: float
    cleanup: Cleanup
    lookup: Lookup | None = None
    pool: Pool | None = None
    mock: MockGitHub | None = None
    own: Home | GitHubTokenPool | None = field(default=None, repr=False)
    """To be closed with the client."""


def connect(
    credentials: Credentials,
    *,
    base_url: str | None,
    home: Home | None,
    clock: Clock | None,
    refresh_buffer: float,
    narrowing: Narrowing,
    environ: Mapping[str, str],
) -> Connection:
    """Put it together. Sends nothing; reads the key's file and the home, and adds the app to it. Raises `ConfigError`."""
    config = read_config(environ, credentials=not credentials)
    clock = clock or (home.clock if home is not None else SystemClock())
    base_url = config.base_url if base_url is None else base_url
    if not credentials and not config.mock_mode and not config.app_id:
        credentials = Credentials(tokens=config.tokens)
    if credentials.pool is not None or credentials.tokens:
        if narrowing != EVERYTHING:
            raise ConfigError(
                "only an app's tokens can be narrowed to permissions", remedy="give an app, or none of them"
            )
        return _with_tokens(credentials, config, base_url, home, clock, refresh_buffer)
    if not credentials and config.mock_mode:
        return _mock(config, narrowing, clock, refresh_buffer)
    if home is None:
        from vestal import _home

        home = _home()
    place, name = _app(credentials, config, base_url, home)
    return _with_app(place, name, narrowing, config, home, clock, refresh_buffer)


def _app(credentials: Credentials, config: GitHubConfig, base_url: str, home: Home) -> tuple[Place, str]:
    """Where the app is, and the name of its credential."""
    if credentials.app:
        if credentials.app_id or credentials.private_key or credentials.private_key_path:
            raise ConfigError("an app is given by its name and by its id", remedy="give one of the two")
        return place_of(find_app(home, credentials.app)), credentials.app
    app_id = credentials.app_id or config.app_id
    key = credentials.private_key or config.private_key
    if credentials.private_key_path is not None:
        key = read_private_key(credentials.private_key_path)
    if not app_id or key is None:
        missing = "private key" if app_id else "id"
        raise ConfigError(
            f"the app's {missing} is missing",
            remedy="give app_id with private_key or private_key_path, or `app`, the name of one in the home",
            code="missing_credentials",
        )
    return Place.of(base_url), ensure_app(home, app_id, key, base_url)


def _with_app(
    place: Place, name: str, narrowing: Narrowing, config: GitHubConfig, home: Home, clock: Clock, buffer: float
) -> Connection:
    api = API(place, clock=clock, retry=_retry(config))
    # The lifecycle replaces tokens at this margin by itself; a longer one is asked for.
    min_ttl = buffer if buffer > REFRESH_BUFFER else None

    def install(installation_id: int) -> Installed:
        credential = ensure(home, name, installation_id, narrowing)
        return installed(home, place, installation_id, credential, config.rate_limit_buffer, min_ttl)

    lookup = Lookup(api, partial(_app_pool, home, place, name, clock), install)
    return Connection(api, clock, buffer, Cleanup(lookup, clock), lookup)


def _app_pool(home: Home, place: Place, name: str, clock: Clock) -> Pool:
    """The app's own quota, which lookups are charged to; its token is the JWT."""
    member = Member(name, home.source(name), f"{host_of(place)}/app/{name}")
    return Pool([member], ledger=home.store.ledger, clock=clock, terms=TERMS, name=NAME, asleep=sleep_of(clock))


def _with_tokens(
    credentials: Credentials, config: GitHubConfig, base_url: str, home: Home | None, clock: Clock, buffer: float
) -> Connection:
    if credentials.app or credentials.app_id or credentials.private_key or credentials.private_key_path:
        raise ConfigError("both an app and tokens are given", remedy="give one of the two")
    api = API(Place.of(base_url), clock=clock, retry=_retry(config))
    connection = Connection(api, clock, buffer, Cleanup(None, clock), pool=credentials.pool)
    if connection.pool is None:
        own = GitHubTokenPool(
            credentials.tokens,
            home=home,
            base_url=api.place.api_url,
            headroom=config.rate_limit_buffer,
            clock=clock,
            environ={},
            asleep=sleep_of(clock),
        )
        connection.pool, connection.own = own.pool, own
    return connection


def _mock(config: GitHubConfig, narrowing: Narrowing, clock: Clock, buffer: float) -> Connection:
    from vestal.home import Home

    mock = MockGitHub(clock)
    home = Home.in_memory(clock=clock, send=mock.send)
    name = ensure_app(home, APP_ID, new_key(), "")
    connection = _with_app(Place(), name, narrowing, config, home, clock, buffer)
    connection.mock, connection.own = mock, home
    return connection


def _retry(config: GitHubConfig) -> RetryPolicy:
    return RetryPolicy(tries=config.max_retries + 1, base=1.0, longest=30.0, total=90.0)
