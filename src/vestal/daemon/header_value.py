"""Whether a token can stand in a header: what comes from a service may hold anything, line ends as well."""

from __future__ import annotations

import re

from vestal.core.errors import HTTPError
from vestal.core.token import Token

_FIT = re.compile(r"[\x21-\x7e]+ [\x21-\x7e]+")
"""What can stand in a header (RFC 9110, 5.5) and be a scheme with a token (RFC 6750, 2.1)."""


def check_fit(token: Token, name: str) -> None:
    """Raises `HTTPError` for a token of the credential `name` that does not fit."""
    if not _FIT.fullmatch(token.authorization):
        raise HTTPError(
            "the service's token can't stand in a header", credential=name, remedy="look at its token endpoint"
        )
