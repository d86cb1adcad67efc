"""What GitHub's rarer answers become: files that are none, odd JSON, repositories that have moved."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from vestal.core.errors import HTTPError, NotInstalled, PermissionDenied, Unprocessable, VestalError
from vestal.core.pool import Member, Pool
from vestal.core.secret import Secret
from vestal.core.source import StaticSource
from vestal.core.token import Token
from vestal.services.exchange import APIRequest, APIResponse
from vestal.services.github.api import GitHubAPIClient
from vestal.services.github.api.installed import Installed
from vestal.services.github.api.lookup import Lookup
from vestal.services.github.api.reach import is_gone
from vestal.services.github.api.repository import shares
from vestal.services.github.call import API
from vestal.services.github.place import Place
from vestal.services.runner import Runner


def pool() -> Pool:
    return Pool([Member("pat", StaticSource(Token(Secret("ghp_x"))), "user/1")])


def answering(answers: dict[str, Any]) -> Callable[[APIRequest], APIResponse]:
    """JSON by path; 404 for any other."""

    def send(request: APIRequest) -> APIResponse:
        path = request.url.removeprefix("https://api.github.com").partition("?")[0]
        status = 200 if path in answers else 404
        return APIResponse(status, {}, json.dumps(answers.get(path, {"message": "Not Found"})).encode())

    return send


def client(answers: dict[str, Any]) -> GitHubAPIClient:
    return GitHubAPIClient(pool=pool(), sender=answering(answers), environ={})


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ([{"name": "a.py", "type": "file"}], "a folder"),
        ({"type": "submodule", "submodule_git_url": "git://github.com/acme/lib.git"}, "a submodule"),
        ({"type": "symlink", "target": "/etc/passwd"}, "a symbolic link that leads to no file here"),
        ({"type": "new"}, "something else"),
    ],
)
def test_what_is_no_file(answer: Any, kind: str) -> None:
    with pytest.raises(Unprocessable, match=f"lib is {kind}, not a file") as refused:
        client({"/repos/acme/widgets/contents/lib": answer}).fetch_file_contents("acme", "widgets", "lib")
    assert refused.value.code == "not_a_file"


@pytest.mark.parametrize("content", ["abc", None, 7])
def test_contents_that_can_not_be_decoded(content: Any) -> None:
    answers = {"/repos/acme/widgets/contents/a": {"type": "file", "encoding": "base64", "content": content}}
    if content == "abc":
        with pytest.raises(HTTPError, match="no base64") as refused:
            client(answers).fetch_file_contents("acme", "widgets", "a")
        assert refused.value.code == "malformed_data"
    else:
        assert client(answers).fetch_file_contents("acme", "widgets", "a")["content"] == ""


def test_text_with_a_zero_byte_is_binary() -> None:
    answers = {"/repos/acme/widgets/contents/a": {"type": "file", "encoding": "base64", "content": "YQBi"}}
    found = client(answers).fetch_file_contents("acme", "widgets", "a")
    assert (found["is_binary"], found["content"], found["size"]) == (True, "YQBi", 3)


def test_a_file_as_a_folder() -> None:
    with pytest.raises(Unprocessable, match="is no folder"):
        client({"/repos/acme/widgets/contents/a": {"type": "file"}}).list_folder("acme", "widgets", "a")


def test_an_answer_that_is_no_object() -> None:
    with pytest.raises(HTTPError) as refused:
        client({"/repos/acme/widgets": ["odd"]}).get_repo_details("acme", "widgets")
    assert refused.value.code == "invalid_response"


def test_a_tree_that_is_cut_says_so() -> None:
    tree = {"tree": [{"type": "blob", "path": "test_a.py"}, {"type": "tree", "path": "test_b.py"}], "truncated": True}
    found = client({"/repos/acme/widgets/git/trees/HEAD": tree}).identify_test_files("acme", "widgets")
    assert (found["direct_test_files"], found["truncated"]) == (["test_a.py"], True)


def test_shares_of_languages() -> None:
    assert shares({"B": 1, "A": 1, "C": 2, "odd": "x", "none": 0}) == {"C": 50.0, "A": 25.0, "B": 25.0}
    assert shares({}) == {}


class Installs:
    """A lookup over scripted answers; installations are stand-ins that only have an id."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.made: list[int] = []
        self.answers = answers
        self.sent: list[str] = []
        answer = answering(answers)

        def send(request: APIRequest) -> APIResponse:
            self.sent.append(request.url.rpartition("repos/")[2].removesuffix("/installation"))
            return answer(request)

        self.lookup = Lookup(API(Place()), pool, self._install)
        self._runner = Runner(send)

    def _install(self, number: int) -> Installed:
        self.made.append(number)
        stand_in: Any = type("StandIn", (), {"id": number})()
        return stand_in  # type: ignore[no-any-return]

    def find(self, owner: str, repo: str) -> int:
        return self._runner.run(self.lookup.find(owner, repo)).id


def installation(number: int, account: str, selection: str = "all", **more: Any) -> dict[str, Any]:
    return {"id": number, "account": {"login": account}, "repository_selection": selection, **more}


def test_a_repository_that_was_moved_to_another_account_says_nothing_of_its_former_one() -> None:
    at = Installs(
        {
            "/repos/old/moved/installation": installation(2, "new"),
            "/repos/old/stayed/installation": installation(1, "old"),
        }
    )
    assert [at.find("old", "moved"), at.find("old", "stayed"), at.find("old", "third")] == [2, 1, 1]
    assert at.sent == ["old/moved", "old/stayed"]


def test_what_is_dropped_is_asked_for_again() -> None:
    at = Installs({"/repos/acme/a/installation": installation(1, "acme")})
    at.find("acme", "a")
    at.find("acme", "b")
    assert set(at.lookup.all()) == {"acme/a", "acme/b"}
    at.lookup.drop(at.lookup.installations()[0])
    assert (at.lookup.all(), at.lookup.installations()) == ({}, [])
    at.answers["/repos/acme/a/installation"] = installation(2, "acme", "selected")
    assert at.find("acme", "a") == 2
    with pytest.raises(NotInstalled):
        at.find("acme", "b")
    assert at.made == [1, 2]


def test_a_suspended_installation_is_not_remembered() -> None:
    at = Installs(
        {"/repos/acme/a/installation": installation(1, "acme", suspended_at="2026-01-01T00:00:00Z", account_id=3)}
    )
    for _ in range(2):
        with pytest.raises(PermissionDenied, match="installation 1 of the app in acme has been suspended"):
            at.find("acme", "a")
    assert len(at.sent) == 2
    assert at.made == []


@pytest.mark.parametrize(
    ("error", "gone"),
    [
        (NotInstalled("x"), True),
        (PermissionDenied("x", code="suspended"), True),
        (PermissionDenied("GitHub refused: This installation has been suspended"), True),  # as the store recalls it
        (PermissionDenied("Resource not accessible by integration", code="forbidden"), False),
        (HTTPError("x", code="not_found"), False),
    ],
)
def test_which_errors_mean_that_the_installation_is_gone(error: VestalError, gone: bool) -> None:
    assert is_gone(error) is gone
