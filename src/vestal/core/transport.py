"""One HTTP exchange as plain values. The core decides what is sent and what an answer means; a `Send` does it.

A `Send` raises `NetworkError` or `TimedOut`, with `outcome` saying whether the request may have reached the service.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from vestal.core.secret import Secret

Text = str | Secret


@dataclass(frozen=True, slots=True)
class Request:
    """A request to a service's token endpoint or one beside it. Secrets stay `Secret` until the edge encodes them."""

    method: str
    url: str
    headers: Mapping[str, Text] = field(default_factory=dict)
    form: Mapping[str, Text] | None = None
    """Sent as application/x-www-form-urlencoded (RFC 6749, appendix B)."""
    json: Mapping[str, object] | None = field(default=None, repr=False)
    """Sent as application/json; values may be secrets."""


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer. Its body may hold tokens, so it never shows in a repr."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    body: Secret
    """The bytes as text, decoded as latin-1, so that any bytes can be kept and none are lost."""
    sent_at: float
    """When the request was sent (epoch seconds): the moment from which `expires_in` counts."""

    def bytes(self) -> bytes:
        """The body as it came."""
        return self.body.reveal().encode("latin-1")


Send = Callable[[Request], Response]
