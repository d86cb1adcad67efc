"""One login, from its beginning to its end, in a thread of its own."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from vestal.core.clock import Clock
from vestal.core.credential import App, check_name
from vestal.core.errors import ConfigError, VestalError
from vestal.core.events import Kind
from vestal.daemon.auth import defect
from vestal.daemon.problem import unknown_credential
from vestal.oauth2.login import LoginPrompt
from vestal.oauth2.reception import Receiver, Reception
from vestal.operations.login import log_in

if TYPE_CHECKING:
    from vestal.home import Home

_log = logging.getLogger("vestal.daemon")
_audit = logging.getLogger("vestal.audit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What is known of a login at a moment: `Logins.of` and `Logins.latest` give a newer one."""

    id: str
    name: str
    """The credential's."""
    service: str
    address: str = field(repr=False)
    """Where the person goes. The login's `state` is in it: it is for nobody but the one who started the login."""
    user_code: str | None = field(default=None, repr=False)
    """To be typed at `address`, on any machine; None: the browser brings the answer to this one."""
    address_with_code: str | None = field(default=None, repr=False)
    """Saves the typing; the code is shown beside it all the same (RFC 8628, section 3.3.1)."""
    expires_at: float
    """Epoch seconds: how long the person has."""
    state: Literal["waiting", "done", "failed"] = "waiting"
    error: VestalError | None = None
    version: int | None = None
    """Of the new token."""


class Conduct:
    """What goes on. `end` is for any thread, everything else for that of the event loop."""

    def __init__(
        self, home: Home, name: str, device: bool, by: str, limit: float, receive: Callable[[App, Reception], Receiver]
    ) -> None:
        """`by`: who started it. `limit`: seconds that the person has in the browser."""
        self.id = secrets.token_urlsafe(16)
        self.name = name
        self.login: Login | None = None
        """None until the address is known."""
        self.told: Future[VestalError | None] = Future()
        """Comes when the address is known, or with what has come in its way."""
        self.over: Future[None] = Future()
        """Comes when nothing goes on any more."""
        for future in (self.told, self.over):
            future.set_running_or_notify_cancel()  # whoever stops waiting cancels nothing
        self.ended_at: float | None = None
        """By the steady clock."""
        self._home = home
        self._device = device
        self._by = by
        self._limit = limit
        self._receive = receive
        self._reception = Reception(limit, where="the page where it began")
        self._thread = threading.Thread(target=self._run, name="vestal login", daemon=True)

    @property
    def busy(self) -> bool:
        """Whether it has not come to its end."""
        return not self.over.done()

    @property
    def begun(self) -> bool:
        """Whether it has, or had, its thread."""
        return self._thread.ident is not None

    def begin(self) -> None:
        """Do it."""
        self._thread.start()

    def end(self, why: VestalError) -> None:
        """Wait for nobody any more. An answer that has come already is redeemed and saved, so that it is not lost."""
        self._reception.end(why)

    def join(self) -> None:
        """Wait until its thread is gone."""
        if self.begun:
            self._thread.join()

    def _run(self) -> None:
        version: int | None = None
        trouble: VestalError | None = None
        try:
            version = self._log_in()
        except VestalError as error:
            trouble = error.copy()
        except Exception as error:  # its text may hold anything, so only its kind is told
            trouble = defect(error)
            _log.error("a login of %s: %s", self.name, type(error).__name__)
        try:
            self._conclude(version, trouble)
        finally:
            self.ended_at = self._home.clock.steady()
            self.over.set_result(None)

    def _log_in(self) -> int:
        if not self._is_there():
            raise unknown_credential(self.name)
        credential = log_in(
            self._home,
            self.name,
            device=self._device,
            open_browser=lambda address: False,
            tell=self._tell,
            limit=self._limit,
            receive=lambda app, limit: self._receive(app, self._reception),
            clock=_Wakeable(self._home.clock, self._reception),
        )
        return credential.version

    def _is_there(self) -> bool:
        try:
            check_name(self.name)
        except ConfigError:
            return False
        return self._home.store.load(self.name) is not None

    def _tell(self, prompt: LoginPrompt) -> None:
        self.login = Login(
            id=self.id,
            name=self.name,
            service=prompt.service,
            address=prompt.address,
            user_code=prompt.user_code,
            address_with_code=prompt.address_with_code,
            expires_at=self._home.clock.now() + prompt.limit,
        )
        _audit.info("login started credential=%s by=%s", self.name, self._by)
        self.told.set_result(None)

    def _conclude(self, version: int | None, trouble: VestalError | None) -> None:
        if trouble is not None:
            trouble.credential = self.name[:200]
        if self.login is None:
            self.told.set_result(trouble)
            return
        if trouble is None:
            self.login = replace(self.login, state="done", version=version)
            _audit.info("login finished credential=%s by=%s version=%s", self.name, self._by, version)
        else:
            self.login = replace(self.login, state="failed", error=trouble)
            _audit.info("login failed credential=%s by=%s category=%s", self.name, self._by, trouble.category.value)
        self._home.lifecycle.emit(Kind.CHANGED, self.name)  # who shows the login looks at it again


class _Wakeable:
    """A clock that a login's end wakes up."""

    def __init__(self, clock: Clock, reception: Reception) -> None:
        self.now = clock.now
        self.steady = clock.steady
        self.sleep = reception.pause
