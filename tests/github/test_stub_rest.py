"""REST: pages, ETags, redirects, and the rules that hold for every request."""

from __future__ import annotations

import base64

import httpx2

from tests.github.jwts import bearer
from tests.github.stub.content import LARGE, PNG
from tests.github.stub.server import Stub

REPO = "/repos/acme/widgets"


def all_pages(http: httpx2.Client, path: str, headers: dict[str, str]) -> list[dict[str, object]]:
    answer = http.get(path, headers=headers)
    found: list[dict[str, object]] = answer.json()
    while "next" in answer.links:
        answer = http.get(answer.links["next"]["url"], headers=headers)
        found += answer.json()
    return found


def test_pages_lead_through_everything(stub: Stub, http: httpx2.Client) -> None:
    headers, repository = bearer(stub.add_pat("alice")), stub.world.repository("acme/widgets")
    found = all_pages(http, f"{REPO}/pulls?state=all&per_page=7&sort=created&direction=asc", headers)
    assert [pull["number"] for pull in found] == sorted(repository.pulls)
    first, last = (http.get(f"{REPO}/pulls?state=all&per_page=7&page={page}", headers=headers) for page in (1, 8))
    assert set(first.links) == {"next", "last"}
    assert set(last.links) == {"prev", "first"}
    assert f"/repositories/{repository.id}/pulls" in first.links["next"]["url"]
    beyond = http.get(f"{REPO}/pulls?state=all&per_page=7&page=80", headers=headers)
    assert (beyond.json(), set(beyond.links)) == ([], {"prev", "first"})
    assert len(http.get(f"{REPO}/pulls/46/commits?per_page=500", headers=headers).json()) == 100


def test_state_and_order(stub: Stub, http: httpx2.Client) -> None:
    headers, pulls = bearer(stub.add_pat("alice")), stub.world.repository("acme/widgets").pulls
    opened = all_pages(http, f"{REPO}/pulls", headers)
    assert {pull["number"] for pull in opened} == {n for n, pull in pulls.items() if pull.state == "open"}
    stub.change_pull("acme/widgets", 3, title="Changed")
    newest = http.get(f"{REPO}/pulls?state=all&sort=updated&direction=desc", headers=headers).json()[0]
    assert (newest["number"], newest["title"]) == (3, "Changed")
    added = stub.add_pull("acme/widgets")
    assert http.get(f"{REPO}/pulls", headers=headers).json()[0]["number"] == added.number


def test_etag_changes_with_the_content_and_with_accept(stub: Stub, http: httpx2.Client) -> None:
    alice, bob = bearer(stub.add_pat("alice")), bearer(stub.add_pat("bob"))
    etag = http.get(f"{REPO}/pulls/3", headers=alice).headers["etag"]
    assert http.get(f"{REPO}/pulls/3", headers=alice | {"If-None-Match": f'"x", {etag}'}).status_code == 304
    assert http.get(f"{REPO}/pulls/3", headers=bob | {"If-None-Match": etag}).status_code == 304
    other = alice | {"Accept": "application/vnd.github.full+json", "If-None-Match": etag}
    assert http.get(f"{REPO}/pulls/3", headers=other).status_code == 200
    stub.change_pull("acme/widgets", 3, title="Changed")
    assert http.get(f"{REPO}/pulls/3", headers=alice | {"If-None-Match": etag}).status_code == 200
    stub.configure(etag_by="token")
    etag = http.get(f"{REPO}/pulls/3", headers=alice).headers["etag"]
    assert http.get(f"{REPO}/pulls/3", headers=bob | {"If-None-Match": etag}).status_code == 200


def test_renamed_repositories_redirect(stub: Stub, http: httpx2.Client) -> None:
    stub.rename("acme/widgets", "gadgets")
    stub.rename("acme/gadgets", "things")
    headers = bearer(stub.add_pat("alice"))
    moved = http.get(f"{REPO}/pulls?state=all", headers=headers)
    assert moved.status_code == 301
    followed = http.get(f"{REPO}/pulls?state=all", headers=headers, follow_redirects=True)
    assert followed.json()[0]["base"]["repo"]["full_name"] == "acme/things"


def test_every_request_names_its_agent_and_a_known_version(stub: Stub, http: httpx2.Client) -> None:
    headers = bearer(stub.add_pat("alice"))
    refused = http.get("/user", headers=headers | {"User-Agent": ""})
    assert (refused.status_code, "administrative rules" in refused.text) == (403, True)
    assert http.get("/user", headers=headers | {"X-GitHub-Api-Version": "2020-01-01"}).status_code == 400
    assert http.get("/user", headers=headers | {"X-GitHub-Api-Version": "2026-03-10"}).status_code == 200


def test_contents(stub: Stub, http: httpx2.Client) -> None:
    headers = bearer(stub.add_pat("alice"))
    logo = http.get(f"{REPO}/contents/assets/logo.png", headers=headers).json()
    assert base64.b64decode(logo["content"]) == PNG
    large = http.get(f"{REPO}/contents/data/large.csv", headers=headers).json()
    assert (large["content"], large["encoding"], large["size"]) == ("", "none", LARGE)
    assert len(http.get(large["download_url"], headers=headers).content) == LARGE
    assert len(base64.b64decode(http.get(large["git_url"], headers=headers).json()["content"])) == LARGE
    raw = http.get(f"{REPO}/contents/README.md", headers=headers | {"Accept": "application/vnd.github.raw+json"})
    assert raw.text == "# widgets\n\nHällo.\n"
    folder = http.get(f"{REPO}/contents/src", headers=headers).json()
    assert [(entry["path"], entry["type"]) for entry in folder] == [("src/widgets", "dir")]
    tree = http.get(f"{REPO}/git/trees/main?recursive=1", headers=headers).json()["tree"]
    files = {entry["path"] for entry in tree if entry["type"] == "blob"}
    assert files == set(stub.world.repository("acme/widgets").tree)
    inner = http.get(folder[0]["git_url"], headers=headers).json()["tree"]
    assert "cache.py" in {entry["path"] for entry in inner}


def test_commits_with_many_files_come_in_pages(stub: Stub, http: httpx2.Client) -> None:
    headers, repository = bearer(stub.add_pat("alice")), stub.world.repository("acme/widgets")
    answer = http.get(f"{REPO}/commits/{repository.history[2]}", headers=headers)
    rest = http.get(answer.links["next"]["url"], headers=headers)
    assert (len(answer.json()["files"]), len(rest.json()["files"])) == (300, 50)
    assert answer.json()["stats"] == {"total": 1050, "additions": 700, "deletions": 350}
    merge = http.get(f"{REPO}/commits/main", headers=headers).json()
    assert (len(merge["parents"]), merge["files"]) == (2, [])


def test_compare(stub: Stub, http: httpx2.Client) -> None:
    headers, repository = bearer(stub.add_pat("alice")), stub.world.repository("acme/widgets")
    pull = repository.pulls[46]
    found = http.get(f"{REPO}/compare/{pull.base_sha}...{pull.head_ref}", headers=headers).json()
    assert (found["status"], found["ahead_by"], found["behind_by"]) == ("ahead", len(pull.commits), 0)
    assert [commit["sha"] for commit in found["commits"]] == [commit.sha for commit in pull.commits]
    turned = http.get(f"{REPO}/compare/{pull.head_sha}...{pull.base_sha}", headers=headers).json()
    assert (turned["status"], turned["behind_by"]) == ("behind", len(pull.commits))
    merged = http.get(f"{REPO}/compare/{repository.history[1]}...main", headers=headers).json()
    assert [commit["sha"] for commit in merged["commits"]] == repository.history[2:]
    same = http.get(f"{REPO}/compare/main...{repository.history[-1]}", headers=headers).json()
    assert (same["status"], same["total_commits"], same["files"]) == ("identical", 0, [])


def test_statuses(stub: Stub, http: httpx2.Client) -> None:
    alice, bob = bearer(stub.add_pat("alice")), bearer(stub.add_pat("bob"))
    sha = stub.world.repository("acme/widgets").history[0]
    for state in ("pending", "failure", "success"):
        created = http.post(f"{REPO}/statuses/{sha}", headers=alice, json={"state": state, "context": "ci"})
        assert created.status_code == 201
    assert [one["state"] for one in http.get(f"{REPO}/commits/{sha}/statuses", headers=alice).json()] == [
        "success",
        "failure",
        "pending",
    ]
    assert http.get(f"{REPO}/commits/{sha}/status", headers=alice).json()["state"] == "success"
    assert http.post(f"{REPO}/statuses/{sha}", headers=bob, json={"state": "success"}).status_code == 404


def test_enterprise_server(stub: Stub, http: httpx2.Client) -> None:
    headers = bearer(stub.add_pat("alice"))
    answer = http.get(f"{stub.enterprise_url}{REPO}/pulls?per_page=2", headers=headers)
    assert answer.links["next"]["url"].startswith(f"{stub.enterprise_url}/repositories/")
    assert answer.headers["x-github-enterprise-version"]
    assert "x-ratelimit-limit" not in answer.headers
    assert http.get(answer.links["next"]["url"], headers=headers).status_code == 200
    query = {"query": "{ viewer { login } }"}
    assert http.post("/api/graphql", headers=headers, json=query).json()["data"]["viewer"]["login"] == "alice"
    assert http.get(f"{stub.enterprise_url}/rate_limit", headers=headers).status_code == 404
    stub.configure(limits_on_enterprise=True)
    assert http.get(f"{stub.enterprise_url}/user", headers=headers).headers["x-ratelimit-limit"] == "5000"


def test_ghosts(stub: Stub, http: httpx2.Client) -> None:
    headers = bearer(stub.add_pat("alice"))
    stub.world.change_pull(stub.world.repository("acme/widgets"), 3, author=None, head_deleted=True)
    pull = http.get(f"{REPO}/pulls/3", headers=headers).json()
    assert (pull["user"]["login"], pull["head"]["repo"]) == ("ghost", None)
