"""Callers: threads that ask for a token all the time, and use it now and then."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

from vestal.core.errors import VestalError
from vestal.core.token import Token

Ask = Callable[[int | None], Token]
"""Gives a token, of a later version than the given one if a service refused that. Raises `VestalError`."""


class Callers:
    """Threads that ask in one way, as those of a program do, or as many programs."""

    def __init__(
        self,
        ask: Ask,
        resource: str,
        count: int,
        *,
        pause: float = 0.05,
        use: int = 20,
        over: Callable[[], bool] = lambda: False,
    ) -> None:
        """`pause`: seconds between two questions of one; `use`: every so-manieth of its tokens is used at `resource`.

        `over`: whether a question has failed because who was asked is ending, which is no failure.
        """
        self.count = count
        self.trouble = ""
        """Why the last question failed; empty if it did not."""
        self._ask_for = ask
        self._resource = resource
        self._pause, self._every = pause, use
        self._over = over
        self._stop = threading.Event()
        self._served = [0] * count
        self._failed = [0] * count
        self._threads = [
            threading.Thread(target=self._ask, args=(index,), name=f"caller {index}", daemon=True)
            for index in range(count)
        ]

    @property
    def served(self) -> int:
        """Tokens given."""
        return sum(self._served)

    @property
    def failed(self) -> int:
        """Questions that ended in an error."""
        return sum(self._failed)

    def start(self) -> None:
        """Begin to ask."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:  # it was started
                thread.join(5)

    def _ask(self, index: int) -> None:
        refused: int | None = None
        turn = index
        while not self._stop.wait(self._pause):
            turn += 1
            try:
                token = self._ask_for(refused)
            except VestalError as error:
                if self._over():
                    return
                self._failed[index] += 1
                self.trouble = str(error)
                continue
            self._served[index] += 1
            self.trouble = ""
            refused = None
            if turn % self._every == 0 and self._use(token) == 401:
                refused = token.version

    def _use(self, token: Token) -> int:
        """The status of the protected resource; 0 if it did not answer."""
        connection = http.client.HTTPConnection(urlsplit(self._resource).netloc, timeout=5)
        try:
            connection.request("GET", "/resource", headers=token.headers("GET", self._resource))
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()
