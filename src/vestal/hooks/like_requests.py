"""The hook for requests and its successor niquests, whose auth objects work the same way."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from vestal.hooks.flow import Answer, Exchange
from vestal.hooks.hook import Hook

# Prepared requests and responses are `Any` here: two libraries' types, alike in shape and not in their annotations. The
# subclasses, which users see, are typed.


class LikeRequests(Hook):
    """Goes before the client's own `AuthBase` among the bases of its hook.

    The client calls it for a prepared request, and then for each answer, hop by hop if there are redirects.
    """

    rewind: Callable[[Any], None]
    """The client's own way to bring a file that is a request's body back to where it was; raises OSError if it can't."""

    def __call__(self, r: Any) -> Any:
        """Sign a prepared request and await its answers."""
        origin = origin_of(r.url)
        if self._origins.carry(origin):
            exchange = Exchange(self._source.token(), origin)
            exchange.sign(r.headers, r.method, r.url)
            r.register_hook("response", partial(self._answered, exchange))
        return r

    def _answered(self, exchange: Exchange, response: Any, **options: Any) -> Any:
        status = response.status_code
        while not exchange.settled(status) and self._again(exchange, self._answer(exchange, response, options)):
            refused, request = response, take_request(response)
            refused.content  # noqa: B018  (read to its end, which lets the connection be used again)
            refused.close()
            exchange.sign(request.headers, request.method, request.url)
            response = refused.connection.send(request, **options)
            response.history = [*refused.history, refused]
            status = response.status_code
        exchange.finish(status)
        return response

    def _answer(self, exchange: Exchange, response: Any, options: dict[str, Any]) -> Answer:
        request = response.request
        return Answer(
            status=response.status_code,
            url=request.url,
            challenges=response.headers.get("WWW-Authenticate", ""),
            nonce=response.headers.get("DPoP-Nonce"),
            carried=exchange.carried_by(request.headers),
            # niquests' multiplexed answers are filled in place: nobody would see the answer to a second try.
            replayable=response.status_code == 401 and not options.get("multiplexed") and self._rewound(request),
        )

    def _rewound(self, request: Any) -> bool:
        if request.body is None or isinstance(request.body, str | bytes):
            return True
        try:
            self.rewind(request)
        except OSError:
            return False
        return True


def origin_of(url: str) -> str:
    """`scheme://host:port` of a prepared request's address (which may end without a slash)."""
    end = url.find("/", 8)
    return url if end < 0 else url[:end]


def take_request(response: Any) -> Any:
    """The request that was answered, to be signed and sent again; the answer keeps a copy for its history.

    A redirect that follows copies the headers of the first request sent, so it must be this one that gets the new token.
    """
    request = response.request
    response.request = request.copy()
    return request
