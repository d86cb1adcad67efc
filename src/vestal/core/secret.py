"""`Secret`: text that does not show itself.

Redaction is demanded by the type, not by each log call: whatever prints, formats, logs or dumps a `Secret` shows a mask.
The only way to the text is `reveal()`, so every place that uses a secret can be found by searching for that word.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, NoReturn

_MASK = "<secret>"


class Secret:
    """Text that is masked in `repr`, `str` and `format`, compares in constant time and cannot be pickled."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError("a Secret holds text")
        self.__text = text

    def reveal(self) -> str:
        """The text itself. Use it at the edge, in the expression that needs it, and keep no copy."""
        return self.__text

    def fingerprint(self) -> str:
        """16 hexadecimal digits that identify the secret and do not give it away: fit for logs and for the store."""
        return hashlib.sha256(b"vestal fingerprint\0" + self.__text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def __repr__(self) -> str:
        return _MASK

    def __str__(self) -> str:
        return _MASK

    def __format__(self, spec: str) -> str:
        return format(_MASK, spec)

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = (s.reveal().encode("utf-8", "surrogatepass") for s in (self, other))
        return hmac.compare_digest(mine, theirs)

    def __hash__(self) -> int:
        return hash((Secret, self.__text))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is not pickled: that would write it down unsealed")


def secret_or_none(text: str | None) -> Secret | None:
    """`text` as a `Secret`; None for None and for the empty string, which services send where they mean nothing."""
    return Secret(text) if text else None
