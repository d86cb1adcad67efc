"""How a login fails: as a value, and in words for the person who tried."""

from __future__ import annotations

from collections.abc import Mapping

from vestal.core.clock import Clock
from vestal.core.credential import App
from vestal.core.errors import NeedsLogin, PermissionDenied, TimedOut, VestalError
from vestal.core.grant import Grant
from vestal.core.token import Proof
from vestal.core.transport import Send, Text
from vestal.oauth2.provider import OAuth2Provider
from vestal.oauth2.token_endpoint import ask

AGAIN = "start the login again, and use the newest address"


class LoginTimedOut(TimedOut):
    """Nobody finished the login in time. Trying again does not help by itself: it takes a person."""

    passing = False


def attempt(
    provider: OAuth2Provider, app: App, send: Send, clock: Clock, parameters: Mapping[str, Text], proof: Proof | None
) -> Grant | VestalError:
    """As `ask`, with the error as a value: what is raised because of it then does not hang on it."""
    try:
        return ask(provider, app, send, clock, parameters, proof=proof)
    except VestalError as error:
        return error


def access_denied(service: str) -> PermissionDenied:
    """The person, or the service, said no: `access_denied` (RFC 6749, section 4.1.2.1; RFC 8628, section 3.5)."""
    return PermissionDenied(
        f"access to {service} was not allowed",
        remedy="start the login again and allow it; if nobody was asked, the account may not use this app",
        code="access_denied",
    )


def in_words_of_login(error: VestalError, service: str) -> VestalError:
    """The error; one that speaks of a refused grant as a refused login, since there is no refresh token yet."""
    if not isinstance(error, NeedsLogin):
        return error
    return NeedsLogin(
        f"{service} refused the login: {error.code or 'without a reason'}",
        remedy=AGAIN,
        outcome=error.outcome,
        code=error.code,
    )
