"""What a GitHub App has to say in git's protocol for credential helpers. Pure, but for the flow at the end."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from vestal.core.loopback import is_loopback
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.services import git_protocol
from vestal.services.git_protocol import Question
from vestal.services.github.place import Place

USERNAME = "x-access-token"
"""Any name will do beside an installation's token; this is the one that GitHub documents
(https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation)."""


def answer(token: Token) -> Secret:
    """The lines that git takes."""
    return git_protocol.answer(token, USERNAME)


def concerns(question: Question, place: Place) -> bool:
    """Whether a question is about a repository of this GitHub. Tokens go over https, or stay on this machine."""
    web = urlsplit(place.web_url)
    secure = question.protocol == "https" or (question.protocol == "http" and is_loopback(web.hostname or ""))
    same = (question.protocol, question.host.lower().removesuffix(git_protocol.usual_port(question.protocol))) == (
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
