"""`GitHubAppProvider`: GitHub Apps and their installations, as the lifecycle sees them.

An app (`grant="app_jwt"`) holds the key; its token is the JWT itself, shown to GitHub once before it is given out. An
installation (`grant="installation"`) names its app in the setting `app` and holds nothing; its token is minted with a JWT of
the app's key. Nothing is lost by asking twice, so nothing is at stake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vestal.core.clock import Clock
from vestal.core.credential import App, Credential
from vestal.core.errors import ConfigError, HTTPError, NotInstalled, Outcome, VestalError
from vestal.core.grant import Grant, seconds
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.core.transport import Request, Response, Send, Text
from vestal.oauth2.payload import Payload, read_payload, shown
from vestal.oauth2.retry_after import http_date
from vestal.services.github.app_jwt import CLOCK_SKEW, LIFETIME, is_untimely, read_pem, sign, skew_of
from vestal.services.github.installations import APP_JWT, INSTALLATION, PROVIDER, Narrowing, moment, texts
from vestal.services.github.place import Place
from vestal.services.github.refusal import Route, refusal

TOKEN_LIFETIME = 3600.0
"""Seconds that an installation token lives, where GitHub's answer does not say, and at most
(https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app)."""

_REMEDY = "make it with `vestal github add-app`; installations are then found by themselves"


class GitHubAppProvider:
    """See the module."""

    name = PROVIDER

    def check(self, credential: Credential) -> None:
        """Raise `ConfigError` for a credential that can't work, before it is saved."""
        app, settings = credential.app, credential.app.settings
        if app.grant == APP_JWT:
            if not app.client_id or not app.private_key:
                missing = "private key" if app.client_id else "client id"
                raise ConfigError(f"a GitHub App without its {missing} can't do anything", remedy=_REMEDY)
            read_pem(app.private_key)
            Place.of(settings.get("base_url", ""))
        elif app.grant == INSTALLATION:
            if not settings.get("app") or not settings.get("installation_id", "").isdecimal():
                raise ConfigError("an installation needs the settings app and installation_id", remedy=_REMEDY)
            Narrowing.read(settings)
        else:
            raise ConfigError("a GitHub App is not added like an OAuth app", remedy=_REMEDY)

    def endpoint(self, credential: Credential) -> str:
        """The root of the API. Raises `ConfigError`."""
        return Place.of(_signer(credential).settings.get("base_url", "")).api_url

    def apis(self, credential: Credential) -> tuple[str, ...]:
        """Where its tokens are for. Raises `ConfigError`."""
        place = Place.of(_signer(credential).settings.get("base_url", ""))
        return tuple(dict.fromkeys((place.api_url, place.graphql_url, place.uploads_url)))

    def at_stake(self, credential: Credential) -> Secret | None:
        """Nothing."""
        return None

    def rotates(self, credential: Credential) -> bool:
        """There is nothing to rotate."""
        return False

    def client_fingerprint(self, credential: Credential) -> str:
        """Identifies the app and its key: a new key lifts the refusal of the app and of all its installations."""
        app = _signer(credential)
        key = app.private_key.fingerprint() if app.private_key else ""
        return Secret("\0".join([PROVIDER, app.settings.get("base_url", ""), app.client_id, key])).fingerprint()

    def needs(self, credential: Credential) -> str | None:
        """No other credential's token: an installation signs for itself, with its app's key."""
        return None

    def refresh(self, credential: Credential, send: Send, clock: Clock) -> Grant:
        """A new JWT of the app, or a new token of the installation. Raises `VestalError`."""
        if credential.app.grant == INSTALLATION:
            return _mint(credential, send, clock)
        return _introduce(credential, send, clock)

    def present(self, credential: Credential) -> Token | None:
        """The token as it is: they are all bearer tokens, opaque and of any length."""
        return credential.token


def _signer(credential: Credential) -> App:
    """The app with the key: an installation's own record has none."""
    return credential.registration or credential.app


def _introduce(credential: Credential, send: Send, clock: Clock) -> Grant:
    """Show GitHub a JWT, and learn of it whose it is, and what time it is there.

    https://docs.github.com/en/rest/apps/apps#get-the-authenticated-app
    """
    place = Place.of(credential.app.settings.get("base_url", ""))

    def ask(jwt: Secret) -> Request:
        return Request("GET", place.url("/app"), _headers(place, jwt))

    jwt, ends_at, response = _signed(credential, ask, send, clock)
    payload = _read(response, "app", "GET /app", jwt)
    told = {name: shown(payload.get(name), hidden=[jwt]) for name in ("slug", "name", "html_url")}
    extra: dict[str, Any] = {name: text for name, text in told.items() if text}
    if type(payload.get("id")) is int:
        extra["app_id"] = payload["id"]
    skew = _skew(response, credential)
    return Grant(
        access_token=jwt,
        expires_in=seconds(ends_at - (response.sent_at + skew)) or 1.0,
        extra=extra | {"permissions": texts(payload.get("permissions")), CLOCK_SKEW: skew},
    )


def _mint(credential: Credential, send: Send, clock: Clock) -> Grant:
    """Ask for a token of an installation.

    https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
    """
    settings = credential.app.settings
    place = Place.of(_signer(credential).settings.get("base_url", ""))
    number = settings.get("installation_id", "")
    if not (number.isascii() and number.isdigit()):
        raise ConfigError("the setting installation_id is no number", remedy="remove the credential; " + _REMEDY)
    path = f"/app/installations/{number}/access_tokens"
    body = Narrowing.read(settings).body()

    def ask(jwt: Secret) -> Request:
        return Request("POST", place.url(path), _headers(place, jwt), json=body or None)

    jwt, _, response = _signed(credential, ask, send, clock)
    if response.status == 404:
        raise _not_installed(place, response, jwt, send, f"POST {path}")
    payload = _read(response, "installation", f"POST {path}", jwt)
    token = payload.secret("token")
    if token is None or not token.reveal().isascii() or not token.reveal().isprintable():
        raise HTTPError(
            f"GitHub answered {response.status} without a token", remedy="check base_url", outcome=Outcome.ANSWERED
        )
    skew = _skew(response, credential)
    selection, repositories = payload.get("repository_selection"), payload.get("repositories")
    return Grant(
        access_token=token,
        expires_in=_lifetime(payload.get("expires_at"), response, skew),
        extra={
            "permissions": texts(payload.get("permissions")),
            "repository_selection": selection if selection in ("all", "selected") else None,
            "repositories": len(repositories) if isinstance(repositories, list) else None,
            CLOCK_SKEW: skew,
        },
    )


def _signed(
    credential: Credential, ask: Callable[[Secret], Request], send: Send, clock: Clock
) -> tuple[Secret, float, Response]:
    """Send what `ask` makes of a JWT: the JWT, when that ends by GitHub's clock, and the answer.

    A JWT that was refused for its time is signed again, once, by GitHub's clock.
    """
    skew = _remembered(credential.extra)
    for last in (False, True):
        now = clock.now() + skew
        jwt = sign(_signer(credential), now)
        response = send(ask(jwt))
        if last or not is_untimely(response, skew):
            break
        skew = skew_of(response) or 0.0
    return jwt, now + LIFETIME, response


def _headers(place: Place, jwt: Secret) -> dict[str, Text]:
    return place.headers() | {"Authorization": Secret(f"Bearer {jwt.reveal()}")}


def _read(response: Response, route: Route, asked: str, jwt: Secret) -> Payload:
    """The fields of a success. Raises what a refusal stands for."""
    error = refusal(response, asked=asked, route=route, hidden=[jwt])
    if error is not None:
        raise error
    payload = read_payload(response)
    if payload is None:
        raise HTTPError(
            f"GitHub answered {asked} with {response.status} and no JSON object",
            remedy="check base_url: is this a GitHub?",
            outcome=Outcome.ANSWERED,
        )
    return payload


def _not_installed(place: Place, response: Response, jwt: Secret, send: Send, asked: str) -> VestalError:
    """What a 404 means. The app's own page, where it can be installed, is asked for now that it is wanted."""
    error = refusal(response, asked=asked, route="installation", hidden=[jwt])
    assert error is not None
    if not isinstance(error, NotInstalled):
        return error
    try:
        app = send(Request("GET", place.url("/app"), _headers(place, jwt)))
    except VestalError:
        return error
    told = read_payload(app)
    slug = shown(told.get("slug"), 100) if told is not None and app.status == 200 else ""
    where = place.install_url(slug) if slug else ""
    return refusal(response, asked=asked, route="installation", install_url=where, hidden=[jwt]) or error


def _lifetime(expires_at: object, response: Response, skew: float) -> float:
    """Seconds from the sending. The moment is GitHub's, and so is the clock that it is measured by."""
    at = moment(expires_at)
    date = http_date(response.headers.get("date", ""))
    now = response.sent_at + skew if date is None else date
    left = None if at is None else seconds(at - now)
    return TOKEN_LIFETIME if left is None else min(left, TOKEN_LIFETIME)


def _skew(response: Response, credential: Credential) -> float:
    """How far GitHub's clock is ahead, by this answer or else as it was."""
    skew = skew_of(response)
    return _remembered(credential.extra) if skew is None else skew


def _remembered(extra: Mapping[str, Any]) -> float:
    skew = extra.get(CLOCK_SKEW)
    return float(skew) if isinstance(skew, int | float) and not isinstance(skew, bool) else 0.0
