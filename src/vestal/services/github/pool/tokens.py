"""Tokens as people write them: in lists, in environment variables, separated by commas or lines. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from vestal.core.errors import ConfigError
from vestal.core.secret import Secret

ENVIRONMENT = ("GITHUB_SEEDING_TOKENS", "GITHUB_SEEDING_TOKEN")
"""The variables that tokens are taken from: many, and one. Either may hold any number."""

SHOWN = 4
"""Characters of a token that are shown at each end."""

_BETWEEN = re.compile(r"[,\s]+")


def read(texts: str | Secret | Iterable[str | Secret]) -> list[Secret]:
    """The tokens in some texts, each once, in their order. Each may hold several, separated by commas, blanks or lines."""
    listed = [texts] if isinstance(texts, str | Secret) else texts
    found = {token: None for text in listed for token in _split(Secret(text) if isinstance(text, str) else text)}
    return list(found)


def from_environment(environ: Mapping[str, str]) -> list[Secret]:
    """The tokens of `ENVIRONMENT`."""
    return read([Secret(environ.get(name, "")) for name in ENVIRONMENT])


def check(tokens: Iterable[Secret]) -> None:
    """Raise `ConfigError` for a token that can't be sent in a header."""
    if not all(token.reveal().isascii() and token.reveal().isprintable() for token in tokens):
        raise ConfigError("a GitHub token can't be sent in a header", remedy="check the tokens for odd characters")


def masked(token: Secret | None) -> str:
    """Its first and last four characters; `***` if that would be all of it, or if there is none at hand."""
    if token is None or len(token.reveal()) <= 2 * SHOWN:
        return "***"
    return f"{token.reveal()[:SHOWN]}...{token.reveal()[-SHOWN:]}"


def _split(text: Secret) -> list[Secret]:
    return [Secret(part) for part in _BETWEEN.split(text.reveal()) if part]
