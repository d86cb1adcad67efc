"""Login: getting a grant with a person, through a browser here or on any other machine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from vestal.core.clock import Clock
from vestal.core.credential import LOGIN_GRANTS, App
from vestal.core.errors import ConfigError, VestalError
from vestal.core.grant import Grant
from vestal.core.token import Proof
from vestal.core.transport import Send
from vestal.oauth2 import authorization_code, device_code
from vestal.oauth2.dpop import DPOP_KEY, DPoPKey
from vestal.oauth2.loopback import Loopback
from vestal.oauth2.provider import OAuth2Provider
from vestal.oauth2.reception import LIMIT, Receiver, Reception

Receive = Callable[[App, float], Receiver]
"""Makes the receiver of a login, for its app and a limit in seconds. Raises `ConfigError`."""


def loopback(app: App, limit: float, reception: Reception | None = None) -> Loopback:
    """As the settings `redirect_uri` (word for word as registered), or `redirect_port` and `redirect_path`, have it."""
    port = app.settings.get("redirect_port", "0")
    if not (port.isascii() and port.isdigit() and len(port) <= 5):
        raise ConfigError("the setting redirect_port is not a number", remedy="set redirect_port to one up to 65535")
    return Loopback(
        int(port),
        app.settings.get("redirect_path", "/callback"),
        limit,
        redirect_uri=app.settings.get("redirect_uri"),
        reception=reception,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginPrompt:
    """What the person has to be told now, whether or not a browser opens by itself."""

    service: str
    address: str = field(repr=False)
    """To be opened in a browser: on this machine, or on any if there is a `user_code`."""
    user_code: str | None = field(default=None, repr=False)
    """To be typed at `address`."""
    address_with_code: str | None = field(default=None, repr=False)
    """Saves the typing, if the service has it; the code is shown beside it all the same (RFC 8628, section 3.3.1)."""
    limit: float
    """Seconds that the person has."""
    port: int | None = None
    """Of this machine, where the browser has to get through to; None if it need not."""


def login(
    provider: OAuth2Provider,
    app: App,
    send: Send,
    clock: Clock,
    *,
    device: bool = False,
    open_browser: Callable[[str], bool],
    tell: Callable[[LoginPrompt], None],
    proof: Proof | None = None,
    limit: float = LIMIT,
    save: Callable[[Grant], None],
    receive: Receive = loopback,
) -> Grant:
    """Let a person log in, and save what was granted before they are told that all is well.

    `provider` is configured for `app`, whose grant decides which way it goes, unless `device` is true. `tell` is called
    before `open_browser`, which is not called for a device code, and may fail. `limit` is in seconds; a device code has
    its own. Without a `proof`, a provider that wants DPoP gets a new key. The key is kept in the grant.
    `receive` makes what takes the browser's answer. Whatever `clock` raises in `sleep` ends the login.
    Raises `VestalError`: `LoginTimedOut`, `PermissionDenied`, `AuthFailed`, `ConfigError` and what `save` raises.
    """
    if app.grant not in LOGIN_GRANTS:
        raise ConfigError(
            f"the grant {app.grant} needs no login", remedy="run `vestal refresh NAME`: that gets a new token by itself"
        )
    key = DPoPKey.generate(clock) if proof is None and provider.dpop else proof
    if device or _by_device(provider, app):
        asked = device_code.authorize(provider, app, send, clock)
        tell(_device_prompt(provider, asked))
        grant = _with_key(device_code.poll(provider, app, asked, send, clock, key), key)
        save(grant)
        return grant
    with receive(app, limit) as receiver:
        authorization = authorization_code.begin(provider, app, receiver.redirect_uri)
        receiver.listen(lambda query: authorization_code.misfit(authorization, query))
        tell(LoginPrompt(service=provider.label, address=authorization.url, limit=limit, port=receiver.port))
        with suppress(Exception):  # no browser is no failure: the address has been told
            open_browser(authorization.url)
        query = receiver.wait()
        try:
            code = authorization_code.code_from(authorization, provider, query)
            grant = _with_key(authorization_code.exchange(provider, app, authorization, code, send, clock, key), key)
            save(grant)
        except VestalError as error:
            why, remedy = _sentence(error.message), _sentence(error.remedy)
            receiver.finish("You are not logged in", why, ok=False, remedy=remedy)
            raise
        receiver.finish("You are logged in", _outlook(provider, grant), ok=True)
    return grant


def _by_device(provider: OAuth2Provider, app: App) -> bool:
    """Whether the app's grant, or where that leaves it open what the provider has, means a device code."""
    if app.grant != "refresh_token":
        return app.grant == "device_code"
    return not provider.authorization_endpoint and bool(provider.device_authorization_endpoint)


def _device_prompt(provider: OAuth2Provider, asked: device_code.DeviceAuthorization) -> LoginPrompt:
    return LoginPrompt(
        service=provider.label,
        address=asked.verification_uri,
        user_code=asked.user_code,
        address_with_code=asked.verification_uri_complete,
        limit=asked.expires_in,
    )


def _with_key(grant: Grant, key: Proof | None) -> Grant:
    return replace(grant, secrets={**grant.secrets, DPOP_KEY: key.secret()}) if isinstance(key, DPoPKey) else grant


def _outlook(provider: OAuth2Provider, grant: Grant) -> str:
    has = f"Vestal has your {provider.label} token"
    if grant.refresh_token:
        return f"{has} and keeps it alive."
    return (
        f"{has}." if grant.expires_in is None else f"{has}, but got no refresh token. Log in again when it has expired."
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""
