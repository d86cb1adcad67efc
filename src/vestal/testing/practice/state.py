"""`State`: all that the practice server knows, behind one lock. Tokens and codes are kept by their fingerprints."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vestal.core.clock import Clock
from vestal.core.secret import Secret
from vestal.testing.practice.counters import Counters
from vestal.testing.practice.faults import Faults
from vestal.testing.practice.keys import Keys
from vestal.testing.practice.settings import Settings

if TYPE_CHECKING:
    from joserfc.jwk import Key

USER = "practice"
"""The one person there is."""
PASSWORD = "practice"  # it is no secret: the login page says it
DEFAULT_SCOPE = "read write"
_TIDY_AT = 4096
"""Access tokens and used-up proofs are looked through for expired ones when there are so many more of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered client (RFC 6749, section 2)."""

    id: str
    secret: Secret | None = None
    auth: frozenset[str] = frozenset({"none"})
    """Of `basic`, `post`, `none` and `private_key_jwt`: how it may authenticate."""
    key: Callable[[], Key] | None = field(default=None, repr=False)
    """Its public key, for private_key_jwt and as issuer of JWT bearer assertions."""
    redirect_uris: tuple[str, ...] = ()
    scopes: frozenset[str] | None = None
    """What it may ask for; None: anything."""
    dpop: bool = False
    """Its tokens are always bound to a key (RFC 9449, 5.2)."""

    @property
    def public(self) -> bool:
        """Whether it can't keep a secret (RFC 6749, 2.1)."""
        return "none" in self.auth


@dataclass(slots=True, kw_only=True)
class Family:
    """A grant: what was allowed once, and with it all tokens that came of it."""

    client_id: str
    subject: str
    scope: str
    jkt: str | None = None
    """Thumbprint of the key that its refresh tokens are bound to (RFC 9449, section 5)."""
    nonce: str | None = field(default=None, repr=False)
    revoked: bool = False
    generation: int = 0
    """Counts its access tokens."""


@dataclass(slots=True, kw_only=True)
class AccessToken:
    """What is known of an access token."""

    family: Family
    scope: str
    issued_at: float
    expires_at: float
    jkt: str | None
    generation: int
    revoked: bool = False

    def live(self, now: float) -> bool:
        """Whether it is good."""
        return not self.revoked and not self.family.revoked and now < self.expires_at


@dataclass(slots=True, kw_only=True)
class RefreshToken:
    """What is known of a refresh token."""

    family: Family
    expires_at: float | None
    redeemed_at: float | None = None
    """When it was first replaced by `successor`."""
    successor: Secret | None = None


@dataclass(slots=True, kw_only=True)
class Authorization:
    """An authorization request (RFC 6749, 4.1.1): first a page that waits for the person, then a code."""

    client_id: str
    redirect_uri: str
    scope: str
    expires_at: float
    state: str | None = field(default=None, repr=False)
    challenge: str | None = None
    nonce: str | None = field(default=None, repr=False)
    jkt: str | None = None
    family: Family | None = None
    """Set when the code is redeemed."""


@dataclass(slots=True, kw_only=True)
class Device:
    """A device authorization (RFC 8628)."""

    client_id: str
    scope: str
    expires_at: float
    interval: float
    approved: bool | None = None
    polled_at: float | None = None


class State:
    """All that the practice server knows. Take `lock` around every use."""

    def __init__(self, settings: Settings, clock: Clock, control_key: Secret) -> None:
        self.lock = threading.RLock()
        self.settings = settings
        self.clock = clock
        self.control_key = control_key
        self.counters = Counters()
        self.faults = Faults(self.counters)
        self.keys = Keys()
        self.issuer = ""
        self.clients: dict[str, Client] = {}
        self.access_tokens: dict[str, AccessToken] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.pages: dict[str, Authorization] = {}
        self.codes: dict[str, Authorization] = {}
        self.devices: dict[str, Device] = {}
        self.user_codes: dict[str, Device] = {}
        self.dpop_nonce = secrets.token_urlsafe(16)
        self._seen: dict[str, float] = {}
        self._tidy_at = _TIDY_AT

    def now(self) -> float:
        """Epoch seconds."""
        return self.clock.now()

    def first_use(self, identifier: str, until: float) -> bool:
        """Whether a `jti` is new. It is remembered until `until`."""
        if self._seen.get(identifier, 0.0) > self.now():
            return False
        self._seen[identifier] = until
        return True

    def tidy(self) -> None:
        """Forget access tokens and proofs that have expired, once there are many."""
        if len(self.access_tokens) + len(self._seen) < self._tidy_at:
            return
        now = self.now()
        self.access_tokens = {print_: token for print_, token in self.access_tokens.items() if token.expires_at > now}
        self._seen = {identifier: until for identifier, until in self._seen.items() if until > now}
        self._tidy_at = _TIDY_AT + 2 * (len(self.access_tokens) + len(self._seen))
