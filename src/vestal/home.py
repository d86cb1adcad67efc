"""`Home`: the folder of one user's store, key and configuration, and everything wired together.

`VESTAL_HOME` names the folder; by default it is `vestal` in the platform's folder for user data. In it:

    store.db         credentials, their secrets sealed
    key              the master key (0600), unless config.toml says that it comes from elsewhere
    config.toml      optional: [key] source = "file" | "environment" | "keyring" | "passphrase"
    providers.toml   optional: entries for the provider catalogue
    locks/           leases
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vestal.core.clock import Clock, SystemClock
from vestal.core.credential import App, Credential, check_name
from vestal.core.errors import ConfigError, Conflict
from vestal.core.events import Event, Kind, Listener, log_events
from vestal.core.provider import Provider
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.core.transport import Request, Response, Send
from vestal.provider_table import ProviderTable
from vestal.stores.files import make_private_folder
from vestal.stores.sealing import SealedStore
from vestal.stores.sqlite import SQLiteBackend

if TYPE_CHECKING:
    from vestal.core.lifecycle import Lifecycle
    from vestal.core.refreshing import RefreshingSource
    from vestal.oauth2.provider import OAuth2Provider
    from vestal.stores.keys import KeySource

KEY_SOURCES = ("file", "environment", "keyring", "passphrase")


def default_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """`$VESTAL_HOME`, or the platform's folder for user data."""
    named = environ.get("VESTAL_HOME")
    if named:
        return Path(named).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("vestal", appauthor=False))


class Home:
    """One user's credentials. Safe for use from any thread; several processes may share a folder."""

    def __init__(
        self,
        folder: Path | str | None = None,
        *,
        clock: Clock | None = None,
        listeners: Iterable[Listener] = (),
        send: Send | None = None,
        passphrase: Callable[[], Secret] | None = None,
        environ: Mapping[str, str] = os.environ,
        store: SealedStore | None = None,
    ) -> None:
        """Nothing is read or made before the first use. `passphrase` is asked where the master key comes from one.

        With a `store` of one's own, the folder is looked at for providers.toml only; closing the home leaves it open.
        """
        self.folder = default_folder(environ) if folder is None else Path(folder).absolute()
        self.clock: Clock = clock or SystemClock()
        self._environ = environ
        self._passphrase = passphrase or self._passphrase_from_environment
        self._send = send
        self._lock = threading.RLock()
        self._sources: dict[str, RefreshingSource] = {}
        self._table = ProviderTable(lambda: self.providers_file)
        self._store = store
        self._keeps_store = store is None
        self._lifecycle: Lifecycle | None = None
        self._listeners = (log_events, self._hear, *listeners)

    @classmethod
    def in_memory(
        cls,
        folder: Path | str | None = None,
        *,
        clock: Clock | None = None,
        listeners: Iterable[Listener] = (),
        send: Send | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> Home:
        """A home for a program that keeps nothing: its credentials, and the key that seals them, end with the process."""
        from vestal.stores.keys import KEY_LENGTH, EnvironmentKeys, Key, format_ring
        from vestal.stores.memory import MemoryBackend

        ring = {"VESTAL_KEY": format_ring([Key.of(os.urandom(KEY_LENGTH))])}
        store = SealedStore(MemoryBackend(), EnvironmentKeys(environ=ring.get))
        return cls(folder, clock=clock, listeners=listeners, send=send, environ=environ, store=store)

    # What a program asks for

    def source(self, name: str) -> RefreshingSource:
        """The token source of a credential; always the same one. Whether the credential exists shows at the first token.

        Raises `ConfigError` for an impossible name and for a home that can't be used.
        """
        made = self._sources.get(name)
        if made is not None:
            return made
        check_name(name)
        with self._lock:
            if name not in self._sources:
                from vestal.core.refreshing import RefreshingSource

                self._sources[name] = RefreshingSource(name, self.lifecycle)
            return self._sources[name]

    def token(self, name: str, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        """A token that works: `source(name).token(...)`."""
        return self.source(name).token(newer_than, min_ttl)

    def peek(self, name: str) -> Token | None:
        """The good token that this process has at hand; None as well if nobody has asked for one. No I/O."""
        with self._lock:
            source = self._sources.get(name)
        return None if source is None else source.peek()

    def let_go(self, name: str) -> None:
        """Hold no token of a credential: its record was changed by somebody else. The next caller sees what it is now."""
        with self._lock:
            source = self._sources.get(name)
        if source is not None:
            source.forget()

    def sweep(self) -> int:
        """Let go of the sources whose token has expired and that nobody holds or waits for; how many there were."""
        with self._lock:
            held = len(self._sources)
            for name in [name for name, source in self._sources.items() if source.peek() is None]:
                gone = weakref.ref(self._sources.pop(name))
                source = gone()
                if source is not None:  # somebody has it: it stays the one of its name
                    self._sources[name] = source
            return held - len(self._sources)

    # The parts

    @property
    def store(self) -> SealedStore:
        """The store. Made on first use, with a new key if there is neither a store nor a key yet."""
        with self._lock:
            if self._store is None:
                make_private_folder(self.folder)
                keys = self.keys()
                path = self.folder / "store.db"
                if not path.exists() and not keys.exists():
                    keys.add()
                self._store = SealedStore(SQLiteBackend(path), keys)
            return self._store

    @property
    def lifecycle(self) -> Lifecycle:
        """What refreshes the credentials of this home."""
        with self._lock:
            if self._lifecycle is None:
                from vestal.core.lifecycle import Lifecycle

                self._lifecycle = Lifecycle(
                    self.store,
                    self.provider_of,
                    self.send,
                    self.clock,
                    listeners=self._listeners,
                    token_of=lambda name: self.source(name).token(),
                )
            return self._lifecycle

    def keys(self) -> KeySource:
        """Where the master key is kept, as config.toml has it."""
        from vestal.stores import keys

        source = self._config().get("source", "file")
        if source == "environment":
            return keys.EnvironmentKeys(environ=self._environ.get)
        if source == "keyring":
            return keys.KeyringKeys(str(self.folder), self.folder)
        if source == "passphrase":
            return keys.PassphraseKeys(self.folder / "salts", self._passphrase)
        return keys.FileKeys(self.folder / "key")

    def send(self, request: Request) -> Response:
        """Send one request to a service."""
        if self._send is None:
            with self._lock:
                from vestal.http import HTTPSender

                self._send = self._send or HTTPSender(self.clock)
        return self._send(request)

    def provider_of(self, credential: Credential) -> Provider:
        """How to refresh a credential. Raises `ConfigError` for a provider that nobody knows."""
        return self._table.provider_of(credential.app)

    def provider_for(self, app: App) -> OAuth2Provider:
        """What is known of the service that an app is registered at, with the app's own settings applied."""
        return self._table.provider_for(app)

    def plugged_in(self, name: str) -> Provider | None:
        """A provider that is more than data: one of ours, or one that another package brings (`vestal.provider_table`)."""
        return self._table.plugged_in(name)

    def _hear(self, event: Event) -> None:
        """A source that holds a token of the time before a login or a change by hand lets go of it.

        So do those whose names go on from that one: their app may have changed, and with it what was refused.
        """
        if event.kind in (Kind.CHANGED, Kind.LOGGED_IN):
            with self._lock:
                sources = list(self._sources.items())
            for name, source in sources:
                if name == event.credential or name.startswith(event.credential + "/"):
                    source.forget()

    @property
    def providers_file(self) -> Path | None:
        """The user's own catalogue entries, if there are any."""
        path = self.folder / "providers.toml"
        return path if path.exists() else None

    # What people do

    def add(self, name: str, app: App, refresh_token: Secret | None = None, *, over: bool = False) -> Credential:
        """Make a credential. With `over`, one of that name gets this app and refresh token, and a clean slate.

        Without a new refresh token it goes on with the one it has, and with what is known of that: an interrupted refresh
        may hold the only copy of the next one. Raises `ConfigError` if the name is taken or the provider can't be used like
        this.
        """
        check_name(name)
        provider = self.provider_of(Credential(name=name, app=app))
        secrets = {}
        if getattr(provider, "dpop", False):
            from vestal.oauth2.dpop import DPoPKey

            secrets["dpop_key"] = DPoPKey.generate(self.clock).secret()
        fresh = Credential(
            name=name, app=app, refresh_token=refresh_token, created_at=self.clock.now(), secrets=secrets
        )
        old = self.store.load(name) if over else None
        check = getattr(provider, "check", None)
        if check is not None:
            check(fresh if old is None else fresh.in_place_of(old))
        if old is not None:
            return self.lifecycle.update(name, fresh.in_place_of)
        taken = False
        try:
            return self.store.save(fresh)
        except Conflict:
            taken = True
        assert taken
        raise ConfigError(
            "there is a credential of that name already",
            credential=name,
            remedy="choose another name, or add --replace",
        )

    def remove(self, name: str) -> None:
        """Forget a credential here; the service is not told. Waits for a refresh under way. Raises `ConfigError`.

        One whose record can't be unsealed can be removed as well.
        """
        if name not in self.store.names():
            self.lifecycle.load(name)  # says that there is none
        with self.store.lease(name, 120.0):
            self.store.delete(name)
        with self._lock:
            source = self._sources.pop(name, None)
        if source is not None:
            source.forget()

    def close(self) -> None:
        """Close the store and the connections."""
        with self._lock:
            if self._store is not None and self._keeps_store:
                self._store.close()
            close = getattr(self._send, "close", None)
            if close is not None:
                close()

    def _config(self) -> Mapping[str, str]:
        """The table [key] of config.toml, checked."""
        path = self.folder / "config.toml"
        trouble = ""
        config: Mapping[str, Any] = {}
        try:
            text = path.read_text("utf-8")
            import tomllib

            config = tomllib.loads(text)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except ValueError as error:  # no TOML, or no UTF-8
            trouble = str(error)
        except OSError as error:
            trouble = error.strerror or "it can't be read"
        if trouble:
            raise ConfigError(f"{path}: {trouble}", remedy="mend the file, or remove it for the defaults")
        unknown = sorted(set(config) - {"key"})
        key = config.get("key", {})
        if unknown or not isinstance(key, dict) or set(key) - {"source"}:
            raise ConfigError(
                f"{path}: there is nothing to configure but [key] source, found {unknown or key!r}",
                remedy="mend the file",
            )
        if key.get("source", "file") not in KEY_SOURCES:
            raise ConfigError(f"{path}: key.source is {key['source']!r}", remedy="use one of " + ", ".join(KEY_SOURCES))
        return key

    def _passphrase_from_environment(self) -> Secret:
        text = self._environ.get("VESTAL_PASSPHRASE")
        if not text:
            raise ConfigError(
                "the master key needs a passphrase", remedy="set VESTAL_PASSPHRASE, or run it in a terminal"
            )
        return Secret(text)
