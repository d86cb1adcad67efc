"""Every error that Vestal raises.

    VestalError
    ├── NeedsLogin           NEEDS_LOGIN            a person has to log in; trying again does not help
    ├── AuthFailed           AUTH_FAILED            the service refused the app or its fresh token
    ├── PermissionDenied     PERMISSION_DENIED      the service knows the app and says no
    ├── NotInstalled         INSTALLATION_NOT_FOUND the app is not installed where it is asked for
    ├── Unprocessable        UNPROCESSABLE_ENTITY   the service understood and can't do it
    ├── ConfigError          CONFIG_ERROR           what Vestal was told is wrong
    ├── HTTPError            HTTP_ERROR             an answer that fits no other category
    ├── UnexpectedError      UNEXPECTED_ERROR       a defect, in a provider or in Vestal
    └── Unavailable          trying again can help
        ├── RateLimited      RATE_LIMIT_EXCEEDED    the service asks for patience
        │   └── AllExhausted RATE_LIMIT_EXCEEDED    no member of a pool has anything left before the next reset
        ├── TimedOut         TIMEOUT                no answer in time
        ├── NetworkError     NETWORK_ERROR          no connection, or a broken one
        ├── ServiceError     HTTP_ERROR             the service answered 5xx
        ├── StoreUnavailable STORE_UNAVAILABLE      the store can't be read or written
        └── CircuitOpen      CIRCUIT_OPEN           the endpoint failed so often that it is left alone for a while

No message carries a secret: messages name credentials, endpoints, statuses and fingerprints.
"""

from __future__ import annotations

import enum
from typing import Self


class Category(enum.StrEnum):
    """What kind of trouble it is, in words that programs may depend on."""

    AUTH_FAILED = "AUTH_FAILED"
    INSTALLATION_NOT_FOUND = "INSTALLATION_NOT_FOUND"
    RATE_LIMIT_EXCEEDED = "RATE_LIMIT_EXCEEDED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    TIMEOUT = "TIMEOUT"
    NETWORK_ERROR = "NETWORK_ERROR"
    UNPROCESSABLE_ENTITY = "UNPROCESSABLE_ENTITY"
    HTTP_ERROR = "HTTP_ERROR"
    UNEXPECTED_ERROR = "UNEXPECTED_ERROR"
    NEEDS_LOGIN = "NEEDS_LOGIN"
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    CONFIG_ERROR = "CONFIG_ERROR"
    CIRCUIT_OPEN = "CIRCUIT_OPEN"


class Outcome(enum.Enum):
    """What is known of a request that failed. It decides whether a refresh token may be sent again."""

    NOT_SENT = "not sent"
    """It never left, so it had no effect: it may be sent again freely."""
    ANSWERED = "answered"
    """The service answered that it did not do it."""
    UNKNOWN = "unknown"
    """It was sent and not (legibly) answered: the service may have done it."""


class VestalError(Exception):
    """An error for people and for programs.

    `message` says what happened, `credential` to which one, `passing` whether trying again can help, `retry_after` after
    how many seconds at the earliest (None: unknown), `remedy` what to do. `code` is the service's own error code, if any.
    """

    category = Category.UNEXPECTED_ERROR
    passing = False

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        credential: str | None = None,
        category: Category | None = None,
        retry_after: float | None = None,
        outcome: Outcome = Outcome.ANSWERED,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.credential = credential
        self.retry_after = retry_after
        self.outcome = outcome
        self.code = code
        if category is not None:
            self.category = category

    def copy(self) -> Self:
        """The same error without a traceback: one failure is raised in many callers, each with a traceback of its own."""
        twin = type(self).__new__(type(self), self.message)
        Exception.__init__(twin, self.message)
        twin.__dict__.update(self.__dict__)
        return twin

    def __str__(self) -> str:
        where = f"{self.credential}: " if self.credential else ""
        return f"{where}{self.message}" + (f" ({self.remedy})" if self.remedy else "")


class NeedsLogin(VestalError):
    """A person has to log in. `reason` is one of `missing`, `refused`, `interrupted refresh`."""

    category = Category.NEEDS_LOGIN

    def __init__(self, message: str, *, reason: str = "refused", **fields: object) -> None:
        super().__init__(message, **fields)  # type: ignore[arg-type]
        self.reason = reason


class AuthFailed(VestalError):
    """The service refused the app's own authentication, or refuses tokens that it has just issued."""

    category = Category.AUTH_FAILED


class PermissionDenied(VestalError):
    """The service knows who asks, and says no."""

    category = Category.PERMISSION_DENIED


class NotInstalled(VestalError):
    """The app is not installed where it is asked for."""

    category = Category.INSTALLATION_NOT_FOUND


class Unprocessable(VestalError):
    """The service understood the request and can't do it."""

    category = Category.UNPROCESSABLE_ENTITY


class ConfigError(VestalError):
    """What Vestal was told is wrong: a name, an option, a file, a key."""

    category = Category.CONFIG_ERROR


class HTTPError(VestalError):
    """An answer that fits no other category."""

    category = Category.HTTP_ERROR


class UnexpectedError(VestalError):
    """A defect in a provider or in Vestal itself."""

    category = Category.UNEXPECTED_ERROR


class Unavailable(VestalError):
    """Passing trouble: trying again can help."""

    category = Category.NETWORK_ERROR
    passing = True


class RateLimited(Unavailable):
    """The service asks for patience; `retry_after` says how much."""

    category = Category.RATE_LIMIT_EXCEEDED


class AllExhausted(RateLimited):
    """No member of a pool has anything left. `reset_at`: epoch seconds when the first one has again (None: unknown)."""

    def __init__(self, message: str, *, bucket: str = "", reset_at: float | None = None, **fields: object) -> None:
        super().__init__(message, **fields)  # type: ignore[arg-type]
        self.bucket = bucket
        self.reset_at = reset_at


class TimedOut(Unavailable):
    """No answer in time: from the service, from the store's lease, or before a caller's deadline."""

    category = Category.TIMEOUT


class NetworkError(Unavailable):
    """No connection, or one that broke."""

    category = Category.NETWORK_ERROR


class ServiceError(Unavailable):
    """The service answered with a server error (5xx)."""

    category = Category.HTTP_ERROR


class StoreUnavailable(Unavailable):
    """The store can't be read or written just now."""

    category = Category.STORE_UNAVAILABLE


class CircuitOpen(Unavailable):
    """The endpoint failed so often that nothing is sent to it for a while."""

    category = Category.CIRCUIT_OPEN


class Conflict(VestalError):
    """The store's record has moved on since it was read: compare-and-set refused to overwrite it.

    It is an answer of stores to the lifecycle; callers of `token()` do not see it.
    """

    category = Category.STORE_UNAVAILABLE
