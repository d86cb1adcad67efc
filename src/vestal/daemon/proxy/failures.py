"""What an exception of httpcore2 means for who asked: an error of ours, as a value. Pure."""

from __future__ import annotations

import httpcore2

from vestal.core.errors import HTTPError, NetworkError, Outcome, TimedOut, VestalError
from vestal.daemon.problem import Refusal


def failure(error: Exception, host: str) -> VestalError:
    """The error to raise, outside of the `except` block that caught this one."""
    match error:
        case httpcore2.PoolTimeout():
            return Refusal(503, "all connections to services are in use", retry_after=1.0, remedy="use a gateway")
        case httpcore2.ConnectTimeout():
            return TimedOut(
                f"{host} did not accept a connection in time", remedy="check the network", outcome=Outcome.NOT_SENT
            )
        case httpcore2.TimeoutException():
            what = "took no more of the request" if isinstance(error, httpcore2.WriteTimeout) else "did not answer"
            return TimedOut(f"{host} {what} in time", remedy="try again if that is safe", outcome=Outcome.UNKNOWN)
        case httpcore2.ConnectError():
            return NetworkError(
                f"{host} can't be reached: {_cause(error)}", remedy="check the network", outcome=Outcome.NOT_SENT
            )
        case httpcore2.LocalProtocolError():
            return HTTPError(f"the request to {host} can't be written", remedy="check its headers for odd characters")
    return NetworkError(
        f"the connection to {host} broke before it answered",
        remedy="try again if that is safe",
        outcome=Outcome.UNKNOWN,
    )


def is_stale(error: Exception) -> bool:
    """Whether a connection may have been closed just when it was used again (RFC 9112, 9.3.1)."""
    return isinstance(error, httpcore2.RemoteProtocolError | httpcore2.ReadError | httpcore2.WriteError)


def _cause(error: BaseException) -> str:
    """The innermost cause in words: `Connection refused`, `Name or service not known`."""
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
