"""One exchange with the API of a service, as plain values: no secrets in the answer, and as large as APIs answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from vestal.core.errors import HTTPError, Outcome
from vestal.core.secret import Secret
from vestal.core.transport import Response, Text


@dataclass(frozen=True, slots=True)
class APIRequest:
    """A request to an API. Secrets stay `Secret` until the edge encodes them."""

    method: str
    url: str
    headers: Mapping[str, Text] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class APIResponse:
    """A whole answer of an API."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    body: bytes = field(repr=False)
    sent_at: float = 0.0
    """When the request was sent (epoch seconds)."""
    url: str = ""
    """Of the request."""

    @cached_property
    def data(self) -> Any:
        """The body as JSON; None if it is empty. Raises `HTTPError` for what is no JSON."""
        if not self.body.strip():
            return None
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            pass
        raise HTTPError(f"an answer with status {self.status} is no JSON", remedy="ask again", outcome=Outcome.UNKNOWN)

    def head(self) -> Response:
        """The same as the core sees answers, without the body: for the functions that read headers only."""
        return Response(self.status, self.headers, Secret(""), self.sent_at)

    def as_response(self) -> Response:
        """The same as the core sees answers, for the functions that say what they mean."""
        return Response(self.status, self.headers, Secret(self.body.decode("latin-1")), self.sent_at)
