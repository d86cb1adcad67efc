"""Running a command line: whatever happens becomes one line and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

import click

from vestal.cli import failure
from vestal.cli.group import OutputClosed, vestal
from vestal.cli.threads import finish_refreshes, refreshes
from vestal.core.errors import VestalError


def run(arguments: Sequence[str]) -> int:
    """Run a command line; its exit code. Only what asks for its end by a signal is not caught."""
    _prepare_streams()
    try:
        code = vestal.main(list(arguments), "vestal", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else failure.OK
    except (click.Abort, KeyboardInterrupt):
        return _interrupted()
    except (OutputClosed, BrokenPipeError):
        _close_output()
        return failure.BROKEN_PIPE
    except Exception as error:
        trouble = error
    return _fail(trouble, as_json="--json" in _before_dashes(arguments))


def _prepare_streams() -> None:
    """Streams that the caller has closed lead nowhere, and no character is too odd to be written."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            nowhere = os.open(os.devnull, os.O_RDWR)  # which takes the closed one's place: no file of ours may get it
            setattr(sys, name, open(nowhere, mode, closefd=False))  # noqa: SIM115 - until the process ends
        elif mode == "w":
            stream.reconfigure(errors="backslashreplace")


def _fail(trouble: Exception, *, as_json: bool) -> int:
    if isinstance(trouble, click.UsageError):
        error = failure.of_usage(trouble)
    elif isinstance(trouble, VestalError):
        error = trouble
    elif isinstance(trouble, OSError) and trouble.errno in (errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT):
        error = failure.of_output(trouble)
        _close_output()
    elif isinstance(trouble, PermissionError) and isinstance(trouble.filename, str):
        error = failure.of_permission(trouble)
    else:
        error = failure.of_defect(trouble)
    if os.environ.get("VESTAL_DEBUG") == "1" and not isinstance(trouble, click.UsageError):  # whose text repeats values
        import traceback

        traceback.print_exception(trouble)
    with suppress(OSError, ValueError):  # stderr may be closed
        print(failure.as_json(error) if as_json else failure.as_line(error), file=sys.stderr, flush=True)
    return failure.exit_code(error)


def _before_dashes(arguments: Sequence[str]) -> Sequence[str]:
    """What is said to us, and not to a command that we run."""
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


def _interrupted() -> int:
    """After Ctrl-C. A refresh under way is given the time to save what it gets; a second Ctrl-C leaves it interrupted."""
    if not refreshes():
        return failure.INTERRUPTED
    try:
        print("vestal: finishing the refresh under way (Ctrl-C again leaves it)", file=sys.stderr, flush=True)
        finish_refreshes()
    except KeyboardInterrupt:
        os._exit(failure.INTERRUPTED)  # its intent is in the store: the next caller takes it over
    return failure.INTERRUPTED


def _close_output() -> None:
    """Nobody reads us any more: whatever Python still flushes at its end goes nowhere."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
