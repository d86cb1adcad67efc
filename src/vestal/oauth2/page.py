"""The page that the browser shows at the end of a login. It stands alone: no script, nothing loaded from anywhere."""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import string
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from urllib.parse import quote

_ICON = "data:image/svg+xml," + quote(
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='20 0 56 76'><path fill='#ee6c1a' d='M49 6c3 16 21 24 21 44"
    "a22 22 0 0 1-44 0c0-12 8-17 11-28 4 4 6 8 6 13 5-7 8-17 6-29z'/></svg>"
)


REFRESH = 2
"""Seconds for which a page of success is shown before the browser follows its link by itself."""


@dataclass(frozen=True, slots=True)
class Link:
    """Where a page leads: an address of ours, and what the link says."""

    address: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """What a person is told: a short title, a sentence, what to do about it, and whether all is well."""

    title: str
    text: str
    ok: bool
    remedy: str = ""
    where: str = "the terminal"
    """What has the details."""
    link: Link | None = None

    def html(self) -> bytes:
        """The whole document. Everything in it that came from a service is escaped."""
        remedy = f'<p class="remedy"><b>What to do</b> {html.escape(self.remedy)}</p>\n' if self.remedy else ""
        return (
            _template()
            .substitute(
                title=html.escape(self.title),
                text=html.escape(self.text),
                remedy=remedy,
                foot=self._foot(),
                hearth="burning" if self.ok else "out",
                role="status" if self.ok else "alert",
                icon=html.escape(_ICON),
            )
            .encode("utf-8", "replace")
        )

    def headers(self) -> Mapping[str, str]:
        """What goes with this page: one of success leads on by itself, so that there is time to see it
        (https://html.spec.whatwg.org/multipage/document-lifecycle.html#the-refresh-header).
        """
        if not self.ok or self.link is None:
            return headers()
        return {**headers(), "Refresh": f"{REFRESH}; url={self.link.address}"}

    def _foot(self) -> str:
        if self.link is not None:
            return f'<a href="{html.escape(self.link.address)}">{html.escape(self.link.text)}</a>'
        if self.ok:
            return "You can close this window."
        return html.escape(f"{self.where[:1].upper()}{self.where[1:]} has the details.")


@functools.cache
def headers() -> Mapping[str, str]:
    """What goes with every page: the browser keeps no copy, tells nobody the address (the code is in it), frames nothing,
    runs nothing, and takes no style but the page's own (by its hash).
    """
    style = _template().template.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


@functools.cache
def _template() -> string.Template:
    return string.Template(resources.files("vestal.oauth2").joinpath("page.html").read_text("utf-8"))
