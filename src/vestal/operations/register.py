"""Making a credential out of what a person says of a service and an app, checked as far as it can be checked now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from vestal.core.credential import LOGIN_GRANTS, App, Credential, check_name
from vestal.core.errors import ConfigError, VestalError
from vestal.core.secret import Secret
from vestal.operations.rehearsal import rehearse
from vestal.operations.settings import ENDPOINTS, check_setting, unknown_settings

if TYPE_CHECKING:
    from vestal.home import Home
    from vestal.oauth2.provider import OAuth2Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a person says of an app: exactly one of `provider`, `issuer` and `token_url`, and the rest as in `App`."""

    provider: str | None = None
    issuer: str | None = None
    token_url: str | None = None
    authorize_url: str | None = None
    client_id: str = ""
    client_secret: Secret | None = None
    private_key: Secret | None = None
    client_auth: str | None = None
    grant: str | None = None
    """None: as the refresh token, the provider and its endpoints suggest."""
    scopes: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    refresh_token: Secret | None = None


def register(
    home: Home, name: str, registration: Registration, *, over: bool = False
) -> tuple[Credential, tuple[str, ...]]:
    """Make a credential, and say what a person should know of it. With `over`, it replaces one of that name.

    An issuer is asked for its endpoints now, once. Raises `ConfigError` for what can't work, and what discovery raises.
    """
    check_name(name)
    try:
        return _register(home, name, registration, over)
    except VestalError as error:
        failure = error.copy()
    failure.credential = name
    raise failure


def _register(home: Home, name: str, said: Registration, over: bool) -> tuple[Credential, tuple[str, ...]]:
    _check_free(home, name, over)
    if said.provider and home.plugged_in(said.provider) is not None:
        return home.add(name, _bare_app(said), said.refresh_token, over=over), ()  # what it needs, it knows alone
    app, provider = _app(home, said)
    _check_no_circle(home, name, app)
    notes = [*unknown_settings(app.settings, provider.variables), *rehearse(home, app, provider, said.refresh_token)]
    credential = home.add(name, app, said.refresh_token, over=over)
    if app.grant in LOGIN_GRANTS and not credential.refresh_token:
        notes.append(f"a person has to log in next: vestal login {name}")
    return credential, tuple(notes)


def _check_free(home: Home, name: str, over: bool) -> None:
    """Before a service is asked anything."""
    if not over and name in home.store.names():
        raise ConfigError(
            "there is a credential of that name already",
            credential=name,
            remedy="choose another name, or add --replace",
        )


def _check_no_circle(home: Home, name: str, app: App) -> None:
    """A credential that exchanges its own token, over however many others, would wait for itself."""
    seen = [name]
    needed = app.settings.get("subject_credential")
    while needed is not None and needed not in seen:
        seen.append(needed)
        subject = home.store.load(needed)
        needed = None if subject is None else subject.app.settings.get("subject_credential")
    if needed == name:
        raise ConfigError(
            "it would exchange its own token: " + " needs ".join([*seen, name]),
            remedy="name another credential in subject_credential",
        )


def _app(home: Home, said: Registration) -> tuple[App, OAuth2Provider]:
    given = [option for option in (said.provider, said.issuer, said.token_url) if option]
    if len(given) != 1:
        raise ConfigError(
            "the service is named more than once" if given else "no service is named",
            remedy="give one of --provider, --issuer and --token-url; --set token_url=... changes a known one",
        )
    for key, value in said.settings.items():
        check_setting(key, value)
    app = _bare_app(said)
    if said.issuer:
        app = _discovered(home, app, said.issuer)
    provider = home.provider_for(app)
    if provider.token_endpoint is None and provider.issuer:
        app = _discovered(home, app, provider.issuer)
        provider = home.provider_for(app)
    if not app.grant:
        app = replace(app, grant=_usual_grant(provider))
    return app, provider


def _bare_app(said: Registration) -> App:
    """The app as the person says it; an empty grant is still to be chosen."""
    settings = {
        **({"token_url": said.token_url} if said.token_url else {}),
        **({"authorize_url": said.authorize_url} if said.authorize_url else {}),
        **said.settings,
    }
    return App(
        provider=said.provider or "custom",
        client_id=said.client_id or _client_of(said.private_key),
        client_secret=said.client_secret,
        private_key=said.private_key,
        client_auth=said.client_auth,
        grant=said.grant or ("refresh_token" if said.refresh_token else ""),
        scopes=said.scopes,
        settings=settings,
    )


def _discovered(home: Home, app: App, issuer: str) -> App:
    """The app with what its authorization server says of itself; what the person says goes first."""
    from vestal.oauth2.configuration import settings_of
    from vestal.oauth2.discovery import discover

    found = discover(issuer, home.send)
    said = settings_of(found)
    if app.provider != "custom":  # its catalogue entry knows the rest
        said = {name: value for name, value in said.items() if name in ENDPOINTS}
    app = replace(app, settings={**said, **app.settings})
    return app if app.grant else replace(app, grant=_usual_grant(found))


def _usual_grant(provider: OAuth2Provider) -> str:
    if "authorization_code" in provider.grants and provider.authorization_endpoint:
        return "authorization_code"
    if "client_credentials" in provider.grants:
        return "client_credentials"
    return next((grant for grant in provider.grants if grant != "authorization_code"), "refresh_token")


def _client_of(private_key: Secret | None) -> str:
    """Google's key file names its account, which signs as a client does."""
    try:
        fields = json.loads(private_key.reveal()) if private_key and private_key.reveal().lstrip()[:1] == "{" else {}
    except ValueError:
        return ""
    email = fields.get("client_email", "")
    return email if isinstance(email, str) else ""
