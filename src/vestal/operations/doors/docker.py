"""Vestal as Docker's credential helper, for the registries of hosts.toml.

https://github.com/docker/docker-credential-helpers#development: one word says what is to be done, the rest is on stdin.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.operations.doors.bearer import bearer
from vestal.operations.doors.hosts import FILE, USERNAME, place_of, places

if TYPE_CHECKING:
    from vestal.home import Home

UNKNOWN = "credentials not found in native keychain"
"""What Docker takes for "there are none", and goes on without; word for word."""


def get(home: Home, server: str) -> Secret | None:
    """A registry's name and password; None if it is not ours. Raises `VestalError`."""
    place = place_of(home, server)
    if place is None:
        return None
    token = bearer(home, place.credential)
    told = {"ServerURL": server, "Username": place.username or USERNAME}
    return Secret(json.dumps({**told, "Secret": token.access_token.reveal()}) + "\n")


def store(home: Home, told: Secret) -> None:
    """Somebody has logged in: for a registry of ours there is nothing to keep. Raises `ConfigError` for any other."""
    if place_of(home, _server(told)) is None:
        raise ConfigError(
            "Vestal keeps no passwords", remedy=f"name the registry in {FILE}, or use another helper for it"
        )


def list_all(home: Home) -> str:
    """The registries by their names."""
    found = {f"https://{host}": place.username or USERNAME for host, place in sorted(places(home).items())}
    return json.dumps(found) + "\n"


def _server(told: Secret) -> str:
    try:
        server = json.loads(told.reveal())["ServerURL"]
    except (ValueError, KeyError, TypeError):
        server = None
    return server if isinstance(server, str) else ""
