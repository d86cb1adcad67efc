"""singleflight-auth: refreshes when a request is refused; the refresh is a function written by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.peers.by_hand import ByHand
from bench.peers.peer import Grant, Peer, module


class SingleflightAuth(Peer):
    name = "singleflight-auth"
    distributions = ("singleflight-auth",)
    call = "next(auth.sync_auth_flow(request))"
    note = "no expiry check"

    def hot_path(self, resources: ExitStack, folder: Path) -> Callable[[], object]:
        good = "a" * 43
        auth = module("singleflight_auth").SingleFlightAuth(get_token=lambda: good, refresh=lambda: good)
        request = module("httpx").Request("GET", "https://127.0.0.1/")
        return lambda: next(auth.sync_auth_flow(request))

    def caller(self, grant: Grant) -> Callable[[], str]:
        """It learns only from a 401 that a token has expired, so a caller makes a request, to a stub in the process."""
        hand = ByHand(grant)
        auth = module("singleflight_auth").SingleFlightAuth(get_token=lambda: hand.access_token, refresh=hand.redeem)
        client = module("httpx").Client(auth=auth, transport=_stub(grant))
        return lambda: _sent(client.get(grant.resource_url))

    def task(self, grant: Grant) -> Callable[[], Awaitable[str]]:
        hand = ByHand(grant)
        auth = module("singleflight_auth").AsyncSingleFlightAuth(
            get_token=lambda: hand.access_token, refresh=hand.redeem_async
        )
        client = module("httpx").AsyncClient(auth=auth, transport=_stub(grant))

        async def token() -> str:
            return _sent(await client.get(grant.resource_url))

        return token

    def request(self, grant: Grant) -> Callable[[], int]:
        hand = ByHand(grant)
        auth = module("singleflight_auth").RequestsSingleFlightAuth(
            get_token=lambda: hand.access_token, refresh=hand.redeem
        )
        session = module("requests").Session()
        session.auth = auth
        return lambda: int(session.get(grant.resource_url).status_code)


def _stub(grant: Grant) -> Any:
    """A resource without a network: refuses the token that has expired."""
    httpx = module("httpx")

    def answer(request: Any) -> Any:
        return httpx.Response(401 if request.headers["Authorization"].endswith(grant.access_token) else 200)

    return httpx.MockTransport(answer)


def _sent(answer: Any) -> str:
    return str(answer.request.headers["Authorization"]).removeprefix("Bearer ")
