"""A scripted browser: an HTTP client that follows links and submits forms as a person at the pages would."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from typing import Self

import httpx2

Attributes = list[tuple[str, str | None]]


@dataclass(slots=True)
class Form:
    """A form as it stands in a page, with the values it came with."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)


class _Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        """By their text."""
        self._href: str | None = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(attributes.get("action", ""), attributes.get("method", "get").upper()))
        elif tag == "input" and self.forms and "name" in attributes:
            self.forms[-1].values[attributes["name"]] = attributes.get("value", "")
        elif tag == "a":
            self._href = attributes.get("href")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._href = None

    def handle_data(self, data: str) -> None:
        if self._href is not None:
            self.links[data.strip("[] \n")] = self._href


class Browser:
    """Has cookies, follows redirects, and knows how to log in and consent at the server's pages."""

    def __init__(self, account: str = "ada") -> None:
        self.account = account
        self._http = httpx2.Client(trust_env=False, follow_redirects=True, headers={"Accept": "text/html"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._http.close()

    def approve(self, url: str, **typed: str) -> httpx2.Response:
        """Open `url` and submit each form that comes until a page has none; that page is the answer."""
        typed = {"login": self.account, "password": "any", **typed}
        page = self._http.get(url)
        for _ in range(8):
            page.raise_for_status()
            forms = _Page(page.text).forms
            if not forms:
                return page
            page = self._submit(page, forms[0], typed)
        raise AssertionError(f"the pages do not end: {page.url}")

    def refuse(self, url: str, **typed: str) -> httpx2.Response:
        """Open `url`, and cancel at the first page that lets one."""
        page = self._http.get(url)
        for _ in range(8):
            content = _Page(page.text)
            if cancel := content.links.get("Cancel"):
                return self._http.get(page.url.join(cancel))
            if not content.forms:
                raise AssertionError(f"nothing to cancel at {page.url}")
            page = self._submit(page, content.forms[0], typed)
        raise AssertionError(f"the pages do not end: {page.url}")

    def _submit(self, page: httpx2.Response, form: Form, typed: dict[str, str]) -> httpx2.Response:
        values = {name: typed.get(name, value) for name, value in form.values.items()}
        return self._http.request(form.method, page.url.join(form.action), data=values)
