"""Every method of `GitHubAPIClient` against the stub, blocking and awaited."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.github.stub.content import LARGE, PNG
from tests.github.stub.records import Repository
from tests.services.github.api.both import KINDS, Both, Place, place
from vestal.core.errors import ConfigError, HTTPError, NotInstalled, Unprocessable


@pytest.fixture(params=KINDS)
def at(request: pytest.FixtureRequest) -> Iterator[Place]:
    with place(request.param) as made:
        made.stub.install(made.app, "acme")
        yield made


@pytest.fixture
def github(at: Place) -> Both:
    return at.client()


@pytest.fixture
def widgets(at: Place) -> Repository:
    return at.stub.world.repository("acme/widgets")


def test_a_token_of_the_installation(at: Place, github: Both) -> None:
    token = github.get_installation_token("acme", "widgets")
    assert at.stub.owner_of(token).startswith("installation:")
    assert github._get_installation_token("acme", "secret") == token


def test_the_installation_of_a_repository_an_organization_or_a_user(at: Place, github: Both) -> None:
    there = at.stub.install(at.app, "octocat")
    found = [
        github.get_installation("acme/widgets"),
        github.get_installation(organization="acme"),
        github.get_installation(user="octocat"),
    ]
    assert [one.account for one in found] == ["acme", "acme", "octocat"]
    assert found[2].id == there.id
    at.stub.suspend(there)
    assert github.get_installation("octocat/hello").suspended_at is not None
    with pytest.raises(NotInstalled, match="alice"):
        github.get_installation(user="alice")
    with pytest.raises(ConfigError, match="one repository, organization or user"):
        github.get_installation("acme/widgets", user="octocat")


def test_statuses_are_made_and_listed(github: Both, widgets: Repository) -> None:
    sha = widgets.history[0]
    made = github.create_commit_status("acme", "widgets", sha, "failure", "https://ci.example/1", "It broke", "ci/unit")
    assert (made["state"], made["context"], made["target_url"]) == ("failure", "ci/unit", "https://ci.example/1")
    assert github.get_commit_status("acme", "widgets", sha) == [made]


def test_a_long_description_is_cut_and_an_unknown_state_is_not_sent(
    at: Place, github: Both, widgets: Repository
) -> None:
    made = github.create_commit_status("acme", "widgets", widgets.history[0], "pending", description="x" * 141)
    assert made["description"] == "x" * 140
    sent = len(at.stub.log)
    with pytest.raises(ConfigError, match="'done' is no state"):
        github.create_commit_status("acme", "widgets", widgets.history[0], "done")
    assert len(at.stub.log) == sent


def test_more_statuses_than_a_page_holds(github: Both, widgets: Repository) -> None:
    sha = widgets.history[0]
    made = github.create_commit_status("acme", "widgets", sha, "success")
    widgets.statuses[sha] *= 230
    assert [status["id"] for status in github.get_commit_status("acme", "widgets", sha)] == [made["id"]] * 230


def test_a_commit_with_more_files_than_a_page_holds(github: Both, widgets: Repository) -> None:
    commit = widgets.commits[widgets.history[2]]
    found = github.fetch_commit_patches("acme", "widgets", commit.sha)
    assert [file["filename"] for file in found["files"]] == [file.filename for file in commit.files]
    assert len(found["patches"]) == len(commit.files) == 350
    assert found["stats"] == {"total": 1050, "additions": 700, "deletions": 350}
    assert found["commit_data"]["commit"]["message"] == "Commit 2"
    assert "files" not in found["commit_data"]
    assert (found["is_merge_commit"], found["parent_commits"], found["truncated"]) == (
        False,
        [widgets.history[1]],
        False,
    )


def test_a_commit_is_cut_at_3000_files_and_says_so(github: Both, widgets: Repository) -> None:
    commit = widgets.commits[widgets.history[2]]
    commit.files = commit.files * 9
    found = github.fetch_commit_patches("acme", "widgets", commit.sha)
    assert (len(found["files"]), found["truncated"]) == (3000, True)


def test_a_merge_and_a_binary_file(github: Both, widgets: Repository) -> None:
    merge = github.fetch_commit_patches("acme", "widgets", widgets.history[4])
    assert merge["is_merge_commit"]
    assert len(merge["parent_commits"]) == 2
    binary = github.fetch_commit_patches("acme", "widgets", widgets.history[3])
    assert len(binary["files"]) == 2
    assert "assets/logo.png" not in binary["patches"]


def test_a_comparison(github: Both, widgets: Repository) -> None:
    found = github.compare("acme", "widgets", widgets.history[0], widgets.history[3])
    assert (found["status"], found["ahead_by"], found["total_commits"]) == ("ahead", 3, 3)
    assert [commit["sha"] for commit in found["commits"]] == widgets.history[1:4]
    assert found["files_truncated"]  # 350 files, of which GitHub tells 300
    assert github._fetch_commit_comparison("acme", "widgets", "main", "main")["status"] == "identical"


def test_a_comparison_with_more_commits_than_a_page_holds(at: Place, github: Both, widgets: Repository) -> None:
    base = parent = widgets.history[0]
    chain = []
    for _ in range(230):
        commit = replace(widgets.commits[base], sha=at.stub.world.sha(), parents=(parent,), files=[])
        widgets.commits[commit.sha] = commit
        chain.append(commit.sha)
        parent = commit.sha
    found = github.compare("acme", "widgets", base, parent)
    assert [commit["sha"] for commit in found["commits"]] == chain


def test_files_of_all_kinds(github: Both) -> None:
    readme = github.fetch_file_contents("acme", "widgets", "README.md")
    assert (readme["content"], readme["encoding"], readme["is_binary"]) == ("# widgets\n\nHällo.\n", "utf-8", False)
    assert (readme["size"], readme["type"]) == (19, "file")
    assert readme["download_url"].endswith("/README.md")
    logo = github.fetch_file_contents("acme", "widgets", "assets/logo.png", "main")
    assert (base64.b64decode(logo["content"]), logo["encoding"], logo["is_binary"]) == (PNG, "base64", True)
    assert github.fetch_file_contents("acme", "widgets", "empty.txt")["content"] == ""
    assert github.fetch_file_contents("acme", "widgets", "data/latin1.txt")["is_binary"]
    assert github.fetch_file_contents("acme", "widgets", "src/widgets/with space.py")["content"] == "x = 1\n"


def test_a_file_above_1_mb_comes_from_its_blob(at: Place, github: Both) -> None:
    large = github.fetch_file_contents("acme", "widgets", "data/large.csv")
    assert (large["size"], large["encoding"]) == (LARGE, "utf-8")
    assert at.paths(large["sha"]) == [f"GET /repos/acme/widgets/git/blobs/{large['sha']} 200"]


def test_what_is_no_file_is_said(github: Both) -> None:
    with pytest.raises(Unprocessable, match="src is a folder, not a file") as folder:
        github.fetch_file_contents("acme", "widgets", "src")
    assert folder.value.code == "not_a_file"
    with pytest.raises(HTTPError, match=r"the file nope\.py in acme/widgets is not there") as missing:
        github.fetch_file_contents("acme", "widgets", "nope.py")
    assert missing.value.code == "file_not_found"


def test_many_files_with_an_entry_for_each_failure(github: Both) -> None:
    paths = ["README.md", "nope.py", "src", "LICENSE", "README.md", "../escape"]
    found = github.fetch_multiple_file_contents("acme", "widgets", paths)
    assert list(found) == ["README.md", "nope.py", "src", "LICENSE", "../escape"]
    assert found["LICENSE"]["content"].startswith("MIT License")
    kinds = [found[path]["error"]["type"] for path in ("nope.py", "src", "../escape")]
    assert kinds == ["file_not_found", "api_error", "invalid_configuration"]


def test_details_and_metadata(github: Both, widgets: Repository) -> None:
    assert github.get_repo_details("acme", "widgets")["id"] == widgets.id
    found = github.fetch_repository_metadata("acme", "widgets")
    assert found["basic_info"]["full_name"] == "acme/widgets"
    assert found["basic_info"]["owner"] == "acme"
    assert found["structure"]["directories"] == ["assets", "data", "src", "tests", "web"]
    assert "README.md" in found["structure"]["files"]
    assert found["languages"] == {"Python": 98.12, "Shell": 1.49, "Dockerfile": 0.39}
    assert (found["topics"], found["license"]["spdx_id"]) == (["python", "widgets"], "MIT")
    assert (found["has_issues"], found["has_wiki"]) == (True, False)
    assert found["created_at"] is not None
    assert found["updated_at"] is not None


def test_metadata_of_a_repository_without_commits(github: Both) -> None:
    found = github.fetch_repository_metadata("acme", "empty")
    assert found["structure"] == {"files": [], "directories": [], "others": []}
    assert (found["languages"], found["license"]) == ({}, None)


def test_the_tests_of_a_repository(github: Both) -> None:
    every = github.identify_test_files("acme", "widgets")
    assert every["direct_test_files"] == ["tests/test_cache.py", "tests/unit/test_parser.py", "web/cache.spec.ts"]
    found = github.identify_test_files("acme", "widgets", ["src/widgets/parser.py"], "main")
    assert found == {
        "direct_test_files": ["tests/unit/test_parser.py"],
        "related_test_files": [],
        "test_directories": ["tests", "tests/unit", "web"],
        "truncated": False,
    }


@pytest.mark.parametrize(("method", "rest"), [("fetch_commit_patches", ["f" * 40]), ("get_commit_status", ["f" * 40])])
def test_a_commit_that_is_not_there(github: Both, method: str, rest: list[str]) -> None:
    with pytest.raises(HTTPError, match="the commit fff") as missing:
        getattr(github, method)("acme", "widgets", *rest)
    assert missing.value.code == "commit_not_found"


def test_a_status_for_a_commit_that_is_not_there(github: Both) -> None:
    with pytest.raises(HTTPError, match="the commit fff") as missing:
        github.create_commit_status("acme", "widgets", "f" * 40, "success")
    assert missing.value.code == "commit_not_found"


def test_a_repository_that_is_not_there(github: Both) -> None:
    github.get_repo_details("acme", "widgets")  # from here on the installation is known to reach all of acme
    with pytest.raises(HTTPError, match="the repository acme/gone is not there") as missing:
        github.get_repo_details("acme", "gone")
    assert missing.value.code == "repository_not_found"


@pytest.mark.parametrize(("owner", "repo"), [("acme", ".."), ("a/b", "c"), ("", "x"), ("acme", "")])
def test_no_repository_can_be_called_so(at: Place, github: Both, owner: str, repo: str) -> None:
    with pytest.raises(ConfigError, match="name no repository"):
        github.get_repo_details(owner, repo)
    assert at.stub.log == []


@pytest.mark.parametrize("path", ["../../user", "a//b", "a/./b"])
def test_paths_do_not_lead_elsewhere(at: Place, github: Both, path: str) -> None:
    with pytest.raises(ConfigError, match="can't stand in a path"):
        github.fetch_file_contents("acme", "widgets", path)
    assert at.stub.log == []


def test_personal_access_tokens_instead_of_an_app(at: Place) -> None:
    token = at.stub.add_pat("alice")
    github = at.client(app_id=None, private_key=None, tokens=[token])
    assert github.get_repo_details("acme", "secret")["private"]
    assert github.get_installation_token("acme", "secret") == token
    assert github.get_cached_token_info("acme", "secret") is None
    assert github.get_all_cached_tokens_info() == {}
    assert github.get_token_management_stats()["total_cached_tokens"] == 0
    github.clear_token_cache()
    assert github.cleanup_expired_tokens() == 0
