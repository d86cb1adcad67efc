"""`GitHubTokenPool`: tokens of many owners, used as one. The core's pool, in GitHub's terms.

For example:

    with GitHubTokenPool(["ghp_...", "ghp_..."]) as pool:       # or from GITHUB_SEEDING_TOKENS, or from installations
        client = pool.get_best_client()
        client.get("/repos/octocat/hello-world")
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, cast

from vestal.core.clock import Clock, SystemClock
from vestal.core.errors import TimedOut
from vestal.core.events import Listener, log_events
from vestal.core.fork import Forked, tell
from vestal.core.ledger import Ledger, MemoryLedger
from vestal.core.pool import Pool
from vestal.core.pool.member import MemberState
from vestal.core.quota import Charge, Terms, Told
from vestal.core.secret import Secret
from vestal.core.source import TokenSource
from vestal.services.exchange import APIRequest, APIResponse
from vestal.services.github.call import API
from vestal.services.github.limits import CORE, TERMS
from vestal.services.github.place import Place
from vestal.services.github.pool import members
from vestal.services.github.pool.deferred import Deferred
from vestal.services.github.pool.errors import ENVIRONMENT, GIVEN, NoTokensError, epoch, moment, what_to_look_at
from vestal.services.github.pool.members import Apps
from vestal.services.github.pool.opening import NAME, Opening, enter, one_of_each
from vestal.services.github.pool.token_info import TokenInfo
from vestal.services.github.pool.tokens import check, from_environment, read
from vestal.services.runner import Runner
from vestal.services.sender import APISender

if TYPE_CHECKING:
    from vestal.home import Home

__all__ = ["NAME", "GitHubTokenPool"]

WINDOWS = {"search": 60.0, "code_search": 60.0}
"""Seconds that the window of a bucket lasts, where it is not an hour."""

_log = logging.getLogger("vestal")


class GitHubTokenPool(Forked):
    """Tokens, and what is left of their owners' quotas. Safe for use from any thread, task and process.

    - Quotas are the owners': tokens of one user share one, and are counted once.
    - Every request is reserved before it is sent, and settled by its answer, in the bucket that it is charged to. Pools that
      share a ledger (`home.store.ledger`) share their books, over processes.
    - An owner whose quota is used up comes back by itself at the reset. A token that is refused is benched, and the others
      go on.
    - `pool` and `api` are what `call`, the clients and the hooks of `vestal.services.github.hooks` take.

    Nothing is asked before the first use: then each token is asked once whose it is (GET /user), unless the ledger
    remembers it, and each owner what is left (GET /rate_limit).
    """

    def __init__(
        self,
        tokens: str | Secret | Iterable[str | Secret] | None = None,
        *,
        sources: Iterable[TokenSource | str] | None = None,
        installations: Iterable[str] | None = None,
        home: Home | None = None,
        base_url: str | None = None,
        headroom: int = 0,
        ledger: Ledger | None = None,
        clock: Clock | None = None,
        sender: Callable[[APIRequest], APIResponse] | None = None,
        client: Callable[[TokenInfo], Any] | None = None,
        environ: Mapping[str, str] = os.environ,
        terms: Terms = TERMS,
        patience: float = 90.0,
        listeners: Iterable[Listener] = (log_events,),
        asleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Raises `ValueError` if there is no token at all, and `ConfigError` for what can't be used.

        `tokens`: None takes those of GITHUB_SEEDING_TOKENS and GITHUB_SEEDING_TOKEN. `sources`: token sources, and names of
        credentials in `home`. `installations`: names of installations' credentials in `home`, or of apps, which stand for
        all their installations. `base_url`: of an Enterprise Server; None is the installations' own, that of
        GITHUB_API_BASE_URL for the environment's tokens, or github.com.
        `headroom`: units of each bucket that are left for others, at most half of it. `sender`: how the pool itself asks.
        `client`: makes the clients of `get_best_client` (None: `httpx2.Client`). `terms`: the secondary limits. `patience`:
        seconds that a request waits in all for limits to pass. `asleep`: how tasks wait.
        """
        given = from_environment(environ) if tokens is None else read(tokens)
        theirs = environ.get("GITHUB_API_BASE_URL") if tokens is None and given else None
        look_at = [(ENVIRONMENT if tokens is None else GIVEN)] if given else []
        del tokens, environ  # nothing from here on has a token in a variable
        check(given)
        sources = list(sources or ())
        named = [*(source for source in sources if isinstance(source, str)), *(installations or ())]
        seats, apps = members.of_credentials(named, home)
        seats = [
            *members.of_tokens(given),
            *members.of_sources(source for source in sources if not isinstance(source, str)),
            *seats,
        ]
        if not seats and not apps:
            raise NoTokensError
        place = members.place_of(named, home, theirs) if base_url is None else Place.of(base_url)
        self._clock: Clock = clock or (home.clock if home is not None else SystemClock())
        self._sender = sender or APISender(self._clock)
        self._closes_sender = sender is None
        self._opening = Opening(
            place,
            seats,
            None if home is None or not apps else Apps(home, tuple(apps)),
            ledger=ledger or (home.store.ledger if home is not None else MemoryLedger()),
            clock=self._clock,
            runner=Runner(self._sender, self._clock),
            headroom=headroom,
            options={"terms": terms, "listeners": tuple(listeners), "asleep": asleep},
        )
        self._make_client = client or _httpx2_client
        self._clients: dict[str, Any] = {}
        self._lock = threading.RLock()
        tell(self)
        look_at += what_to_look_at(named)
        self._deferred = Deferred(self._opening.make, self._clock, "; ".join(look_at))
        self.api = API(place, clock=self._clock, patience=patience)
        """What calls with this pool share; see `vestal.services.github.call`."""
        self.pool: Pool = cast(Pool, self._deferred)
        """The core's pool, whose owners are asked for at its first use. It raises `AllTokensExhaustedException`."""
        _log.info("%d GitHub tokens in the pool", len(self._opening.seats))

    # As one

    def get_best_client(self, bucket: str = CORE) -> Any:
        """The client of the token with the most left. Raises `AllTokensExhaustedException`.

        Raises `NeedsLogin` if all tokens are refused.
        """
        try:
            reservation = self.pool.reserve(Charge(bucket), timeout=0)
        except TimedOut:  # what is left is under way: the client waits for it
            states = [state for state in self.states(bucket) if state.benched is None]
            name = max(states, key=lambda state: _remaining(state, bucket)).name
        else:
            self.pool.release(reservation)
            name = reservation.member.name
        self._log_pool_status(bucket)
        return self.client_of(name)

    def mark_rate_limited(self, client: Any, reset_time: datetime | None = None, bucket: str = CORE) -> None:
        """Somebody was told that nothing is left: the client's owner is left out of this bucket until the reset.

        `client`: one that this pool gave, or a `TokenInfo`. `reset_time` without a zone is UTC; None: the reset that is
        known, or the end of a whole window. Raises `ValueError` for a client that is not the pool's.
        """
        name = self._name_of(client)
        left = next(state.buckets.get(bucket) for state in self.states(bucket) if state.name == name)
        now = self._clock.now()
        known = left.reset_at if left is not None and (left.reset_at or 0.0) > now else None
        reset_at = epoch(reset_time) if reset_time else known or now + WINDOWS.get(bucket, 3600.0)
        enter(self._deferred.get(), name, Charge(bucket, 0), Told(bucket, remaining=0, reset_at=reset_at))
        self._log_pool_status(bucket)

    @property
    def all_exhausted(self) -> bool:
        """Whether nothing of the bucket `core` can be had before a reset."""
        return self.pool.all_exhausted(CORE)

    @property
    def total_remaining(self) -> int:
        """Requests of the bucket `core` that are left, each owner counted once."""
        return self.pool.total_remaining(CORE)

    @property
    def token_count(self) -> int:
        """How many tokens there are. (Asks for the installations of apps, if there are any.)"""
        return len(self._opening.seats) if self._opening.apps is None else len(self.pool.members)

    def wait_for_reset(self, timeout: float | None = None, bucket: str = CORE) -> bool:
        """Wait until something of a bucket can be had, up to `timeout` seconds (None: as long as it takes).

        Whether it can. Raises `NeedsLogin` if all tokens are refused.
        """
        return self.pool.wait_for_reset(bucket, timeout)

    # One by one

    def states(self, bucket: str | None = None) -> list[MemberState]:
        """How the tokens stand, in their order: in all buckets that anything is known of, or in one."""
        return self.pool.states(bucket)

    @property
    def tokens(self) -> list[TokenInfo]:
        """The tokens, in their order."""
        self._deferred.get()
        return [TokenInfo(self, seat) for seat in self._opening.seats]

    def client_of(self, name: str) -> Any:
        """The client of one token; always the same one."""
        with self._lock:
            if name not in self._clients:
                self._clients[name] = self._make_client(next(info for info in self.tokens if info.name == name))
            return self._clients[name]

    def refresh(self, name: str | None = None) -> None:
        """Ask GitHub what is left, for one token or for all owners. What can't be asked leaves the books as they are."""
        pool = self._deferred.get()
        self._opening.ask(pool, [name] if name is not None else one_of_each(pool.states()))

    def close(self) -> None:
        """Close the connections of the pool and of its clients."""
        with self._lock:
            clients, self._clients = list(self._clients.values()), {}
        closing = [*clients, *([self._sender] if self._closes_sender else [])]
        for each in closing:
            close = getattr(each, "close", None)
            if close is not None:
                close()

    def in_child(self) -> None:
        """After a fork: connections are the parent's, and another thread may have held the lock."""
        self._lock = threading.RLock()
        self._clients = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"GitHubTokenPool({len(self._opening.seats)} tokens at {self.api.place.api_url})"

    # The rest

    def _name_of(self, client: Any) -> str:
        if isinstance(client, TokenInfo):
            return client.name
        with self._lock:
            for name, known in self._clients.items():
                if known is client:
                    return name
        raise ValueError("this client is not one of the pool's")

    def _log_pool_status(self, bucket: str) -> None:
        if _log.isEnabledFor(logging.DEBUG):
            words = ", ".join(f"{state.name}: {_words(state, bucket)}" for state in self.states(bucket))
            _log.debug("GitHub tokens, %s: %s", bucket, words)


def _remaining(state: MemberState, bucket: str) -> int:
    left = state.buckets.get(bucket)
    return 0 if left is None or left.remaining is None else left.remaining


def _words(state: MemberState, bucket: str) -> str:
    if state.benched is not None:
        return "out"
    left = state.buckets.get(bucket)
    rest = "unknown" if left is None or left.remaining is None else str(left.remaining)
    reset = moment(None if left is None else left.reset_at)
    return rest + ("" if reset is None else f" until {reset:%H:%M:%S}") + (" (resting)" if state.resting_until else "")


def _httpx2_client(info: TokenInfo) -> Any:
    from vestal.services.github.hooks.httpx2 import client

    return client(info)
