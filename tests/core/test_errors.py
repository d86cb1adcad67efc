from __future__ import annotations

import re
import traceback

import pytest

from vestal.core import errors
from vestal.core.errors import Category, NeedsLogin, Outcome, RateLimited, Unavailable, VestalError

ALL = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, VestalError) and kind not in (VestalError, errors.Conflict)
]


@pytest.mark.parametrize("kind", ALL)
def test_the_tree_in_the_docstring_is_the_tree(kind: type[VestalError]) -> None:
    line = re.search(rf"^.*── {kind.__name__} .*$", errors.__doc__ or "", re.MULTILINE)
    assert line, f"{kind.__name__} is not drawn"
    assert kind is Unavailable or kind.category.value in line[0]
    assert kind is Unavailable or line[0].startswith("        ") is issubclass(kind, Unavailable)


@pytest.mark.parametrize("kind", ALL)
def test_only_what_is_unavailable_passes_by_itself(kind: type[VestalError]) -> None:
    assert kind("what").passing is issubclass(kind, Unavailable)


def test_every_category_of_the_design_has_an_error() -> None:
    assert {kind.category for kind in ALL} == set(Category)


def test_an_error_says_where_what_and_what_to_do() -> None:
    error = VestalError("it is broken", credential="spotify", remedy="mend it")
    assert str(error) == "spotify: it is broken (mend it)"
    assert str(VestalError("it is broken")) == "it is broken"


def test_a_copy_is_the_same_error_without_its_traceback() -> None:
    try:
        raise NeedsLogin("refused", reason="missing", remedy="log in", credential="spotify", code="invalid_grant")
    except NeedsLogin as raised:
        error = raised
    twin = error.copy()
    assert type(twin) is NeedsLogin
    assert vars(twin) == vars(error)
    assert twin.args == error.args
    assert str(twin) == str(error)
    assert error.__traceback__ is not None
    assert twin.__traceback__ is None
    assert twin.__context__ is twin.__cause__ is None


def test_copies_do_not_share_what_is_set_later() -> None:
    error = RateLimited("slower", retry_after=1.0, outcome=Outcome.NOT_SENT)
    twin = error.copy()
    twin.credential = "other"
    assert error.credential is None
    assert (twin.retry_after, twin.outcome, twin.passing) == (1.0, Outcome.NOT_SENT, True)


def test_a_category_of_its_own() -> None:
    assert VestalError("?", category=Category.TIMEOUT).category is Category.TIMEOUT
    assert VestalError.category is Category.UNEXPECTED_ERROR
    assert "TIMEOUT" not in "".join(traceback.format_exception_only(VestalError("?")))
