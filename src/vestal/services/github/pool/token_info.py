"""`TokenInfo`: one token of a pool, as the pool's books have it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from vestal.core.pool import Pool
from vestal.core.pool.member import Left, MemberState
from vestal.core.source import TokenSource
from vestal.services.github.call import API
from vestal.services.github.limits import CORE
from vestal.services.github.pool.deferred import Some
from vestal.services.github.pool.errors import moment
from vestal.services.github.pool.members import Seat
from vestal.services.github.pool.tokens import masked

if TYPE_CHECKING:
    from vestal.services.github.pool.pool import GitHubTokenPool


class TokenInfo:
    """A view: every reading is of now. Clients and hooks take it like a pool, and then use this token alone."""

    def __init__(self, whole: GitHubTokenPool, seat: Seat) -> None:
        self.name = seat.name
        """For people; never the token."""
        self._whole = whole
        self._seat = seat

    @property
    def masked_token(self) -> str:
        """The token's first and last four characters; `***` for one that is short, or not fetched yet."""
        token = self._seat.source.peek()
        return masked(None if token is None else token.access_token)

    @property
    def source(self) -> TokenSource:
        """Where the token comes from."""
        return self._seat.source

    @property
    def api(self) -> API:
        """See `GitHubTokenPool.api`."""
        return self._whole.api

    @property
    def pool(self) -> Pool:
        """The pool, as far as this token goes."""
        return cast(Pool, Some(self._whole.pool, [self.name]))

    @property
    def client(self) -> Any:
        """A client that sends with this token and keeps the pool's books; always the same one."""
        return self._whole.client_of(self.name)

    @property
    def owner(self) -> str:
        """Whose quota it draws on: `api.github.com/user/583231`, `api.github.com/installation/42`."""
        return self._state().owner

    @property
    def buckets(self) -> Mapping[str, Left]:
        """What is left, by bucket."""
        return self._state().buckets

    @property
    def remaining(self) -> int | None:
        """Units of the bucket `core` that can be reserved now; None: unknown."""
        left = self.buckets.get(CORE)
        return None if left is None else left.remaining

    @property
    def reset_time(self) -> datetime | None:
        """When the bucket `core` is full again (UTC); None: unknown."""
        left = self.buckets.get(CORE)
        return moment(None if left is None else left.reset_at)

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing of the bucket `core` can be had now: used up, resting after a secondary limit, or refused."""
        return not usable(self._state(), CORE)

    def refresh_rate_limit(self) -> None:
        """Ask GitHub what is left of all buckets (GET /rate_limit, which is free). If it can't be asked, nothing changes."""
        self._whole.refresh(self.name)

    def __repr__(self) -> str:
        return f"TokenInfo({self.name!r}, {self.masked_token})"

    def _state(self) -> MemberState:
        return next(state for state in self._whole.states() if state.name == self.name)


def usable(state: MemberState, bucket: str) -> bool:
    """Whether a member may have something of a bucket now."""
    left = state.buckets.get(bucket)
    return state.benched is None and state.resting_until is None and (left is None or left.remaining != 0)
