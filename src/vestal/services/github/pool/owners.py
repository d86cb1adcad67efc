"""Whose quota a token draws on: a user's, which all tokens of that user share, or an installation's.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-primary-rate-limits
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from vestal.core.errors import StoreUnavailable, VestalError
from vestal.core.ledger import Ledger
from vestal.core.quota import Told
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.oauth2.retry_after import server_time
from vestal.services.exchange import APIRequest, APIResponse
from vestal.services.github.call import LAG, LAG_WAITS
from vestal.services.github.limits import limited, rest_after, told
from vestal.services.github.place import Place
from vestal.services.github.pool.members import Seat
from vestal.services.github.refusal import refusal
from vestal.services.steps import Steps, Wait, ask, do, send

_LIMITED_WHO = re.compile(rb"for (user|installation) ID (\d{1,18})")
"""A refusal tells whose quota is used up: `API rate limit exceeded for user ID 583231.`"""


@dataclass(frozen=True, slots=True)
class Whose:
    """What was found out about a member."""

    owner: str
    certain: bool = True
    """False: it has an owner of its own until it can be asked again."""
    refused: str | None = None
    """Why the token can't be used at all."""
    told: Told | None = None
    """What the answer says of the quota, if one was spent on asking."""


def whose(place: Place, seat: Seat, ledger: Ledger) -> Steps[Whose]:
    """Find out the owner of a member: by the ledger, which remembers by the token's fingerprint, else of GitHub.

    https://docs.github.com/en/rest/users/users#get-the-authenticated-user
    """
    host = host_of(place)
    if seat.installation is not None:
        return Whose(f"{host}/installation/{seat.installation}")
    try:
        token = yield from ask(seat.source)
        remembered = yield from _remembered(ledger, _key(host, token))
        if remembered is not None:
            return Whose(remembered)
        response = yield from _user(place, token)
        if response.status == 401:
            token, response = yield from _refused(place, seat, token, response)
    except VestalError as error:
        return Whose(f"{host}/member/{seat.name}", error.passing is False, None if error.passing else error.message)
    found = _read(response, host, token)
    if found.certain and found.refused is None:
        yield from _remember(ledger, _key(host, token), found.owner)
    return found


def buckets(response: APIResponse) -> list[Told]:
    """All buckets, from the answer to GET /rate_limit.

    https://docs.github.com/en/rest/rate-limit/rate-limit#get-rate-limit-status-for-the-authenticated-user
    """
    data = response.data
    resources = data.get("resources") if isinstance(data, dict) else None
    ahead = server_time(response.as_response()) - response.sent_at
    behind = ahead if abs(ahead) > 2 else 0.0
    listed = resources.items() if isinstance(resources, dict) else ()
    return [
        Told(name, fields["limit"], fields["remaining"], fields["reset"] - behind)
        for name, fields in listed
        if isinstance(fields, dict) and all(_is_count(fields.get(key)) for key in ("limit", "remaining", "reset"))
    ]


def host_of(place: Place) -> str:
    """Host and port of a place's API: one number may be two users at two places."""
    return urlsplit(place.api_url).netloc.lower()


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 10**15


def _user(place: Place, token: Token) -> Steps[APIResponse]:
    headers: dict[str, Any] = {**place.headers(), "Authorization": Secret(token.authorization)}
    return (yield from send(APIRequest("GET", place.url("/user"), headers)))


def _refused(place: Place, seat: Seat, token: Token, response: APIResponse) -> Steps[tuple[Token, APIResponse]]:
    """After a 401: a token that is seconds old is tried again, since not all of GitHub may know it; others are replaced."""
    if 0 <= response.sent_at - token.issued_at < LAG:
        for wait in LAG_WAITS:
            yield Wait(wait)
            response = yield from _user(place, token)
            if response.status != 401:
                return token, response
    token = yield from ask(seat.source, newer_than=token.version)
    return token, (yield from _user(place, token))


def _read(response: APIResponse, host: str, token: Token) -> Whose:
    """What an answer to GET /user says."""
    alone = f"{host}/token/{token.access_token.fingerprint()}"
    limit = limited(response)
    if response.status == 200:
        data = response.data if b"{" in response.body[:5] else None
        number = data.get("id") if isinstance(data, dict) else None
        return Whose(f"{host}/user/{number}", told=told(response)) if type(number) is int else Whose(alone, False)
    if limit is not None:
        named = _LIMITED_WHO.search(response.body[:500])
        owner = f"{host}/{named[1].decode()}/{int(named[2])}" if named else alone
        said = told(response, rest_after(response, 1) if limit == "secondary" else None)
        return Whose(owner, certain=named is not None, told=said)
    if response.status == 401:
        error = refusal(response.as_response(), asked="GET /user")
        return Whose(alone, refused="refused" if error is None else error.message)
    # An installation's token is nobody's, and does not say which installation's: 403 "not accessible by integration".
    return Whose(alone, certain=response.status in (403, 404), told=told(response))


def _key(host: str, token: Token) -> str:
    return f"github/owner/{host}/{token.access_token.fingerprint()}"


def _remembered(ledger: Ledger, key: str) -> Steps[str | None]:
    try:
        return (yield from do(lambda: ledger.read([key]).get(key)))
    except StoreUnavailable:
        return None


def _remember(ledger: Ledger, key: str, owner: str) -> Steps[None]:
    try:
        yield from do(lambda: ledger.change(key, lambda _: (owner, None)))
    except StoreUnavailable:
        return  # it is asked again next time
