"""Logging in: what a person is asked for, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from vestal.core.credential import Credential
from vestal.core.errors import VestalError
from vestal.core.grant import Grant
from vestal.core.token import Proof
from vestal.core.transport import Request, Response

if TYPE_CHECKING:
    from vestal.home import Home
    from vestal.oauth2.login import LoginPrompt

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
) -> Credential:
    """Let a person log in to a credential, and keep what that brings. The credential as saved.

    While it lasts the credential is `authorizing`; its old token stays in use until the new one is saved.
    `open_browser` and `tell` are as in `vestal.oauth2.login.login`. Raises `VestalError`.
    """
    from vestal.oauth2.login import login

    credential = home.lifecycle.load(name)
    provider = home.provider_for(credential.app)
    send = _Stamped(home)
    saved: list[Credential] = []

    def save(grant: Grant) -> None:
        saved.append(home.lifecycle.logged_in(name, grant, send.sent_at or home.clock.now()))

    def told(prompt: LoginPrompt) -> None:
        _mark(home, name, home.clock.now() + prompt.limit)
        tell(prompt)

    failure: VestalError
    try:
        with _authorizing(home, name, limit):
            login(
                provider,
                credential.app,
                send,
                home.clock,
                device=device,
                open_browser=open_browser,
                tell=told,
                proof=_key(credential),
                limit=limit,
                save=save,
            )
            return saved[0]
    except VestalError as error:
        failure = error.copy()
    failure.credential = name
    raise failure


@contextmanager
def _authorizing(home: Home, name: str, limit: float) -> Iterator[None]:
    """The credential is `authorizing` in the block, and no longer, however the block ends."""
    _mark(home, name, home.clock.now() + limit)
    try:
        yield
    finally:
        with suppress(VestalError):  # then it ends by itself, at its limit
            _mark(home, name, None)


def _mark(home: Home, name: str, until: float | None) -> None:
    if home.lifecycle.load(name).authorizing_until != until:
        home.lifecycle.update(name, lambda credential: replace(credential, authorizing_until=until))


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
