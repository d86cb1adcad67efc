from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.services.github.prs.made import record
from vestal.core.errors import HTTPError
from vestal.services.github.prs.record import FetchedCheckRun
from vestal.services.github.prs.shape import checked, understood


def test_a_record_is_what_it_says() -> None:
    assert checked(record(1)) == record(1)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": None},
        {"title": ["x"]},
        {"number": True},
        {"number": 1.0},
        {"github_pr_id": 1 << 63},
        {"author_id": "7"},
        {"is_draft": 0},
        {"merged_at": "2026-01-01"},
        {"labels": ["bug"]},
        {"labels": (None,)},
        {"commits": ({},)},
        {"check_runs": (FetchedCheckRun(1, None, "completed", None, None, None),)},  # type: ignore[arg-type]
    ],
)
def test_what_is_no_record(changes: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        checked(replace(record(1), **changes))


@pytest.mark.parametrize("read", [lambda: {}["x"], lambda: int("x"), lambda: None + 1, lambda: "x".y])  # type: ignore
def test_what_is_not_understood_is_an_error_that_says_so(read: Any) -> None:
    with pytest.raises(HTTPError, match="about #3") as error:
        understood(read, "#3")
    assert error.value.code == "invalid_response"
    assert error.value.__context__ is None
