"""Reading the body of an answer without losing its secrets: not into a traceback, not into a message."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from vestal.core.secret import Secret
from vestal.core.transport import Response

LONGEST_BODY = 1 << 20
"""Characters. What is longer is no answer of a token endpoint."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_WINDOW = 10
"""Characters of a secret in a row that count as mentioning it."""


class Payload(dict[str, Any]):
    """The fields of an answer. Its repr shows their names only, so a traceback that shows locals shows no token."""

    def __repr__(self) -> str:
        return f"Payload({', '.join(sorted(shown(name, 40) for name in self))})"

    __str__ = __repr__

    def secret(self, name: str) -> Secret | None:
        """A text field as a `Secret`; None if it is missing, null, empty or not text that can be kept and sent."""
        return Secret(self[name]) if is_text(self.get(name)) and self[name] else None

    def wrong(self, name: str) -> bool:
        """Whether a field that may only hold text, or nothing, holds something else."""
        return self.get(name) is not None and not is_text(self[name])


def is_text(value: object) -> bool:
    """Whether `value` is text that can be encoded: JSON can spell lone surrogates, and nothing can store them."""
    return isinstance(value, str) and not _SURROGATE.search(value)


def read_payload(response: Response) -> Payload | None:
    """The fields of an answer: a JSON object or a form (GitHub). None for anything else. Raises nothing."""
    if len(response.body.reveal()) > LONGEST_BODY:
        return None
    try:
        return _fields(json.loads(response.bytes(), parse_int=_integer))
    except (ValueError, RecursionError):  # RecursionError: ten thousand brackets
        pass
    return _form(response.body)


def shown(value: object, limit: int = 200, hidden: Iterable[Secret] = ()) -> str:
    """A service's text as it may be shown: one printable line; empty if it is no text or mentions a hidden secret."""
    if not isinstance(value, str):
        return ""
    line = " ".join("".join(character if character.isprintable() else " " for character in value).split())
    if any(mentions(line, limit, secret) for secret in hidden):
        return ""
    return line if len(line) <= limit else line[: limit - 1] + "…"


def mentions(line: str, limit: int, secret: Secret) -> bool:
    """Whether `line` has the secret in it, or in its first `limit` characters a recognisable part of it."""
    if not secret:
        return False
    part = line[:limit]
    windows = (part[start : start + _WINDOW] for start in range(len(part) - _WINDOW + 1))
    return secret.reveal().strip() in line or any(window in secret.reveal() for window in windows)


def _fields(value: object) -> Payload | None:
    return Payload(value) if isinstance(value, dict) else None


def _form(body: Secret) -> Payload | None:
    try:
        payload = Payload(parse_qsl(body.reveal(), max_num_fields=100, keep_blank_values=True))
    except ValueError:  # too many fields
        return None
    return payload if "access_token" in payload or "error" in payload else None


def _integer(digits: str) -> float:
    """Python refuses to read integers of thousands of digits; as a float they only say "very many"."""
    return int(digits) if len(digits) < 19 else float(digits)
