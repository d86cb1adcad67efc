"""The app's credential in a home, for a client that was given an id and a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestal.core.credential import Credential
from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.services.github.app_jwt import read_pem
from vestal.services.github.config import check_app_id
from vestal.services.github.installations import APP_JWT, PROVIDER, add_app
from vestal.services.github.place import Place

if TYPE_CHECKING:
    from vestal.home import Home


def app_name(app_id: str) -> str:
    """The name of the credential of an app that is given by its id."""
    return f"github-app-{app_id}"


def ensure_app(home: Home, app_id: str, private_key: Secret, base_url: str) -> str:
    """See that the home has an app with this key; the name of its credential. Any number of workers may do so at once.

    The key takes the place of another one. Raises `ConfigError`, also for an app of that name at another GitHub: its
    tokens are shared by all who use the home, and must not be sent elsewhere.
    """
    name, failure = app_name(check_app_id(app_id)), None
    if home.store.load(name) is None:
        try:
            add_app(home, name, app_id, private_key, base_url)
        except ConfigError as error:
            failure = error.copy()
    found = home.store.load(name)
    if found is None:
        assert failure is not None  # or there would be one
        raise failure
    if place_of(found) != Place.of(base_url):
        raise ConfigError(
            f"this app is kept for {place_of(found).api_url}, not for {Place.of(base_url).api_url}",
            credential=name,
            remedy="add it under a name of its own with `vestal github add-app`, and give that name as `app`",
        )
    if found.app.private_key != read_pem(private_key):
        add_app(home, name, app_id, private_key, base_url, over=True)
    return name


def find_app(home: Home, name: str) -> Credential:
    """The app of that name. Raises `ConfigError` for a credential that is none."""
    found = home.lifecycle.load(name)
    if found.app.provider != PROVIDER or found.app.grant != APP_JWT:
        raise ConfigError("it is no GitHub App", credential=name, remedy="make one with `vestal github add-app`")
    return found


def place_of(app: Credential) -> Place:
    """The GitHub that an app is registered at."""
    return Place.of(app.app.settings.get("base_url", ""))
