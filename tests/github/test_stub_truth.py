"""All that the stub answers is as GitHub's OpenAPI description says: it can't drift from the truth."""

from __future__ import annotations

from urllib.parse import unquote

import httpx2
import pytest

from tests.github.jwts import app_jwt, bearer
from tests.github.openapi import Description
from tests.github.stub.server import Stub


class Checked:
    """Sends requests, and keeps what is wrong with the answers."""

    def __init__(self, stub: Stub, http: httpx2.Client, description: Description) -> None:
        self._stub, self._http, self._description = stub, http, description
        self.wrong: list[str] = []

    def ask(
        self, path: str, token: str, status: int = 200, *, method: str = "GET", json: object = None, **headers: str
    ) -> httpx2.Response:
        extra = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self._http.request(method, path, headers={**bearer(token), **extra}, json=json)
        assert answer.status_code == status, f"{path}: {answer.text[:300]}"
        body = answer.json() if answer.content else None
        plain = unquote(path.partition("?")[0])
        self.wrong += self._description.errors(method, plain, answer.status_code, body)
        return answer


@pytest.fixture
def checked(stub: Stub, http: httpx2.Client, description: Description) -> Checked:
    return Checked(stub, http, description)


def test_repositories_and_files(stub: Stub, checked: Checked) -> None:
    token, repo = stub.add_pat("alice"), "/repos/acme/widgets"
    for path in (
        "", "/languages", "/topics", "/license", "/readme", "/contributors", "/contents/", "/contents/src",
        "/contents/README.md", "/contents/assets/logo.png", "/contents/data/large.csv", "/contents/empty.txt",
        "/contents/src/widgets/with%20space.py", "/git/trees/main", "/git/trees/main?recursive=1",
    ):  # fmt: skip
        checked.ask(repo + path, token)
    for name in ("data/large.csv", "assets/logo.png", "empty.txt"):
        sha = checked.ask(f"{repo}/contents/{name}", token).json()["sha"]
        checked.ask(f"{repo}/git/blobs/{sha}", token)
    checked.ask(f"{repo}/contents/nothing", token, 404)
    checked.ask(f"{repo}/contents/README.md?ref=nothing", token, 404)
    checked.ask("/repos/acme/empty/contents/", token, 404)
    checked.ask("/repos/acme/empty/contributors", token, 204)
    checked.ask("/repos/acme/empty/license", token, 404)
    checked.ask("/repos/acme/nothing", token, 404)
    checked.ask("/repos/acme/secret", stub.add_pat("bob"), 404)
    stub.rename("acme/widgets", "gadgets")
    checked.ask(repo, token, 301)
    assert "\n".join(sorted(set(checked.wrong))) == ""


def test_commits(stub: Stub, checked: Checked) -> None:
    token, repo = stub.add_pat("alice"), "/repos/acme/widgets"
    repository = stub.world.repository("acme/widgets")
    for sha in (*repository.history, repository.pulls[43].head_sha):
        checked.ask(f"{repo}/commits/{sha}", token)
    base, head = repository.history[0], repository.pulls[46].head_sha
    for path in (
        "/commits", "/commits?per_page=2&page=2", f"/compare/{base}...{head}", f"/compare/{base}...{head}?page=2",
        f"/compare/{head}...{base}", "/compare/main...main", f"/commits/{head}/check-runs",
        f"/commits/{repository.pulls[43].head_sha}/check-runs?per_page=100", "/commits/main/statuses",
        "/commits/main/status",
    ):  # fmt: skip
        checked.ask(repo + path, token)
    for state in ("pending", "success"):
        body = {"state": state, "context": "ci", "description": "Builds", "target_url": "https://ci.example.com/1"}
        checked.ask(f"{repo}/statuses/{head}", token, 201, method="POST", json=body)
    checked.ask(f"{repo}/commits/{head}/statuses", token)
    checked.ask(f"{repo}/commits/{head}/status", token)
    checked.ask(f"{repo}/commits/{'0' * 40}", token, 422)
    checked.ask("/repos/acme/empty/commits", token, 409)
    checked.ask(f"{repo}/compare/main...nothing", token, 404)
    checked.ask(f"{repo}/statuses/{head}", token, 422, method="POST", json={"state": "fine"})
    assert "\n".join(sorted(set(checked.wrong))) == ""


def test_pull_requests(stub: Stub, checked: Checked) -> None:
    token, repo = stub.add_pat("alice"), "/repos/acme/widgets"
    repository = stub.world.repository("acme/widgets")
    checked.ask(f"{repo}/pulls", token)
    checked.ask(f"{repo}/pulls?state=all&per_page=40&sort=updated&direction=desc", token)
    for number in range(1, 9):
        for path in ("", "/commits", "/files", "/reviews", "/comments"):
            checked.ask(f"{repo}/pulls/{number}{path}", token)
        checked.ask(f"{repo}/commits/{repository.pulls[number].head_sha}/check-runs", token)
        checked.ask(f"{repo}/issues/{number}", token)
    for number, path in ((41, "files"), (44, "reviews"), (45, "comments"), (46, "commits")):
        checked.ask(f"{repo}/pulls/{number}/{path}?per_page=10&page=11", token)
    checked.ask(f"{repo}/issues/10", token)
    checked.ask(f"{repo}/pulls/comments?sort=updated&direction=desc", token)
    checked.ask("/search/issues?q=repo:acme/widgets+is:pr+is:merged", token)
    checked.ask("/search/issues?q=repo:acme/widgets+is:issue&per_page=5&page=1", token)
    checked.ask("/search/issues?q=repo:no/such", token, 422)
    checked.ask("/search/issues", token, 422)
    checked.ask(f"{repo}/pulls/10", token, 404)
    etag = checked.ask(f"{repo}/pulls/1", token).headers["etag"]
    checked.ask(f"{repo}/pulls/1", token, 304, If_None_Match=etag)
    assert "\n".join(sorted(set(checked.wrong))) == ""


def test_apps_and_people(stub: Stub, checked: Checked) -> None:
    app = stub.add_app()
    installation, suspended = stub.install(app, "acme"), stub.install(app, "octocat", ["octocat/hello"])
    stub.suspend(suspended)
    jwt = app_jwt(stub, app)
    for path in (
        "/app", "/app/installations", f"/app/installations/{installation.id}", f"/app/installations/{suspended.id}",
        "/repos/acme/widgets/installation", "/orgs/acme/installation", "/users/octocat/installation",
    ):  # fmt: skip
        checked.ask(path, jwt)
    mint = f"/app/installations/{installation.id}/access_tokens"
    token = checked.ask(mint, jwt, 201, method="POST").json()["token"]
    checked.ask(mint, jwt, 201, method="POST", json={"repositories": ["widgets"], "permissions": {"issues": "read"}})
    checked.ask(mint, jwt, 422, method="POST", json={"repositories": ["nothing"]})
    checked.ask(f"/app/installations/{suspended.id}/access_tokens", jwt, 403, method="POST")
    checked.ask("/app/installations/1/access_tokens", jwt, 404, method="POST")
    checked.ask(mint, "eyJ.x.y", 401, method="POST")
    for path in ("/installation/repositories", "/rate_limit"):
        checked.ask(path, token)
    checked.ask("/user", token, 403)
    checked.ask("/installation/token", token, 204, method="DELETE")
    checked.ask("/installation/repositories", token, 401)
    person = str(stub.issue_user_token(app, "alice")["access_token"])
    for path in ("/user", "/users/bob", "/users/acme", "/user/installations", "/rate_limit"):
        checked.ask(path, person)
    checked.ask("/users/nobody", person, 404)
    assert "\n".join(sorted(set(checked.wrong))) == ""


def test_what_is_checked_can_fail(description: Description) -> None:
    good = {"names": ["a"]}
    assert description.errors("GET", "/repos/acme/widgets/topics", 200, good) == []
    assert description.errors("GET", "/repos/acme/widgets/topics", 200, {"names": [None]})
    assert description.errors("GET", "/repos/acme/widgets/topics", 200, {**good, "invented": 1})
    assert description.errors("GET", "/repos/acme/widgets/topics", 200, {})
    assert description.errors("GET", "/repos/acme/widgets/topics", 202, good)
    assert description.errors("GET", "/repos/acme/widgets/no-such-thing", 200, good)
    assert description.errors("GET", "/repos/acme/widgets", 404, {"error": "no"})
