"""The provider catalogue: one TOML file per service in this folder, and the user's own file beside it.

Our files hold one provider each, at the top level, and are named after it. A user's file holds a table per provider,
with the same keys; an entry there stands in for a built-in one of the same name:

    [acme]
    title = "Acme"
    authorization_endpoint = "https://login.acme.example/authorize"
    token_endpoint = "https://login.acme.example/token"
    rotation = "always"

`checked` is the day on which an entry's authorization and token endpoints were compared with the vendor's documentation
or with independent open-source clients. `api_urls`, to which the daemon's proxy sends tokens, were compared with the
vendor's documentation, SDK or specification; the weaker ones are of the domain of its token endpoint. What stands beside
them was read there too where it could be; services change, so a running credential believes what it is told (`expires_in`,
a new refresh token) before it believes an entry.
`access_token_lifetime` is for services that never say: it is left out where a reply without `expires_in` means a token
that does not expire.
"""

from __future__ import annotations

import re
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

from vestal.core.errors import ConfigError
from vestal.oauth2.catalogue.entry import parse
from vestal.oauth2.provider import OAuth2Provider

__all__ = ["find", "load_file", "names", "parse"]

_FOLDER = Path(__file__).parent
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def names(extra: Path | None = None) -> list[str]:
    """The names of all providers, sorted: the built-in ones and those of the user's file, if there is such a file.

    Raises ConfigError if the user's file can't be read.
    """
    return sorted({path.stem for path in _FOLDER.glob("*.toml")} | _user_tables(extra).keys())


def find(name: str, extra: Path | None = None) -> OAuth2Provider:
    """The provider of that name, from the user's file or else from ours. Only the files that it needs are read.

    Raises ConfigError if there is none, or if its entry is wrong. Other entries of the user's file are not looked at.
    """
    if (table := _user_tables(extra).get(name)) is not None:
        return parse(name, table, str(extra))
    path = _FOLDER / f"{name}.toml"
    # A name goes into a path, so it must not lead elsewhere.
    if _NAME.fullmatch(name) and name == name.lower() and path.is_file():
        return parse(name, _read(path), str(path))
    raise ConfigError(f"there is no provider {name[:40]!r}", remedy=_did_you_mean(name, extra))


def load_file(path: Path) -> dict[str, OAuth2Provider]:
    """All providers of a user's file, by name. Raises ConfigError at the first thing that is wrong in it."""
    return {name: parse(name, table, str(path)) for name, table in _tables(path).items()}


def _user_tables(extra: Path | None) -> dict[str, dict[str, Any]]:
    if extra is None:
        return {}
    with suppress(PermissionError):  # there is one, and reading it says what is wrong
        if not extra.exists():
            return {}
    return _tables(extra)


def _tables(path: Path) -> dict[str, dict[str, Any]]:
    tables = _read(path)
    for name, table in tables.items():
        if not _NAME.fullmatch(name) or name == "custom":
            raise ConfigError(
                f"{path}: [{name[:40]!r}] can't name a provider",
                remedy="use up to 64 letters, digits and ._-, a letter or digit first, and not 'custom'",
            )
        if not isinstance(table, dict):
            raise ConfigError(
                f"{path}: {name[:40]!r} stands outside a table",
                remedy="write each provider as a table: [name], then its keys",
            )
    return tables


def _read(path: Path) -> dict[str, Any]:
    try:
        # utf-8-sig: some editors begin a file with a byte order mark.
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        message = f"{path}: can't be read ({error.strerror or type(error).__name__})"
    except UnicodeDecodeError as error:
        message = f"{path}: is not UTF-8 text (byte {error.start})"
    except (ValueError, RecursionError) as error:
        # tomllib recurses into arrays and tables, so a deep enough nest ends in RecursionError.
        message = f"{path}: is not TOML ({' '.join(str(error).split())[:200]})"
    raise ConfigError(message, remedy="mend the file, or move it away")


def _did_you_mean(name: str, extra: Path | None) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name[:60].lower(), names(extra), n=3)
    guess = f"did you mean {' or '.join(close)}? " if close else ""
    return f"{guess}`vestal providers` lists all; describe your own in a file, or name its issuer"
