from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.services.github.prs.record import (
    COMPUTED,
    FetchedCheckRun,
    FetchedCommit,
    FetchedFile,
    FetchedPRFull,
    FetchedReview,
    FetchedReviewComment,
    from_json,
    moment,
    to_json,
)

OPENED = datetime(2026, 3, 1, 12, tzinfo=UTC)

text = st.text(max_size=20)
times = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
some_texts = st.lists(text, max_size=3).map(tuple)
numbers = st.integers(0, 1 << 53)


PLAIN: dict[Any, st.SearchStrategy[Any]] = {str: text, int: numbers, bool: st.booleans(), datetime: times}


def built(kind: type[Any], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Any value of a record's class."""
    for name, hint in get_type_hints(kind).items():
        if name not in fields:
            options = [st.none() if part is type(None) else PLAIN[part] for part in get_args(hint) or (hint,)]
            fields[name] = st.one_of(options)
    return st.builds(kind, **fields)


def tuples(kind: type[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(built(kind), max_size=3).map(tuple)


records = built(
    FetchedPRFull,
    labels=some_texts,
    assignees=some_texts,
    linked_issues=st.lists(numbers, max_size=3).map(tuple),
    linked_issues_elsewhere=some_texts,
    commits=tuples(FetchedCommit),
    reviews=tuples(FetchedReview),
    review_comments=tuples(FetchedReviewComment),
    files=tuples(FetchedFile),
    check_runs=tuples(FetchedCheckRun),
)


@given(records)
def test_json_and_back_is_the_same(record: FetchedPRFull) -> None:
    data = json.loads(json.dumps(to_json(record)))
    assert from_json(data) == record
    assert set(COMPUTED) <= set(data)


@given(st.recursive(st.none() | st.booleans() | numbers | text, lambda inner: st.dictionaries(text, inner)))
def test_what_is_no_record_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match="no record"):
        from_json(data)


def pull(**fields: Any) -> FetchedPRFull:
    values: dict[str, Any] = {
        "github_pr_id": 1, "number": 7, "github_repo": "acme/widgets", "url": "u", "title": "t", "body": "",
        "state": "open", "is_draft": False, "created_at": OPENED, "updated_at": OPENED, "merged_at": None,
        "closed_at": None, "additions": 0, "deletions": 0, "changed_files": 0, "commits_count": 0,
        "author_login": "alice", "author_id": 1, "author_name": None, "author_avatar_url": None, "head_ref": "h",
        "base_ref": "main", "milestone_title": None,
    }  # fmt: skip
    return FetchedPRFull(**values | fields)


def review(login: str | None, hours: float) -> FetchedReview:
    return FetchedReview(int(hours * 10), login, "COMMENTED", OPENED + timedelta(hours=hours), "")


def test_times_are_written_with_z() -> None:
    assert to_json(pull(created_at=OPENED))["created_at"] == "2026-03-01T12:00:00Z"
    west = OPENED.astimezone(timezone(timedelta(hours=-5)))
    assert to_json(pull(created_at=west))["created_at"] == "2026-03-01T12:00:00Z"
    assert moment("2026-03-01T07:00:00-05:00") == moment("2026-03-01T12:00:00") == OPENED


def test_the_first_review_is_not_the_authors_own() -> None:
    reviewed = pull(reviews=(review("bob", 5), review("alice", 1), review(None, 3.5)))
    assert reviewed.first_review_at == OPENED + timedelta(hours=3.5)
    assert reviewed.review_time_hours == 3.5
    assert pull(reviews=(review("alice", 1),)).review_time_hours is None
    assert pull(author_login=None, reviews=(review(None, 2),)).review_time_hours == 2


def test_the_cycle_ends_with_the_merge() -> None:
    merged = pull(state="merged", merged_at=OPENED + timedelta(hours=36), closed_at=OPENED + timedelta(hours=36))
    assert (merged.is_merged, merged.cycle_time_hours) == (True, 36)
    assert pull(state="closed", closed_at=OPENED).cycle_time_hours is None


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("ABC-123: x", "ABC-123"),
        ("x (A1-9, B2-1)", "A1-9"),
        ("abc-123", None),
        ("A-1", None),
        ("ABC-", None),
        ("", None),
    ],
)
def test_keys_of_jira(text: str, key: str | None) -> None:
    assert pull(title=text).jira_key_from_title == key
    assert pull(head_ref=text).jira_key_from_branch == key


def test_what_is_missing_is_said() -> None:
    short = pull(changed_files=3, commits_count=2, files=(FetchedFile("a", "added", 1, 0),))
    assert (short.files_missing, short.commits_missing) == (2, 2)


def test_check_runs_that_are_not_completed_are_unfinished() -> None:
    run = FetchedCheckRun(1, "build", "queued", None, None, None)
    assert pull(check_runs=(run,)).unfinished
    assert not pull().unfinished
