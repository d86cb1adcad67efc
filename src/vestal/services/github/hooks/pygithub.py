"""The hook for PyGithub.

    github = client(pool)
    github.get_repo("octocat/hello-world").get_pulls(state="all")

PyGithub lets connection classes be put in for the whole process only (`Requester.injectConnectionClasses`); here the
requesters that an `Auth` belongs to get theirs, by the attribute behind that method.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import requests
from github import Auth, Github
from github.Requester import (
    HTTPRequestsConnectionClass,
    HTTPSRequestsConnectionClass,
    Requester,
    RequestsResponse,
    WithRequester,
)

from vestal.core.errors import ConfigError
from vestal.core.source import TokenSource
from vestal.core.transport import Text
from vestal.http import plain
from vestal.services.exchange import APIRequest, APIResponse
from vestal.services.github.hooks.flow import Quotas, relayed
from vestal.services.github.place import USER_AGENT
from vestal.services.runner import Runner

if TYPE_CHECKING:
    from vestal.services.github.pool.pool import GitHubTokenPool

_CONNECTION_CLASS = "_Requester__connectionClass"
"""The class of a requester's connections to its own host. It makes them itself, and anew after `close`."""

CONNECTIONS = 100
"""How many are kept open."""


class GitHubPoolAuth(Auth.Auth, WithRequester[None]):
    """`Github(auth=GitHubPoolAuth(pool), retry=None)` sends with the tokens of a pool, and keeps its books; see `relayed`.

    The tokens stay with the host of the API: to others (uploads.github.com, say) PyGithub sends without one. A `Github`
    with this may be used from many threads.
    """

    def __init__(self, quotas: Quotas, *, closing: Callable[[], None] | None = None) -> None:
        """`quotas`: a `GitHubTokenPool`, or a `TokenInfo` for one token alone. `closing`: called when connections close."""
        super().__init__()
        self._quotas = quotas
        self._closing = closing

    @property
    def token_type(self) -> str:
        """See `Auth`."""
        return "Bearer"

    @property
    def token(self) -> str:
        """A token that works now."""
        return self._quotas.pool.token().access_token.reveal()

    def authentication(self, headers: dict[str, Any]) -> None:
        """Nothing yet: whose token it will be is decided when the request is sent."""

    def withRequester(self, requester: Requester) -> GitHubPoolAuth:
        """PyGithub tells of each requester that it makes with this."""
        kind = getattr(requester, _CONNECTION_CLASS, None)
        if kind not in (HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass):
            raise ConfigError(
                "the connections of this PyGithub can't be hooked into",
                remedy="use PyGithub 2.8 to 2.10, and no injected connection classes",
            )
        secure = kind is HTTPSRequestsConnectionClass
        connect = partial(_HTTPS if secure else _HTTP, quotas=self._quotas, closing=self._closing)
        setattr(requester, _CONNECTION_CLASS, connect)
        return self


def client(quotas: Quotas | TokenSource, *, base_url: str = "", **options: Any) -> Github:
    """A `Github` that uses a pool, one `TokenInfo` of it, or a single source (then `base_url` may say where).

    It waits for limits as the pool does, and not in its own ways: those that PyGithub has would sleep for an hour. `options`
    are PyGithub's. Close it.
    """
    own: GitHubTokenPool | None = None
    if isinstance(quotas, TokenSource):
        from vestal.services.github.pool.pool import GitHubTokenPool

        quotas = own = GitHubTokenPool((), sources=[quotas], base_url=base_url)
    defaults: dict[str, Any] = {
        "base_url": quotas.api.place.api_url,
        "user_agent": USER_AGENT,
        "retry": None,
        "pool_size": CONNECTIONS,
        "seconds_between_requests": 0,
        "seconds_between_writes": 0,
    }
    return Github(auth=GitHubPoolAuth(quotas, closing=own.close if own else None), **defaults | options)


class _Asked(threading.local):
    """What a thread is about to send: PyGithub keeps one connection for all of them."""

    verb: str
    url: str
    input: Any
    headers: dict[str, str]


class _Relaying:
    """Goes before a connection class of PyGithub."""

    protocol: str
    host: str
    port: int
    timeout: Any
    verify: Any
    session: requests.Session

    def __init__(self, *args: Any, quotas: Quotas, closing: Callable[[], None] | None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._quotas = quotas
        self._closing = closing
        self._asked = _Asked()

    def request(self, verb: str, url: str, input: Any, headers: dict[str, str], stream: bool = False) -> None:
        """Note what is to be sent."""
        asked = self._asked
        asked.verb, asked.url, asked.input, asked.headers = verb, url, input, headers

    def getresponse(self) -> RequestsResponse:
        """Send it, as often as it takes."""
        asked, api = self._asked, self._quotas.api
        answers: list[requests.Response] = []
        at_hand = asked.input is None or isinstance(asked.input, str | bytes)
        body = asked.input.encode() if isinstance(asked.input, str) else asked.input if at_hand else None
        url = f"{self.protocol}://{self.host}{_port(self.protocol, self.port)}{asked.url}"
        steps = relayed(self._quotas, asked.verb, url, body=body, replayable=at_hand, retried=True)
        Runner(partial(self._send, answers), api.clock).run(steps)
        return RequestsResponse(answers[-1])

    def close(self) -> None:
        """Close the connections."""
        self.session.close()
        if self._closing is not None:
            self._closing()

    def _send(self, answers: list[requests.Response], request: APIRequest) -> APIResponse:
        sent_at = self._quotas.api.clock.now()
        result = self._exchange(request.url, request.headers["Authorization"])
        if isinstance(result, Exception):
            raise result
        answers.append(result)
        headers = {name.lower(): value for name, value in result.headers.items()}
        return APIResponse(result.status_code, headers, result.content, sent_at, request.url)

    def _exchange(self, url: str, authorization: Text) -> requests.Response | Exception:
        """The answer; or the failure as a value, without the traceback of what held the token."""
        asked = self._asked
        try:
            return self.session.request(
                asked.verb,
                url,
                headers={**asked.headers, **plain({"Authorization": authorization})},
                data=asked.input,
                timeout=self.timeout,
                verify=self.verify,
                allow_redirects=False,
            )
        except Exception as error:  # OSError, say, for certificates that are not there
            failure: Exception = error.with_traceback(None)
        failure.__cause__ = failure.__context__ = None
        return failure


class _HTTP(_Relaying, HTTPRequestsConnectionClass):
    """For plain http, on this machine."""


class _HTTPS(_Relaying, HTTPSRequestsConnectionClass):
    """For https."""


def _port(protocol: str, port: int) -> str:
    return "" if port == {"https": 443, "http": 80}[protocol] else f":{port}"
