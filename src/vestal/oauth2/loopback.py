"""Where the browser brings the answer of a login: `http://127.0.0.1:PORT/callback` (RFC 8252, section 7.3)."""

from __future__ import annotations

import re
from concurrent.futures import TimeoutError as TooLong
from typing import Self
from urllib.parse import urlsplit

from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.oauth2.callback import ADDRESS, CallbackServer
from vestal.oauth2.page import Page
from vestal.oauth2.reception import HOLD, LIMIT, Judge, Reception

_PATH = re.compile(r"(/[A-Za-z0-9\-._~%!$&'()*+,;=:@]*)*")  # RFC 3986, section 3.3


class Loopback:
    """A `Receiver` with a port of its own. On leaving, whatever the reason, no socket and no thread is left.

    with Loopback() as loopback:
        loopback.listen(accept)  # then open the browser
        query = loopback.wait()
        loopback.finish("You are logged in", "", ok=True)
    """

    def __init__(
        self,
        port: int = 0,
        path: str = "/callback",
        limit: float = LIMIT,
        *,
        redirect_uri: str | None = None,
        hold: float = HOLD,
        reception: Reception | None = None,
    ) -> None:
        """`port`: 0 for a free one. `redirect_uri`: as registered, word for word, in place of `port` and `path`.

        Times are seconds; a `reception` brings a limit of its own. Raises `ConfigError` for what is no address of this
        machine.
        """
        self._registered = redirect_uri
        self._port, self._path = (port, path) if redirect_uri is None else _place(redirect_uri)
        if not _PATH.fullmatch(self._path) or not 0 <= self._port <= 65535:
            raise ConfigError(
                f"a login can't be answered at port {self._port} and path {self._path[:60]!r}",
                remedy="set redirect_port to a number up to 65535 and redirect_path to something like /callback",
            )
        self._hold = hold
        self._reception = reception or Reception(limit)
        self._server: CallbackServer | None = None

    def __enter__(self) -> Self:
        """Take the port. Raises `ConfigError` if it can't be had."""
        trouble: str | None = None
        try:
            self._server = CallbackServer(self._port, self._path or "/", self._answer)
        except OSError as error:
            trouble = error.strerror or type(error).__name__
        if trouble is not None:
            raise ConfigError(
                f"port {self._port} of {ADDRESS}, where the answer to the login is to come, can't be had: {trouble}",
                remedy="end the program that has it, or register and set another redirect_port or redirect_uri",
            )
        return self

    def __exit__(self, *exc: object) -> None:
        """Whoever still waits gets the page of `finish`; without one, a page that says that the login is over."""
        self._reception.close()
        self._serving.close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._serving.port

    @property
    def redirect_uri(self) -> str:
        """What the service is told: the address as a literal, since a name may lead elsewhere (RFC 8252, section 8.3)."""
        return self._registered or f"http://{ADDRESS}:{self.port}{self._path}"

    def listen(self, accept: Judge) -> None:
        """Serve from now on, in a thread of its own. To be called before the browser is opened."""
        self._reception.listen(accept)
        self._serving.start()

    def wait(self) -> Secret:
        """The query of the first request that was accepted. Raises `LoginTimedOut`."""
        return self._reception.wait()

    def finish(self, title: str, text: str, ok: bool, remedy: str = "") -> None:
        """Tell the person at the browser how it ended."""
        self._reception.finish(title, text, ok, remedy)

    @property
    def _serving(self) -> CallbackServer:
        if self._server is None:
            raise RuntimeError("a Loopback is used as a context manager")
        return self._server

    def _answer(self, query: Secret) -> tuple[int, Page]:
        """What a request gets, in its own thread. The right one waits for the end of the login."""
        turned_away = self._reception.take(query)
        if turned_away is not None:
            return 400, turned_away
        try:
            return 200, self._reception.page.result(self._hold)
        except TooLong:
            return 200, self._reception.held_long()


def _place(redirect_uri: str) -> tuple[int, str]:
    """Port and path of a registered redirect URI. `http` is all that loopback needs (RFC 8252, section 8.3)."""
    place: tuple[int, str] | None = None
    try:
        parts = urlsplit(redirect_uri)
        if parts.scheme == "http" and parts.hostname in (ADDRESS, "localhost") and parts.username is None:
            place = (80 if parts.port is None else parts.port), parts.path
        if parts.query or parts.fragment or place == (0, parts.path):
            place = None
    except ValueError:
        pass
    if place is None:
        raise ConfigError(
            "the redirect_uri leads to no port of this machine",
            remedy="register and set a redirect_uri like http://127.0.0.1:8765/callback, without a query",
        )
    return place
