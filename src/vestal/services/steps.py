"""What a client of a service does, as steps: written once, run by threads and by asyncio alike.

A flow is a generator. It yields a step whenever it needs the world (a request sent, a token, a wait), gets the outcome
back, and returns its result; an error is thrown into it at the same place. What differs between sync and async is only who
takes the steps: `Runner` or `AsyncRunner`. Flows call each other with `yield from`.

    def whoami(api: API) -> Steps[str]:
        response = yield from call(api, "GET", "/user")
        return response.json()["login"]

    class Client(Runs):
        whoami = operation(whoami)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from vestal.core.source import TokenSource
from vestal.core.token import Token
from vestal.services.exchange import APIRequest, APIResponse

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request; gives an `APIResponse`. Raises `NetworkError`, `TimedOut` and their kin."""

    request: APIRequest


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask a source; gives a `Token`. Raises what the source raises."""

    source: TokenSource
    newer_than: int | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Let some seconds pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Do:
    """Call a function that may block; gives what it returns. Asyncio awaits `or_await` instead, or calls it in a thread."""

    function: Callable[[], Any]
    or_await: Callable[[], Awaitable[Any]] | None = None


@dataclass(frozen=True, slots=True)
class Together:
    """Run flows side by side, `at_once` at most; gives the list of their results, in their order.

    The first error is raised once all that have begun have ended (asyncio cancels them); what has not begun by then does
    not begin.
    """

    flows: Sequence[Steps[Any]]
    at_once: int = 8


Step = Send | Ask | Wait | Do | Together
Steps = Generator[Step, Any, T]
"""A flow that ends with a `T`."""


def send(request: APIRequest) -> Steps[APIResponse]:
    """The step `Send`, typed."""
    response: APIResponse = yield Send(request)
    return response


def ask(source: TokenSource, newer_than: int | None = None) -> Steps[Token]:
    """The step `Ask`, typed."""
    token: Token = yield Ask(source, newer_than)
    return token


def do(function: Callable[[], T], or_await: Callable[[], Awaitable[T]] | None = None) -> Steps[T]:
    """The step `Do`, typed."""
    result: T = yield Do(function, or_await)
    return result


def together(flows: Sequence[Steps[T]], at_once: int = 8) -> Steps[list[T]]:
    """The step `Together`, typed."""
    results: list[T] = yield Together(flows, at_once)
    return results


class Runs(Protocol):
    """A client whose operations block."""

    def run(self, steps: Steps[T]) -> T:
        """Take the steps of a flow."""


class RunsAsync(Protocol):
    """A client whose operations are awaited."""

    async def arun(self, steps: Steps[T]) -> T:
        """Take the steps of a flow."""


class operation(Generic[P, T]):
    """A flow as a method: blocking on a client with `run`, awaitable on one with `arun`. It gets the client first."""

    def __init__(self, flow: Callable[Concatenate[Any, P], Steps[T]]) -> None:
        self.flow = flow
        self.__doc__ = flow.__doc__
        self.__wrapped__ = flow

    @overload
    def __get__(self, client: None, owner: type) -> operation[P, T]: ...
    @overload
    def __get__(self, client: Runs, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: RunsAsync, owner: type) -> Callable[P, Awaitable[T]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        """The method of one client."""
        if client is None:
            return self
        run = client.arun if hasattr(client, "arun") else client.run

        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            return run(self.flow(client, *args, **kwargs))

        method.__name__, method.__doc__ = self.flow.__name__, self.flow.__doc__
        return method
