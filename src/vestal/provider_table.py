"""Where providers come from: the catalogue, the services that Vestal brings itself, and other packages.

Services are named here and imported only when one is used: they build on the home, and not the other way round.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vestal.core.credential import App
from vestal.core.errors import ConfigError
from vestal.core.provider import Provider

if TYPE_CHECKING:
    from vestal.oauth2.provider import OAuth2Provider

BUILT_IN: Mapping[str, str] = {
    "github_app": "vestal.services.github.app_provider:GitHubAppProvider",
    "github_token": "vestal.services.github.token_provider:GitHubTokenProvider",
}
"""The services whose providers are more than data, by name: a module, and what makes the provider."""

ENTRY_POINTS = "vestal.providers"
"""The entry point group in which other packages name theirs."""


class ProviderTable:
    """All providers of a home, each made once. Safe for use from any thread."""

    def __init__(self, providers_file: Callable[[], Path | None]) -> None:
        """`providers_file` gives the user's own catalogue entries, if there are any."""
        self._providers_file = providers_file
        self._lock = threading.Lock()
        self._entries: dict[str, OAuth2Provider] = {}
        self._built_in: dict[str, Provider] = {}

    def provider_of(self, app: App) -> Provider:
        """How to refresh an app's credentials. Raises `ConfigError` for a provider that nobody knows."""
        if app.provider != "custom" and app.provider not in self._entries:
            plugged_in = self.plugged_in(app.provider)
            if plugged_in is not None:
                return plugged_in
        return self.provider_for(app)

    def provider_for(self, app: App) -> OAuth2Provider:
        """What is known of the OAuth 2 server that an app is registered at, with the app's own settings applied."""
        from vestal.oauth2.configuration import configured, custom

        if app.provider == "custom":
            return custom(app)
        with self._lock:
            if app.provider not in self._entries:
                from vestal.oauth2 import catalogue

                if app.provider in BUILT_IN and app.provider not in catalogue.names(self._providers_file()):
                    raise ConfigError(
                        f"{app.provider} has no login and no revocation of its own",
                        remedy="for logins of people at GitHub there are the providers github and github-app-user",
                    )
                self._entries[app.provider] = catalogue.find(app.provider, self._providers_file())
            return configured(self._entries[app.provider], app)

    def plugged_in(self, name: str) -> Provider | None:
        """A provider that is more than data: one of ours, or one that another package brings; None if there is none.

        None of them takes the place of an entry of the catalogue. Raises `ConfigError` for one that can't be loaded.
        """
        with self._lock:
            if name in self._built_in:
                return self._built_in[name]
        from vestal.oauth2 import catalogue

        if name in catalogue.names(self._providers_file()):
            return None
        if name not in BUILT_IN:
            return _brought(name)
        with self._lock:
            return self._built_in.setdefault(name, _made(BUILT_IN[name]))


def _made(where: str) -> Provider:
    from importlib import import_module

    module, _, factory = where.partition(":")
    provider: Provider = getattr(import_module(module), factory)()
    return provider


def _brought(name: str) -> Provider | None:
    from importlib.metadata import entry_points

    for entry in entry_points(group=ENTRY_POINTS, name=name):
        try:
            provider: Provider = entry.load()()
        except Exception as error:  # another package's code
            trouble = type(error).__name__
        else:
            return provider
        raise ConfigError(
            f"the provider {name} can't be loaded from {entry.value} ({trouble})",
            remedy="mend or reinstall the package that brings it",
        )
    return None
