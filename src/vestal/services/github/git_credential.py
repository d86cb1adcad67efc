"""Git's protocol for credential helpers, and what a GitHub App has to say in it. Pure, but for the flow at the end.

https://git-scm.com/docs/git-credential#IOFMT, https://git-scm.com/docs/gitcredentials#_custom_helpers
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from vestal.core.errors import UnexpectedError
from vestal.core.loopback import is_loopback
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.services.github.place import Place

USERNAME = "x-access-token"
"""Any name will do beside an installation's token; this is the one that GitHub documents
(https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation)."""

MOST = 1 << 16
"""Characters of a question. Git's own lines end at 65,535."""

_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]+")


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

    @property
    def repository(self) -> str:
        """`owner/name`; empty if git does not say. What follows (as of LFS) is left aside."""
        parts = [part for part in self.path.strip("/").split("/") if part]
        owner, name = (parts[0], parts[1].removesuffix(".git")) if len(parts) > 1 else ("", "")
        return f"{owner}/{name}" if _NAME.fullmatch(owner) and _NAME.fullmatch(name) else ""


def read(text: Secret) -> Question:
    """The lines `key=value` up to a blank one; what is not known is left aside, as git asks of helpers.

    Lines end with a line feed and with nothing else: a carriage return that an address smuggles into a value (`%0d`) must
    not begin another line (CVE-2024-52006). A question that says something twice is none.
    """
    found: dict[str, Secret] = {}
    for line in text.reveal()[:MOST].split("\n"):
        key, equals, value = line.partition("=")
        if not key:
            break
        if equals and key in found and not key.endswith("[]"):
            return Question()
        if equals:
            found[key] = Secret(value)

    def plain(name: str) -> str:
        return found[name].reveal() if name in found else ""

    return Question(plain("protocol"), plain("host"), plain("path"), plain("username"), found.get("password"))


def answer(token: Token) -> Secret:
    """The lines that git takes. Git forgets the token when it ends (`password_expiry_utc`, since git 2.40).

    Raises `UnexpectedError` for a token that would be more than a line.
    """
    if not token.access_token.reveal().isprintable():
        raise UnexpectedError("the token has characters that git can't be told", remedy="ask for a new one")
    lines = [f"username={USERNAME}", f"password={token.access_token.reveal()}"]
    if token.expires_at is not None:
        lines.append(f"password_expiry_utc={int(token.expires_at)}")
    return Secret("".join(f"{line}\n" for line in lines))


def concerns(question: Question, place: Place) -> bool:
    """Whether a question is about a repository of this GitHub. Tokens go over https, or stay on this machine."""
    web = urlsplit(place.web_url)
    secure = question.protocol == "https" or (question.protocol == "http" and is_loopback(web.hostname or ""))
    same = (question.protocol, question.host.lower().removesuffix(_usual_port(question.protocol))) == (
        web.scheme,
        web.netloc.lower(),
    )
    return secure and same and question.username in ("", USERNAME)


def is_ours(question: Question, tokens: Mapping[str, Token | None]) -> str | None:
    """The name of the credential whose present token git speaks of; None: it is of none of them."""
    if question.password is None:
        return None
    matching = (name for name, token in tokens.items() if token is not None and token.access_token == question.password)
    return next(matching, None)


def _usual_port(protocol: str) -> str:
    return {"https": ":443", "http": ":80"}.get(protocol, "\0")
