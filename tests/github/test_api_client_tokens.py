"""The tokens of installations as `GitHubAPIClient` keeps, shows and forgets them, blocking and awaited."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from traceback import TracebackException

import pytest

from tests.github.stub.apps import Installation
from tests.services.github.api.both import KINDS, Both, Place, place
from vestal.core.credential import App
from vestal.core.errors import ConfigError, NotInstalled, PermissionDenied, Unprocessable, VestalError
from vestal.core.secret import Secret
from vestal.services.github.pool import GitHubTokenPool

INFO_KEYS = {
    "has_token", "token_length", "expires_at", "expires_in_seconds", "expires_in_minutes", "is_expired",
    "is_expired_no_buffer", "installation_id", "repo_key", "created_at", "age_in_seconds", "age_in_minutes",
    "refresh_count", "last_error",
}  # fmt: skip
STATS_KEYS = {
    "total_cached_tokens", "expired_tokens", "soon_to_expire_tokens", "healthy_tokens", "total_refreshes",
    "tokens_with_errors", "last_cleanup_time", "time_since_last_cleanup_minutes", "installation_id_cache_size",
}  # fmt: skip


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


def test_what_is_told_of_a_token(at: Place, github: Both, installation: Installation) -> None:
    assert github.get_cached_token_info("acme", "widgets") is None
    token = github.get_installation_token("Acme", "Widgets")
    at.clock.advance(120)
    info = github.get_cached_token_info("acme", "widgets")
    assert set(info) == INFO_KEYS
    assert (info["has_token"], info["token_length"], info["repo_key"]) == (True, len(token), "acme/widgets")
    assert info["expires_in_seconds"] == pytest.approx(3480, abs=2)
    assert info["expires_in_minutes"] == pytest.approx(58, abs=0.1)
    assert (info["is_expired"], info["is_expired_no_buffer"]) == (False, False)
    assert (info["age_in_seconds"], info["age_in_minutes"]) == (120, 2)
    assert info["created_at"] + 120 == at.clock.now()
    assert (info["installation_id"], info["refresh_count"], info["last_error"]) == (installation.id, 0, None)
    every = github.get_all_cached_tokens_info()
    assert set(every) == {"acme/widgets"}
    assert set(every["acme/widgets"]) == INFO_KEYS - {"repo_key"}


def test_the_counts(at: Place, github: Both, installation: Installation) -> None:
    at.stub.install(at.app, "octocat")
    for owner, repo in (("acme", "widgets"), ("acme", "secret"), ("octocat", "hello")):
        github.get_installation_token(owner, repo)
    at.clock.advance(60)
    stats = github.get_token_management_stats()
    assert set(stats) == STATS_KEYS
    assert (stats["total_cached_tokens"], stats["healthy_tokens"], stats["installation_id_cache_size"]) == (2, 2, 3)
    assert stats["time_since_last_cleanup_minutes"] == pytest.approx(1, abs=0.1)
    at.clock.advance(3600 - 60 - 500)
    assert github.get_token_management_stats()["soon_to_expire_tokens"] == 2
    at.clock.advance(300)
    assert github.get_token_management_stats()["expired_tokens"] == 2
    github.refresh_installation_token("acme", "widgets")
    stats = github.get_token_management_stats()
    assert (stats["expired_tokens"], stats["healthy_tokens"], stats["total_refreshes"]) == (1, 1, 1)


def test_a_token_is_replaced_before_it_expires(at: Place, github: Both, installation: Installation) -> None:
    first = github.get_installation_token("acme", "widgets")
    at.clock.advance(3600 - 299)
    assert github.get_installation_token("acme", "widgets") != first
    assert installation.mints == 2


def test_a_longer_buffer_is_kept(at: Place, installation: Installation) -> None:
    github = at.client(refresh_buffer=1800)
    first = github.get_installation_token("acme", "widgets")
    at.clock.advance(1700)
    assert github.get_installation_token("acme", "widgets") == first
    at.clock.advance(200)
    assert github.get_cached_token_info("acme", "widgets")["is_expired"]
    assert github.get_installation_token("acme", "widgets") != first


def test_a_forced_refresh_gives_a_new_token_and_no_hold_off(
    at: Place, github: Both, installation: Installation
) -> None:
    tokens = {github.get_installation_token("acme", "widgets")}
    tokens |= {github.refresh_installation_token("acme", "widgets") for _ in range(3)}
    tokens.add(github.get_installation_token("acme", "widgets", force_refresh=True))
    assert (len(tokens), installation.mints) == (5, 5)


def test_clearing_one_repository_clears_the_token_that_it_shares(
    at: Place, github: Both, installation: Installation
) -> None:
    other = at.stub.install(at.app, "octocat")
    github.get_installation_token("acme", "widgets")
    github.get_installation_token("acme", "secret")
    github.get_installation_token("octocat", "hello")
    github.clear_token_cache("acme", "widgets")
    assert set(github.get_all_cached_tokens_info()) == {"octocat/hello"}
    github.get_installation_token("acme", "secret")
    assert (installation.mints, other.mints) == (2, 1)


def test_clearing_an_owner_or_everything(at: Place, github: Both, installation: Installation) -> None:
    other = at.stub.install(at.app, "octocat")

    def ask() -> tuple[int, int]:
        github.get_installation_token("acme", "widgets")
        github.get_installation_token("octocat", "hello")
        return installation.mints, other.mints

    assert ask() == (1, 1)
    github.clear_token_cache("OctoCat")
    assert ask() == (1, 2)
    github.clear_token_cache()
    assert github.get_token_management_stats()["installation_id_cache_size"] == 0
    assert ask() == (2, 3)


def test_expired_tokens_are_let_go_of(at: Place, github: Both, installation: Installation) -> None:
    other = at.stub.install(at.app, "octocat")
    github.get_installation_token("acme", "widgets")
    at.clock.advance(1800)
    github.get_installation_token("octocat", "hello")
    assert github.cleanup_expired_tokens() == 0
    at.clock.advance(1801)
    assert github.cleanup_expired_tokens() == 1  # without a buffer
    assert set(github.get_all_cached_tokens_info()) == {"octocat/hello"}
    assert github.cleanup_expired_tokens() == 0
    assert github.get_token_management_stats()["last_cleanup_time"] == at.clock.now()
    github.get_installation_token("acme", "widgets")
    assert (installation.mints, other.mints) == (2, 1)


def test_a_client_that_is_used_cleans_up_every_ten_minutes(at: Place, github: Both, installation: Installation) -> None:
    at.stub.install(at.app, "octocat")
    began = github.get_token_management_stats()["last_cleanup_time"]
    github.get_installation_token("acme", "widgets")
    at.clock.advance(599)
    github.get_installation_token("acme", "widgets")
    assert github.get_token_management_stats()["last_cleanup_time"] == began
    at.clock.advance(3100)
    github.get_installation_token("octocat", "hello")
    assert github.get_token_management_stats()["last_cleanup_time"] == at.clock.now()
    assert set(github.get_all_cached_tokens_info()) == {"octocat/hello"}


def test_clients_of_one_home_share_tokens_and_counts(at: Place, github: Both, installation: Installation) -> None:
    other = at.client(app_id=None, private_key=None, base_url=None, app=f"github-app-{at.app.id}")
    assert github.get_installation_token("acme", "widgets") == other.get_installation_token("acme", "secret")
    github.refresh_installation_token("acme", "widgets")
    assert other.get_cached_token_info("acme", "secret")["refresh_count"] == 1
    assert installation.mints == 2


def test_selected_repositories_are_looked_up_one_by_one(at: Place) -> None:
    installation = at.stub.install(at.app, "acme", ["acme/widgets", "acme/empty"])
    github = at.client()
    assert github.get_installation_token("acme", "widgets") == github.get_installation_token("acme", "empty")
    with pytest.raises(NotInstalled):
        github.get_installation_token("acme", "secret")
    assert len(at.paths("/installation")) == 3
    assert installation.mints == 1


def test_the_installation_of_a_whole_account_is_looked_up_once(
    at: Place, github: Both, installation: Installation
) -> None:
    for repo in ("widgets", "secret", "empty", "WIDGETS"):
        github.get_installation_token("acme", repo)
    assert at.paths("/installation") == ["GET /repos/acme/widgets/installation 200"]


def test_long_opaque_tokens(at: Place, github: Both, installation: Installation) -> None:
    at.stub.configure(stateless=True)
    token = github.get_installation_token("acme", "widgets")
    assert len(token) > 400
    assert github.get_cached_token_info("acme", "widgets")["token_length"] == len(token)
    assert github.get_repo_details("acme", "secret")["private"]


def test_the_app_is_a_credential_of_the_home_and_a_new_key_takes_the_place_of_the_old(at: Place) -> None:
    at.stub.install(at.app, "acme")
    at.client(base_url=at.stub.url).get_installation_token("acme", "widgets")
    name = f"github-app-{at.app.id}"
    assert [found for found in at.home.store.names() if "/" not in found] == [name]
    other = at.stub.add_app("other", key_number=1)
    at.client(private_key=other.private_key)
    kept = at.home.store.load(name)
    assert kept is not None
    assert kept.app.private_key == Secret(other.private_key)


def test_one_app_id_at_two_githubs_needs_two_names(at: Place) -> None:
    at.client()
    with pytest.raises(ConfigError, match="this app is kept for http"):
        at.client(base_url="")


def test_what_is_no_app_is_not_taken_for_one(at: Place) -> None:
    at.home.add("spotify", App(provider="custom", settings={"token_url": "https://example.com/token"}))
    with pytest.raises(ConfigError, match="no GitHub App"):
        at.client(app_id=None, private_key=None, app="spotify")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"private_key": None}, "private key is missing"),
        ({"app_id": None}, "id is missing"),
        ({"app_id": "acme"}, "neither a number nor a client id"),
        ({"app": "acme-bot"}, "by its name and by its id"),
        ({"tokens": ["ghp_x"]}, "both an app and tokens"),
        ({"private_key": "no PEM"}, "-----BEGIN"),
        ({"private_key": None, "private_key_path": "/nowhere/key.pem"}, "/nowhere/key.pem: No such file"),
        ({"base_url": "http://example.com"}, "not https"),
    ],
)
def test_what_can_not_be_used_is_said_at_the_start(at: Place, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        at.client(**options)
    assert at.stub.log == []


def test_nothing_given_is_the_environment(at: Place, installation: Installation, tmp_path: Path) -> None:
    key = tmp_path / "acme.pem"
    key.write_text(at.app.private_key)
    environ = {
        "GITHUB_CLIENT_ID": at.app.client_id,
        "GITHUB_PRIVATE_KEY_PATH": str(key),
        "GITHUB_API_BASE_URL": at.stub.url,
    }
    github = at.client(app_id=None, private_key=None, base_url=None, environ=environ)
    github.get_installation_token("acme", "widgets")
    assert installation.mints == 1
    assert f"github-app-{at.app.client_id}" in at.home.store.names()
    with pytest.raises(ConfigError, match="GITHUB_APP_ID and GITHUB_PRIVATE_KEY_PATH are missing"):
        at.client(app_id=None, private_key=None, base_url=None, environ={})


def test_a_token_of_the_environment(at: Place) -> None:
    environ = {"GITHUB_TOKEN": at.stub.add_pat("alice"), "GITHUB_API_BASE_URL": at.stub.url}
    github = at.client(app_id=None, private_key=None, base_url=None, environ=environ)
    assert github.get_repo_details("acme", "secret")["private"]


def test_a_pool_of_tokens(at: Place) -> None:
    with GitHubTokenPool(
        [at.stub.add_pat("alice"), at.stub.add_pat("octocat")], base_url=at.stub.url, clock=at.clock, environ={}
    ) as pool:
        github = at.client(app_id=None, private_key=None, pool=pool)
        at.stub.revoke(github.get_installation_token("acme", "secret"))
        at.clock.advance(60)
        assert github.get_repo_details("acme", "secret")["private"]  # by the other one


def test_no_secret_in_a_traceback_with_its_variables(at: Place, installation: Installation) -> None:
    github = at.client()
    token = github.get_installation_token("acme", "widgets")
    at.stub.suspend(installation)
    with pytest.raises(VestalError) as suspended:
        github.get_repo_details("acme", "widgets")
    with pytest.raises(ConfigError) as refused:
        at.client(private_key=Secret(at.app.private_key), base_url="http://example.com")
    for caught in (suspended.value, refused.value):
        frames = TracebackException.from_exception(caught, capture_locals=True).stack
        own = [str(frame.locals) for frame in frames if "/src/vestal/" in frame.filename]
        assert own
        assert not any(secret in text for text in own for secret in (token, at.app.private_key.splitlines()[1]))


def test_permissions_narrow_all_tokens(at: Place, github: Both, installation: Installation) -> None:
    narrowed = at.client(permissions={"contents": "read"})
    tokens = {narrowed.get_installation_token("acme", repo) for repo in ("widgets", "secret")}
    assert (len(tokens), installation.mints) == (1, 1)
    assert github.get_installation_token("acme", "widgets") not in tokens
    assert at.client(permissions={"Contents": "READ"}).get_installation_token("acme", "widgets") in tokens
    assert installation.mints == 2
    assert narrowed.fetch_file_contents("acme", "widgets", "README.md")["content"]
    granted = [at.stub.service.tokens.find(token).permissions for token in tokens]
    assert granted == [{"contents": "read", "metadata": "read"}]
    with pytest.raises(PermissionDenied):
        narrowed.create_commit_status("acme", "widgets", "0" * 40, "success")


def test_permissions_that_were_not_granted(at: Place, github: Both, installation: Installation) -> None:
    greedy = at.client(permissions={"administration": "write"})
    for _ in range(2):
        with pytest.raises(Unprocessable, match="not granted to this installation"):
            greedy.get_repo_details("acme", "widgets")
    assert github.get_repo_details("acme", "widgets")["private"] is False


def test_only_an_app_s_tokens_are_narrowed(at: Place) -> None:
    for given in ({"tokens": [at.stub.add_pat("alice")]}, {"environ": {"GITHUB_TOKEN": at.stub.add_pat("alice")}}):
        with pytest.raises(ConfigError, match="only an app's tokens can be narrowed"):
            at.client(**{"app_id": None, "private_key": None, "permissions": {"contents": "read"}, **given})
    with pytest.raises(ConfigError, match="not read, write or admin"):
        at.client(permissions={"contents": "all"})
