"""What a fault makes of an answer. A pure function of both."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace

from vestal.testing.practice.fault import Fault, Kind
from vestal.testing.practice.message import Answer, json_answer


@dataclass(frozen=True, slots=True)
class Spoilt:
    """What is sent, and how."""

    answer: Answer | None
    """None: nothing at all."""
    sent: int | None = None
    """So many bytes of the body, though the header promises them all; then the connection is closed."""
    reset: bool = False
    """It is closed by a TCP reset."""
    pieces: int = field(default=1)
    pause: float = 0.0
    """Seconds between the pieces."""


def spoil(fault: Fault | None, answer: Answer) -> Spoilt:
    """What is sent when `fault` strikes `answer` (of no meaning where the fault does not let the request take effect)."""
    if fault is None:
        return Spoilt(answer)
    match fault.kind:
        case Kind.STATUS | Kind.RATE_LIMIT:
            status = 429 if fault.kind is Kind.RATE_LIMIT else int(fault.number("status"))
            retry_after = fault.text("retry_after")
            headers = {"Retry-After": retry_after} if retry_after else {}
            body = fault.text("body") if fault.kind is Kind.STATUS else ""
            kind = "application/json" if body.startswith("{") else "text/plain; charset=utf-8"
            return Spoilt(Answer(status, {"Content-Type": kind, **headers}, body.encode()))
        case Kind.ERROR_200:
            return Spoilt(json_answer({"error": fault.text("error"), "error_description": "a fault on demand"}))
        case Kind.EMPTY_400:
            return Spoilt(Answer(400))
        case Kind.REDIRECT:
            return Spoilt(Answer(int(fault.number("status")), {"Location": fault.text("location")}))
        case Kind.CUT_BEFORE | Kind.CUT_AFTER:
            return Spoilt(None, reset=fault.options["reset"] is True)
        case Kind.CUT_MIDDLE:
            return Spoilt(answer, sent=len(answer.body) // 2)
        case Kind.GARBAGE:
            size = int(fault.number("size"))
            return Spoilt(Answer(200, {"Content-Type": "application/json"}, secrets.token_bytes(size)))
        case Kind.TRUNCATED:
            return Spoilt(replace(answer, body=answer.body[: len(answer.body) // 2]))
        case Kind.CONTENT_TYPE:
            return Spoilt(replace(answer, headers={**answer.headers, "Content-Type": fault.text("content_type")}))
        case Kind.HUGE:
            return Spoilt(replace(answer, body=_padded(answer.body, int(fault.number("size")))))
        case Kind.DRIP:
            return Spoilt(answer, pieces=max(1, int(fault.number("pieces"))), pause=fault.number("seconds"))
        case _:
            return Spoilt(answer)


def _padded(body: bytes, size: int) -> bytes:
    """The same JSON object with a long member that says nothing; what is no JSON object gets spaces at its end."""
    if body.startswith(b"{") and body != b"{}":
        return b'{"padding": "' + b"x" * size + b'", ' + body[1:]
    return body + b" " * size
