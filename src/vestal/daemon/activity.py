"""What has happened to each credential lately, for charts."""

from __future__ import annotations

from vestal.core.events import Event


class Activity:
    """Hears the core's events in whatever thread they happen."""

    def __call__(self, event: Event) -> None:
        """Hear an event."""
