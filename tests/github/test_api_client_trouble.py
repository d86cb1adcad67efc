"""What goes wrong at GitHub, and what `GitHubAPIClient` makes of it, blocking and awaited."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.github.stub.apps import Installation
from tests.services.github.api.both import KINDS, Both, Place, place
from vestal.core.errors import AllExhausted, AuthFailed, Category, NotInstalled, PermissionDenied, ServiceError
from vestal.services.exchange import APIRequest


@pytest.fixture(params=KINDS)
def at(request: pytest.FixtureRequest) -> Iterator[Place]:
    with place(request.param, fake=True) as made:
        yield made


@pytest.fixture
def installation(at: Place) -> Installation:
    return at.stub.install(at.app, "acme")


@pytest.fixture
def github(at: Place, installation: Installation) -> Both:
    return at.client()


def test_a_token_that_is_not_known_everywhere_yet_is_waited_for(
    at: Place, github: Both, installation: Installation
) -> None:
    at.stub.configure(lag=4.0)
    began = at.clock.now()
    assert github.get_repo_details("acme", "secret")["name"] == "secret"
    assert installation.mints == 1
    assert at.clock.now() - began == 6.0  # 1, 2 and 3 seconds
    assert at.paths("/repos/acme/secret") == ["GET /repos/acme/secret 401"] * 3 + ["GET /repos/acme/secret 200"]


def test_a_token_that_is_revoked_in_the_middle_of_a_list(at: Place, installation: Installation) -> None:
    pages = 0

    def before(request: APIRequest) -> None:
        nonlocal pages
        pages += "statuses" in request.url
        if pages == 2 and installation.mints == 1:
            at.clock.advance(60)  # long enough for it not to be lag
            for token in at.stub.service.tokens.of(installation.owner):
                token.revoked = True

    github, secret = at.client(before=before), at.stub.world.repository("acme/secret")
    made = github.create_commit_status("acme", "secret", secret.history[0], "success")
    secret.statuses[secret.history[0]] *= 250
    pages = 0
    assert len(github.get_commit_status("acme", "secret", secret.history[0])) == 250
    assert made["state"] == "success"
    assert installation.mints == 2
    statuses = [line.rpartition(" ")[2] for line in at.paths("/statuses")]
    assert statuses == ["200", "401", "200", "200"]


def test_not_installed_says_where(at: Place, github: Both) -> None:
    with pytest.raises(NotInstalled, match="not installed on octocat/hello") as refused:
        github.get_repo_details("octocat", "hello")
    assert refused.value.category is Category.INSTALLATION_NOT_FOUND
    assert "install" in refused.value.remedy
    at.stub.install(at.app, "octocat")
    assert github.get_repo_details("octocat", "hello")["name"] == "hello"


def test_an_installation_that_was_made_again_is_found(at: Place, github: Both, installation: Installation) -> None:
    github.get_repo_details("acme", "secret")
    at.stub.uninstall(installation)
    at.clock.advance(60)
    with pytest.raises(NotInstalled):
        github.get_repo_details("acme", "secret")
    again = at.stub.install(at.app, "acme")
    assert github.get_repo_details("acme", "secret")["name"] == "secret"
    assert github.get_cached_token_info("acme", "secret")["installation_id"] == again.id


def test_an_installation_that_was_made_again_meanwhile_costs_no_error(
    at: Place, github: Both, installation: Installation
) -> None:
    github.get_repo_details("acme", "secret")
    at.stub.uninstall(installation)
    again = at.stub.install(at.app, "acme")
    at.clock.advance(60)
    assert github.get_repo_details("acme", "secret")["name"] == "secret"
    assert again.mints == 1


def test_suspended_is_said_and_forgotten_when_it_is_lifted(at: Place, github: Both, installation: Installation) -> None:
    github.get_repo_details("acme", "secret")
    at.stub.suspend(installation)
    for _ in range(2):
        with pytest.raises(PermissionDenied, match="suspended") as refused:
            github.get_repo_details("acme", "secret")
        assert refused.value.code == "suspended"
        assert "lift" in refused.value.remedy
    assert github.get_cached_token_info("acme", "secret") is None
    at.stub.suspend(installation, suspended=False)
    assert github.get_repo_details("acme", "secret")["name"] == "secret"


def test_a_missing_permission_is_named(at: Place) -> None:
    at.stub.install(at.app, "acme", permissions={"metadata": "read", "contents": "read"})
    github, sha = at.client(), at.stub.world.repository("acme/secret").history[0]
    with pytest.raises(PermissionDenied, match="not accessible by integration") as refused:
        github.create_commit_status("acme", "secret", sha, "success")
    assert "statuses=write" in refused.value.remedy


def test_a_wrong_key_is_said_once(at: Place, installation: Installation) -> None:
    at.app.public_keys.clear()
    github = at.client()
    with pytest.raises(AuthFailed) as refused:
        github.get_installation_token("acme", "widgets")
    assert "private key" in refused.value.remedy
    sent = len(at.stub.log)
    with pytest.raises(AuthFailed):  # it is not asked again with what was refused for good
        github.get_installation_token("acme", "widgets")
    assert len(at.stub.log) == sent


READS: dict[str, Callable[[Both, str], Any]] = {
    "status": lambda github, sha: github.get_commit_status("acme", "widgets", sha),
    "details": lambda github, _: github.get_repo_details("acme", "widgets"),
    "patches": lambda github, sha: github.fetch_commit_patches("acme", "widgets", sha),
    "compare": lambda github, sha: github.compare("acme", "widgets", sha, "main"),
    "file": lambda github, _: github.fetch_file_contents("acme", "widgets", "README.md"),
    "large file": lambda github, _: github.fetch_file_contents("acme", "widgets", "data/large.csv"),
    "files": lambda github, _: github.fetch_multiple_file_contents("acme", "widgets", ["README.md", "LICENSE"]),
    "metadata": lambda github, _: github.fetch_repository_metadata("acme", "widgets"),
    "tests": lambda github, _: github.identify_test_files("acme", "widgets"),
}


@pytest.mark.parametrize("read", READS)
def test_a_second_read_of_what_has_not_changed_costs_nothing(at: Place, github: Both, read: str) -> None:
    sha = at.stub.world.repository("acme/widgets").history[2]
    first = READS[read](github, sha)
    paid = sum(entry.cost for entry in at.stub.log)
    assert READS[read](github, sha) == first
    assert sum(entry.cost for entry in at.stub.log) == paid
    assert at.stub.log[-1].status == 304


def test_what_has_changed_is_read_anew(at: Place, github: Both) -> None:
    github.fetch_file_contents("acme", "widgets", "README.md")
    at.stub.world.repository("acme/widgets").tree["README.md"] = b"new"
    assert github.fetch_file_contents("acme", "widgets", "README.md")["content"] == "new"


@pytest.mark.parametrize("read", READS)
def test_a_repository_that_was_renamed_is_found_by_its_former_name(at: Place, github: Both, read: str) -> None:
    sha = at.stub.world.repository("acme/widgets").history[2]
    at.stub.rename("acme/widgets", "gadgets")
    assert READS[read](github, sha) is not None
    assert any(entry.status == 301 for entry in at.stub.log)


@pytest.mark.parametrize("read", READS)
def test_a_refused_token_is_replaced_in_every_call(
    at: Place, github: Both, installation: Installation, read: str
) -> None:
    sha = at.stub.world.repository("acme/widgets").history[2]
    at.stub.revoke(github.get_installation_token("acme", "widgets"))
    at.clock.advance(60)
    assert READS[read](github, sha) is not None
    assert installation.mints == 2


def test_a_refused_token_is_replaced_in_a_write(at: Place, github: Both, installation: Installation) -> None:
    sha = at.stub.world.repository("acme/widgets").history[2]
    at.stub.revoke(github.get_installation_token("acme", "widgets"))
    at.clock.advance(60)
    assert github.create_commit_status("acme", "widgets", sha, "success")["state"] == "success"
    assert installation.mints == 2
    assert len(at.stub.world.repository("acme/widgets").statuses[sha]) == 1


@pytest.mark.parametrize("seconds", [30, None])
def test_a_secondary_limit_is_waited_for(at: Place, github: Both, seconds: int | None) -> None:
    github.get_installation_token("acme", "widgets")
    at.stub.fault("secondary", path="/repos/acme/widgets$", retry_after=seconds)
    began = at.clock.now()
    assert github.get_repo_details("acme", "widgets")["name"] == "widgets"
    assert at.clock.now() - began >= (seconds or 60)
    assert at.paths("/repos/acme/widgets") == ["GET /repos/acme/widgets 403", "GET /repos/acme/widgets 200"]
    assert [what for _, what in at.stub.limits.violations if what == "continued"] == []


def test_a_quota_that_is_used_up_is_an_error_that_says_when(
    at: Place, github: Both, installation: Installation
) -> None:
    github.get_installation_token("acme", "widgets")
    reset = int(at.clock.now()) + 1800
    at.stub.set_limit(installation.owner, remaining=0, reset=reset)
    with pytest.raises(AllExhausted) as exhausted:
        github.get_repo_details("acme", "widgets")
    assert exhausted.value.reset_at is not None
    assert reset <= exhausted.value.reset_at <= reset + 5
    sent = len(at.stub.log)
    with pytest.raises(AllExhausted):  # nobody asks before the reset
        github.get_repo_details("acme", "widgets")
    assert len(at.stub.log) == sent
    at.clock.advance(1810)
    assert github.get_repo_details("acme", "widgets")["name"] == "widgets"


def test_the_last_requests_of_a_quota_are_left_alone(at: Place, github: Both, installation: Installation) -> None:
    at.stub.set_limit(installation.owner, limit=20, remaining=12)
    github.get_repo_details("acme", "widgets")
    github.get_repo_details("acme", "empty")
    with pytest.raises(AllExhausted):
        github.get_repo_details("acme", "secret")
    assert at.stub.limits.bucket(installation.owner).used == 10


def test_a_bad_gateway_is_tried_again_for_reads_only(at: Place, github: Both) -> None:
    sha = at.stub.world.repository("acme/widgets").history[2]
    github.get_installation_token("acme", "widgets")
    at.stub.fault("bad_gateway", path="/repos/acme/widgets$")
    assert github.get_repo_details("acme", "widgets")["name"] == "widgets"
    at.stub.fault("bad_gateway", path="/statuses/")
    with pytest.raises(ServiceError):
        github.create_commit_status("acme", "widgets", sha, "success")
    assert len(at.paths(f"/statuses/{sha}")) == 1
