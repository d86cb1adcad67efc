from __future__ import annotations

from typing import Any, cast

import pytest

from tests.github.stub.generate import generate
from tests.github.stub.graphql import Caller, Quota, cost_of, execute
from tests.github.stub.graphql_cost import Cost
from tests.github.stub.records import PullRequest
from tests.github.stub.world import World

ANYBODY = Caller()
PAGE = """query ($size: Int, $after: String, $order: IssueOrder) {{ repository(owner: "acme", name: "widgets") {{
    pullRequests(first: $size, after: $after, orderBy: $order) {{
      pageInfo {{ hasNextPage endCursor }} nodes {{ {} }} }} }} }}"""
INSIDE = """query ($size: Int, $after: String) {{ repository(owner: "acme", name: "widgets") {{
    pullRequest(number: {}) {{ {}(first: $size, after: $after) {{
      pageInfo {{ hasNextPage endCursor }} nodes {{ {} }} }} }} }} }}"""


@pytest.fixture(scope="module")
def world() -> World:
    """Nobody changes it."""
    return generate(seed=3, pulls=80)


@pytest.fixture
def small() -> World:
    """For those who change it."""
    return generate(seed=4, pulls=30)


def ask(world: World, query: str, caller: Caller = ANYBODY, **variables: object) -> dict[str, Any]:
    body, _ = execute(world, {"query": query, "variables": variables}, caller)
    return cast(dict[str, Any], body)


def data(world: World, query: str, **variables: object) -> Any:
    body = ask(world, query, ANYBODY, **variables)
    assert "errors" not in body, body["errors"]
    return body["data"]


def walk(world: World, query: str, size: int, **variables: object) -> list[Any]:
    """All items of a connection, page by page; it is the innermost thing but its own fields that the query asks for."""
    items: list[Any] = []
    after, more = None, True
    while more:
        found = data(world, query, size=size, after=after, **variables)
        while "pageInfo" not in found:
            (found,) = found.values()
        items += found["nodes"]
        assert len(found["nodes"]) <= size
        after, more = found["pageInfo"]["endCursor"], found["pageInfo"]["hasNextPage"]
        assert after is not None or not more
    return items


@pytest.mark.parametrize("size", [7, 100])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("field", ["CREATED_AT", "UPDATED_AT", "COMMENTS"])
def test_pages_of_pull_requests_hold_each_of_them_once_in_order(
    world: World, field: str, direction: str, size: int
) -> None:
    keys = {"CREATED_AT": "created_at", "UPDATED_AT": "updated_at", "COMMENTS": "comments"}

    def key(pull: PullRequest) -> tuple[int, int]:
        value = getattr(pull, keys[field])
        return (len(value) if field == "COMMENTS" else value, pull.number)

    pulls = sorted(world.repository("acme/widgets").pulls.values(), key=key, reverse=direction == "DESC")

    found = walk(world, PAGE.format("number"), size, order={"field": field, "direction": direction})

    assert [pull["number"] for pull in found] == [pull.number for pull in pulls]


def test_without_an_order_pull_requests_come_as_they_were_created_and_last_takes_the_end(world: World) -> None:
    numbers = [pull.number for pull in world.pulls(world.repository("acme/widgets"), descending=False)]
    query = """query ($before: String) { repository(owner: "acme", name: "widgets") {
        pullRequests(last: 3, before: $before) { totalCount edges { cursor node { number } }
          pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } }"""

    end = data(world, query)["repository"]["pullRequests"]
    before = data(world, query, before=end["pageInfo"]["startCursor"])["repository"]["pullRequests"]

    assert [edge["node"]["number"] for edge in before["edges"] + end["edges"]] == numbers[-6:]
    assert end["totalCount"] == len(numbers)
    assert [edge["cursor"] for edge in end["edges"]][::2] == [
        end["pageInfo"]["startCursor"],
        end["pageInfo"]["endCursor"],
    ]
    assert (end["pageInfo"]["hasPreviousPage"], end["pageInfo"]["hasNextPage"]) == (True, False)
    assert before["pageInfo"]["hasNextPage"]


def test_last_does_not_go_back_behind_after(world: World) -> None:
    query = """query ($after: String) { repository(owner: "acme", name: "widgets") {
        pullRequests(last: 100, after: $after) { nodes { number } } } }"""
    numbers = [pull.number for pull in world.pulls(world.repository("acme/widgets"), descending=False)]
    after = data(world, PAGE.format("number"), size=5)["repository"]["pullRequests"]["pageInfo"]["endCursor"]

    found = data(world, query, after=after)["repository"]["pullRequests"]["nodes"]

    assert [pull["number"] for pull in found] == numbers[5:]


def test_what_moves_to_the_front_while_one_pages_is_not_repeated_and_hides_nothing(small: World) -> None:
    repository = small.repository("acme/widgets")
    latest = {"field": "UPDATED_AT", "direction": "DESC"}
    order = [pull.number for pull in small.pulls(repository, "updated_at")]
    first = data(small, PAGE.format("number"), size=5, order=latest)["repository"]["pullRequests"]

    small.change_pull(repository, order[1], updated_at=repository.updated_at + 9)
    small.change_pull(repository, order[4], updated_at=repository.updated_at + 10)
    after = first["pageInfo"]["endCursor"]
    second = data(small, PAGE.format("number"), size=5, order=latest, after=after)["repository"]["pullRequests"]

    assert [pull["number"] for pull in first["nodes"] + second["nodes"]] == order[:10]


@pytest.mark.parametrize("size", [50, 100])
@pytest.mark.parametrize(
    ("number", "connection", "node", "kept"),
    [
        (42, "files", "path", lambda pull: [{"path": file.filename} for file in pull.files]),
        (44, "reviews", "databaseId", lambda pull: [{"databaseId": review.id} for review in pull.reviews]),
        (
            45,
            "reviewThreads",
            "comments(first: 100) { nodes { databaseId } }",
            lambda pull: [{"comments": {"nodes": [{"databaseId": c.id} for c in t]}} for t in pull.threads],
        ),
        (43, "statusCheckRollup { contexts", "... on CheckRun { databaseId }", None),
    ],
)
def test_pages_inside_of_a_pull_request(
    world: World, number: int, connection: str, node: str, kept: Any, size: int
) -> None:
    pull = world.repository("acme/widgets").pulls[number]
    query = INSIDE.format(number, connection, node)
    if kept is None:
        query, kept = query + " }", lambda pull: [{"databaseId": run.id} for run in pull.check_runs]

    assert len(kept(pull)) > 50
    assert walk(world, query, size) == kept(pull)


def test_pages_go_on_from_the_id_of_what_they_belong_to(world: World) -> None:
    pull = world.repository("acme/widgets").pulls[45]
    review = pull.reviews[0]
    comments = [comment.id for comment in pull.comments if comment.review_id == review.id]
    thread = next(thread for thread in pull.threads if len(thread) > 2)
    query = """query ($ids: [ID!]!) { nodes(ids: $ids) { __typename
        ... on PullRequest { number } ... on Repository { name } ... on Commit { oid } ... on User { login }
        ... on PullRequestReview { comments(first: 100) { nodes { databaseId } } }
        ... on PullRequestReviewThread { id comments(first: 2) { pageInfo { endCursor } nodes { databaseId } } } } }"""
    more = """query ($id: ID!, $after: String) { node(id: $id) { ... on PullRequestReviewThread {
        comments(first: 100, after: $after) { nodes { databaseId } } } } }"""
    threads = """{ repository(owner: "acme", name: "widgets") { pullRequest(number: 45) { reviewThreads(first: 100) {
        nodes { id comments(first: 1) { nodes { databaseId } } } } } } }"""
    nodes = data(world, threads)["repository"]["pullRequest"]["reviewThreads"]["nodes"]
    thread_id = next(i["id"] for i in nodes if i["comments"]["nodes"][0]["databaseId"] == thread[0].id)
    repository = world.repository("acme/widgets")
    ids = [pull.node_id, repository.node_id, pull.commits[0].node_id, world.users["alice"].node_id, review.node_id]

    *found, begun = data(world, query, ids=[*ids, thread_id])["nodes"]
    rest = data(world, more, id=thread_id, after=begun["comments"]["pageInfo"]["endCursor"])["node"]

    assert found == [
        {"__typename": "PullRequest", "number": 45},
        {"__typename": "Repository", "name": "widgets"},
        {"__typename": "Commit", "oid": pull.commits[0].sha},
        {"__typename": "User", "login": "alice"},
        {"__typename": "PullRequestReview", "comments": {"nodes": [{"databaseId": id} for id in comments]}},
    ]
    both = begun["comments"]["nodes"] + rest["comments"]["nodes"]
    assert [comment["databaseId"] for comment in both] == [comment.id for comment in thread]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ("states: [MERGED]", lambda pull: pull.merged),
        ("states: [OPEN, CLOSED]", lambda pull: not pull.merged),
        ('labels: ["bug"]', lambda pull: "bug" in {label.name for label in pull.labels}),
        ('headRefName: "wip-7"', lambda pull: pull.head_ref == "wip-7"),
        ('baseRefName: "other"', lambda pull: pull.base_ref == "other"),
    ],
)
def test_filters(world: World, arguments: str, wanted: Any) -> None:
    query = f"""{{ repository(owner: "acme", name: "widgets") {{ pullRequests(first: 100, {arguments}) {{
        totalCount nodes {{ number }} }} }} }}"""
    pulls = [pull.number for pull in world.pulls(world.repository("acme/widgets"), descending=False) if wanted(pull)]

    found = data(world, query)["repository"]["pullRequests"]

    assert found == {"totalCount": len(pulls), "nodes": [{"number": number} for number in pulls]}


def test_reviews_of_one_author_or_state(world: World) -> None:
    pull = world.repository("acme/widgets").pulls[44]
    author = next(review.user for review in pull.reviews if review.user)
    query = """query ($who: String) { repository(owner: "acme", name: "widgets") { pullRequest(number: 44) {
        reviews(author: $who, states: [APPROVED], first: 100) { nodes { databaseId } } } } }"""

    found = data(world, query, who=author.login.upper())["repository"]["pullRequest"]["reviews"]["nodes"]

    wanted = [review.id for review in pull.reviews if review.user is author and review.state == "APPROVED"]
    assert [review["databaseId"] for review in found] == wanted


def test_the_rate_limit_tells_the_cost_of_the_query_itself_and_what_the_server_says_is_left(world: World) -> None:
    query = PAGE.format("files(first: 100) { nodes { path } } labels(first: 10) { nodes { name } }")
    query = query.replace("{ repository", "{ rateLimit { cost limit remaining used resetAt nodeCount } repository")
    request: dict[str, object] = {"query": query, "variables": {"size": 100}}

    body, points = execute(world, request, Caller(quota=Quota(limit=5000, remaining=4998, reset_at=60, used=2)))

    assert cost_of(request) == Cost(points, 11_100) == (2, 11_100)
    assert cast(dict[str, Any], body)["data"]["rateLimit"] == {
        "cost": 2, "limit": 5000, "remaining": 4998, "used": 2, "resetAt": "1970-01-01T00:01:00Z", "nodeCount": 11_100,
    }  # fmt: skip


def test_the_viewer_is_who_asks_and_an_installation_is_nobody(world: World) -> None:
    alice = world.users["alice"]

    assert ask(world, "{ viewer { login databaseId } }", Caller(user=alice)) == {
        "data": {"viewer": {"login": "alice", "databaseId": alice.id}}
    }
    refused = ask(world, "{ viewer { login } }")
    assert refused["data"] is None
    assert refused["errors"][0]["type"] == "FORBIDDEN"


def test_a_former_name_is_followed_unless_told_not_to(small: World) -> None:
    small.rename("acme/secret", "public")
    small.rename("acme/public", "open")
    query = """query ($follow: Boolean) { repository(owner: "acme", name: "secret", followRenames: $follow) {
        nameWithOwner } }"""

    assert data(small, query, follow=True) == {"repository": {"nameWithOwner": "acme/open"}}
    assert ask(small, query, follow=False)["errors"][0]["type"] == "NOT_FOUND"
