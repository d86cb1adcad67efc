"""`GitHubTokenProvider`: a token that a person made (classic, fine-grained), or any fixed one, as a credential.

It can't be refreshed; `refresh` asks GitHub whether it still works. It is kept where a refresh token would be, and given out
as it is.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from vestal.core.clock import Clock
from vestal.core.credential import Credential
from vestal.core.errors import AuthFailed, ConfigError, NeedsLogin, PermissionDenied
from vestal.core.grant import Grant, seconds
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.core.transport import Request, Response, Send
from vestal.oauth2.payload import read_payload, shown
from vestal.oauth2.retry_after import http_date, server_time
from vestal.services.github.place import Place
from vestal.services.github.refusal import refusal

PROVIDER = "github_token"

KINDS = {
    "ghp_": "classic",
    "github_pat_": "fine-grained",
    "gho_": "oauth",
    "ghu_": "user-to-server",
    "ghs_": "installation",
}
"""What a token is, by how it begins
(https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github)."""

EXPIRATION = "github-authentication-token-expiration"
"""The header that says when a personal access token ends: `2026-12-21 08:26:23 UTC`, or with an offset in its place."""

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?", re.I)


class GitHubTokenProvider:
    """See the module."""

    name = PROVIDER

    def check(self, credential: Credential) -> None:
        """Raise `ConfigError` for a credential that can't work, before it is saved."""
        Place.of(credential.app.settings.get("base_url", ""))
        if not credential.refresh_token:
            raise ConfigError("there is no token", remedy="give it with --refresh-token-file, - for stdin")
        if not _is_sendable(credential.refresh_token):
            raise ConfigError("the token can't be sent in a header", remedy="give the token alone, on one line")

    def endpoint(self, credential: Credential) -> str:
        """The root of the API. Raises `ConfigError`."""
        return Place.of(credential.app.settings.get("base_url", "")).api_url

    def apis(self, credential: Credential) -> tuple[str, ...]:
        """Where the token is for. Raises `ConfigError`."""
        place = Place.of(credential.app.settings.get("base_url", ""))
        return tuple(dict.fromkeys((place.api_url, place.graphql_url, place.uploads_url)))

    def at_stake(self, credential: Credential) -> Secret | None:
        """Nothing: asking twice whether a token works does no harm to it."""
        return None

    def rotates(self, credential: Credential) -> bool:
        """It stays what it is."""
        return False

    def client_fingerprint(self, credential: Credential) -> str:
        """Identifies the token, and the place that it is for."""
        token = credential.refresh_token.fingerprint() if credential.refresh_token else ""
        return Secret("\0".join([PROVIDER, credential.app.settings.get("base_url", ""), token])).fingerprint()

    def needs(self, credential: Credential) -> str | None:
        """Nothing."""
        return None

    def refresh(self, credential: Credential, send: Send, clock: Clock) -> Grant:
        """The same token, if GitHub still takes it. Raises `NeedsLogin` if not, and other `VestalError`s.

        https://docs.github.com/en/rest/users/users#get-the-authenticated-user
        """
        place, token = Place.of(credential.app.settings.get("base_url", "")), credential.refresh_token
        if token is None:
            raise NeedsLogin("there is no token", reason="missing", remedy=_remedy(credential, place))
        authorization = {"Authorization": Secret(f"Bearer {token.reveal()}")}
        response = send(Request("GET", place.url("/user"), place.headers() | authorization))
        error = refusal(response, asked="GET /user", hidden=[token])
        if isinstance(error, AuthFailed):
            raise NeedsLogin(error.message, remedy=_remedy(credential, place), code=error.code)
        # An installation's token is nobody's, and a fine-grained one may not be asked whose it is. Both are good.
        anonymous = isinstance(error, PermissionDenied) and error.code == "forbidden" and _is_not_accessible(response)
        if error is not None and not anonymous:
            raise error
        scopes = response.headers.get("x-oauth-scopes")
        granted = None if scopes is None else shown(scopes.replace(",", " "), 1000, [token])
        ends = _moment(response.headers.get(EXPIRATION, ""))
        return Grant(
            access_token=token,
            expires_in=None if ends is None else seconds(ends - server_time(response)),
            scope=granted,
            extra=_owner(response, token) | {"kind": kind(token)} | ({"scopes": granted.split()} if granted else {}),
        )

    def present(self, credential: Credential) -> Token | None:
        """The token as it is."""
        return credential.token


def kind(token: Secret) -> str:
    """What a token is, by how it begins; `unknown` for one of the time before that told."""
    return next((kind for prefix, kind in KINDS.items() if token.reveal().startswith(prefix)), "unknown")


def _owner(response: Response, token: Secret) -> dict[str, Any]:
    """Whose it is. All tokens of one user share that user's quota."""
    payload = read_payload(response) if response.status == 200 else None
    login = "" if payload is None else shown(payload.get("login"), 100, [token])
    number = None if payload is None else payload.get("id")
    return ({"login": login} if login else {}) | ({"user_id": number} if type(number) is int else {})


def _is_not_accessible(response: Response) -> bool:
    return "Resource not accessible" in response.body.reveal()


def _moment(text: str) -> float | None:
    """Epoch seconds of a date as the header has it, in any of the forms that were seen; None for what is none."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        return http_date(text)
    zone = found[3] or "UTC"
    offset = "+00:00" if zone.upper() in ("Z", "UTC", "GMT") else zone
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2]}{offset}").timestamp()
    except (ValueError, OverflowError):
        return None


def _is_sendable(token: Secret) -> bool:
    return token.reveal().isascii() and token.reveal().isprintable() and " " not in token.reveal()


def _remedy(credential: Credential, place: Place) -> str:
    page = "/settings/personal-access-tokens/new"
    if credential.refresh_token and kind(credential.refresh_token) in ("classic", "unknown"):
        page = "/settings/tokens/new"
    there = f" --base-url {place.api_url}" if place != Place() else ""
    return (
        f"make a new one at {place.web_url}{page}, then run "
        f"`vestal github add-token {credential.name} --token-file -{there} --replace`"
    )
