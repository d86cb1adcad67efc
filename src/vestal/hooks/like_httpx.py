"""The hook for httpx and its successor httpx2, whose auth objects work the same way."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, MutableMapping
from typing import Any, ClassVar, Protocol, TypeVar

from vestal.hooks.flow import Answer, Exchange
from vestal.hooks.hook import Hook


class _URL(Protocol):
    @property
    def scheme(self) -> str: ...
    @property
    def netloc(self) -> bytes: ...


class _Request(Protocol):
    method: str

    @property
    def url(self) -> _URL: ...
    @property
    def headers(self) -> MutableMapping[str, str]: ...
    @property
    def stream(self) -> object: ...


RequestT = TypeVar("RequestT", bound=_Request)
RequestT_co = TypeVar("RequestT_co", bound=_Request, covariant=True)


class _Response(Protocol[RequestT_co]):
    status_code: int

    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def request(self) -> RequestT_co: ...


class LikeHttpx(Hook):
    """Goes before the client's own `Auth` among the bases of its hook.

    The client follows redirects between two tries, so an answer's own request is the one that is sent again: after a
    POST was redirected to a page that refuses the token, only that page is asked for once more.
    """

    byte_stream: ClassVar[type[object]]
    """What the client makes of a body that it holds in memory."""

    def sync_auth_flow(self, request: RequestT) -> Generator[RequestT, _Response[RequestT], None]:
        """One request of a `Client`."""
        origin = _origin(request)
        if not self._origins.carry(origin):
            yield request
            return
        exchange = Exchange(self._source.token(), origin)
        while True:
            exchange.sign(request.headers, request.method, request.url)
            response = yield request
            if exchange.settled(response.status_code) or not self._again(exchange, self._answer(exchange, response)):
                return
            request = response.request

    async def async_auth_flow(self, request: RequestT) -> AsyncGenerator[RequestT, _Response[RequestT]]:
        """One request of an `AsyncClient`."""
        origin = _origin(request)
        if not self._origins.carry(origin):
            yield request
            return
        exchange = Exchange(await self._source.atoken(), origin)
        while True:
            exchange.sign(request.headers, request.method, request.url)
            response = yield request
            if exchange.settled(response.status_code) or not await self._again_async(
                exchange, self._answer(exchange, response)
            ):
                return
            request = response.request

    def _answer(self, exchange: Exchange, response: _Response[_Request]) -> Answer:
        request = response.request
        return Answer(
            status=response.status_code,
            url=str(request.url),
            challenges=response.headers.get("WWW-Authenticate", ""),
            nonce=response.headers.get("DPoP-Nonce"),
            carried=exchange.carried_by(request.headers),
            replayable=isinstance(request.stream, self.byte_stream) or _is_rewinding_form(request.stream),
        )


def _origin(request: _Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"


def _is_rewinding_form(stream: object) -> bool:
    """Whether `stream` is a multipart form that can be sent again.

    The client's encoder goes back to the start of each file whenever it begins, if the file can seek at all.
    """
    fields: list[Any] | None = getattr(stream, "fields", None)
    return fields is not None and all(_is_rewinding(getattr(field, "file", b"")) for field in fields)


def _is_rewinding(content: Any) -> bool:
    return isinstance(content, str | bytes) or bool(getattr(content, "seekable", bool)())
