"""Clients that others wrote accept the stub: PyGithub, and octokit (node/octokit.mjs)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import github
import pytest
from github import Auth, Github, GithubIntegration

from tests.github.stub.apps import App, Installation
from tests.github.stub.server import Stub
from tests.node import NODE, install

HERE = Path(__file__).parent / "node"


@pytest.fixture
def app(stub: Stub) -> App:
    return stub.add_app()


@pytest.fixture
def installation(stub: Stub, app: App) -> Installation:
    return stub.install(app, "acme")


@pytest.fixture
def alice(stub: Stub) -> Iterator[Github]:
    token = Auth.Token(stub.add_pat("alice"))
    with Github(auth=token, base_url=stub.url, retry=None, seconds_between_requests=None, per_page=20) as client:
        yield client


def test_pygithub_reads_pull_requests(stub: Stub, alice: Github) -> None:
    world = stub.world.repository("acme/widgets")
    repository = alice.get_repo("acme/widgets")
    found = list(repository.get_pulls(state="all", sort="updated", direction="desc"))
    assert [pull.number for pull in found] == [pull.number for pull in stub.world.pulls(world, "updated_at")]
    for number in (1, 41, 43, 44, 45, 46):
        pull, truth = repository.get_pull(number), world.pulls[number]
        assert (pull.title, pull.additions, pull.merged) == (truth.title, truth.additions, truth.merged)
        assert [commit.sha for commit in pull.get_commits()] == [commit.sha for commit in truth.commits]
        assert [one.id for one in pull.get_reviews()] == [one.id for one in truth.reviews]
        assert [one.id for one in pull.get_review_comments()] == [one.id for one in truth.comments]
        assert [one.filename for one in pull.get_files()] == [one.filename for one in truth.files]
        runs = repository.get_commit(pull.head.sha).get_check_runs()
        assert [run.id for run in runs] == [run.id for run in truth.check_runs]


def test_pygithub_reads_the_rest(stub: Stub, alice: Github) -> None:
    repository = alice.get_repo("acme/widgets")
    readme = repository.get_contents("README.md")
    assert not isinstance(readme, list)
    assert readme.decoded_content.decode() == "# widgets\n\nHällo.\n"
    commit = repository.get_commit("main")
    commit.create_status("success", "https://ci.example.com", "Builds", "ci")
    assert [status.context for status in commit.get_statuses()] == ["ci"]
    assert commit.get_combined_status().state == "success"
    assert repository.get_languages()["Python"] > 0
    assert repository.get_topics() == ["python", "widgets"]
    assert alice.get_user().login == "alice"
    assert alice.get_rate_limit().resources.core.remaining == 5000 - sum(e.cost for e in stub.log)
    assert alice.search_issues("repo:acme/widgets is:pr is:merged").totalCount > 10
    with pytest.raises(github.UnknownObjectException):
        alice.get_repo("acme/nothing")


def test_pygithub_as_an_app(stub: Stub, app: App, installation: Installation) -> None:
    with GithubIntegration(auth=Auth.AppAuth(app.client_id, app.private_key), base_url=stub.url) as integration:
        assert integration.get_app().id == app.id
        assert integration.get_repo_installation("acme", "widgets").id == installation.id
        assert [one.id for one in integration.get_installations()] == [installation.id]
        token = integration.get_access_token(installation.id, {"contents": "read"})
        assert token.permissions == {"metadata": "read", "contents": "read"}
    with Github(auth=Auth.Token(token.token), base_url=stub.url) as client:
        assert client.get_repo("acme/secret").private
    assert installation.mints == 1


def test_pygithub_knows_the_limits(stub: Stub, alice: Github) -> None:
    stub.set_limit(f"user:{stub.world.users['alice'].id}", remaining=0)
    with pytest.raises(github.RateLimitExceededException):
        alice.get_repo("acme/widgets")
    stub.advance(3601)
    stub.fault("secondary")
    with pytest.raises(github.RateLimitExceededException, match="secondary"):
        alice.get_repo("acme/widgets")


def test_octokit(stub: Stub, app: App, installation: Installation) -> None:
    install(HERE)
    given = {"url": stub.url, "appId": app.client_id, "privateKey": app.private_key, "installation": installation.id}
    run = subprocess.run(
        [NODE, "octokit.mjs"], cwd=HERE, input=json.dumps(given), capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    said: dict[str, Any] = json.loads(run.stdout)
    assert said["app"] == app.slug
    assert said["token"] == "installation"
    assert said["pulls"] == [one.number for one in stub.world.pulls(stub.world.repository("acme/widgets"))]
    assert said["refused"] == {"status": 403, "message": "Resource not accessible by integration"}
    assert said["missing"] == 404
    assert said["graphql"] == stub.world.repository("acme/widgets").pulls[1].title
    assert installation.mints == 2, "one for all that it may, and one for less"
