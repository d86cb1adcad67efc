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


@dataclass(frozen=True, slots=True)
class Page:
    """What a person is told: a short title, a sentence, what to do about it, and whether all is well."""

    title: str
    text: str
    ok: bool
    remedy: str = ""

    def html(self) -> bytes:
        """The whole document. Everything in it that came from a service is escaped."""
        remedy = f'<p class="remedy"><b>What to do</b> {html.escape(self.remedy)}</p>\n' if self.remedy else ""
        return (
            _template()
            .substitute(
                title=html.escape(self.title),
                text=html.escape(self.text),
                remedy=remedy,
                foot="You can close this window." if self.ok else "The terminal has the details.",
                hearth="burning" if self.ok else "out",
                role="status" if self.ok else "alert",
                icon=html.escape(_ICON),
            )
            .encode("utf-8", "replace")
        )


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
