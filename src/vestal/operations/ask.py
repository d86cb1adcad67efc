"""One question of a process that ends after it: a token of one credential, or its refresh.

A `RefreshingSource` is made to be kept: it holds the last token and answers out of memory. A process that asks once has
nothing to hold, so it asks the home's daemon, if one runs: that has the token in memory, and one refresh serves all. Without
one it looks into the store, and needs neither threads nor an HTTP client while the token is good.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from vestal.core.credential import check_name
from vestal.core.decision import Demand, satisfies
from vestal.core.errors import HTTPError, NetworkError, TimedOut, VestalError
from vestal.core.token import Token

if TYPE_CHECKING:
    from pathlib import Path

    from vestal.core.transport import Response
    from vestal.home import Home

TOLD_WITHIN = 2.0
"""Seconds that a daemon has to hear of a change."""

SOON = 3.0
"""Seconds after which we look whether a daemon that has not answered is alive at all."""


def ask(
    home: Home, name: str, newer_than: int | None = None, min_ttl: float | None = None, *, soon: float = SOON
) -> Token:
    """A token that works; see `TokenSource.token`. It is for its bearer: a DPoP token comes without its proof.

    A refresh that somebody's death has interrupted is finished at once, even if the token is still good: the grace of a
    service, in which that is possible, is short. Raises `VestalError`.
    """
    check_name(name)
    told = _of_daemon(home, name, newer_than, min_ttl, soon)
    if told is not None:
        return told
    credential = home.store.load(name)
    interrupted = credential is not None and credential.intent is not None and not home.store.leased(name)
    demand = Demand(newer_than, min_ttl=min_ttl)
    if credential is not None and not interrupted and satisfies(credential, demand, home.clock.now()):
        assert credential.token is not None
        return credential.token
    source = home.source(name)
    token = source.token(newer_than, min_ttl)
    if interrupted:
        source.token()  # which begins to finish that refresh, in the background; the process waits for it at its end
    return token


def refresh(home: Home, name: str) -> Token:
    """Refresh now, whether or not it is due, and give the token that works then; see `RefreshingSource.refresh`.

    The home's daemon does it, if one runs: whoever it serves has the new token at once. Raises `VestalError`.
    """
    check_name(name)
    return ask(home, name) if _refreshed_by_daemon(home, name) else home.source(name).refresh()


def tell_daemon(home: Home, name: str) -> None:
    """Have the home's daemon let go of what it knows of a credential that this process has changed, or removed.

    Without it, the daemon sees that at its next look (30 s). Raises nothing: it may not run, hang, or be an older one.
    """
    from vestal.client.asking import path_of

    path = _daemon_of(home)
    if path is not None:
        with suppress(VestalError):
            _posted(path, path_of(name, "changed"), deadline=TOLD_WITHIN)


def _refreshed_by_daemon(home: Home, name: str) -> bool:
    """Whether the home's daemon has refreshed; False if there is none, or if it does not have the last word.

    Raises the `VestalError` that it tells of, and `TimedOut` if it hangs.
    """
    from vestal.client.asking import check_answer, path_of, settles

    path = _daemon_of(home)
    response = None if path is None else _posted(path, path_of(name, "refresh"))
    if response is None:
        return False
    if response.status == 200:
        return '"version"' in response.body.reveal()  # which no other server would answer
    if settles(response):
        check_answer(response, name)
    return False


def _of_daemon(home: Home, name: str, newer_than: int | None, min_ttl: float | None, soon: float) -> Token | None:
    """What the home's daemon gives; None if there is none, or if it ends in the middle: what it had begun is in the store.

    What a person has done since in another process (refreshed, logged in, removed) is in the store, and not in the
    daemon's memory yet: it is told that its token is outdated, and takes the newer one from there. One that has not
    answered within `soon` seconds, and does not even say that it lives, counts as none. Raises the `VestalError` that it
    tells of.
    """
    path = _daemon_of(home)
    if path is None:
        return None
    found = _asked(path, name, newer_than, min_ttl, soon)
    stored = None if found is None else _version(home, name)
    if found is None or stored is None or found.version == stored:
        return found
    if found.version < stored:
        found = _asked(path, name, max(newer_than or 0, stored - 1), min_ttl, soon)
    return found if found is not None and found.version == _version(home, name) else None


def _asked(path: Path, name: str, newer_than: int | None, min_ttl: float | None, soon: float) -> Token | None:
    """What a daemon gives; None if it does not have the last word."""
    from vestal.client.asking import path_of, question, read_answer, settles

    asked = path_of(name, "token"), question(newer_than, min_ttl)
    try:
        response = _posted(path, *asked, deadline=soon)
    except TimedOut:  # it waits for a service, or it hangs; who asks again waits for the same refresh
        response = _posted(path, *asked) if _lives(path, soon) else None
    return read_answer(response, name).token if response is not None and settles(response) else None


def _lives(path: Path, soon: float) -> bool:
    """Whether a daemon answers at all."""
    from vestal.client.address import Address
    from vestal.client.exchange import exchange

    try:
        return exchange(Address(path=str(path)), "GET", "/healthz", deadline=soon).status == 200
    except VestalError:
        return False


def _daemon_of(home: Home) -> Path | None:
    """The socket where the home's daemon listens, if it does; None if there is none that can be believed."""
    from vestal.client.trusted import is_ours
    from vestal.runtime import socket_path

    path = socket_path(home.folder)
    return path if is_ours(path) else None


def _posted(path: Path, target: str, body: str = "", deadline: float | None = None) -> Response | None:
    """What a daemon answers, whatever it is; None if it does not. Raises `TimedOut`."""
    from vestal.client.address import Address
    from vestal.client.exchange import DEADLINE, exchange

    try:
        return exchange(Address(path=str(path)), "POST", target, body, deadline=deadline or DEADLINE)
    except (NetworkError, HTTPError):
        return None


def _version(home: Home, name: str) -> int | None:
    """The version that the store has, which needs no key; 0 if there is no such credential, None if it can't be read."""
    try:
        record = home.store.backend.get(name)
    except VestalError:
        return None
    return 0 if record is None else record.version
