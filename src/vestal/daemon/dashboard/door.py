"""The pages for those who are not in."""

from __future__ import annotations

from starlette.responses import Response

from vestal.daemon.dashboard.render import page

CLEARED = '"cache", "storage"'
"""What the browser keeps of this address may be somebody else's: while no daemon runs, another user may have its port, and
leave scripts and service workers behind (https://www.w3.org/TR/clear-site-data/)."""


def locked() -> Response:
    """There is no session."""
    return page("door.html", 401, title="Locked", used=False)


def used() -> Response:
    """The link does not work any more."""
    return page("door.html", 410, title="This link has been used", used=True)


def opened(headers: dict[str, str]) -> Response:
    """There is a session now: on to the dashboard.

    Not a redirect: to one that began at another site, the browser would not send the cookie (SameSite=Strict).
    """
    answer = page("opened.html", title="Welcome")
    answer.headers.update({**headers, "Clear-Site-Data": CLEARED, "Refresh": "0; url=/dashboard"})
    return answer
