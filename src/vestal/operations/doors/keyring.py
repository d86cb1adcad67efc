"""Vestal in the place of the program `keyring`, which pip, uv, Poetry and twine run to get a password.

`keyring get SERVICE USERNAME` prints the password. `keyring --mode creds --output json get SERVICE [USERNAME]` prints both
(https://github.com/jaraco/keyring#command-line-utility, since 25.2.1), and is what pip runs since 25.1.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vestal.core.secret import Secret
from vestal.operations.doors.bearer import bearer
from vestal.operations.doors.hosts import place_of

if TYPE_CHECKING:
    from vestal.home import Home


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command line of `keyring` asks for."""

    operation: str
    service: str = ""
    username: str = ""
    both: bool = False
    """The name as well as the password."""
    as_json: bool = False


def read(arguments: Sequence[str]) -> Wanted:
    """The words of a command line; options that do not concern us are left aside."""
    options: dict[str, str] = {}
    words: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        option, equals, value = word.partition("=")
        if option in ("--mode", "--output", "--keyring-backend", "--keyring-path", "-b", "-p"):
            options[option] = value if equals else (rest.pop(0) if rest else "")
        elif not word.startswith("-"):
            words.append(word)
    operation, service, username = [*words, "", "", ""][:3]
    return Wanted(operation, service, username, options.get("--mode") == "creds", options.get("--output") == "json")


def get(home: Home, wanted: Wanted) -> Secret | None:
    """What is printed; None if it is not ours to answer: another host, another user, or plain http. Raises `VestalError`.

    A bare host is not answered: pip asks for that when the whole address had no answer, and would send what it gets to
    the plain http address as well.
    """
    if wanted.operation != "get" or "://" not in wanted.service:
        return None
    place = place_of(home, wanted.service)
    username = None if place is None else place.username_for(wanted.username)
    if place is None or username is None:
        return None
    token = bearer(home, place.credential)
    if wanted.as_json:
        name = {"username": username} if wanted.both else {}
        return Secret(json.dumps({**name, "password": token.access_token.reveal()}) + "\n")
    return Secret((f"{username}\n" if wanted.both else "") + f"{token.access_token.reveal()}\n")
