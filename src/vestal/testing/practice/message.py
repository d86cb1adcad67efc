"""One request and its answer as plain values, and the error that a decision ends with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""For every answer with tokens or other secrets (RFC 6749, 5.1)."""


class Refused(Exception):
    """The answer is an error (RFC 6749, 5.2). Its description is for people and never repeats what was sent."""

    def __init__(
        self, error: str, description: str, *, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status
        self.headers = dict(headers or {})


class Form:
    """The parameters of a query or a form (RFC 6749, appendix B)."""

    __slots__ = ("_values",)

    def __init__(self, text: str) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in parse_qsl(text, keep_blank_values=True, errors="replace"):
            # "Parameters sent without a value MUST be treated as if they were omitted" (RFC 6749, 3.1 and 3.2).
            if value:
                self._values.setdefault(name, []).append(value)

    def get(self, name: str) -> str | None:
        """The value, or None. Raises `Refused` where it is given twice: that MUST NOT be (RFC 6749, 3.1 and 3.2)."""
        values = self._values.get(name, [])
        if len(values) > 1:
            raise Refused("invalid_request", f"{name} is given more than once")
        return values[0] if values else None

    def need(self, name: str) -> str:
        """The value. Raises `Refused` where there is none."""
        value = self.get(name)
        if value is None:
            raise Refused("invalid_request", f"{name} is missing")
        return value


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request. Only its method and path are safe to show."""

    method: str
    path: str = field(repr=False)
    query_text: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names in lower case."""
    body: bytes = field(default=b"", repr=False)
    keep_alive: bool = True

    @property
    def query(self) -> Form:
        """The parameters of the address."""
        return Form(self.query_text)

    def form(self) -> Form:
        """The parameters of the body. Raises `Refused` if it is no form (RFC 6749, 3.2 and 4.1.3)."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise Refused("invalid_request", "the body must be application/x-www-form-urlencoded")
        return Form(self.body.decode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


def json_answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with a JSON body, not to be stored."""
    return Answer(
        status, {"Content-Type": "application/json", **NO_STORE, **(headers or {})}, json.dumps(value).encode()
    )


def refusal(refused: Refused) -> Answer:
    """The error as JSON (RFC 6749, 5.2)."""
    return json_answer(
        {"error": refused.error, "error_description": refused.description}, refused.status, refused.headers
    )
