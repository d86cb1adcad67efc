"""What the hooks of all clients do with one request: quota, token, 401 and limits, by the same code as our own calls.

A hook takes the steps of `relayed`. At the step `Send` it sends its client's own request, with the Authorization of the
step; the answer goes back into the flow, which ends when the answer is the caller's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Literal, Protocol

from vestal.core.errors import VestalError
from vestal.core.pool import Pool, Reservation
from vestal.core.token import Token
from vestal.hooks.flow import Origins
from vestal.oauth2.address import origin
from vestal.services.exchange import APIResponse
from vestal.services.github.call import API, Attempts, Call
from vestal.services.github.etags import Kept
from vestal.services.github.place import Place
from vestal.services.github.refusal import is_suspended
from vestal.services.steps import Steps

_MUTATION = re.compile(r"(?:[\s,\ufeff]|#[^\n]*+)*+mutation\b")
_LATER_MUTATION = re.compile(r"^\s*mutation\b", re.MULTILINE)


class Quotas(Protocol):
    """A `GitHubTokenPool`, or a `TokenInfo` for one token of it."""

    @property
    def api(self) -> API:
        """Where it is, and how long a request waits there."""

    @property
    def pool(self) -> Pool:
        """Whose tokens."""


def relayed(
    quotas: Quotas, method: str, url: str, *, body: bytes | None, replayable: bool = True, retried: bool = False
) -> Steps[APIResponse]:
    """A request of somebody else's client, as often as it takes until one answer is the caller's. See `call`.

    - The quota is reserved before each sending, and settled by the answer. Where a limit is hit all the same, another token
      takes over, or the request waits, up to the pool's patience. Raises `AllTokensExhaustedException`.
    - A refused token (401) is replaced once, or waited for while it is new; one that can't be, or whose owner is suspended,
      is benched.
    - Every other answer is the caller's, and so is a refusal if there is nobody else to ask.

    `body`: what is at hand of it, to tell GraphQL's mutations from queries. `replayable`: it can be sent again. `retried`:
    passing trouble of the service is tried again here. Raises `VestalError` if there is no token to send with.
    """
    graphql = _graphql(body) if url.partition("?")[0] == quotas.api.place.graphql_url else None
    wanted = Call(method, url, graphql=graphql, retried=retried)
    return _Relayed(quotas, wanted, replayable=replayable).run()


def origins(place: Place) -> Origins:
    """Where the tokens of a place go, and nowhere else."""
    return Origins({origin(place.api_url), origin(place.graphql_url)})


def last_from(place: Place, urls: Iterable[str]) -> int:
    """Which of these addresses, one redirected to the next, is the last one of the API itself; its number."""
    ours = {origin(place.api_url), origin(place.graphql_url)}
    return max((number for number, url in enumerate(urls) if origin(url) in ours), default=0)


class _Relayed(Attempts):
    """The attempts of a call, of which the client gets to see the last answer as it is."""

    def __init__(self, quotas: Quotas, wanted: Call, *, replayable: bool) -> None:
        super().__init__(quotas.api, quotas.pool, wanted)
        self._replayable = replayable

    def _kept(self) -> Steps[Kept | None]:
        """Conditional requests are the client's own business."""
        yield from ()
        return None

    def _judge(
        self, response: APIResponse, reservation: Reservation, token: Token, kept: Kept | None
    ) -> Steps[APIResponse | None]:
        trouble = response.status >= 500 and self.wanted.retried
        refused = response.status == 401 or is_suspended(response.as_response())
        if self._limited(response) is None and not refused and not trouble:
            return response
        try:
            answer = yield from super()._judge(response, reservation, token, kept)
        except VestalError:
            return response
        return answer if self._replayable else response


def _graphql(body: bytes | None) -> Literal["query", "mutation"]:
    """What a document does, by its first operation; a mutation if it can't be told."""
    try:
        document = json.loads(body or b"")["query"]
        mutation = _MUTATION.match(document) or _LATER_MUTATION.search(document)
    except (ValueError, TypeError, KeyError, RecursionError):
        return "mutation"
    return "mutation" if mutation else "query"
