"""What all pages are made of: routes whose errors are pages as well."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from vestal.core.errors import VestalError
from vestal.daemon.dashboard.render import frame_of, page
from vestal.daemon.dashboard.words import CATEGORIES, capital
from vestal.daemon.problem import Refusal, headers_of, status_of
from vestal.daemon.routes.route import PlainRoute


class PageRoute(PlainRoute):
    """A `PlainRoute` for people."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See `APIRoute`."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await inner(request)
            except VestalError as error:
                trouble = error.copy()
            if status_of(trouble) == 401:
                raise trouble
            return trouble_page(request, trouble)

        return handle


def trouble_page(request: Request, error: VestalError) -> Response:
    """An error as a page, with its status."""
    status = status_of(error)
    message = capital(error.message)
    title = message if isinstance(error, Refusal) else CATEGORIES.get(error.category.value, message)
    text = "" if title == message else f"{message}."
    remedy = "" if status == 404 else error.remedy
    return page(
        "trouble.html",
        status,
        headers=headers_of(error),
        title=title,
        text=text,
        remedy=remedy,
        status=status,
        frame=frame_of(request),
    )
