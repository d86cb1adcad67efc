"""Routes, and what a handler is given: the request with its path taken apart, who calls, and pages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlencode

from tests.github.stub.records import Repository
from tests.github.stub.refusal import Refused, not_found
from tests.github.stub.show import Show
from tests.github.stub.tokens import Caller
from vestal.testing.practice.message import Request

if TYPE_CHECKING:
    from tests.github.stub.service import Service

T = TypeVar("T")
MOST_PER_PAGE = 100


@dataclass(slots=True)
class Call:
    """One request under way. Handlers may set `status` and `headers`."""

    service: Service
    request: Request
    caller: Caller
    show: Show
    path: dict[str, str]
    """What the route's `{...}` stand for."""
    query: dict[str, str]
    version: str
    """Of the API, as asked for."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def repository(self, permission: str = "metadata", level: str = "read") -> Repository:
        """The repository of the path. Raises `Refused`: 404, 403, or 301 if it has been renamed."""
        name = f"{self.path['owner']}/{self.path['repo']}".lower()
        world = self.service.world
        while name in world.moved and name not in world.repositories:
            name = world.moved[name]
        repository = world.repositories.get(name)
        if repository is None:
            raise not_found()
        self.caller.need(repository, permission, level)
        self.moved_unless(repository)
        return repository

    def moved_unless(self, repository: Repository) -> None:
        """Raises `Refused` (301) unless the path calls the repository what it is called now."""
        if f"{self.path['owner']}/{self.path['repo']}".lower() == repository.full_name.lower():
            return
        query = f"?{self.request.query_text}" if self.request.query_text else ""
        url = f"{self.show.api}{self._by_id(repository)}{query}"
        raise Refused(301, "Moved Permanently", headers={"Location": url})

    def body(self) -> dict[str, Any]:
        """The JSON of the body; {} if there is none. Raises `Refused`."""
        if not self.request.body:
            return {}
        try:
            value = json.loads(self.request.body)
        except ValueError:
            raise Refused(400, "Problems parsing JSON") from None
        if not isinstance(value, dict):
            raise Refused(400, "Body should be a JSON object")
        return value

    def pages(self, items: Sequence[T], *, most: int = MOST_PER_PAGE, default: int = 30) -> Sequence[T]:
        """The page that is asked for; sets `Link`.

        https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api
        """
        page, size = self.number("page", 1), min(self.number("per_page", default), most)
        last = max(1, -(-len(items) // size))
        links: dict[str, int] = {}
        if page > 1:
            links |= {"prev": min(page - 1, last)}
        if page < last:
            links |= {"next": page + 1, "last": last}
        if page > 1:
            links |= {"first": 1}
        if links and (last > 1 or page > 1):
            self.headers["Link"] = ", ".join(f'<{self._page(n)}>; rel="{rel}"' for rel, n in links.items())
        return items[(page - 1) * size : page * size]

    def number(self, name: str, default: int) -> int:
        text = self.query.get(name, "")
        return max(1, int(text)) if text.isascii() and text.isdigit() else default

    def _page(self, number: int) -> str:
        path = self.request.path
        if "repo" in self.path:  # GitHub's links name repositories by id
            path = self._by_id(self.service.world.repository(f"{self.path['owner']}/{self.path['repo']}"))
        return f"{self.show.api}{path}?{urlencode({**self.query, 'page': number})}"

    def _by_id(self, repository: Repository) -> str:
        _, _, _, _, *rest = self.request.path.split("/")
        return "/".join(["", "repositories", str(repository.id), *rest])


Handler = Callable[[Call], object]
"""Gives JSON, or a whole `Answer`."""


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    pattern: re.Pattern[str]
    handler: Handler
    resource: str
    free: bool
    app: bool
    """Wants an App's JWT, and takes nothing else."""


_routes: dict[str, list[Route]] = {}


def route(
    method: str, template: str, *, resource: str = "core", free: bool = False, app: bool = False
) -> Callable[[Handler], Handler]:
    """Serve a path. `{name}` is one segment, `{name*}` the rest of the path. `free`: costs no quota."""
    pattern = re.escape(template).replace(r"\{", "{").replace(r"\}", "}")
    pattern = re.sub(r"{(\w+)\\\*}", r"(?P<\1>.*)", pattern)
    pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", pattern)

    def register(handler: Handler) -> Handler:
        _routes.setdefault(method, []).append(Route(method, re.compile(pattern), handler, resource, free, app))
        return handler

    return register


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route that serves a request, and what its path says. The first registered one wins."""
    for candidate in _routes.get("GET" if method == "HEAD" else method, ()):
        match = candidate.pattern.fullmatch(path)
        if match is not None:
            return candidate, {name: unquote(value) for name, value in match.groupdict().items()}
    return None


def query_of(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.query_text, keep_blank_values=True))
