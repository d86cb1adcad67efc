"""Lists of GitHub's API, page by page.

https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api (the Link header, RFC 8288)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from vestal.core.errors import HTTPError
from vestal.core.pool import Pool
from vestal.services.exchange import APIResponse
from vestal.services.github.call import API, Call, call
from vestal.services.steps import Steps

PER_PAGE = 100
"""The most that GitHub gives."""

_LINK = re.compile(r'<([^>]*)>\s*((?:;\s*[a-z*]+\s*=\s*(?:"[^"]*"|[^\s;,"]+)\s*)*)')
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))', re.IGNORECASE)


def next_page(response: APIResponse) -> str | None:
    """The address of the next page, as the Link header has it; None on the last one."""
    found = _LINK.finditer(response.headers.get("link", ""))
    return next((link[1] for link in found if "next" in _relations(link[2])), None)


def onward(response: APIResponse, seen: set[str]) -> str | None:
    """The same, of a list whose pages so far are in `seen`. Raises `HTTPError` for one that was there before."""
    following = next_page(response)
    if following is not None and following in seen:
        raise HTTPError("GitHub's pages of a list go in a circle", remedy="ask again", code="invalid_response")
    seen.add(following or "")
    return following


def _relations(parameters: str) -> list[str]:
    found = _REL.search(parameters)
    return (found[1] or found[2] or "").lower().split() if found else []


def collect(
    api: API, pool: Pool, wanted: Call, *, key: str | None = None, limit: int | None = None
) -> Steps[list[Any]]:
    """All items of a list, or the first `limit`. `key`: the field that holds them, where the answer is an object."""
    found: list[Any] = []
    seen: set[str] = set()
    wanted = replace(wanted, query={"per_page": min(PER_PAGE, limit or PER_PAGE), **wanted.query})
    while True:
        response = yield from call(api, pool, wanted)
        found.extend(items(response, key))
        following = onward(response, seen)
        if following is None or (limit is not None and len(found) >= limit):
            return found[:limit]
        wanted = replace(wanted, path=following, query={})


def items(response: APIResponse, key: str | None = None) -> Iterator[Any]:
    """The items of one page; none if it is no list. Raises `HTTPError` for what is no JSON."""
    data = response.data
    if key is not None:
        data = data.get(key) if isinstance(data, dict) else None
    yield from data if isinstance(data, list) else ()
