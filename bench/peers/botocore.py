"""botocore: `RefreshableCredentials`, whose refresh is a function written by hand."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.good import LIFETIME
from bench.peers.by_hand import ByHand
from bench.peers.peer import Grant, Peer, module


class Botocore(Peer):
    name = "botocore"
    distributions = ("botocore",)
    call = "credentials.get_frozen_credentials()"

    def hot_path(self, resources: ExitStack, folder: Path) -> Callable[[], object]:
        expires = datetime.now(UTC) + timedelta(seconds=LIFETIME)
        credentials = _refreshable("a" * 43, expires, lambda: {})
        frozen: Callable[[], object] = credentials.get_frozen_credentials
        return frozen

    def caller(self, grant: Grant) -> Callable[[], str]:
        hand = ByHand(grant)

        def refresh() -> dict[str, str]:
            return _metadata(hand.redeem(), hand.expires)

        credentials = _refreshable(hand.access_token, hand.expires, refresh)
        return lambda: str(credentials.get_frozen_credentials().token)


def _refreshable(token: str, expires: datetime, refresh: Callable[[], dict[str, str]]) -> Any:
    credentials = module("botocore.credentials").RefreshableCredentials
    return credentials.create_from_metadata(_metadata(token, expires), refresh_using=refresh, method="bench")


def _metadata(token: str, expires: datetime) -> dict[str, str]:
    return {"access_key": "none", "secret_key": "none", "token": token, "expiry_time": expires.isoformat()}
