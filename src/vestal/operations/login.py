"""Logging in: what a person is asked for, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from vestal.core.clock import Clock
from vestal.core.credential import Credential
from vestal.core.errors import VestalError
from vestal.core.grant import Grant
from vestal.core.token import Proof
from vestal.core.transport import Request, Response

if TYPE_CHECKING:
    from vestal.home import Home
    from vestal.oauth2.login import LoginPrompt, Receive

LIMIT = 300.0
"""Seconds that a person has in the browser. A device code has a limit of its own."""


def log_in(
    home: Home,
    name: str,
    *,
    device: bool = False,
    open_browser: Callable[[str], bool],
    tell: Callable[[LoginPrompt], None],
    limit: float = LIMIT,
    receive: Receive | None = None,
    clock: Clock | None = None,
) -> Credential:
    """Let a person log in to a credential, and keep what that brings. The credential as saved.

    While it lasts the credential is `authorizing`; its old token stays in use until the new one is saved.
    `open_browser`, `tell` and `receive` are as in `vestal.oauth2.login.login`, and so is `clock`, in place of the home's.
    Raises `VestalError`.
    """
    from vestal.oauth2.login import login, loopback

    credential = home.lifecycle.load(name)
    provider = home.provider_for(credential.app)
    send = _Stamped(home)
    saved: list[Credential] = []

    def save(grant: Grant) -> None:
        saved.append(home.lifecycle.logged_in(name, grant, send.sent_at or home.clock.now()))

    def told(prompt: LoginPrompt) -> None:
        mark.until(home.clock.now() + prompt.limit)
        tell(prompt)

    failure: VestalError
    try:
        with _Mark(home, name) as mark:
            mark.until(home.clock.now() + limit)
            login(
                provider,
                credential.app,
                send,
                clock or home.clock,
                device=device,
                open_browser=open_browser,
                tell=told,
                proof=_key(credential),
                limit=limit,
                save=save,
                receive=receive or loopback,
            )
            return saved[0]
    except VestalError as error:
        failure = error.copy()
    failure.credential = name
    raise failure


class _Mark:
    """The credential is `authorizing` in the block, and no longer, however the block ends. Another login's mark is left."""

    def __init__(self, home: Home, name: str) -> None:
        self._home = home
        self._name = name
        self._ours: float | None = None

    def __enter__(self) -> Self:
        return self

    def until(self, limit: float) -> None:
        """Make it so, until `limit` (epoch seconds) if we do not come to the end."""
        if limit != self._ours:
            self._home.lifecycle.update(self._name, lambda credential: replace(credential, authorizing_until=limit))
            self._ours = limit

    def __exit__(self, *exc: object) -> None:
        with suppress(VestalError):  # then it ends by itself, at its limit
            if self._is_ours(self._home.lifecycle.load(self._name)):
                self._home.lifecycle.update(self._name, self._without)

    def _is_ours(self, credential: Credential) -> bool:
        return self._ours is not None and credential.authorizing_until == self._ours

    def _without(self, credential: Credential) -> Credential:
        return replace(credential, authorizing_until=None) if self._is_ours(credential) else credential


def _key(credential: Credential) -> Proof | None:
    """The DPoP key that the credential has already."""
    from vestal.oauth2.dpop import DPOP_KEY, DPoPKey

    kept = credential.secrets.get(DPOP_KEY)
    return None if kept is None else DPoPKey.from_secret(kept)


class _Stamped:
    """A `Send` that remembers when the last request was sent: from then on a token's lifetime counts."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.sent_at: float | None = None

    def __call__(self, request: Request) -> Response:
        """Send."""
        response = self._home.send(request)
        self.sent_at = response.sent_at
        return response
