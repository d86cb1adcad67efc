"""Reading files that a person names, `-` for stdin. What they hold may be secret, and is treated so."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from vestal.core.errors import ConfigError
from vestal.core.secret import Secret

LARGEST = 64 << 20
"""Bytes. Nothing that Vestal reads is larger."""


def read_secret(path: str, what: str, *, lines: bool = False) -> Secret:
    """What a file holds, without the line break at its end. With `lines` it may have several. Raises `ConfigError`."""
    text = Secret(_read(path, what).reveal().strip("\r\n"))
    if not text.reveal().strip():
        raise ConfigError(f"{_place(path)} is empty, and should hold {what}", remedy=f"write {what} into it")
    if not lines and not text.reveal().isprintable():
        raise ConfigError(
            f"{_place(path)} holds more than one line, or odd characters, and should hold {what} only",
            remedy="check that it is the right file",
        )
    return text


def read_text(path: str, what: str) -> str:
    """What a file holds that is not secret. Raises `ConfigError`."""
    return _read(path, what).reveal()


def _read(path: str, what: str) -> Secret:
    try:
        return Secret((_stdin(what) if path == "-" else _file(path)).decode("utf-8-sig"))
    except OSError as error:
        trouble = f"{_place(path)} can't be read: {error.strerror}"
    except UnicodeDecodeError:
        trouble = f"{_place(path)} is not text"
    raise ConfigError(trouble, remedy=f"name the file that holds {what}")


def _file(path: str) -> bytes:
    with Path(path).expanduser().open("rb") as file:
        return _limited(file.read(LARGEST + 1), path)


def _stdin(what: str) -> bytes:
    """Once only: the second `-` of a command line would find nothing."""
    meta = click.get_current_context().meta
    taken = meta.setdefault("vestal.stdin", what)
    if taken != what:
        raise ConfigError(f"stdin can't be {taken} and {what} at once", remedy="use - once, and a file for the other")
    if sys.stdin.isatty():
        text: str = click.prompt(what[0].upper() + what[1:], hide_input=True, err=True)
        return text.encode()
    return _limited(sys.stdin.buffer.read(LARGEST + 1), "-")


def _limited(data: bytes, path: str) -> bytes:
    if len(data) > LARGEST:
        raise ConfigError(
            f"{_place(path)} is larger than {LARGEST >> 20} MiB", remedy="check that it is the right file"
        )
    return data


def _place(path: str) -> str:
    return "stdin" if path == "-" else path
