"""`Hook`: what the hooks of all clients do with a source. One flow (`vestal.hooks.flow`), two drivers: sync and async."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from vestal.core.errors import VestalError
from vestal.core.source import TokenSource
from vestal.hooks.flow import Answer, Exchange, Origins, Retry


class Hook:
    """Puts a source's token on requests, and asks for a newer one where it is refused.

    - On 401 the source is asked for a newer token, once, and the request is sent again, once. If there is none to be had,
      the caller gets the 401, and the source has told its listeners why. 403, 429 and 5xx never ask.
    - A body that can't be sent again (a generator, a pipe) is not: the caller gets the 401, and the source is told in the
      background, so that the next request has a newer token.
    - The token stays with the origin (scheme, host and port) that it was sent to: a redirect to another one goes without
      it, and a 401 from there asks for nothing. (A client may follow http://localhost to https://localhost with it.)
    - Plain http to another machine raises ConfigError before anything is sent.
    - `origins` (recommended) lists the origins that get the token, such as `https://api.example.com`; requests to any
      other go without one. With an empty list every https address that the client requests gets it.
    - An Authorization header that was set by hand is replaced, as the clients' own `auth=` objects do, where the token goes.
    - A token bound to a key (DPoP) gets a fresh proof for every try, and one more try when the server asks for a nonce.
    - If there is no token to begin with, the source's VestalError is raised and nothing is sent.

    A hook may be shared by any number of clients, threads and tasks.
    """

    def __init__(self, source: TokenSource, origins: Iterable[str] = ()) -> None:
        """Raises ConfigError if `origins` holds what is not an origin, or plain http to another machine."""
        self._source = source
        self._origins = Origins(origins)
        self._reporting = threading.Lock()

    def _again(self, exchange: Exchange, answer: Answer) -> bool:
        """Whether the request is to be signed and sent again. May block while the source gets a newer token."""
        retry = exchange.after(answer)
        if retry is Retry.NEWER:
            try:
                exchange.token = self._source.token(newer_than=exchange.token.version)
            except VestalError:  # the source has told its listeners; the caller gets the 401
                return False
        return self._settle(retry, exchange)

    async def _again_async(self, exchange: Exchange, answer: Answer) -> bool:
        """The same, awaiting the source."""
        retry = exchange.after(answer)
        if retry is Retry.NEWER:
            try:
                exchange.token = await self._source.atoken(newer_than=exchange.token.version)
            except VestalError:
                return False
        return self._settle(retry, exchange)

    def _settle(self, retry: Retry, exchange: Exchange) -> bool:
        if retry is Retry.REPORT:
            self._report(exchange.token.version)
        return retry in (Retry.NEWER, Retry.NONCE, Retry.PROOF)

    def _report(self, version: int) -> None:
        """Tell the source of a refused token without waiting for it; one report at a time is enough."""
        if not self._reporting.acquire(blocking=False):
            return

        def ask() -> None:
            try:
                self._source.token(newer_than=version)
            except VestalError:  # the source has told its listeners
                pass
            finally:
                self._reporting.release()

        try:
            threading.Thread(target=ask, name="vestal-report", daemon=True).start()
        except RuntimeError:  # the interpreter is going down: there is no next request
            self._reporting.release()
