"""What the hooks decide, without I/O: which requests carry a token, and what an answer calls for."""

from __future__ import annotations

import enum
import ipaddress
import re
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from vestal.core.errors import ConfigError
from vestal.core.loopback import is_loopback
from vestal.core.token import Token

# WebSockets and server-sent events count as the HTTP they run over (RFC 6455, section 3; `sse` and `psse` are niquests').
_DEFAULT_PORTS = {"https": 443, "wss": 443, "sse": 443, "http": 80, "ws": 80, "psse": 80}
_SECURE = frozenset({"https", "wss", "sse"})
_END = r"\x00-\x20\s/?#\\@\[\]"  # what can't stand in a part of an authority
_BEGIN_OF_URL = re.compile(
    rf"(?P<scheme>[A-Za-z]+)://(?:[^{_END}]*@)?(?P<host>\[[^{_END}]+\]|[^{_END}:%]+)(?::(?P<port>[0-9]{{0,5}}))?(?=[/?#]|\Z)"
)
_BARE_ORIGIN = re.compile(r"[A-Za-z]+://[A-Za-z0-9._:\[\]-]+/?")
_MOST_ORIGINS_KNOWN = 256

# A newer token does not cure these: RFC 6750, 3.1; RFC 9470, 3 (log in again, with more); RFC 9449, 12.2 (the proof's).
_NOT_THE_TOKEN = frozenset(
    {"insufficient_scope", "insufficient_user_authentication", "invalid_dpop_proof", "use_dpop_nonce"}
)
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_CHALLENGE_PART = re.compile(rf'({_WORD})(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_WORD})))?')


class _Origin(NamedTuple):
    secure: bool
    host: str
    port: int


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _origin(url: str) -> _Origin | None:
    r"""The origin of `url` (RFC 9110, 4.3.1); None if it has none, or not one that every parser would agree on.

    `http://a.example\@b.example/` is b.example to Python and a.example to some clients.
    """
    parts = _BEGIN_OF_URL.match(url)
    if parts is None or parts["scheme"].lower() not in _DEFAULT_PORTS:
        return None
    scheme, host = parts["scheme"].lower(), parts["host"].strip("[]").lower()
    port = int(parts["port"]) if parts["port"] else _DEFAULT_PORTS[scheme]
    return _Origin(scheme in _SECURE, str(_address(host) or host), port)


def _check_safe(origin: _Origin) -> None:
    """Raise ConfigError if a token sent to `origin` could be read on its way (RFC 6750, 5.3: TLS, always)."""
    if not origin.secure and not is_loopback(origin.host):
        raise ConfigError(
            f"no token is sent to {origin.host} over plain http: whoever is on the way could read it",
            remedy="use https; plain http is for 127.0.0.0/8, [::1] and localhost only",
        )


def _listed(text: str) -> _Origin:
    origin = _origin(text)
    if origin is None or not _BARE_ORIGIN.fullmatch(text):
        raise ConfigError(
            "what stands in `origins` is not an origin",
            remedy="write scheme, host and port only, such as https://api.example.com or http://127.0.0.1:8080",
        )
    _check_safe(origin)
    return origin


class Origins:
    """Where tokens go: to the origins listed, or, with an empty list, to whatever the client is told to request.

    A request to an origin that is not listed goes out as it is, without a token.
    """

    __slots__ = ("_known", "_listed")

    def __init__(self, listed: Iterable[str] = ()) -> None:
        """Raises ConfigError for what is not an origin, and for plain http to another machine."""
        self._listed = frozenset(map(_listed, (listed,) if isinstance(listed, str) else listed))
        self._known: dict[str, bool] = {}

    def __bool__(self) -> bool:
        return bool(self._listed)

    def carry(self, origin: str) -> bool:
        """Whether requests to `origin` (`scheme://host:port`, as the client writes it) carry a token.

        Raises ConfigError where a token would go out readable for others: on plain http to another machine.
        """
        known = self._known.get(origin)
        return self._judge(origin) if known is None else known

    def _judge(self, origin: str) -> bool:
        place = _origin(origin)
        if self._listed and place not in self._listed:
            carry = False
        elif place is None:
            raise ConfigError("tokens are sent over http and https only", remedy="mind the address that is requested")
        else:
            _check_safe(place)
            carry = True
        if "@" not in origin:  # what stands before it is a user's secret, and not kept
            if len(self._known) >= _MOST_ORIGINS_KNOWN:
                self._known.clear()
            self._known[origin] = carry
        return carry


def challenge_error(challenges: str, scheme: str) -> str:
    """The `error` of the challenge for `scheme` among a WWW-Authenticate field's (RFC 9110, 11.6.1); empty if none."""
    current = ""
    for name, quoted, plain in _CHALLENGE_PART.findall(challenges):
        if not quoted and not plain:
            current = name.lower()
        elif current == scheme.lower() and name.lower() == "error":
            return str(quoted or plain)
    return ""


class Retry(enum.Enum):
    """What an answer calls for."""

    NONE = "none"
    """Nothing: it is the caller's."""
    NEWER = "newer"
    """The token was refused: ask the source for a newer one, then send the request again."""
    REPORT = "report"
    """The token was refused, but the body is gone: tell the source, for the next request's sake."""
    NONCE = "nonce"
    """Send it again with the same token and the nonce that the server asked for (RFC 9449, 9)."""
    PROOF = "proof"
    """Send it again with the same token: a redirect carried the proof made for another address (RFC 9449, 4.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a hook sees of a response."""

    status: int
    url: str
    """Of the request that it answers: after a redirect, not the first one's."""
    challenges: str
    """WWW-Authenticate, several fields joined by commas."""
    nonce: str | None
    """DPoP-Nonce."""
    carried: bool
    """That request carried the exchange's token: a client takes it away when it is redirected elsewhere."""
    replayable: bool
    """The body of that request can be sent again."""


class Exchange:
    """One request of a caller, over all its tries: at most one for each kind of `Retry`."""

    __slots__ = ("_signed", "_started_at", "_tried", "token")

    def __init__(self, token: Token, origin: str) -> None:
        self.token = token
        """The one to sign with; a newer one is put in its place."""
        self._started_at = origin
        self._signed = ""
        self._tried: tuple[Retry, ...] = ()

    def sign(self, headers: MutableMapping[str, Any], method: str, url: object) -> None:
        """Put the token on a request, in place of any other; a DPoP proof is made anew each time (RFC 9449, 4.2)."""
        if self.token.proof is None:
            headers["Authorization"] = self.token.authorization
        else:
            self._signed = str(url)
            headers.update(self.token.headers(method, self._signed))

    def settled(self, status: int) -> bool:
        """Whether an answer is the caller's at first sight; if not, `after` has to be asked."""
        return status != 401 and self.token.proof is None

    def carried_by(self, headers: Mapping[str, Any]) -> bool:
        """Whether these headers of a request hold the token."""
        return bool(headers.get("Authorization") == self.token.authorization)

    def after(self, answer: Answer) -> Retry:
        """What `answer` calls for."""
        if _origin(answer.url) != _origin(self._started_at):
            return Retry.NONE
        if self.token.proof is not None and answer.nonce:
            # With any status: the newest nonce is the one to use from now on (RFC 9449, 8.2).
            self.token.proof.learn(answer.url, {"dpop-nonce": answer.nonce})
        if answer.status != 401 or not answer.carried:
            return Retry.NONE
        retry = self._called_for(answer)
        if retry in self._tried:
            return Retry.NONE
        self._tried += (retry,)
        if answer.replayable:
            return retry
        return Retry.REPORT if retry is Retry.NEWER else Retry.NONE

    def _called_for(self, answer: Answer) -> Retry:
        error = challenge_error(answer.challenges, self.token.scheme)
        if self.token.proof is not None:
            if error == "use_dpop_nonce" and answer.nonce:
                return Retry.NONCE
            if answer.url != self._signed:
                return Retry.PROOF
        return Retry.NONE if error in _NOT_THE_TOKEN else Retry.NEWER

    def finish(self, status: int) -> None:
        """The caller gets an answer, so that its next try begins anew: some clients let it send a request many times.

        After a redirect the same exchange goes on.
        """
        if not 300 <= status < 400:
            self._tried = ()
