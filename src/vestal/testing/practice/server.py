"""`PracticeServer`: the practice server as an object. It runs in one thread of its own, whatever comes to it."""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
import socket
import threading
from collections.abc import Coroutine, Iterable
from typing import Any, Self

from vestal.core.clock import Clock, SystemClock
from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.testing.practice import devices, register, steer
from vestal.testing.practice.connection import Connection
from vestal.testing.practice.counters import Counters
from vestal.testing.practice.faults import Faults
from vestal.testing.practice.settings import Settings
from vestal.testing.practice.state import DEFAULT_SCOPE, USER, State

_BACKLOG = 4096


class PracticeServer:
    """A small, truthful OAuth 2 authorization server with a protected resource, on 127.0.0.1 only.

    Use it as a context manager, or `start()` and `stop()` it: all that it knows outlives a stop, and it comes back at
    the same address. All methods may be called from any thread.
    """

    def __init__(self, settings: Settings | None = None, clock: Clock | None = None, *, port: int = 0) -> None:
        """`settings` are copied. `port`: 0 for a free one. `clock` decides what has expired."""
        settings = Settings() if settings is None else dataclasses.replace(settings)
        self._state = State(settings, SystemClock() if clock is None else clock, Secret(secrets.token_urlsafe(24)))
        register.defaults(self._state)
        self._port = port
        self._listener: socket.socket | None = None
        """Bound, so that the port stays ours; refuses connections until asyncio listens on it."""
        self._connections: set[Connection] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: asyncio.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Its address, which is its issuer identifier as well."""
        return self._state.issuer

    @property
    def settings(self) -> Settings:
        """How it behaves; assign to the fields at any time."""
        return self._state.settings

    @property
    def counters(self) -> Counters:
        """What happened."""
        return self._state.counters

    @property
    def faults(self) -> Faults:
        """What is to go wrong."""
        return self._state.faults

    @property
    def control_key(self) -> str:
        """What the control API (`/practice/...`) wants in the header `Practice-Key`."""
        return self._state.control_key.reveal()

    @property
    def jwt_client_key_pem(self) -> str:
        """The private key of the client `practice-jwt` (PEM, P-256)."""
        with self._state.lock:
            return self._state.keys.client.as_pem(private=True).decode()

    def start(self) -> Self:
        """Serve. Raises `ConfigError` if the port is taken."""
        if self._thread is not None:
            return self
        self._listener = self._bind(listening=True)
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), name="practice-server", daemon=True)
        self._thread.start()
        started.wait()
        return self

    def stop(self) -> None:
        """Close all connections, in the middle of requests as well, and end the thread."""
        if self._thread is None or self._loop is None:
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def pause_listening(self) -> None:
        """Refuse connections from now on, as a machine does whose server is down; requests under way are finished."""
        self._call(self._pause())

    def resume_listening(self) -> None:
        """Accept connections again, at the same address."""
        self._call(self._listen())

    def held(self, count: int = 1, timeout: float = 10.0) -> None:
        """Wait until hang faults hold `count` requests. Raises `TimeoutError`."""
        self.counters.wait_for("held", count, timeout)

    def add_client(
        self,
        client_id: str,
        *,
        secret: str | None = None,
        auth: Iterable[str] | None = None,
        public_key: str | None = None,
        redirect_uris: Iterable[str] = register.REDIRECT_URIS,
        scopes: Iterable[str] | None = None,
        dpop: bool = False,
    ) -> None:
        """Register a client, or replace the one of that name. Raises `ConfigError`.

        `auth`: of `basic`, `post`, `none` and `private_key_jwt`; by default what `secret` or `public_key` (PEM or JWK;
        also for JWT bearer assertions that it issues) allow. `redirect_uris` on loopback match with any port.
        `scopes`: all that it may have. `dpop`: all of its tokens are bound to a key.
        """
        register.register(
            self._state,
            client_id,
            secret=secret,
            auth=auth,
            public_key=public_key,
            redirect_uris=redirect_uris,
            scopes=scopes,
            dpop=dpop,
        )

    def issue_refresh_token(
        self, client_id: str = "practice", scope: str = DEFAULT_SCOPE, *, subject: str = USER
    ) -> str:
        """A refresh token, as if a person had logged in with that client. Raises `ConfigError`."""
        return steer.seed(self._state, client_id, scope, subject).reveal()

    def revoke_family(self, token: str | Secret) -> None:
        """Revoke the grant that a refresh or access token belongs to, with all of its tokens. Raises `ConfigError`."""
        steer.revoke_family(self._state, Secret(token) if isinstance(token, str) else token)

    def revoke_access_tokens(self) -> int:
        """Revoke every live access token, so that the resource answers 401; how many there were."""
        return steer.revoke_access_tokens(self._state)

    def renew_dpop_nonce(self) -> None:
        """Ask for another nonce in DPoP proofs from now on."""
        steer.renew_dpop_nonce(self._state)

    def decide_device(self, user_code: str, *, approved: bool = True) -> None:
        """Let the person approve or deny a device. Raises `ConfigError` if no such code waits."""
        with self._state.lock:
            if not devices.decide(self._state, user_code, approved):
                raise ConfigError("no such user code waits for a decision", remedy="take it from the device's answer")

    def _bind(self, *, listening: bool = False) -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self._port))
            if listening:
                listener.listen(_BACKLOG)
        except (OSError, OverflowError):
            listener.close()
        else:
            self._port = listener.getsockname()[1]
            self._state.issuer = f"http://127.0.0.1:{self._port}"
            return listener
        raise ConfigError(f"port {self._port} can't be used", remedy="choose another one, or 0 for any")

    def _run(self, started: threading.Event) -> None:
        with asyncio.Runner() as runner:
            loop = self._loop = runner.get_loop()
            loop.run_until_complete(self._listen())
            loop.call_soon(started.set)
            loop.run_forever()
            loop.run_until_complete(self._close())
        self._loop = None

    async def _listen(self) -> None:
        if self._server is None:
            listener = self._listener or self._bind()
            self._listener = None
            self._server = await asyncio.get_running_loop().create_server(
                lambda: Connection(self._state, self._connections), sock=listener, backlog=_BACKLOG
            )

    async def _pause(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
            self._listener = self._bind()
        for connection in list(self._connections):
            if connection.idle:
                connection.close()

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        tasks = [task for connection in list(self._connections) if (task := connection.close()) is not None]
        await asyncio.gather(*tasks, return_exceptions=True)
        while self._connections:  # asyncio closes their sockets in its next rounds
            await asyncio.sleep(0)

    def _call(self, step: Coroutine[Any, Any, None]) -> None:
        """Do something in the server's thread, and wait for it."""
        if self._loop is None:
            step.close()
            return
        asyncio.run_coroutine_threadsafe(step, self._loop).result()
