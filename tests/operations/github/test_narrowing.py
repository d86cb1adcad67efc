from __future__ import annotations

import pytest

from vestal.core.errors import ConfigError
from vestal.operations.github.narrowing import chosen, narrowing_of
from vestal.services.github.installations import EVERYTHING, Installation

ACME, OCTOCAT = Installation(id=42, account="Acme"), Installation(id=43, account="octocat")
BOTH = [ACME, OCTOCAT]


def test_what_is_asked_for() -> None:
    assert narrowing_of((), ()) == EVERYTHING
    narrowed = narrowing_of(["acme/Widgets", "gadgets"], ["Contents:read", "issues:write"])
    assert narrowed.body() == {
        "repositories": ["gadgets", "widgets"],
        "permissions": {"contents": "read", "issues": "write"},
    }


@pytest.mark.parametrize("permissions", [["contents"], ["contents:all"], [":read"], [""], ["a:read", "a:write"]])
def test_what_is_no_permission(permissions: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        narrowing_of((), permissions)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("numbers", "repositories", "meant"),
    [
        ([], [], BOTH),
        ([43], [], [OCTOCAT]),
        ([43, 42], [], BOTH),
        ([], ["ACME/widgets", "acme/gadgets"], [ACME]),
        ([], ["acme/widgets", "gadgets"], [ACME]),
        ([42], ["widgets"], [ACME]),
    ],
)
def test_which_installations_are_meant(numbers: list[int], repositories: list[str], meant: list[Installation]) -> None:
    assert chosen(BOTH, numbers, repositories) == meant


@pytest.mark.parametrize(
    ("numbers", "repositories", "words"),
    [
        ([7], [], "no installation 7"),
        ([], ["widgets"], "there are 2 installations"),
        ([], ["acme/widgets", "octocat/hello"], "acme and octocat"),
        ([43], ["acme/widgets"], "no one installation is that of acme"),
    ],
)
def test_which_installations_can_not_be_meant(numbers: list[int], repositories: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        chosen(BOTH, numbers, repositories)
