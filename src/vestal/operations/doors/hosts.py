"""hosts.toml: which host gets the tokens of which credential. A token goes to no host that is not named.

["git.example.com"]
credential = "acme"
username = "oauth2"   # beside the token, where a program wants one; this is the default
bearer = true         # git: send it as a bearer token, if git can (2.46)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from vestal.core.credential import check_name
from vestal.core.errors import ConfigError
from vestal.core.loopback import is_loopback

if TYPE_CHECKING:
    from pathlib import Path

    from vestal.home import Home

USERNAME = "oauth2"
"""Any name will do at most services; this is the one that GitLab documents
(https://docs.gitlab.com/api/oauth2/#access-git-over-https-with-access-token)."""

FILE = "hosts.toml"

_PORTS = {"https": ":443", "http": ":80"}


@dataclass(frozen=True, slots=True)
class Place:
    """What a host gets."""

    host: str
    """In lower case, with the port if it is not the usual one."""
    credential: str
    username: str = ""
    bearer: bool = False

    def username_for(self, asked: str) -> str | None:
        """The name to give beside the token to somebody who asked for `asked`; None: that is another user."""
        if asked and self.username and asked != self.username:
            return None
        return asked or self.username or USERNAME


def places(home: Home) -> Mapping[str, Place]:
    """The places of hosts.toml by host. Raises `ConfigError`."""
    path = home.folder / FILE
    if not path.exists():
        return {}
    import tomllib

    trouble = ""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        trouble = str(error)
    except OSError as error:
        trouble = error.strerror or "it can't be read"
    if trouble:
        raise _wrong(path, trouble)
    return {place.host: place for place in (_place(path, host, table) for host, table in tables.items())}


def place_of(home: Home, address: str) -> Place | None:
    """The place of an address or a host; None if it gets nothing. Raises `ConfigError`."""
    host = host_of(address)
    return places(home).get(host) if host else None


def host_of(address: str) -> str:
    """The host of `https://host:port/path` or of `host:port`; empty for what a token must not go to.

    That is plain http, but to this machine.
    """
    scheme, divider, rest = address.partition("://")
    try:
        parts = urlsplit(f"//{rest if divider else address}")
        host = parts.netloc.rpartition("@")[2].lower()
        name = parts.hostname or ""
    except ValueError:
        return ""
    scheme = scheme.lower() if divider else "https"
    if scheme != "https" and not (scheme == "http" and is_loopback(name)):
        return ""
    return host.removesuffix(_PORTS[scheme])


def _place(path: Path, host: str, table: Any) -> Place:
    if not isinstance(table, dict) or not isinstance(table.get("credential"), str):
        raise _wrong(path, f'["{host[:80]}"] names no credential')
    unknown = sorted(set(table) - {"credential", "username", "bearer"})
    if unknown:
        raise _wrong(path, f'["{host[:80]}"] has nothing to do with {unknown[0][:40]}')
    username, bearer = table.get("username", ""), table.get("bearer", False)
    if not isinstance(username, str) or not username.isprintable() or not isinstance(bearer, bool):
        raise _wrong(path, f'["{host[:80]}"]: username is a text, and bearer true or false')
    if "/" in host or not host_of(host):
        raise _wrong(path, f"{host[:80]!r} is no host")
    return Place(host_of(host), check_name(table["credential"]), username, bearer)


def _wrong(path: Path, what: str) -> ConfigError:
    return ConfigError(f"{path}: {what}", remedy="mend the file; the page on other programs has an example")
