"""Callers: threads that ask one source for its token all the time, and use it now and then."""

from __future__ import annotations

import http.client
import threading
from urllib.parse import urlsplit

from vestal.core.errors import VestalError
from vestal.core.source import TokenSource
from vestal.core.token import Token

PAUSE = 0.05
"""Seconds between two questions of one caller."""

USE = 20
"""Every so-manieth token of a caller is used at the protected resource."""


class Callers:
    """Threads that share one source, as the threads of a program do."""

    def __init__(self, source: TokenSource, resource: str, count: int) -> None:
        self.count = count
        self.trouble = ""
        """Why the last question failed; empty if it did not."""
        self._source = source
        self._resource = resource
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
            thread.join(5)

    def _ask(self, index: int) -> None:
        refused: int | None = None
        turn = index
        while not self._stop.wait(PAUSE):
            turn += 1
            try:
                token = self._source.token(newer_than=refused)
            except VestalError as error:
                self._failed[index] += 1
                self.trouble = str(error)
                continue
            self._served[index] += 1
            self.trouble = ""
            refused = None
            if turn % USE == 0 and self._use(token) == 401:
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
