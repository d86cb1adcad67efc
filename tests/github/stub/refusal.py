"""The error that a request ends with, in the shape of GitHub's."""

from __future__ import annotations

import json
from collections.abc import Mapping

from vestal.testing.practice.message import Answer

DOCUMENTATION = "https://docs.github.com/rest"
JSON = "application/json; charset=utf-8"


class Refused(Exception):
    """The answer is an error. `message` is GitHub's wording."""

    def __init__(
        self, status: int, message: str, *, headers: Mapping[str, str] | None = None, errors: object = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})
        self.errors = errors

    def answer(self) -> Answer:
        body: dict[str, object] = {"message": self.message, "documentation_url": DOCUMENTATION}
        if self.errors is not None:
            body["errors"] = self.errors
        body["status"] = str(self.status)
        return Answer(self.status, {"Content-Type": JSON, **self.headers}, json.dumps(body).encode())


def not_found() -> Refused:
    """Not there, or hidden from the one who asks: GitHub does not tell which."""
    return Refused(404, "Not Found")


def bad_credentials() -> Refused:
    return Refused(401, "Bad credentials")
