"""Cache status in the form that programs of seed 002 know, for every credential: `?credential=NAME`.

Without a name it is the only credential there is; with several, the numbers are sums over all of them, and there is no
`token_info`. The credentials that a key is not good for are not there for it.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vestal.core.errors import VestalError
from vestal.core.margins import margins
from vestal.core.token import Token
from vestal.daemon.access import Grantee
from vestal.daemon.auth import demand, grantee_of
from vestal.daemon.counters import Tally
from vestal.daemon.house import House
from vestal.daemon.problem import status_of, unknown_credential
from vestal.daemon.routes.route import PlainRoute, house_of, json_answer, problems

router = APIRouter(route_class=PlainRoute, tags=["token cache"])
_log = logging.getLogger("vestal.daemon")

_CREDENTIAL = {"name": "credential", "in": "query", "description": "Which one.", "schema": {"type": "string"}}
_ENVELOPE = {
    "type": "object",
    "required": ["success", "timestamp", "request_id"],
    "properties": {
        "success": {"type": "boolean"},
        "timestamp": {"type": "string", "format": "date-time"},
        "request_id": {"type": "string", "format": "uuid"},
        "message": {"type": "string"},
        "error_code": {"type": "string", "enum": ["credential_not_found", "cache_status_error"]},
        "data": {
            "type": "object",
            "required": ["cache_info"],
            "properties": {
                "cache_info": {
                    "type": "object",
                    "required": ["cache_metrics", "has_cached_token", "performance"],
                    "properties": {
                        "cache_metrics": {"type": "object", "additionalProperties": {"type": "integer"}},
                        "has_cached_token": {"type": "boolean"},
                        "performance": {"type": "object", "additionalProperties": {"type": "number"}},
                        "token_info": {"type": "object"},
                    },
                }
            },
        },
    },
}


def _answers(what: str) -> dict[int | str, dict[str, Any]]:
    """The part of the OpenAPI for answers in the envelope, and for refused keys."""
    content = {"application/json": {"schema": _ENVELOPE}}
    enveloped = {200: what, 404: "There is no such credential", 500: "The store, or the credential, can't be read"}
    return {
        **{status: {"description": text, "content": content} for status, text in enveloped.items()},
        **problems(401, 403, 429),
    }


@router.get(
    "/api/token-cache/status",
    summary="Cache status",
    responses=_answers("The numbers"),
    openapi_extra={"parameters": [_CREDENTIAL]},
)
async def status(request: Request) -> Response:
    """Hits, misses and refreshes since the daemon started, and the age of the token."""
    return await _answer(request, lambda info: {"data": {"cache_info": info}})


@router.get(
    "/api/token-cache/performance",
    summary="Cache performance",
    responses=_answers("They are in the log"),
    openapi_extra={"parameters": [_CREDENTIAL]},
)
async def performance(request: Request) -> Response:
    """Write the same into the daemon's log, in one line."""

    def log(info: dict[str, Any]) -> dict[str, Any]:
        numbers = {**info["cache_metrics"], **info["performance"]}
        _log.info("token cache: %s", " ".join(f"{key}={value}" for key, value in numbers.items()))
        return {"message": "Performance summary logged to console"}

    return await _answer(request, log)


def cache_info(
    tally: Tally, token: Token | None, now: float, *, has_token: bool, refresh_count: int = 0
) -> dict[str, Any]:
    """The numbers. `is_nearly_expired` and `is_expired` count from the soft and the hard margin: 10 and 5 minutes before
    expiry for a token of an hour, as there. Shares are in percent, and absent while there is nothing to divide.
    """
    attempts = tally.refreshed + tally.failed
    performance: dict[str, float] = {}
    if tally.gets:
        performance["cache_hit_rate_percent"] = round(100 * tally.hits / tally.gets, 1)
    if attempts:
        performance["refresh_success_rate_percent"] = round(100 * tally.refreshed / attempts, 1)
    info: dict[str, Any] = {
        "cache_metrics": {
            "cache_hits": tally.hits,
            "cache_misses": tally.misses,
            "refresh_attempts": tally.refreshes,
            "refresh_successes": tally.refreshed,
            "refresh_failures": tally.failed,
            "total_requests": tally.gets,
        },
        "has_cached_token": has_token,
        "performance": performance,
    }
    if token is not None:
        info["token_info"] = _token_info(token, now, refresh_count)
    return info


def _token_info(token: Token, now: float, refresh_count: int) -> dict[str, Any]:
    """Times to the second. The form of `expires_at` has no zone: it is UTC."""
    age, left, moments = now - token.issued_at, token.expires_in(now), margins(token)
    return {
        "age_seconds": int(age),
        "age_minutes": round(age / 60, 1),
        "time_until_expiry_seconds": None if left is None else int(left),
        "time_until_expiry_minutes": None if left is None else round(left / 60, 1),
        "is_expired": moments.hard_at is not None and now >= moments.hard_at,
        "is_nearly_expired": moments.soft_at is not None and now >= moments.soft_at,
        "refresh_count": refresh_count,
        "expires_at": None
        if token.expires_at is None
        else time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(token.expires_at)),
    }


async def _answer(request: Request, use: Callable[[dict[str, Any]], dict[str, Any]]) -> Response:
    """The envelope of these routes, for failures as well; but refused keys are problems as everywhere."""
    grantee = grantee_of(request.scope)
    name = request.query_params.get("credential")
    if name is not None:
        demand(request.scope, None, name)
    house = house_of(request)
    timestamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(house.home.clock.now()))
    envelope = {"success": True, "timestamp": timestamp, "request_id": str(uuid.uuid4())}
    headers = {"X-Request-ID": str(envelope["request_id"]), "X-Response-Timestamp": timestamp}
    try:
        info = await _info(house, name, grantee)
    except VestalError as error:
        missing = status_of(error) == 404
        code = "credential_not_found" if missing else "cache_status_error"
        failed = {**envelope, "success": False, "message": error.message, "error_code": code}
        return json_answer(failed, 404 if missing else 500, headers)
    return json_answer({**envelope, **use(info)}, 200, headers)


async def _info(house: House, name: str | None, grantee: Grantee) -> dict[str, Any]:
    if name is None:
        names = [each for each in await house.read(house.home.store.names) if grantee.sees(each)]
        if len(names) != 1:
            return cache_info(house.counters.total(names), None, house.home.clock.now(), has_token=house.holds(names))
        name = names[0]
    chosen = name
    await house.source(chosen)
    credential = await house.read(lambda: house.home.store.load(chosen))
    if credential is None:
        house.forget(name)
        raise unknown_credential(name)
    return cache_info(
        house.counters.of(name),
        credential.token,
        house.home.clock.now(),
        has_token=credential.token is not None,
        refresh_count=credential.refresh_count,
    )
