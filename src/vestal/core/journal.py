"""The journal of one refresh: every answer is persisted before anybody reads it.

A worker that takes over an interrupted refresh runs the provider again over the recorded answers, and only what was not
answered yet is really sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from vestal.core.secret import Secret
from vestal.core.transport import Request, Response, Send


def record(response: Response) -> Secret:
    """A response as one sealed line."""
    return Secret(
        json.dumps([response.status, dict(response.headers), response.body.reveal(), response.sent_at], allow_nan=False)
    )


def recall(line: Secret) -> Response:
    """A recorded response as it was."""
    status, headers, body, sent_at = json.loads(line.reveal())
    return Response(status=status, headers=headers, body=Secret(body), sent_at=sent_at)


class Journal:
    """A `Send` that gives back recorded answers first, then sends, and hands each new answer to `keep` at once."""

    def __init__(self, send: Send, keep: Callable[[Response], None], recorded: Sequence[Secret] = ()) -> None:
        self._send = send
        self._keep = keep
        self._recorded = list(recorded)
        self.sent_at: float | None = None
        """When the request of the last answer was sent."""
        self.sending = False
        """True while a request is under way: an error that leaves it True has an unknown outcome."""

    def __call__(self, request: Request) -> Response:
        """The recorded answer, or a new one, already kept."""
        if self._recorded:
            response = recall(self._recorded.pop(0))
        else:
            self.sending = True
            response = self._send(request)
            self._keep(response)
            self.sending = False
        self.sent_at = response.sent_at
        return response
