from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from vestal.services.github.prs.listing import Mark, Seen, share
from vestal.services.github.prs.options import FetchOptions

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def seen(*hours: int, state: str = "merged", is_draft: bool = False) -> list[Seen]:
    """Pull requests that were updated so many hours before noon."""
    return [Seen(ago, NOON - timedelta(hours=ago), state, is_draft, f"c{ago}") for ago in hours]


def options(since: int | None = None, until: int | None = None, **more: bool) -> FetchOptions:
    def hours(ago: int | None) -> datetime | None:
        return None if ago is None else NOON - timedelta(hours=ago)

    return FetchOptions("acme/widgets", hours(since), hours(until), **more)


def test_since_is_in_and_ends_the_listing_behind_it() -> None:
    part = share(options(since=2), seen(0, 1, 2, 3), None, None)
    assert ([one.number for one in part.wanted], part.ended) == ([0, 1, 2], True)


def test_until_is_out() -> None:
    part = share(options(until=1), seen(0, 1, 2), None, None)
    assert ([one.number for one in part.wanted], part.unwanted, part.ended) == ([2], [0, 1], False)


def test_the_floor_is_in() -> None:
    part = share(options(), seen(0, 1, 2), NOON - timedelta(hours=1), None)
    assert ([one.number for one in part.wanted], part.ended) == ([0, 1], True)


def test_room_ends_it_at_the_last_one_that_fits() -> None:
    part = share(options(), seen(0, 1, 2), None, 2)
    assert ([one.number for one in part.wanted], part.full, part.ended) == ([0, 1], True, False)


@pytest.mark.parametrize(
    ("state", "is_draft", "more", "wanted"),
    [
        ("open", False, {}, False),
        ("open", False, {"include_open": True}, True),
        ("open", True, {"include_open": True}, False),
        ("open", True, {"include_open": True, "include_drafts": True}, True),
        ("closed", True, {}, False),
        ("closed", False, {}, True),
        ("merged", False, {}, True),
    ],
)
def test_open_ones_and_drafts_by_choice(state: str, is_draft: bool, more: dict[str, bool], wanted: bool) -> None:
    part = share(options(**more), seen(0, state=state, is_draft=is_draft), None, None)
    assert bool(part.wanted) is wanted
    assert bool(part.unwanted) is not wanted


@pytest.mark.parametrize("mark", [Mark(), Mark(NOON), Mark(NOON, "Y3Vyc29y=="), Mark(None, "c")])
def test_a_mark_as_text_and_back(mark: Mark) -> None:
    assert Mark.parse(str(mark)) == mark
    assert Mark.parse(None) == Mark()
