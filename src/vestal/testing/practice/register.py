"""Registering clients (RFC 6749, section 2), and the three that are there from the start."""

from __future__ import annotations

from collections.abc import Iterable

from vestal.core.errors import ConfigError
from vestal.core.secret import secret_or_none
from vestal.testing.practice.keys import public_key as read_key
from vestal.testing.practice.state import Client, State

REDIRECT_URIS = tuple(
    f"http://{host}{path}" for host in ("127.0.0.1", "[::1]", "localhost") for path in ("/", "/callback")
)
"""Loopback addresses; they match with any port (RFC 8252, 7.3)."""
_WAYS = frozenset({"basic", "post", "none", "private_key_jwt"})


def register(
    state: State,
    client_id: str,
    *,
    secret: str | None = None,
    auth: Iterable[str] | None = None,
    public_key: str | None = None,
    redirect_uris: Iterable[str] = REDIRECT_URIS,
    scopes: Iterable[str] | None = None,
    dpop: bool = False,
) -> Client:
    """A client, registered anew or in place of the one of that name. See `PracticeServer.add_client`."""
    fallback = ["basic", "post"] if secret else ["private_key_jwt"] if public_key else ["none"]
    ways = frozenset(fallback if auth is None else auth)
    if not client_id or not ways or ways - _WAYS:
        raise ConfigError("a client needs a name and ways to authenticate", remedy="ways: " + ", ".join(sorted(_WAYS)))
    if (ways & {"basic", "post"} and not secret) or ("private_key_jwt" in ways and not public_key):
        raise ConfigError("the client has nothing to authenticate with", remedy="give a secret or a public key")
    client = Client(
        id=client_id,
        secret=secret_or_none(secret),
        auth=ways,
        key=read_key(public_key) if public_key else None,
        redirect_uris=tuple(redirect_uris),
        scopes=None if scopes is None else frozenset(scopes),
        dpop=dpop,
    )
    with state.lock:
        state.clients[client_id] = client
    return client


def defaults(state: State) -> None:
    """Register `practice`, `practice-public` and `practice-jwt`."""
    register(state, "practice", secret="practice-secret")  # everybody knows it
    register(state, "practice-public")
    state.clients["practice-jwt"] = Client(
        id="practice-jwt",
        auth=frozenset({"private_key_jwt"}),
        key=lambda: state.keys.client,
        redirect_uris=REDIRECT_URIS,
    )


def by_name(state: State, client_id: str) -> Client:
    """A registered client. Raises `ConfigError`."""
    client = state.clients.get(client_id)
    if client is None:
        raise ConfigError(
            f"the practice server has no client {client_id[:40]!r}", remedy="it has " + ", ".join(state.clients)
        )
    return client
