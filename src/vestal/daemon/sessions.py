"""Sessions of browsers at the dashboard. They begin with a link that works once, and never give out a token.

A cookie knows no ports (RFC 6265, section 8.5): other servers at this address, which may be another user's, get to see it
when the browser goes there. So a session may look, refresh and log in, but is never good for a token, and it ends. What
changes anything needs its CSRF token beside the cookie: pages of other sites, whose forms the browser would send with the
cookie, do not have it. It does not keep out whoever holds the cookie itself, since our pages tell it to the session.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace

from vestal.core.clock import Clock
from vestal.core.secret import Secret
from vestal.daemon.access import Grantee

INVITATION = 300.0
"""Seconds for which a link can be opened."""

LIFETIME = 12 * 3600.0
"""Seconds after which a session is over, as its cookie is. It gets no longer by being used: thieves would use it."""

MOST = 64
"""Sessions, and links not yet opened, at most; the oldest give way."""


@dataclass(frozen=True, slots=True)
class Session:
    """One browser. `until` is by the steady clock."""

    id: str
    """Hash of the cookie."""
    csrf: Secret
    grantee: Grantee
    until: float = field(compare=False)


class Sessions:
    """Those of one daemon, in memory: a restart ends them. Safe for use from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._invitations: OrderedDict[str, tuple[float, Grantee]] = OrderedDict()
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def invite(self, grantee: Grantee) -> Secret:
        """The code of a link that opens a session with what `grantee` may do, but for tokens."""
        code = Secret(secrets.token_urlsafe(32))
        may = replace(grantee, actions=tuple(action for action in grantee.actions if action != "token"))
        with self._lock:
            self._invitations[_hash(code)] = (self._clock.steady() + INVITATION, may)
            while len(self._invitations) > MOST:
                self._invitations.popitem(last=False)
        return code

    def open(self, code: Secret) -> tuple[Secret, Session] | None:
        """A new session, with what its cookie holds; None if the link was opened before, or too late."""
        now = self._clock.steady()
        with self._lock:
            until, grantee = self._invitations.pop(_hash(code), (0.0, None))
            if grantee is None or now >= until:
                return None
            cookie = Secret(secrets.token_urlsafe(32))
            session = Session(_hash(cookie), Secret(secrets.token_urlsafe(32)), grantee, now + LIFETIME)
            self._sessions[session.id] = session
            while len(self._sessions) > MOST:
                self._sessions.popitem(last=False)
            return cookie, session

    def of(self, cookie: Secret) -> Session | None:
        """The session of a cookie; None if there is none any more."""
        id, now = _hash(cookie), self._clock.steady()
        with self._lock:
            session = self._sessions.get(id)
            if session is None:
                return None
            if now >= session.until:
                del self._sessions[id]
                return None
            return session

    def is_open(self, session: Session) -> bool:
        """Whether a session has not ended."""
        with self._lock:
            return session.id in self._sessions and self._clock.steady() < session.until

    def close(self, session: Session) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(session.id, None)


def _hash(secret: Secret) -> str:
    """Looked up by its hash, a secret gives nothing away by the time that it takes."""
    return hashlib.sha256(secret.reveal().encode("utf-8", "surrogatepass")).hexdigest()
