"""The passphrase of an export."""

from __future__ import annotations

import os
import sys

import click

from vestal.core.errors import ConfigError
from vestal.core.secret import Secret

VARIABLE = "VESTAL_EXPORT_PASSPHRASE"


def export_passphrase(file: str | None, *, new: bool) -> Secret:
    """From a file, else from the environment, else from whoever sits at the terminal (`new`: asked for twice).

    Raises `ConfigError`.
    """
    if file is not None:
        from vestal.cli.reading import read_secret

        return read_secret(file, "the passphrase of the export")
    text = os.environ.get(VARIABLE, "")
    if not text and sys.stdin.isatty():
        text = click.prompt("Passphrase of the export", hide_input=True, err=True, confirmation_prompt=new)
    if not text:
        raise ConfigError("an export needs a passphrase", remedy=f"give --passphrase-file, or set {VARIABLE}")
    return Secret(text)
