from __future__ import annotations

import inspect
import json

import pytest

from vestal.core import errors
from vestal.core.errors import Category, VestalError
from vestal.daemon.problem import Refusal, body_of, document, headers_of, status_of

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, VestalError)]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_has_a_status(kind: type[VestalError]) -> None:
    error = kind("what", remedy="do", credential="alice")
    told = document(error)
    assert 400 <= status_of(error) < 600
    assert told["title"]
    assert told["detail"] == "what"
    if error.passing:
        assert status_of(error) in (429, 502, 503, 504)  # those that clients try again


@pytest.mark.parametrize("category", Category)
def test_every_category_has_a_status(category: Category) -> None:
    assert 400 <= status_of(VestalError("what", category=category)) < 600


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 408, 413, 421, 429])
def test_refusals_keep_theirs(status: int) -> None:
    error = Refusal(status, "no", headers={"Allow": "GET"})
    assert document(error)["status"] == status
    assert headers_of(error.copy()) == {"Allow": "GET"}


@pytest.mark.parametrize(("seconds", "header"), [(0.0, "0"), (0.2, "1"), (3.0, "3"), (-1.0, "0")])
def test_retry_after_is_rounded_up(seconds: float, header: str) -> None:
    assert headers_of(errors.RateLimited("wait", retry_after=seconds)) == {"Retry-After": header}


@pytest.mark.parametrize("seconds", [float("inf"), float("nan")])
def test_an_endless_wait_is_no_number(seconds: float) -> None:
    error = errors.RateLimited("wait", retry_after=seconds)
    assert headers_of(error) == {}
    assert json.loads(body_of(error), parse_constant=pytest.fail)["retry_after"] is None


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_says_what_to_do(kind: type[VestalError]) -> None:
    assert document(kind("what"))["remedy"]
    assert document(kind("what", remedy="do"))["remedy"] == "do"
