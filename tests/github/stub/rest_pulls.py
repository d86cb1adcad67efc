"""REST for pull requests and issues.

https://docs.github.com/rest/pulls
"""

from __future__ import annotations

from tests.github.stub.records import PullRequest, Repository, iso
from tests.github.stub.refusal import not_found
from tests.github.stub.route import Call, route
from tests.github.stub.show_commits import commit, file
from tests.github.stub.show_pulls import comment, issue, pull, review, whole_pull

MOST_COMMITS = 250
MOST_FILES = 3000


@route("GET", "/repos/{owner}/{repo}/pulls")
def pulls(call: Call) -> object:
    repository, query = call.repository("pull_requests"), call.query
    order = {"updated": "updated_at"}.get(query.get("sort", "created"), "created_at")
    descending = query.get("direction", "desc" if order == "created_at" else "asc") == "desc"
    state = query.get("state", "open")
    found = call.service.world.pulls(repository, order, descending=descending)
    if state != "all":
        found = [one for one in found if one.state == state]
    if query.get("base"):
        found = [one for one in found if one.base_ref == query["base"]]
    if query.get("head"):
        found = [one for one in found if f"{repository.owner.login}:{one.head_ref}" == query["head"]]
    return [pull(call.show, repository, one) for one in call.pages(found)]


@route("GET", "/repos/{owner}/{repo}/pulls/comments")
def all_comments(call: Call) -> object:
    repository, query = call.repository("pull_requests"), call.query
    found = [(one, said) for one in repository.pulls.values() for said in one.comments]
    if query.get("since"):
        found = [(one, said) for one, said in found if (iso(said.updated_at) or "") >= query["since"]]
    by = {"updated": "updated_at", "created": "created_at"}.get(query.get("sort", ""), "id")
    found.sort(key=lambda pair: (getattr(pair[1], by), pair[1].id), reverse=query.get("direction") == "desc")
    return [comment(call.show, repository, one, said) for one, said in call.pages(found)]


@route("GET", "/repos/{owner}/{repo}/pulls/{number}")
def one_pull(call: Call) -> object:
    return whole_pull(call.show, *_pull(call))


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/commits")
def commits(call: Call) -> object:
    repository, found = _pull(call)
    return [commit(call.show, repository, one) for one in call.pages(found.commits[:MOST_COMMITS])]


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/reviews")
def reviews(call: Call) -> object:
    repository, found = _pull(call)
    return [review(call.show, repository, found, one) for one in call.pages(found.reviews)]


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/files")
def files(call: Call) -> object:
    repository, found = _pull(call)
    return [file(call.show, repository, one, found.head_sha) for one in call.pages(found.files[:MOST_FILES])]


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/comments")
def comments(call: Call) -> object:
    repository, found = _pull(call)
    return [comment(call.show, repository, found, one) for one in call.pages(found.comments)]


@route("GET", "/repos/{owner}/{repo}/issues/{number}")
def one_issue(call: Call) -> object:
    repository, number = call.repository("issues"), int(call.path["number"]) if call.path["number"].isdigit() else 0
    item = repository.issues.get(number) or repository.pulls.get(number)
    if item is None:
        raise not_found()
    return issue(call.show, repository, item)


def _pull(call: Call) -> tuple[Repository, PullRequest]:
    repository, number = call.repository("pull_requests"), call.path["number"]
    found = repository.pulls.get(int(number)) if number.isascii() and number.isdigit() else None
    if found is None:
        raise not_found()
    return repository, found
