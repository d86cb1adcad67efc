"""The home that a command works on."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from vestal.cli.threads import refreshes
from vestal.home import Home

if TYPE_CHECKING:
    from vestal.core.events import Event, Listener
    from vestal.core.secret import Secret


def open_home(*listeners: Listener, new: bool = False) -> Home:
    """The home of this command. Nothing is read before its first use. `new`: a passphrase is asked for twice."""
    context = click.get_current_context()
    _log_to_stderr(context.meta.get("vestal.verbose", 0))
    home = Home(listeners=listeners, passphrase=lambda: _passphrase(confirm=new))
    context.call_on_close(lambda: _close(home))
    return home


def note_stale(event: Event) -> None:
    """A listener that says when a token was given although its refresh failed: it is still valid, but not for long."""
    if event.kind == "stale_served":
        from vestal.cli.output import note

        left = event.data.get("left", 0.0)
        note(
            f"{event.credential}: its refresh failed ({event.data.get('cause')}); the present token is good for {left:.0f} s"
        )


def _close(home: Home) -> None:
    """Not while a refresh is under way, which nothing must disturb."""
    if not refreshes():
        home.close()


def _log_to_stderr(verbose: int) -> None:
    """Without --verbose nothing is logged: a command says in one line what matters."""
    import logging

    logging.getLogger().addHandler(logging.NullHandler())
    if verbose:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
        logger = logging.getLogger("vestal")
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG if verbose > 1 else logging.INFO)


def _passphrase(*, confirm: bool) -> Secret:
    """Of the master key: from the environment, or asked for where there is somebody to ask."""
    from vestal.core.errors import ConfigError
    from vestal.core.secret import Secret

    text = os.environ.get("VESTAL_PASSPHRASE", "")
    if not text and sys.stdin.isatty():
        text = click.prompt("Passphrase of the master key", hide_input=True, err=True, confirmation_prompt=confirm)
    if not text:
        raise ConfigError("the master key needs a passphrase", remedy="set VESTAL_PASSPHRASE, or run it in a terminal")
    return Secret(text)
