"""What the templates are given. The same for a page and for its fragments, which the script puts in place."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request

from vestal.core.credential import LOGIN_GRANTS, State
from vestal.core.events import Kind
from vestal.daemon.access import Grantee
from vestal.daemon.auth import grantee_of
from vestal.daemon.browsers import DASHBOARD
from vestal.daemon.census import Page, Row
from vestal.daemon.dashboard import view, words
from vestal.daemon.dashboard.chart import chart
from vestal.daemon.dashboard.query import Query, chips
from vestal.daemon.dashboard.render import frame_of
from vestal.daemon.dashboard.stories import stories
from vestal.daemon.house import House
from vestal.daemon.problem import unknown_credential
from vestal.daemon.routes.route import house_of
from vestal.operations.overview import Seen, look, overview

PAGE = 50
"""Credentials on one page."""

FRAGMENTS = DASHBOARD + "/fragments"

TELLING = frozenset(
    {
        Kind.REFRESH_STARTED,
        Kind.RECOVERY_STARTED,
        Kind.REFRESHED,
        Kind.REFRESH_FAILED,
        Kind.LOGIN_NEEDED,
        Kind.LOGGED_IN,
        Kind.CHANGED,
        Kind.TOKEN_ADOPTED,
        Kind.TOKEN_REFUSED,
        Kind.STALE_SERVED,
    }
)
"""Events after which a credential is shown differently. The timeline takes all."""


def stream(only: str = "", *, every: bool = False) -> dict[str, str]:
    """Where a page listens, and to which kinds of events; `only`: to those of that credential."""
    asked = urlencode({**({"credential": only} if only else {}), **({"every": "1"} if every else {})})
    kinds = Kind if every else TELLING
    return {
        "events": f"{DASHBOARD}/events" + (f"?{asked}" if asked else ""),
        "kinds": " ".join(sorted(kind.value for kind in kinds)),
    }


async def of_list(request: Request, query: Query) -> dict[str, Any]:
    """For the page with the list."""
    house, grantee = house_of(request), grantee_of(request.scope)

    def read() -> tuple[dict[str, int], Page]:
        return _counts(house, grantee), house.census.page(
            None if grantee.sees_all else grantee.sees,
            text=query.text,
            state=query.state,
            token_state=query.token,
            after=query.after,
            limit=PAGE,
        )

    counts, found = await house.read(read)
    return {
        **_summary(request, query, counts),
        "title": "Credentials",
        "section": "credentials",
        **stream(),
        "fragment": query.address(FRAGMENTS + "/list"),
        "tokens": [(state.value, mark) for state, mark in words.TOKENS.items()],
        "matching": found.matching,
        "next": None if found.next is None else query.address(after=found.next),
        "first_page": query.address(),
        "lines": _lines(house, found.rows),
    }


async def of_rows(request: Request, query: Query, names: list[str]) -> dict[str, Any]:
    """For the fragment with the summary, and the rows of some credentials."""
    house, grantee = house_of(request), grantee_of(request.scope)
    wanted = [name for name in names if grantee.sees(name)][: 2 * PAGE]

    def read() -> tuple[dict[str, int], list[Row]]:
        return _counts(house, grantee), house.census.rows(wanted)

    counts, rows = await house.read(read)
    return {**_summary(request, query, counts), "lines": _lines(house, rows)}


def _counts(house: House, grantee: Grantee) -> dict[str, int]:
    return house.census.counts(None if grantee.sees_all else grantee.sees)


def _summary(request: Request, query: Query, counts: dict[str, int]) -> dict[str, Any]:
    frame = frame_of(request)
    waiting = counts.get(State.NEEDS_LOGIN.value, 0) + counts.get(State.ERROR.value, 0)
    return {
        "frame": frame,
        "now": frame.now,
        "query": query,
        "total": sum(counts.values()),
        "headline": words.headline(counts),
        "attention": f"({waiting}) " if waiting else "",
        "chips": chips(counts, query),
    }


def _lines(house: House, rows: list[Row]) -> list[view.Line]:
    now, tally, recent = house.home.clock.now(), house.counters.of, house.activity.of
    return [view.line(row, tally(row.name), recent(row.name), now) for row in rows]


def of_timeline(request: Request, only: str) -> dict[str, Any]:
    """For the timeline, of all credentials or of one."""
    house, grantee, frame = house_of(request), grantee_of(request.scope), frame_of(request)
    seen = [
        each
        for each in house.broadcast.recent
        if grantee.sees(each.event.credential) and only in ("", each.event.credential)
    ]
    asked = f"?{urlencode({'credential': only})}" if only else ""
    return {
        "title": f"Timeline of {only}" if only else "Timeline",
        "section": "timeline",
        "frame": frame,
        "now": frame.now,
        "only": only,
        "page_of_only": view.address(only),
        "told": stories(seen),
        **stream(only, every=True),
        "fragment": f"{FRAGMENTS}/timeline{asked}",
    }


async def of_credential(request: Request, name: str) -> dict[str, Any]:
    """For a credential's page. Raises `Refusal` (404), and as `Home.store`."""
    house, grantee, frame = house_of(request), grantee_of(request.scope), frame_of(request)
    await house.source(name)

    def read() -> tuple[Seen, bool] | None:
        if house.home.store.load(name) is None:  # removed in this moment, or by another process since
            return None
        seen = look(house.home, name)
        return seen, _by_code(house, seen)

    found = await house.read(read)
    if found is None:
        house.forget(name)
        raise unknown_credential(name)
    seen, by_code = found
    credential, token = seen.credential, seen.credential.token
    shown = words.mark(seen.state, seen.token_state, interrupted=seen.interrupted)
    life = None if token is None else view.life(token.issued_at, token.expires_at, frame.now)
    on_demand = view.costs_nothing(seen.state, seen.token_state, credential.app.grant)
    urgent = seen.state is State.NEEDS_LOGIN or (seen.state is State.AUTHORIZING and token is None)
    next_at, tally = None if on_demand or urgent else seen.next_refresh_at, house.counters.of(name)
    ahead = None if life is None or next_at is None or next_at >= life.ends_at else life.ends_at - next_at
    may_log_in = credential.app.grant in LOGIN_GRANTS and grantee.may("admin", name)
    never = urgent and token is None and credential.refresh_token is None  # nobody has logged in yet
    return {
        "title": name,
        "section": "credentials",
        "frame": frame,
        "now": frame.now,
        "name": name,
        "here": view.address(name),
        "provider": credential.app.provider,
        "version": credential.version,
        "shown": shown,
        "urgent": urgent,
        "may_refresh": not never and grantee.may("refresh", name),
        "may_log_in": may_log_in,
        "by_code": may_log_in and by_code,
        "login_page": _login_under_way(house, name) if may_log_in else None,
        "error": credential.last_error,
        "failures": credential.failures,
        "life": life,
        "tone": view.bar_tone(shown, life),
        "mark_at": None if ahead is None or life is None else round(1000 * min(ahead / life.lifetime, 1.0), 1),
        "refreshed_at": credential.refreshed_at,
        "refresh_count": credential.refresh_count,
        "why": view.why(seen),
        "next_at": next_at,
        "no_next": view.no_next(seen.state, on_demand),
        "tally": tally,
        "hits": words.percent(tally.hits, tally.gets),
        "success": words.percent(tally.refreshed, tally.refreshed + tally.failed),
        "chart": chart(house.activity.of(name).attempts, frame.now, title="Refreshes and errors"),
        "past": view.history(credential.history),
        "facts": view.facts(overview(seen)),
        **stream(name),
        "fragment": f"{FRAGMENTS}/credentials/{quote(name)}",
    }


def _login_under_way(house: House, name: str) -> str | None:
    """Where it is shown."""
    login = house.logins.latest(name)
    return f"{DASHBOARD}/logins/{login.id}" if login is not None and login.state == "waiting" else None


def _by_code(house: House, seen: Seen) -> bool:
    """Whether the service has a page where a code may be typed."""
    from vestal.core.errors import VestalError

    app = seen.credential.app
    if app.grant not in LOGIN_GRANTS or app.grant == "device_code":
        return False
    try:
        return bool(house.home.provider_for(app).device_authorization_endpoint)
    except VestalError:
        return False
