"""Where a request at the proxy goes: from the path it came with to an address of a service, and back again. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote, urljoin, urlsplit

from vestal.core.credential import check_name
from vestal.core.errors import ConfigError
from vestal.daemon.problem import Refusal

PREFIX = "/proxy/"
END = "~"
"""The part of a path that ends the name: no credential's name can hold it."""

PARTS = 8
"""Of how many parts a name may be that is to be found without `END`: each is a look into the store."""

_TARGET = re.compile(rb"[\x21-\x7e]*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Base:
    """A base address of an API. Its path has no slash at the end."""

    scheme: str
    host: str
    """Without brackets, if it is an IPv6 address."""
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> Base:
        """Of an address as `check_address` lets through."""
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
        return cls(parts.scheme, (parts.hostname or "").lower(), port, parts.path.rstrip("/"))

    @property
    def authority(self) -> str:
        """As it stands in the Host header (RFC 9110, 7.2): a default port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.authority}"

    def holds(self, path: str) -> bool:
        """Whether an absolute path at this host is the base itself, or below it."""
        return path.partition("?")[0] == self.path or path.startswith(self.path + "/")


@dataclass(frozen=True, slots=True)
class Aim:
    """One way to read a path: whose token, and what of which host."""

    name: str
    host: str | None
    """As the path names it (`~HOST`); None for the usual one."""
    path: str
    """What follows, as it came: with its slash in front, or empty. With a host it counts from that host's root."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address of a service."""

    base: Base
    path: str
    """From the root, with the query, as it is sent."""

    @property
    def url(self) -> str:
        """The whole address."""
        return self.base.origin + self.path


def aims(raw_path: bytes) -> list[Aim]:
    """All ways to read a path, best first: the one with the longest name.

    `/proxy/NAME/~/PATH` and `/proxy/NAME/~HOST/PATH` say where the name ends. Since a service's own path may have a part
    like `~alice`, the latter counts only if there is a credential of that name. Raises `Refusal` (400, 404).
    """
    path = raw_path.decode("latin-1")
    if not _TARGET.fullmatch(raw_path) or "\\" in path or "#" in path:
        raise Refusal(400, "the path holds what can't stand in one", remedy="percent-encode it")
    if not path.startswith(PREFIX):
        raise Refusal(404, "there is nothing at this path", remedy=f"write {PREFIX} as it is, without percent-encoding")
    parts = path[len(PREFIX) :].split("/")
    end = next((index for index, part in enumerate(parts) if unquote(part).startswith(END)), len(parts))
    marked = unquote(parts[end])[1:] if end < len(parts) else None
    found = []
    if marked is not None:
        found += [Aim(name, marked or None, _rest(parts[end + 1 :])) for name in _name(parts[:end])]
    if marked != "":
        longest = end if marked is None else end - 1
        found += [
            Aim(name, None, _rest(parts[length:]))
            for length in range(min(longest, PARTS), 0, -1)
            for name in _name(parts[:length])
        ]
    return found


def target(aim: Aim, bases: Sequence[Base], query: bytes) -> Target:
    """Where an aim leads. Raises `ConfigError` if the credential's service has no such place, `Refusal` (400)."""
    if not bases:
        raise ConfigError(
            "nothing says where its API is",
            credential=aim.name,
            remedy=f"add it again with --set api_url=https://HOST: `vestal add {aim.name} --replace ...`",
        )
    path = (bases[0].path if aim.host is None else "") + aim.path or "/"
    host = (aim.host or bases[0].authority).lower()
    base = next((base for base in bases if base.authority == host and base.holds(path)), None)
    if base is None:
        known = ", ".join(dict.fromkeys(base.authority + base.path for base in bases))
        raise ConfigError(
            "its token is not for that address",
            credential=aim.name,
            remedy=f"it is for {known}; the setting api_url names others",
        )
    if base.path and _climbs(path):
        raise Refusal(400, "the path climbs with dots", credential=aim.name, remedy="write the path without them")
    if _TARGET.fullmatch(query) is None or b"#" in query:
        raise Refusal(400, "the query holds what can't stand in one", remedy="percent-encode it")
    return Target(base, path + (f"?{query.decode('latin-1')}" if query else ""))


def homeward(
    location: str, at: Target, name: str, bases: Sequence[Base], is_us: Callable[[Base], bool] = lambda there: False
) -> str | None:
    """A `Location` (RFC 9110, 10.2.2) as the client has to see it: what leads to one of the bases leads through the proxy.

    Anything else is made whole, so that it is not taken for a path of ours: the client would go there with its key, and
    the service would choose what it does with the tokens of others. None for what leads there all the same.
    """
    try:
        url = _whole(_UNPRINTABLE.sub(lambda found: f"%{ord(found[0]):02X}", location.strip()), at)
        parts = urlsplit(url)
        there = Base.of(url) if parts.scheme in _DEFAULT_PORTS and parts.hostname else None
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS:
        return url
    if there is None or "\\" in parts.netloc:  # `http:/x`: clients do not agree on where that leads
        return None
    path = url[len(parts.scheme) + 3 + len(parts.netloc) :]
    path = path if path.startswith("/") else f"/{path}"
    plain = re.split(r"[?#]", path, maxsplit=1)[0]
    for base in bases:
        if base.origin == there.origin and base.holds(plain) and "@" not in parts.netloc and not _climbs(plain):
            if base == bases[0]:
                return f"{PREFIX}{name}/{END}{path[len(base.path) :]}"
            return f"{PREFIX}{name}/{END}{base.authority}{path}"
    return None if is_us(there) else url


def _whole(location: str, at: Target) -> str:
    """A reference as an address (RFC 3986, 5.2), to the letter where it can be: `urljoin` tidies up as it goes."""
    if _SCHEME.match(location):
        return location
    if location.startswith("//"):
        return f"{at.base.scheme}:{location}"
    return at.base.origin + location if location.startswith("/") else urljoin(at.url, location)


def _name(parts: Sequence[str]) -> Iterator[str]:
    """The name that parts of a path make, if they can make one."""
    with suppress(ConfigError):
        yield check_name(unquote("/".join(parts)))


def _rest(parts: Sequence[str]) -> str:
    return "".join(f"/{part}" for part in parts)


def _climbs(path: str) -> bool:
    """Whether a server could read `.` or `..` out of it: percent-encoded, between backslashes, before parameters as well."""
    return any(part.partition(";")[0] in (".", "..") for part in re.split(r"[/\\]", unquote(path)))
