"""What surrounds every request and answer: the rules for all, common headers, ETags, and what faults answer."""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import UTC, datetime

from tests.github.stub.faults import BAD_GATEWAY, GATEWAY_TIMEOUT, GRAPHQL_TIMEOUT, Fault
from tests.github.stub.refusal import JSON, Refused
from tests.github.stub.tokens import Token
from vestal.testing.practice.message import Answer, Request

VERSIONS = ("2022-11-28", "2026-03-10")
READING = ("GET", "HEAD", "OPTIONS")
NO_USER_AGENT = (
    "\r\nRequest forbidden by administrative rules. Please make sure your request has a User-Agent header "
    "(https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required).\r\n"
)


class _Plain(Refused):
    """An error that is no JSON."""

    def answer(self) -> Answer:
        return Answer(self.status, {"Content-Type": "text/html"}, self.message.encode())


def without_prefix(path: str) -> tuple[str, bool]:
    """The path as on api.github.com, and whether it was an Enterprise Server's."""
    if path == "/api/graphql":
        return "/graphql", True
    if path.startswith("/api/v3"):
        return path.removeprefix("/api/v3") or "/", True
    return path, False


def instead(fault: Fault | None) -> Answer | None:
    """What a fault answers in place of doing anything."""
    if fault is None:
        return None
    if fault.kind == "bad_gateway":
        return Answer(502, {"Content-Type": "text/html"}, BAD_GATEWAY.encode())
    if fault.kind == "gateway_timeout":
        return Answer(504, {"Content-Type": JSON}, GATEWAY_TIMEOUT.encode())
    if fault.kind == "graphql_timeout":
        return Answer(
            fault.status, {"Content-Type": JSON}, as_json({"data": None, "errors": [{"message": GRAPHQL_TIMEOUT}]})
        )
    return Answer(500) if fault.kind == "cut" and not fault.effect else None


def graphql_body(request: Request) -> dict[str, object]:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        raise Refused(400, "Problems parsing JSON") from None
    if not isinstance(body, dict):
        raise Refused(400, "A query attribute must be specified and must be a string.")
    return body


def as_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def greet(request: Request) -> None:
    """Raises `Refused` where a request lacks what all need.

    https://docs.github.com/rest/using-the-rest-api/getting-started-with-the-rest-api#user-agent
    https://docs.github.com/rest/about-the-rest-api/api-versions
    """
    if not request.headers.get("user-agent"):
        raise _Plain(403, NO_USER_AGENT)
    version = request.headers.get("x-github-api-version", VERSIONS[0])
    if version not in VERSIONS:
        raise Refused(400, f"API version {version} is not supported.")


def conditional(request: Request, answer: Answer, *, by_token: bool) -> Answer:
    """The answer with its ETag; without its body (304) if the client has it already.

    https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
    """
    if request.method not in READING or answer.status != 200:
        return answer
    whose = request.headers.get("authorization", "") if by_token else ""
    parts = (request.headers.get("accept", "").encode(), whose.encode(), answer.body)
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()
    headers = {
        **answer.headers, "ETag": f'W/"{digest}"', "Cache-Control": "private, max-age=60, s-maxage=60",
        "Vary": "Accept, Authorization, Cookie, X-GitHub-OTP,Accept-Encoding, Accept, X-Requested-With",
    }  # fmt: skip
    if digest in request.headers.get("if-none-match", ""):
        return Answer(304, headers)
    return Answer(200, headers, answer.body)


def usual_headers(request: Request, enterprise: bool, token: Token | None) -> dict[str, str]:
    """Headers of every answer."""
    headers = {
        "Server": "github.com", "X-GitHub-Media-Type": "github.v3; format=json",
        "X-GitHub-Request-Id": secrets.token_hex(8).upper(),
        "X-GitHub-Api-Version-Selected": request.headers.get("x-github-api-version", VERSIONS[0]),
    }  # fmt: skip
    if enterprise:
        headers["X-GitHub-Enterprise-Version"] = "3.19.0"
    if token is not None and token.kind == "classic":
        headers["X-OAuth-Scopes"] = "repo"
    if token is not None and token.kind in ("classic", "fine-grained") and token.expires_at is not None:
        moment = datetime.fromtimestamp(token.expires_at, UTC)
        headers["GitHub-Authentication-Token-Expiration"] = moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    return headers
