"""All that the stub's GraphQL says of pull requests, against the records it has them from."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tests.github.stub.generate import generate
from tests.github.stub.graphql import execute
from tests.github.stub.records import CheckRun, Commit, PullRequest, Repository, ReviewComment, Status, User, iso
from tests.github.stub.world import World

PULL = """
fragment pull on PullRequest {
  id databaseId fullDatabaseId number title body state merged isDraft closed createdAt updatedAt mergedAt closedAt
  additions deletions changedFiles headRefName baseRefName headRefOid url totalCommentsCount
  author { ...actor } repository { nameWithOwner } milestone { id number title state url }
  labels(first: 100) { nodes { id name color } }
  assignees(first: 100) { nodes { login } }
  commits(first: 100) { totalCount nodes { commit {
    id oid abbreviatedOid message messageHeadline messageBody authoredDate committedDate additions deletions
    author { name email date user { login databaseId } } parents(first: 2) { nodes { oid } } } } }
  reviews(first: 100) { totalCount nodes {
    id databaseId fullDatabaseId state submittedAt body author { ...actor } comments(first: 100) { nodes { databaseId } } } }
  reviewThreads(first: 100) { totalCount nodes { path line originalLine isOutdated comments(first: 100) { nodes {
    id databaseId fullDatabaseId path line originalLine outdated body createdAt updatedAt author { ...actor }
    replyTo { databaseId } pullRequestReview { databaseId } } } } }
  files(first: 100) { totalCount nodes { path additions deletions changeType } }
  closingIssuesReferences(first: 100) { nodes { id number title url state repository { nameWithOwner } } }
  statusCheckRollup { state commit { oid } contexts(first: 100) { totalCount checkRunCount nodes { ... on CheckRun {
    id databaseId name status conclusion startedAt completedAt } } } }
}
fragment actor on Actor {
  __typename login avatarUrl url ... on User { databaseId name email } ... on Bot { databaseId }
}
"""


def ask(world: World, query: str, **variables: object) -> Any:
    body, _ = execute(world, {"query": query, "variables": variables})
    assert "errors" not in body, body["errors"]
    return cast(dict[str, Any], body)["data"]["repository"]


def actor(user: User | None) -> dict[str, Any] | None:
    if user is None:
        return None
    login = user.login.removesuffix("[bot]")
    shown = {"__typename": user.type, "login": login, "avatarUrl": user.avatar_url, "databaseId": user.id}
    if user.type == "Bot":
        return {**shown, "url": f"https://github.com/apps/{login}"}
    return {**shown, "url": f"https://github.com/{login}", "name": user.name, "email": user.email or ""}


def comment(pull: PullRequest, comment: ReviewComment) -> dict[str, Any]:
    return {
        "id": comment.node_id, "databaseId": comment.id, "fullDatabaseId": str(comment.id), "path": comment.path,
        "line": comment.line, "originalLine": comment.line or 1, "outdated": comment.line is None, "body": comment.body,
        "createdAt": iso(comment.created_at), "updatedAt": iso(comment.updated_at), "author": actor(comment.user),
        "replyTo": comment.in_reply_to and {"databaseId": comment.in_reply_to},
        "pullRequestReview": {"databaseId": comment.review_id},
    }  # fmt: skip


def check_run(run: CheckRun) -> dict[str, Any]:
    return {
        "id": run.node_id, "databaseId": run.id, "name": run.name, "status": run.status.upper(),
        "conclusion": run.conclusion and run.conclusion.upper(), "startedAt": iso(run.started_at),
        "completedAt": iso(run.completed_at),
    }  # fmt: skip


def rollup(pull: PullRequest) -> dict[str, Any] | None:
    runs = pull.check_runs
    if not runs:
        return None
    failed, running = any(run.conclusion == "failure" for run in runs), any(run.conclusion is None for run in runs)
    return {
        "state": "FAILURE" if failed else "PENDING" if running else "SUCCESS",
        "commit": {"oid": pull.head_sha},
        "contexts": {"totalCount": len(runs), "checkRunCount": len(runs), "nodes": [check_run(run) for run in runs]},
    }


def expected(repository: Repository, pull: PullRequest) -> dict[str, Any]:
    """A pull request as `PULL` asks for it, with the first hundred of everything."""
    site = f"https://github.com/{repository.full_name}"
    milestone = pull.milestone and {
        "id": pull.milestone.node_id, "number": pull.milestone.number, "title": pull.milestone.title, "state": "OPEN",
        "url": f"{site}/milestone/{pull.milestone.number}",
    }  # fmt: skip
    change = {"added": "ADDED", "removed": "DELETED", "modified": "MODIFIED", "renamed": "RENAMED"}
    return {
        "id": pull.node_id, "databaseId": pull.id, "fullDatabaseId": str(pull.id), "number": pull.number,
        "title": pull.title, "body": pull.body or "", "state": "MERGED" if pull.merged_at else pull.state.upper(),
        "merged": pull.merged_at is not None, "isDraft": pull.draft, "closed": pull.state == "closed",
        "createdAt": iso(pull.created_at), "updatedAt": iso(pull.updated_at), "mergedAt": iso(pull.merged_at),
        "closedAt": iso(pull.closed_at), "additions": pull.additions, "deletions": pull.deletions,
        "changedFiles": len(pull.files), "headRefName": pull.head_ref, "baseRefName": pull.base_ref,
        "headRefOid": pull.head_sha, "url": f"{site}/pull/{pull.number}", "totalCommentsCount": len(pull.comments),
        "author": actor(pull.author), "repository": {"nameWithOwner": repository.full_name}, "milestone": milestone,
        "labels": {"nodes": [{"id": i.node_id, "name": i.name, "color": i.color} for i in pull.labels]},
        "assignees": {"nodes": [{"login": user.login} for user in pull.assignees]},
        "commits": {"totalCount": len(pull.commits), "nodes": [
            {"commit": {
                "id": i.node_id, "oid": i.sha, "abbreviatedOid": i.sha[:7], "message": i.message,
                "messageHeadline": i.message.split("\n")[0], "messageBody": "\n".join(i.message.split("\n")[2:]),
                "authoredDate": iso(i.authored_at), "committedDate": iso(i.committed_at),
                "additions": i.additions, "deletions": i.deletions,
                "author": {"name": i.author_name, "email": i.author_email, "date": iso(i.authored_at),
                           "user": i.author and {"login": i.author.login, "databaseId": i.author.id}},
                "parents": {"nodes": [{"oid": sha} for sha in i.parents]},
            }} for i in pull.commits[:100]
        ]},
        "reviews": {"totalCount": len(pull.reviews), "nodes": [
            {"id": i.node_id, "databaseId": i.id, "fullDatabaseId": str(i.id), "state": i.state,
             "submittedAt": iso(i.submitted_at), "body": i.body, "author": actor(i.user),
             "comments": {"nodes": [{"databaseId": c.id} for c in pull.comments if c.review_id == i.id]}}
            for i in pull.reviews[:100]
        ]},
        "reviewThreads": {"totalCount": len(pull.threads), "nodes": [
            {"path": i[0].path, "line": i[0].line, "originalLine": i[0].line or 1, "isOutdated": i[0].line is None,
             "comments": {"nodes": [comment(pull, c) for c in i]}} for i in pull.threads[:100]
        ]},
        "files": {"totalCount": len(pull.files), "nodes": [
            {"path": i.filename, "additions": i.additions, "deletions": i.deletions, "changeType": change[i.status]}
            for i in pull.files[:100]
        ]},
        "closingIssuesReferences": {"nodes": [
            {"id": i.node_id, "number": i.number, "title": i.title, "url": f"{site}/issues/{i.number}",
             "state": i.state.upper(), "repository": {"nameWithOwner": repository.full_name}}
            for i in pull.linked_issues
        ]},
        "statusCheckRollup": rollup(pull),
    }  # fmt: skip


@pytest.fixture(scope="module")
def world() -> World:
    """With more than a hundred of everything in some pull request, and one of each kind of author and change."""
    world = generate(seed=3, pulls=80)
    pulls = world.repository("acme/widgets").pulls
    pulls[1].author, pulls[2].author, pulls[3].author = None, world.users["dependabot[bot]"], world.users["alice"]
    for status, file in zip(("added", "removed", "modified", "renamed"), pulls[42].files, strict=False):
        file.status = status
    pulls[46].commits = [
        Commit(world.sha(), f"Step {n}\n\nOf many", pulls[2].author, "Bot", "bot@example.com", n, n + 1, n, 1)
        for n in range(130)
    ]
    return world


def test_every_pull_request_field_by_field(world: World) -> None:
    repository = world.repository("acme/widgets")
    pulls = repository.pulls.values()
    assert {pull.author.type if pull.author else None for pull in pulls} == {"User", "Bot", None}
    assert {file.status for pull in pulls for file in pull.files} == {"added", "removed", "modified", "renamed"}
    for many in ("commits", "files", "reviews", "threads"):
        assert max(len(getattr(pull, many)) for pull in pulls) > 100

    query = """query ($number: Int!) { repository(owner: "acme", name: "widgets") {
        pullRequest(number: $number) { ...pull } } }"""
    for pull in pulls:
        assert ask(world, query + PULL, number=pull.number)["pullRequest"] == expected(repository, pull)


def test_a_page_of_pull_requests_says_the_same_of_each_as_when_asked_for_it_alone(world: World) -> None:
    repository = world.repository("acme/widgets")
    query = """{ repository(owner: "acme", name: "widgets") { pullRequests(first: 20) { nodes { ...pull } } } }"""

    found = ask(world, query + PULL)["pullRequests"]["nodes"]

    assert found == [expected(repository, pull) for pull in world.pulls(repository, descending=False)[:20]]


def test_statuses_stand_beside_the_check_runs_and_the_latest_of_each_context_counts(world: World) -> None:
    repository = world.repository("acme/secret")
    pull = next(pull for pull in repository.pulls.values() if pull.check_runs)
    runs = len(pull.check_runs)
    for run in pull.check_runs:
        run.status, run.conclusion = "completed", "neutral"
    repository.statuses[pull.head_sha] = [
        Status(3, "pending", "ci/build", "Building", "https://ci.example.com/3", None, 30, 30),
        Status(2, "success", "ci/lint", None, None, None, 20, 20),
        Status(1, "failure", "ci/build", "Broken", None, None, 10, 10),
    ]
    query = """query ($number: Int!) { repository(owner: "acme", name: "secret") { pullRequest(number: $number) {
        commits(last: 1) { nodes { commit { statusCheckRollup { state contexts(first: 100) {
          checkRunCount statusContextCount nodes { __typename ... on StatusContext {
            context state description targetUrl createdAt } } } } } } } } } }"""

    (commit,) = ask(world, query, number=pull.number)["pullRequest"]["commits"]["nodes"]

    contexts = commit["commit"]["statusCheckRollup"].pop("contexts")
    assert commit["commit"]["statusCheckRollup"] == {"state": "PENDING"}
    assert (contexts["checkRunCount"], contexts["statusContextCount"]) == (runs, 2)
    assert contexts["nodes"][:runs] == [{"__typename": "CheckRun"}] * runs
    assert contexts["nodes"][runs] == {
        "__typename": "StatusContext", "context": "ci/build", "state": "PENDING", "description": "Building",
        "targetUrl": "https://ci.example.com/3", "createdAt": "1970-01-01T00:00:30Z",
    }  # fmt: skip
    assert [context.get("state") for context in contexts["nodes"][runs + 1 :]] == ["SUCCESS"]


def test_a_pending_review_is_for_nobody_but_its_author(world: World) -> None:
    pull = world.repository("octocat/hello").pulls[1]
    seen = len(pull.reviews)
    for review in pull.reviews[:1] or [world.repository("acme/widgets").pulls[44].reviews[0]]:
        pull.reviews.append(type(review)(999_999, review.user, "PENDING", None, "Not yet", pull.head_sha))
    query = """{ repository(owner: "octocat", name: "hello") { pullRequest(number: 1) { reviews { totalCount } } } }"""

    assert ask(world, query)["pullRequest"]["reviews"]["totalCount"] == seen


def test_a_repository(world: World) -> None:
    repository = world.repository("acme/widgets")
    query = """{ repository(owner: "Acme", name: "WIDGETS") { id databaseId name nameWithOwner isPrivate url
        owner { login __typename } defaultBranchRef { name target { oid } } pullRequests { totalCount } } }"""

    assert ask(world, query) == {
        "id": repository.node_id, "databaseId": repository.id, "name": "widgets", "nameWithOwner": "acme/widgets",
        "isPrivate": False, "url": "https://github.com/acme/widgets",
        "owner": {"login": "acme", "__typename": "Organization"},
        "defaultBranchRef": {"name": "main", "target": {"oid": repository.history[-1]}},
        "pullRequests": {"totalCount": len(repository.pulls)},
    }  # fmt: skip
    empty = """{ repository(owner: "acme", name: "empty") { defaultBranchRef { name } pullRequests(first: 1) {
        totalCount nodes { id } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } }"""
    assert ask(world, empty) == {
        "defaultBranchRef": None,
        "pullRequests": {"totalCount": 0, "nodes": [], "pageInfo": {
            "startCursor": None, "endCursor": None, "hasNextPage": False, "hasPreviousPage": False}},
    }  # fmt: skip
