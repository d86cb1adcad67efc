"""How failures end: exit codes, one line for people, one object for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestal.core.errors import (
    Category,
    ConfigError,
    Conflict,
    NeedsLogin,
    StoreUnavailable,
    TimedOut,
    UnexpectedError,
    VestalError,
)

if TYPE_CHECKING:
    import click

OK, UNEXPECTED, BAD_INPUT, NEEDS_LOGIN, UNAVAILABLE, REFUSED = range(6)
NOT_EXECUTABLE, NOT_FOUND, INTERRUPTED, BROKEN_PIPE = 126, 127, 130, 141

EXIT_CODES = {
    OK: "all is well",
    UNEXPECTED: "an unexpected failure, or trouble found by `vestal doctor`",
    BAD_INPUT: "bad input or configuration: names, options, files, keys",
    NEEDS_LOGIN: "a person has to log in",
    UNAVAILABLE: "not available for now: network, timeout, rate limit, 5xx, the store; try again later",
    REFUSED: "refused by the service: the app's authentication, permissions, an unusable answer",
    NOT_EXECUTABLE: "`vestal exec`: the command can't be run",
    NOT_FOUND: "`vestal exec`: there is no such command",
    INTERRUPTED: "interrupted by Ctrl-C",
    BROKEN_PIPE: "whoever read the output has gone",
}


def exit_code(error: VestalError) -> int:
    """The exit code that an error ends in."""
    if isinstance(error, NeedsLogin) or (isinstance(error, TimedOut) and not error.passing):  # a login that nobody did
        return NEEDS_LOGIN
    if error.passing or isinstance(error, Conflict):
        return UNAVAILABLE
    if error.category is Category.CONFIG_ERROR:
        return BAD_INPUT
    return UNEXPECTED if error.category is Category.UNEXPECTED_ERROR else REFUSED


def as_line(error: VestalError) -> str:
    """`vestal: NAME: what happened (remedy)`, printable and in one line whatever is in it."""
    return printable(f"vestal: {error}")


def as_json(error: VestalError) -> str:
    """The same for programs."""
    import json

    return json.dumps(
        {
            "category": error.category.value,
            "message": error.message,
            "remedy": error.remedy,
            "credential": error.credential or None,
            "retry_after": error.retry_after,
        }
    )


def of_usage(error: click.UsageError) -> VestalError:
    """A command line that click refuses. Values are not repeated: people type secrets in wrong places."""
    message = error.format_message().strip()
    if message.startswith("Got unexpected extra argument"):
        message = message.partition("(")[0]
    message = message.strip().rstrip(".")
    path = error.ctx.command_path if error.ctx is not None else "vestal"
    return ConfigError(message[:1].lower() + message[1:], remedy=f"see `{path} --help`")


def of_output(error: OSError) -> VestalError:
    """The output can't be written."""
    return StoreUnavailable(f"the output can't be written: {error.strerror}", remedy="free some space")


def of_permission(error: PermissionError) -> VestalError:
    """A file or folder that this user may not use."""
    return ConfigError(f"{error.filename}: {error.strerror}", remedy="check whose it is, and who may use it")


def of_defect(error: Exception) -> VestalError:
    """An error that nobody foresaw. Its text may hold anything, so only its kind and place are told."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if module.startswith("vestal"):
            place = f" in {module}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return UnexpectedError(
        f"{type(error).__name__}{place}", remedy="this is a defect: set VESTAL_DEBUG=1 for the traceback, and report it"
    )


def printable(text: str) -> str:
    """Text of others in one line, with nothing in it that a terminal would obey."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())
