"""Forks: a child gets a copy of every lock and connection, and none of the threads that use them.

Whoever has some is told before and after every fork, as long as it lives.
"""

from __future__ import annotations

import os
import weakref


class Forked:
    """Something with locks, connections or threads. All methods run in the thread that forks, and raise nothing."""

    def before_fork(self) -> None:
        """Let go of what must not be there twice."""

    def after_fork(self) -> None:
        """In the parent: go on."""

    def in_child(self) -> None:
        """In the child, whose only thread this is: forget what only the parent has."""


_all: weakref.WeakSet[Forked] = weakref.WeakSet()


def tell(forked: Forked) -> None:
    """Tell `forked` of every fork from now on."""
    _all.add(forked)


def _before() -> None:
    for forked in list(_all):
        forked.before_fork()


def _in_parent() -> None:
    for forked in list(_all):
        forked.after_fork()


def _in_child() -> None:
    for forked in list(_all):
        forked.in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
