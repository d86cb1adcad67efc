"""Git's protocol for credential helpers. Pure.

https://git-scm.com/docs/git-credential#IOFMT, https://git-scm.com/docs/gitcredentials#_custom_helpers
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from vestal.core.errors import UnexpectedError
from vestal.core.secret import Secret
from vestal.core.token import Token

MOST = 1 << 16
"""Characters of a question. Git's own lines end at 65,535."""

_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]+")

AUTHTYPE = "authtype"
"""The capability of git (since 2.46) to send something else than a name and a password."""


@dataclass(frozen=True, slots=True)
class Question:
    """What git asks, or tells, about."""

    protocol: str = ""
    host: str = ""
    """With the port, if there is one."""
    path: str = ""
    """With `credential.useHttpPath` only."""
    username: str = ""
    password: Secret | None = None
    credential: Secret | None = None
    """What was sent in place of a password, with an `authtype`."""
    capabilities: frozenset[str] = frozenset()
    challenges: tuple[str, ...] = ()
    """The server's WWW-Authenticate headers."""

    @property
    def repository(self) -> str:
        """`owner/name`; empty if git does not say. What follows (as of LFS) is left aside."""
        parts = [part for part in self.path.strip("/").split("/") if part]
        owner, name = (parts[0], parts[1].removesuffix(".git")) if len(parts) > 1 else ("", "")
        return f"{owner}/{name}" if _NAME.fullmatch(owner) and _NAME.fullmatch(name) else ""

    @property
    def wants_bearer(self) -> bool:
        """Whether the server takes bearer tokens and no passwords, as far as git says (since 2.41)."""
        schemes = {challenge.partition(" ")[0].lower() for challenge in self.challenges}
        return "bearer" in schemes and "basic" not in schemes


def read(text: Secret) -> Question:
    """The lines `key=value` up to a blank one; what is not known is left aside, as git asks of helpers.

    Lines end with a line feed and with nothing else: a carriage return that an address smuggles into a value (`%0d`) must
    not begin another line (CVE-2024-52006). A question that says something twice is none.
    """
    found: dict[str, list[Secret]] = {}
    for line in text.reveal()[:MOST].split("\n"):
        key, equals, value = line.partition("=")
        if not key:
            break
        if not equals:
            continue
        if not key.endswith("[]"):
            if key in found:
                return Question()
            found[key] = [Secret(value)]
        elif value:
            found.setdefault(key, []).append(Secret(value))
        else:  # an empty one clears the list
            found.pop(key, None)

    def plain(name: str) -> str:
        return found[name][0].reveal() if name in found else ""

    def several(name: str) -> list[str]:
        return [value.reveal() for value in found.get(f"{name}[]", [])]

    return Question(
        plain("protocol"),
        plain("host"),
        plain("path"),
        plain("username"),
        found["password"][0] if "password" in found else None,
        found["credential"][0] if "credential" in found else None,
        frozenset(several("capability")),
        tuple(several("wwwauth")),
    )


def answer(token: Token, username: str) -> Secret:
    """The token as a password. Git forgets it when it ends (`password_expiry_utc`, since git 2.40)."""
    return _lines(token, f"username={username}", f"password={token.access_token.reveal()}")


def bearer_answer(token: Token) -> Secret:
    """The token as what it is. Only for a git that has said `capability[]=authtype`; nobody is to keep it."""
    told = f"capability[]={AUTHTYPE}", "authtype=Bearer", f"credential={token.access_token.reveal()}", "ephemeral=1"
    return _lines(token, *told)


def _lines(token: Token, *lines: str) -> Secret:
    """Raises `UnexpectedError` for a token that would be more than a line."""
    if not token.access_token.reveal().isprintable():
        raise UnexpectedError("the token has characters that git can't be told", remedy="ask for a new one")
    expiry = () if token.expires_at is None else (f"password_expiry_utc={int(token.expires_at)}",)
    return Secret("".join(f"{line}\n" for line in (*lines, *expiry)))


def usual_port(protocol: str) -> str:
    """What may be left out of a host."""
    return {"https": ":443", "http": ":80"}.get(protocol, "\0")
