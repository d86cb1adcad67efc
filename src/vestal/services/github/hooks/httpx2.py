"""The hook for httpx2.

    client = httpx2.Client(base_url="https://api.github.com", auth=GitHubPoolAuth(pool))

The same object serves `AsyncClient`, and single requests (`auth=`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import Any, NoReturn

import httpx2

from vestal.core.secret import Secret
from vestal.services.exchange import APIRequest, APIResponse
from vestal.services.github.hooks.flow import Quotas, last_from, origins, relayed
from vestal.services.runner import AsyncRunner, Runner
from vestal.services.steps import Send, Step, Steps

TIMEOUT = 60.0
"""Seconds that a client made here waits for each part of an answer."""


class GitHubPoolAuth(httpx2.Auth):
    """Sends the requests of an httpx2 client with the tokens of a pool, and keeps its books; see `relayed` for how.

    The tokens stay with the origin of GitHub's API: requests to any other go out as they are. A request that is cancelled,
    or breaks, counts as spent until the service says otherwise. May be shared by any number of clients, threads and tasks.
    """

    def __init__(self, quotas: Quotas, *, asleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """`quotas`: a `GitHubTokenPool`, or a `TokenInfo` for one token alone. `asleep`: how tasks wait."""
        self._quotas = quotas
        self._origins = origins(quotas.api.place)
        self._runner = Runner(_never, quotas.api.clock)
        self._async_runner = AsyncRunner(_never, asleep)

    def sync_auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """One request of a `Client`."""
        if not self._carried(request):
            yield request
            return
        steps = self._steps(request)
        try:
            step = _on(steps)
            while step is not None:
                if isinstance(step, Send):
                    _sign(request, step)
                    sent_at = self._quotas.api.clock.now()
                    response = yield request
                    if _is_told_in_body(request, response):
                        response.read()
                    step = _on(steps, self._answer(response, sent_at))
                else:
                    step = self._take(steps, step)
        finally:
            steps.close()

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """One request of an `AsyncClient`."""
        if not self._carried(request):
            yield request
            return
        steps = self._steps(request)
        try:
            step = _on(steps)
            while step is not None:
                if isinstance(step, Send):
                    _sign(request, step)
                    sent_at = self._quotas.api.clock.now()
                    response = yield request
                    if _is_told_in_body(request, response):
                        await response.aread()
                    step = _on(steps, self._answer(response, sent_at))
                else:
                    step = await self._atake(steps, step)
        finally:
            steps.close()

    def _carried(self, request: httpx2.Request) -> bool:
        return self._origins.carry(f"{request.url.scheme}://{request.url.netloc.decode('ascii')}")

    def _steps(self, request: httpx2.Request) -> Steps[APIResponse]:
        held = isinstance(request.stream, httpx2.ByteStream)
        body = b"".join(request.stream) if isinstance(request.stream, httpx2.ByteStream) else None
        return relayed(self._quotas, request.method, str(request.url), body=body, replayable=held)

    def _answer(self, response: httpx2.Response, sent_at: float) -> APIResponse:
        """What GitHub itself said: the client may have followed a redirect to elsewhere."""
        hops = [*response.history, response]
        hop = hops[last_from(self._quotas.api.place, [str(each.request.url) for each in hops])]
        headers = {name.lower(): value for name, value in hop.headers.items()}
        body = hop.content if hop.is_stream_consumed or hop.is_closed else b""
        return APIResponse(hop.status_code, headers, body, sent_at, str(hop.request.url))

    def _take(self, steps: Steps[APIResponse], step: Step) -> Step | None:
        """Take a step that sends nothing; the next one."""
        try:
            outcome = self._runner.take(step)
        except BaseException as error:
            return _thrown(steps, error)
        return _on(steps, outcome)

    async def _atake(self, steps: Steps[APIResponse], step: Step) -> Step | None:
        try:
            outcome = await self._async_runner.take(step)
        except BaseException as error:
            return _thrown(steps, error)
        return _on(steps, outcome)


def client(quotas: Quotas, **options: Any) -> httpx2.Client:
    """A client of GitHub's API, with paths as addresses: `client.get("/user")`. `options` are httpx2's. Close it."""
    place = quotas.api.place
    headers = {name: text for name, text in place.headers().items() if isinstance(text, str)}
    defaults: dict[str, Any] = {"headers": headers, "follow_redirects": True, "timeout": TIMEOUT}
    return httpx2.Client(base_url=place.api_url, auth=GitHubPoolAuth(quotas), **defaults | options)


def _on(steps: Steps[APIResponse], outcome: Any = None) -> Step | None:
    """The next step; None at the end, when the last answer is the caller's."""
    try:
        return steps.send(outcome)
    except StopIteration:
        return None


def _thrown(steps: Steps[APIResponse], error: BaseException) -> Step | None:
    try:
        return steps.throw(error)
    except StopIteration:
        return None


def _sign(request: httpx2.Request, step: Send) -> None:
    authorization = step.request.headers["Authorization"]
    assert isinstance(authorization, Secret)
    request.headers["Authorization"] = authorization.reveal()


def _is_told_in_body(request: httpx2.Request, response: httpx2.Response) -> bool:
    """Whether the body may say that a limit was hit: a stream of anything else is left to the caller."""
    graphql = response.status_code == 200 and request.url.path.endswith("/graphql")
    return graphql or response.status_code in (403, 429)


def _never(request: APIRequest) -> NoReturn:
    raise AssertionError("the client itself sends")
