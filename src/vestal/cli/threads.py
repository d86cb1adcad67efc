"""Refreshes under way when a command is done: to end them in the middle might cost the refresh token."""

from __future__ import annotations

import threading


def refreshes() -> list[threading.Thread]:
    """The threads that must be waited for."""
    me = threading.current_thread()
    return [thread for thread in threading.enumerate() if thread is not me and not thread.daemon]


def finish_refreshes() -> None:
    """Wait for them."""
    for thread in refreshes():
        while thread.is_alive():
            thread.join(0.1)  # not for ever at once: a Ctrl-C that comes as the waiting begins would wait as long
