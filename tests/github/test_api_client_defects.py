"""The defects of the system that `GitHubAPIClient` takes the place of: one test for each, by its name."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator

import pytest

from tests.github.stub.apps import Installation
from tests.services.github.api.both import KINDS, Both, Place, place
from vestal.core.errors import Category, HTTPError, RateLimited, Unprocessable, VestalError
from vestal.services.exchange import APIRequest
from vestal.services.github.installations import Narrowing, ensure


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


def test_refresh_count_never_grew(at: Place, github: Both, installation: Installation) -> None:
    github.get_installation_token("acme", "widgets")
    for count in (1, 2, 3):
        github.refresh_installation_token("acme", "widgets")
        assert github.get_cached_token_info("acme", "widgets")["refresh_count"] == count
    assert github.get_token_management_stats()["total_refreshes"] == 3
    github.clear_token_cache()
    github.get_installation_token("acme", "widgets")
    assert github.get_cached_token_info("acme", "widgets")["refresh_count"] == 4


def test_last_error_was_never_stored(at: Place, github: Both, installation: Installation) -> None:
    github.get_installation_token("acme", "widgets")
    at.stub.fault("bad_gateway", times=None, path="/access_tokens")
    with pytest.raises(VestalError):
        github.refresh_installation_token("acme", "widgets")
    failed = github.get_cached_token_info("acme", "widgets")["last_error"]
    assert failed.startswith("HTTP_ERROR: GitHub is out of order")
    at.stub.clear_faults()
    at.clock.advance(600)
    github.refresh_installation_token("acme", "widgets")
    info = github.get_cached_token_info("acme", "widgets")
    assert (info["last_error"], info["refresh_count"]) == (failed, 1)
    assert github.get_token_management_stats()["tokens_with_errors"] == 1
    other = at.client()  # another program's client: the history in the store has the category
    other.get_installation_token("acme", "widgets")
    assert other.get_cached_token_info("acme", "widgets")["last_error"] == "HTTP_ERROR"


def test_422_was_tried_again(at: Place, github: Both, installation: Installation) -> None:
    name = ensure(at.home, f"github-app-{at.app.id}", installation.id, Narrowing.of(["not-there"]))
    with pytest.raises(Unprocessable) as refused:
        at.home.token(name)
    assert refused.value.category is Category.UNPROCESSABLE_ENTITY
    assert at.paths("/access_tokens") == [f"POST /app/installations/{installation.id}/access_tokens 422"]
    with pytest.raises(HTTPError):
        github.create_commit_status("acme", "widgets", "f" * 40, "success")
    assert at.paths("f" * 40) == [f"POST /repos/acme/widgets/statuses/{'f' * 40} 422"]


def test_secondary_limits_were_not_recognised(at: Place, github: Both, installation: Installation) -> None:
    github.get_installation_token("acme", "widgets")
    at.stub.fault("secondary", times=None, path="/repos/acme/widgets$", retry_after=300)
    with pytest.raises(RateLimited) as limited:  # and not PermissionDenied
        github.get_repo_details("acme", "widgets")
    assert limited.value.retry_after == pytest.approx(300, abs=5)
    assert len(at.paths("/repos/acme/widgets")) == 1


def test_exp_was_exactly_at_the_ceiling_of_600_s(at: Place, installation: Installation) -> None:
    sent: list[APIRequest] = []
    at.client(before=sent.append).get_installation_token("acme", "widgets")
    header = sent[0].headers["Authorization"]
    claims = header.reveal().split(".")[1] if not isinstance(header, str) else ""
    told = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert told["exp"] - at.clock.now() <= 540
    assert at.clock.now() - told["iat"] == pytest.approx(60, abs=1)


def test_the_cache_was_by_repository(at: Place, github: Both, installation: Installation) -> None:
    tokens = {github.get_installation_token("acme", repo) for repo in ("widgets", "secret", "empty")}
    assert (len(tokens), installation.mints) == (1, 1)
    assert github.get_token_management_stats()["total_cached_tokens"] == 1


@pytest.mark.parametrize("at", ["sync"], indirect=True)
def test_there_was_no_lock_and_no_single_flight(at: Place, github: Both, installation: Installation) -> None:
    tokens: list[str] = []
    start = threading.Barrier(16)

    def ask() -> None:
        start.wait()
        tokens.append(github.get_installation_token("acme", "widgets"))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(tokens), len(set(tokens)), installation.mints) == (16, 1, 1)
    assert len(at.paths("/installation")) == 1


def test_a_bad_expiry_was_taken_for_an_hour_from_now_and_a_good_one_is_kept(at: Place, github: Both) -> None:
    at.stub.install(at.app, "acme")
    at.stub.configure(lifetime=900.0)
    github.get_installation_token("acme", "widgets")
    assert github.get_cached_token_info("acme", "widgets")["expires_in_seconds"] == pytest.approx(900, abs=2)
