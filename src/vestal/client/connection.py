"""`connect`: the credentials of a daemon, from any program."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping

from vestal.client.address import Address, read_address
from vestal.client.asking import AGAIN, Given, check_answer, path_of, question, read_answer
from vestal.client.exchange import exchange
from vestal.core.clock import Clock, SystemClock
from vestal.core.credential import App, Credential, check_name
from vestal.core.decision import Demand
from vestal.core.errors import ConfigError, Unavailable
from vestal.core.events import Event, Events, Kind, Listener, log_events
from vestal.core.refreshing import RefreshingSource
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.core.transport import Response

LONGEST_PAUSE = 30.0
"""Seconds after which a daemon that had no newer token is asked again at the latest."""


class Client:
    """A daemon's credentials. Safe for use from any thread; holds no connection, so there is nothing to close."""

    def __init__(
        self,
        address: Address,
        key: Secret | None = None,
        *,
        clock: Clock | None = None,
        listeners: Iterable[Listener] = (),
    ) -> None:
        """Nothing is sent before the first token is asked for."""
        self.address = address
        self._asker = _Asker(address, key, clock or SystemClock(), (log_events, *listeners))
        self._sources: dict[str, RefreshingSource] = {}
        self._lock = threading.Lock()

    def source(self, name: str) -> RefreshingSource:
        """The `TokenSource` of a credential of the daemon; always the same one. While its token is good, nobody is asked.

        Its errors are the daemon's own; `NetworkError`, which is passing, if there is no daemon. Raises `ConfigError` for
        an impossible name.
        """
        check_name(name)
        with self._lock:
            if name not in self._sources:
                # Without jitter: the daemon, which has some, is always the first to find a token due.
                self._sources[name] = RefreshingSource(name, self._asker, random=lambda: 0.0)
            return self._sources[name]

    def token(self, name: str, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        """A token that works: `source(name).token(...)`."""
        return self.source(name).token(newer_than, min_ttl)

    def __repr__(self) -> str:
        return f"<vestal client of {self.address}>"


def connect(
    address: str | None = None, key: Secret | str | None = None, *, environ: Mapping[str, str] = os.environ
) -> Client:
    """The credentials of a running daemon.

    `address`: the path of its socket or `http://127.0.0.1:8378`; by default $VESTAL_ADDRESS, or the socket of this user's
    home. `key`: an API key of `vestal key add`, which TCP needs; by default $VESTAL_API_KEY. Nothing is sent yet. Raises
    `ConfigError` for an address that can't be one.
    """
    address = address or environ.get("VESTAL_ADDRESS") or None
    if address is None:
        from vestal.home import default_folder
        from vestal.runtime import socket_path

        at = Address(path=str(socket_path(default_folder(environ), environ)), ours=True)
    else:
        at = read_address(address)
    key = key or environ.get("VESTAL_API_KEY") or None
    if not at.path and key is None:
        raise ConfigError(f"the daemon at {at} wants a key", remedy="make one with `vestal key add`")
    return Client(at, Secret(key) if isinstance(key, str) else key)


class _Asker:
    """What a `RefreshingSource` has in place of a lifecycle: it refreshes by asking the daemon."""

    def __init__(self, address: Address, key: Secret | None, clock: Clock, listeners: Iterable[Listener]) -> None:
        self.clock = clock
        self._address = address
        self._key = key
        self._events = Events(listeners)

    def load(self, name: str) -> Credential:
        """Nothing is known before the daemon is asked."""
        return Credential(name=name, app=App(provider="daemon"))

    def refresh(self, name: str, demand: Demand) -> Credential:
        """What the daemon gives. A token that is due and comes again is a failure that passes: the daemon is at it."""
        if demand.force:
            self._refresh_now(name)
        given = self._ask(name, question(demand.newer_than, demand.min_ttl))
        if given.token.version == demand.outlived:
            raise Unavailable(
                "the daemon has no newer token yet",
                credential=name,
                remedy="see `vestal show`",
                retry_after=min(given.refresh_after or AGAIN, LONGEST_PAUSE),
            )
        return _credential(name, given)

    def present(self, credential: Credential) -> Token | None:
        """The token as it came. Raises `ConfigError` for one that is bound to a key: only the daemon's home has that."""
        token = credential.token
        if token is not None and token.scheme != "Bearer":
            raise ConfigError(
                "its tokens are bound to a key that stays with the daemon",
                credential=credential.name,
                remedy="send requests through the daemon's /proxy, or use its home itself",
            )
        return token

    def emit(self, kind: Kind, name: str, **data: object) -> None:
        """Tell the listeners."""
        self._events.emit(Event(kind, name, self.clock.now(), data))

    def _ask(self, name: str, body: str) -> Given:
        return read_answer(self._post(path_of(name, "token"), body), name)

    def _refresh_now(self, name: str) -> None:
        """For a person who asks. The answer tells of the token, but does not hold it."""
        check_answer(self._post(path_of(name, "refresh"), ""), name)

    def _post(self, target: str, body: str) -> Response:
        return exchange(self._address, "POST", target, body, key=self._key, clock=self.clock)


def _credential(name: str, given: Given) -> Credential:
    token = given.token
    return Credential(name=name, app=App(provider="daemon"), token=token, version=token.version)
