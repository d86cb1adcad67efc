"""What happens, as it happens: server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vestal.core.events import Event
from vestal.daemon.auth import grantee_of, still_welcome
from vestal.daemon.broadcast import Broadcast, Listening, Numbered
from vestal.daemon.limits import Limits
from vestal.daemon.routes.route import PlainRoute, house_of, problems
from vestal.operations.times import rfc3339

router = APIRouter(route_class=PlainRoute, tags=["events"])

_CREDENTIAL = {
    "name": "credential",
    "in": "query",
    "description": "Only what happens to this one.",
    "schema": {"type": "string"},
}
_LAST = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "Begin after this event, as far as it is remembered.",
    "schema": {"type": "string"},
}


@router.get(
    "/v1/events",
    summary="What happens to the credentials that the key is good for",
    responses={
        200: {
            "description": "Events by kind (`vestal.core.events.Kind`); `lost` tells a slow listener how many it missed",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **problems(401, 429, 503),
    },
    openapi_extra={"parameters": [_CREDENTIAL, _LAST]},
)
async def events(request: Request) -> Response:
    """A stream that ends when the daemon does. Events carry no secrets."""
    grantee = grantee_of(request.scope)
    only = request.query_params.get("credential")
    last = request.headers.get("last-event-id", "")
    after = int(last) if last.isascii() and last.isdigit() and len(last) < 19 else None
    house = house_of(request)

    def wanted(event: Event) -> bool:
        return (only is None or event.credential == only) and grantee.sees(event.credential)

    listening = house.broadcast.listen(wanted, after, by=grantee.name)
    return EventStream(house.broadcast, listening, house.limits, lambda: still_welcome(house, request.scope))


class EventStream(Response):
    """An answer that goes on until the client goes, stalls or is not welcome any more, or `Broadcast.end`."""

    media_type = "text/event-stream"

    def __init__(
        self, broadcast: Broadcast, listening: Listening, limits: Limits, welcome: Callable[[], Awaitable[bool]]
    ) -> None:
        """`welcome` is asked once per heartbeat: keys are revoked, and sessions end."""
        self._welcome = welcome
        self._broadcast = broadcast
        self._listening = listening
        self._limits = limits
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self.raw_headers = [pair for pair in self.raw_headers if pair[0] != b"content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events, and watch for the client's end."""
        tasks = [asyncio.ensure_future(self._tell(send)), asyncio.ensure_future(_gone(receive))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._broadcast.leave(self._listening)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await self._send(send, b": welcome\n\n")
        steady = asyncio.get_running_loop().time
        look_at = steady() + self._limits.heartbeat
        while True:
            numbered = await self._listening.next(self._limits.heartbeat)
            if steady() >= look_at:
                look_at = steady() + self._limits.heartbeat
                if not await self._welcome():
                    break
            if self._listening.lost:
                lost, self._listening.lost = self._listening.lost, 0
                await self._send(send, f'event: lost\ndata: {{"count": {lost}}}\n\n'.encode())
            if numbered is not None:
                await self._send(send, as_text(numbered))
            elif self._listening.ended:
                break
            else:
                await self._send(send, b":\n\n")
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, chunk: bytes) -> None:
        """A listener that does not take it in time is let go."""
        async with asyncio.timeout(self._limits.stalled):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})


def as_text(numbered: Numbered) -> bytes:
    """One event as it is sent. JSON text has no line ends in it."""
    event = numbered.event
    told = {"kind": event.kind.value, "credential": event.credential, "at": rfc3339(event.at), "data": dict(event.data)}
    return f"id: {numbered.number}\nevent: {event.kind.value}\ndata: {json.dumps(told, default=str)}\n\n".encode()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
