"""What it means when GitHub says no: an answer of its REST API as one `VestalError`, and how long to wait. Pure.

https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Literal

from vestal.core.errors import (
    AuthFailed,
    ConfigError,
    HTTPError,
    NotInstalled,
    Outcome,
    PermissionDenied,
    RateLimited,
    ServiceError,
    TimedOut,
    Unprocessable,
    VestalError,
)
from vestal.core.secret import Secret
from vestal.core.transport import Response
from vestal.oauth2 import refusal as oauth2
from vestal.oauth2.address import origin
from vestal.oauth2.payload import Payload, read_payload, shown
from vestal.oauth2.retry_after import retry_after

Route = Literal["api", "app", "installation"]
"""What was asked: the API with a token; with an app's JWT, something of the app itself or one of its installations."""

PATIENCE = 60.0
"""Seconds to wait at least when GitHub names no time
(https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit)."""

_SECONDARY = re.compile(r"secondary rate limit|abuse detection|temporarily blocked from content creation", re.I)
_PRIMARY = re.compile(r"rate limit exceeded|rate limit already exceeded", re.I)
_NO_ACCESS = re.compile(r"resource not accessible|suspended|saml|must have admin|ip allow list|access blocked", re.I)
_INTEGRATION = re.compile(r"integration not found", re.I)
_WHO_ASKS = re.compile(r"\b(installation has been|your account (was|has been)) suspended", re.I)
_SSO = re.compile(r"url=(https://[^\s;,]{1,1000})")
_GATEWAY = (502, 504)
"""A gateway got no answer, or no good one: what is behind it may have done its work (RFC 9110, 15.6.3 and 15.6.5)."""

_LONGEST_OAUTH_ERROR = 4096
"""Characters. Only a short success can be an OAuth error in disguise; a long one is not searched for it."""


def is_secondary(response: Response) -> bool:
    """Whether a secondary limit was met: too much at once, too fast or too costly, whatever is left of the quota.

    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
    """
    if response.status not in (403, 429):
        return False
    told = _message(read_payload(response))
    if _SECONDARY.search(told):
        return True
    if _used_up(response) or _PRIMARY.search(told):
        return False
    return response.status == 429 or "retry-after" in response.headers


def is_primary(response: Response) -> bool:
    """Whether the quota is used up. The last request of a quota may also be denied for a reason of its own, which counts."""
    if response.status not in (403, 429) or is_secondary(response):
        return False
    told = _message(read_payload(response))
    return bool(_PRIMARY.search(told)) or (_used_up(response) and not _NO_ACCESS.search(told))


def is_suspended(response: Response) -> bool:
    """Whether the one who asks is suspended: the installation, or the account. (What is asked about may be so, too.)"""
    return response.status == 403 and bool(_WHO_ASKS.search(_message(read_payload(response))))


def wait(response: Response) -> float:
    """Seconds, from its sending, after which a limited request may be made again. At least one.

    Retry-After goes first; else the reset, corrected by GitHub's own clock (Date), if the quota is used up; else a minute,
    which whoever meets it again must let grow.
    """
    said = retry_after(response if _used_up(response) or is_primary(response) else _without_reset(response))
    return PATIENCE if said is None else max(said, 1.0)


def refusal(
    response: Response,
    *,
    asked: str = "",
    route: Route = "api",
    install_url: str = "",
    hidden: Collection[Secret] = (),
) -> VestalError | None:
    """The error that an answer stands for; None for a success, and for 304.

    `asked` says in messages what for (`GET /repos/acme/widgets`); `install_url` is where a person installs the app;
    `hidden` holds secrets that no message repeats. Errors that can pass are `Unavailable`, with `retry_after` where a wait
    is known; `code` is a word for programs: `bad_credentials`, `suspended`, `forbidden`, `sso_required`, `not_installed`,
    `not_found`, `gone`, `unprocessable`, `primary_rate_limit`, `secondary_rate_limit`, `unavailable`, ...
    """
    if 200 <= response.status < 300 or response.status == 304:
        return _disguised(response, hidden)
    payload = read_payload(response)
    what = f"GitHub refused {asked}" if asked else "GitHub refused the request"
    told = _told(response, payload, hidden)
    match response.status:
        case 401:
            return _unauthenticated(route, what, told)
        case 403 | 429:
            return _limited(response, what, told) or _denied(response, what, told)
        case 404 | 410:
            return _absent(response.status, route, what, told, install_url)
        case 422:
            return _unprocessable(route, what, told)
        case 451:
            return _denial(what, told, "it was taken down for legal reasons: see github.com/github/dmca", "legal")
        case 408:
            return TimedOut(f"{what}: {told}", remedy="ask again", code="timeout")
        case status if status >= 500:
            return _out_of_order(response, told)
    return _other(response, what, told)


def _unauthenticated(route: Route, what: str, told: str) -> VestalError:
    if route == "api":
        remedy = "the token has expired or was revoked, or this is not the GitHub it is for"
    elif "('exp')" in told or "('iat')" in told:
        remedy = "set this machine's clock; then run `vestal refresh` on the credential"
    else:
        remedy = "check the app's private key, its client id or app id, and this machine's clock"
    return AuthFailed(f"{what}: {told}", remedy=remedy, code="bad_credentials")


def _limited(response: Response, what: str, told: str) -> VestalError | None:
    if is_secondary(response):
        remedy, code = "ask more slowly, and less at once; GitHub may ban who goes on", "secondary_rate_limit"
    elif is_primary(response):
        remedy, code = "wait for the reset, or use another account or installation", "primary_rate_limit"
    else:
        return None
    return RateLimited(f"{what}: {told}", remedy=remedy, retry_after=wait(response), code=code)


def _denied(response: Response, what: str, told: str) -> VestalError:
    if "suspended" in told.lower():
        who = "its account's owner under Settings, Applications (Installed GitHub Apps), or the app's owner"
        remedy = f"who suspended it can lift that: {who}" if "installation" in told.lower() else "ask its administrator"
        return _denial(what, told, remedy, "suspended")
    sso = response.headers.get("x-github-sso", "")
    if sso.startswith("required"):
        address = _SSO.search(sso)
        where = (
            f"at {address[1]}" if address and address[1].isprintable() else "in the token's settings (Configure SSO)"
        )
        return _denial(what, told, f"authorize the token for the organization's single sign-on {where}", "sso_required")
    needed = shown(response.headers.get("x-accepted-github-permissions", ""))
    if needed:
        remedy = f"it takes one of the permissions {needed}: grant it, and accept it where the app is installed"
        return _denial(what, told, remedy, "forbidden")
    if scopes := shown(response.headers.get("x-accepted-oauth-scopes", "")):
        return _denial(what, told, f"check what the token may do; it takes one of the scopes {scopes}", "forbidden")
    return _denial(what, told, "check what the token, its app and its account are allowed to do", "forbidden")


def _absent(status: int, route: Route, what: str, told: str, install_url: str) -> VestalError:
    if route != "api" and (route == "app" or _INTEGRATION.search(told)):
        return AuthFailed(
            f"{what}: GitHub knows no such app: {told}", remedy="check its client id or app id", code="no_such_app"
        )
    if route == "installation":
        where = install_url or "from the app's own page on GitHub"
        return NotInstalled(
            f"{what}: the app is not installed there: {told}",
            remedy=f"install it: {where}; an installation that is made again has a new id",
            code="not_installed",
        )
    if status == 410:
        return HTTPError(f"{what}: it is gone: {told}", remedy="nothing brings it back", code="gone")
    return HTTPError(
        f"{what}: it is missing, or hidden from this token: {told}",
        remedy="check the name, and whether the token or the installation reaches that repository",
        code="not_found",
    )


def _unprocessable(route: Route, what: str, told: str) -> VestalError:
    remedy = "check what is sent"
    if route == "installation":
        remedy = "name only repositories that the installation reaches, and permissions that were granted to it"
    return Unprocessable(f"{what}: {told}", remedy=remedy, code="unprocessable")


def _out_of_order(response: Response, told: str) -> VestalError:
    return ServiceError(
        f"GitHub is out of order: {told}",
        remedy="ask again; https://www.githubstatus.com says more",
        retry_after=retry_after(_without_reset(response)),
        outcome=Outcome.UNKNOWN if response.status in _GATEWAY else Outcome.ANSWERED,
        code="unavailable",
    )


def _other(response: Response, what: str, told: str) -> VestalError:
    if 300 <= response.status < 400:
        target = shown(origin(response.headers.get("location", "")), 100)
        return ConfigError(
            f"GitHub redirects{f' to {target}' if target else ''}, which is not followed with secrets",
            remedy="check base_url",
            code="redirect",
        )
    if response.status == 400 and "version" in told.lower():
        return ConfigError(
            f"{what}: {told}", remedy="this GitHub does not have the API version that is asked for", code="version"
        )
    return HTTPError(f"{what}: {told}", code=f"status_{response.status}")


def _denial(what: str, told: str, remedy: str, code: str) -> PermissionDenied:
    return PermissionDenied(f"{what}: {told}", remedy=remedy, code=code)


def _disguised(response: Response, hidden: Collection[Secret]) -> VestalError | None:
    """An OAuth error, which GitHub sends as a success."""
    if len(response.body.reveal()) > _LONGEST_OAUTH_ERROR or "error_description" not in response.body.reveal():
        return None
    return oauth2.refusal(response, read_payload(response), service="GitHub", sent=hidden)


def _used_up(response: Response) -> bool:
    return response.headers.get("x-ratelimit-remaining", "").strip() == "0"


def _without_reset(response: Response) -> Response:
    """The quota's reset comes with every answer, and is no reason to wait for it while something is left."""
    kept = {name: text for name, text in response.headers.items() if "ratelimit" not in name}
    return replace(response, headers=kept)


def _message(payload: Payload | None) -> str:
    return "" if payload is None or not isinstance(payload.get("message"), str) else payload["message"]


def _told(response: Response, payload: Payload | None, hidden: Collection[Secret]) -> str:
    """What GitHub said, in its own words; the status where it said nothing (a page of HTML)."""
    parts = [shown(_message(payload), 300, hidden), *_details(payload, hidden)]
    return "; ".join(part for part in parts if part) or f"status {response.status}"


def _details(payload: Payload | None, hidden: Collection[Secret]) -> Iterator[str]:
    """The first errors of a 422 (the page above, section "Validation Failed")."""
    errors = None if payload is None else payload.get("errors")
    for error in errors[:3] if isinstance(errors, list) else []:
        if isinstance(error, str):
            yield shown(error, 200, hidden)
        elif isinstance(error, dict):
            fields = [error.get(name) for name in ("resource", "field", "code", "message")]
            yield " ".join(shown(field, 200, hidden) for field in fields if isinstance(field, str))
