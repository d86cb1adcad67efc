"""The person at the browser, as a script: opens the page, decides, and follows the way back to the client."""

from __future__ import annotations

import http.client
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit


def log_in(url: str, *, allow: bool = True, follow: bool = True) -> str:
    """Open an authorization request's address (or a device's page), log in and allow or deny it.

    Returns the address that the server sent the person back to, with its parameters, and has called it if `follow`;
    `url` itself where there is no way back (a device). Raises `ValueError` if the page is no form but an error.
    """
    status, location, page = _exchange("GET", url)
    if location is None:
        form = _Form()
        form.feed(page)
        if status != 200 or form.action is None:
            raise ValueError(f"the practice server shows no form, but status {status}")
        fields = urlencode({**form.fields, "decision": "allow" if allow else "deny"})
        _, location, _ = _exchange("POST", urljoin(url, form.action), fields)
    if location is None:
        return url
    if follow:
        _exchange("GET", location)
    return location


def _exchange(method: str, url: str, form: str | None = None) -> tuple[int, str | None, str]:
    """One request; status, redirect and body of its answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    headers = {} if form is None else {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        connection.request(method, parts._replace(scheme="", netloc="").geturl() or "/", form, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Location"), answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


class _Form(HTMLParser):
    """The page's form: where it goes, and what its fields hold."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag begins."""
        values = dict(attrs)
        if tag == "form":
            self.action = values.get("action")
        elif tag == "input" and values.get("name"):
            self.fields[values["name"] or ""] = values.get("value") or ""
