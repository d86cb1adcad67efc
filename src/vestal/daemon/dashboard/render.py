"""Pages out of templates, and the headers that go with them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from vestal.core.secret import Secret
from vestal.daemon.auth import session_of
from vestal.daemon.dashboard import words
from vestal.daemon.dashboard.assets import assets
from vestal.daemon.routes.route import house_of
from vestal.operations.times import rfc3339, span

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Nothing comes from anywhere else, nothing runs or styles from within a page, and nobody frames one."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around each page: the header and the footer."""

    version: str
    """Of the daemon."""
    started_at: float
    now: float
    """Epoch seconds by the daemon's clock: browsers may have another."""
    session: bool
    csrf: Secret
    """For the hidden field of forms; empty without a session."""


def frame_of(request: Request) -> Frame:
    """The frame for whoever asks."""
    house, session = house_of(request), session_of(request.scope)
    csrf = Secret("") if session is None else session.csrf
    return Frame(house.version, house.started_at, house.home.clock.now(), session is not None, csrf)


def page(template: str, code: int = 200, /, *, headers: Mapping[str, str] | None = None, **context: Any) -> Response:
    """A page, with that status. The least that a template needs is a `title`; with a `frame` it has the header."""
    body = environment().get_template(template).render(context)
    return Response(body, code, {**HEADERS, **(headers or {})}, "text/html; charset=utf-8")


@functools.cache
def environment() -> Environment:
    """Templates, with what all of them may use. A name that is not there is an error and not an empty text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    made = Environment(
        loader=PackageLoader("vestal.daemon.dashboard"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(asset=assets(), words=words, frame=None)
    made.filters.update(rfc3339=rfc3339, span=span, number=words.number, short=words.short)
    made.filters.update(sentence=_sentence, capital=words.capital)
    return made


def _sentence(text: str) -> Markup:
    """A message or remedy as it is read: with a capital in front, and what stands in backquotes as code."""
    from markupsafe import Markup

    parts = text.split("`")
    if len(parts) % 2 == 0:
        parts = [text]
    parts[0] = words.capital(parts[0])
    code = Markup("<code>{}</code>")
    return Markup().join(code.format(part) if number % 2 else part for number, part in enumerate(parts))
