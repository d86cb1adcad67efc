"""The JWT with which a GitHub App says who it is, and the clock that GitHub judges it by.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
"""

from __future__ import annotations

from vestal.core.credential import App
from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.core.transport import Response
from vestal.oauth2.retry_after import http_date

BACK = 60
"""Seconds that `iat` lies in the past, as the documentation advises, for clocks that disagree."""

LIFETIME = 540
"""Seconds that `exp` lies ahead. 600 are allowed; a clock that is a little ahead must not reach beyond them."""

CLOCK_SKEW = "clock_skew"
"""The name in `Credential.extra` of how far GitHub's clock is ahead of ours, in seconds."""

_NEGLIGIBLE = 5.0
"""Seconds. `Date` counts whole seconds, and an answer takes its time."""

_SKEWED = 30.0
"""Seconds by which the time in a refused JWT may differ from GitHub's before that is taken for the reason."""


def read_pem(text: Secret) -> Secret:
    """The private key of an app, in order: one that signs RS256. Raises `ConfigError` for what is none.

    In environment variables, line ends are often written as backslash and n; they are put right.
    """
    pem = Secret(
        text.reveal().replace("\\n", "\n").replace("\r\n", "\n").strip("\ufeff \t\r\n") + "\n",
    )
    if not pem.reveal().startswith("-----BEGIN"):
        raise ConfigError(
            "the private key of a GitHub App begins with -----BEGIN",
            remedy="give the .pem file that GitHub made: the app's settings, Private keys, Generate a private key",
        )
    _signing_key(pem)
    return pem


def sign(app: App, now: float) -> Secret:
    """A new JWT for an app, at `now` (epoch seconds by GitHub's clock). Raises `ConfigError`."""
    if not app.private_key or not app.client_id:
        raise ConfigError(
            "the app has no private key" if app.client_id else "the app has no client id",
            remedy="add it with `vestal github add-app`",
        )
    from vestal.oauth2.jose import read_key

    issued_at = int(now)
    claims = {"iat": issued_at - BACK, "exp": issued_at + LIFETIME, "iss": app.client_id}
    return Secret(read_key(app.private_key, algorithm="RS256").sign(claims, {"typ": "JWT"}))


def skew_of(response: Response) -> float | None:
    """Seconds by which GitHub's clock is ahead of ours; 0 for what does not matter, None if it does not say (Date)."""
    date = http_date(response.headers.get("date", ""))
    if date is None:
        return None
    skew = date - response.sent_at
    return 0.0 if abs(skew) <= _NEGLIGIBLE else float(round(skew))


def is_untimely(response: Response, used: float) -> bool:
    """Whether a JWT was refused for its time: GitHub says so, or its clock is not the one that was signed by.

    `used` is the skew that was reckoned with. Only an answer with a Date can be corrected by.
    """
    skew = skew_of(response)
    if response.status != 401 or skew is None:
        return False
    return abs(skew - used) > _SKEWED or any(claim in response.body.reveal() for claim in ("('exp')", "('iat')"))


def _signing_key(pem: Secret) -> None:
    """Raise `ConfigError` unless it is an RSA key that can sign."""
    from vestal.oauth2.jose import read_key

    if read_key(pem).algorithm != "RS256":
        raise ConfigError(
            "the key is no RSA key, and the keys of GitHub Apps are",
            remedy="give the .pem file that GitHub made for this app",
        )
