"""`GitHubTokenPool` at the stub: owners, quotas, resets, refusals. The defects of other token pools, each with a test."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.github.stub.server import Stub
from tests.github.token_pools import paths, pool_of
from vestal.core.credential import App
from vestal.core.errors import ConfigError, NeedsLogin, NotInstalled
from vestal.core.ledger import MemoryLedger
from vestal.core.secret import Secret
from vestal.core.source import StaticSource
from vestal.core.token import Token
from vestal.home import Home
from vestal.services.github import AllTokensExhaustedException, GitHubTokenPool
from vestal.services.github.call import Call, call
from vestal.services.github.installations import add_app, ensure
from vestal.services.runner import Runner
from vestal.services.sender import APISender

USER = "/users/alice"


def owner(stub: Stub, login: str) -> str:
    return f"user:{stub.world.users[login].id}"


def get(pool: GitHubTokenPool, path: str = USER) -> int:
    """One call of our own kind; its status."""
    sender = APISender(pool.api.clock)
    try:
        return Runner(sender, pool.api.clock).run(call(pool.api, pool.pool, Call("GET", path))).status
    finally:
        sender.close()


def test_the_environments_tokens_go_where_it_says(stub: Stub) -> None:
    environ = {"GITHUB_SEEDING_TOKENS": stub.add_pat("alice"), "GITHUB_API_BASE_URL": stub.url}
    with GitHubTokenPool(environ=environ) as pool:
        assert get(pool) == 200
        assert pool.api.place.api_url == stub.url
    with GitHubTokenPool(["ghp_0123456789"], environ=environ) as pool:
        assert pool.api.place.api_url == "https://api.github.com", "tokens that are given go where they are said to go"


def test_tokens_of_several_githubs_are_not_mixed(stub: Stub, tmp_path: Path) -> None:
    home = Home(tmp_path, environ={})
    app = stub.add_app()
    add_app(home, "bot", app.client_id, Secret(app.private_key), stub.url)
    elsewhere = {"GITHUB_SEEDING_TOKENS": "ghp_0123456789", "GITHUB_API_BASE_URL": "https://ghe.example.com/api/v3"}
    with pytest.raises(ConfigError, match="different GitHubs"):
        GitHubTokenPool(installations=["bot"], home=home, environ=elsewhere)
    home.close()


def test_four_tokens_of_three_owners_have_three_quotas(stub: Stub) -> None:
    with pool_of(stub, "alice", "alice", "bob", "carol") as pool:
        assert pool.token_count == 4
        assert pool.total_remaining == 3 * 5000 - 4  # each was asked once whose it is
        assert len({info.owner for info in pool.tokens}) == 3
        assert pool.tokens[0].owner == pool.tokens[1].owner
        assert pool.tokens[0].remaining == pool.tokens[1].remaining


def test_nothing_is_asked_before_the_first_use_and_each_thing_once(stub: Stub) -> None:
    with pool_of(stub, "alice", "bob") as pool:
        assert pool.token_count == 2
        assert stub.log == []
        for _ in range(3):
            assert pool.total_remaining == 9998
        assert sorted(paths(stub)) == ["/user", "/user"]


def test_who_owns_a_token_is_remembered_by_the_ledger(stub: Stub) -> None:
    ledger, token = MemoryLedger(), stub.add_pat("alice")
    for _ in range(2):
        with GitHubTokenPool([token], base_url=stub.url, ledger=ledger, environ={}) as pool:
            assert pool.total_remaining == 4999
    assert paths(stub) == ["/user"]
    assert token not in str(ledger.__dict__)


def test_the_owner_of_a_used_up_token_is_known_from_the_refusal(stub: Stub) -> None:
    stub.set_limit(owner(stub, "alice"), remaining=0)
    with pool_of(stub, "alice", "alice", "bob") as pool:
        assert pool.tokens[0].owner == pool.tokens[1].owner
        assert pool.tokens[0].owner.endswith(f"/user/{stub.world.users['alice'].id}")
        assert [info.is_exhausted for info in pool.tokens] == [True, True, False]
        assert pool.total_remaining == 4999


def test_an_owner_that_can_not_be_asked_for_is_asked_for_later(stub: Stub) -> None:
    stub.fault("bad_gateway", path="/user", times=2)
    with pool_of(stub, "alice", "alice") as pool:
        assert pool.total_remaining == 2 * 5000  # as long as it is not known, each counts for itself
        pool.api.clock.sleep(61)
        assert pool.total_remaining == 5000 - 2
        assert len({info.owner for info in pool.tokens}) == 1


def test_remaining_is_fed_by_every_answer_and_buckets_are_apart(stub: Stub) -> None:
    with pool_of(stub, "alice") as pool:
        [info] = pool.tokens
        assert info.remaining == 4999
        get(pool)
        assert info.remaining == 4998
        get(pool, "/search/issues?q=repo:acme/widgets+is:pr")
        assert info.remaining == 4998
        assert info.buckets["search"].remaining == 29


def test_the_best_client_is_of_the_token_with_the_most_left(stub: Stub) -> None:
    for login, remaining in (("alice", 100), ("bob", 3000), ("carol", 200)):
        stub.set_limit(owner(stub, login), remaining=remaining)
    stub.set_limit(owner(stub, "bob"), "search", remaining=2)
    with pool_of(stub, "alice", "bob", "carol") as pool:
        client = pool.get_best_client()
        assert client is pool.tokens[1].client
        assert client is pool.get_best_client()
        assert client.get(USER).json()["login"] == "alice"
        assert stub.log[-1].owner == owner(stub, "bob")
        pool.refresh()
        assert pool.get_best_client("search") is not client


def test_a_token_that_was_marked_is_left_out_and_comes_back_by_itself(stub: Stub) -> None:
    stub.set_limit(owner(stub, "bob"), remaining=100)
    with pool_of(stub, "alice", "bob") as pool:
        first = pool.get_best_client()
        assert first is pool.tokens[0].client
        reset = datetime.fromtimestamp(int(stub.clock.now()) + 1800, UTC)
        pool.mark_rate_limited(first, reset)
        assert pool.tokens[0].is_exhausted
        assert pool.tokens[0].reset_time == reset
        assert pool.get_best_client() is pool.tokens[1].client
        assert pool.total_remaining == 99
        stub.advance(1802)
        assert not pool.tokens[0].is_exhausted
        assert pool.get_best_client() is first


def test_a_mark_without_a_time_holds_until_the_known_reset(stub: Stub) -> None:
    with pool_of(stub, "alice") as pool:
        [info] = pool.tokens
        known = info.reset_time
        pool.mark_rate_limited(info.client)
        assert info.reset_time == known
        assert pool.all_exhausted
        pool.mark_rate_limited(info, bucket="code_search")
        left = info.buckets["code_search"].reset_at
        assert left is not None
        assert left == pytest.approx(stub.clock.now() + 60, abs=5)


def test_only_its_own_clients_can_be_marked(stub: Stub) -> None:
    with pool_of(stub, "alice") as pool, pytest.raises(ValueError, match="not one of the pool"):
        pool.mark_rate_limited(object())


def test_all_exhausted_says_when_the_first_one_is_back_and_then_it_is(stub: Stub) -> None:
    now = int(stub.clock.now())
    stub.set_limit(owner(stub, "alice"), remaining=0, reset=now + 600)
    stub.set_limit(owner(stub, "bob"), remaining=0, reset=now + 300)
    with pool_of(stub, "alice", "bob", patience=0.0) as pool:
        assert pool.all_exhausted
        assert pool.total_remaining == 0
        for ask in (pool.get_best_client, lambda: get(pool)):
            with pytest.raises(AllTokensExhaustedException, match="All GitHub tokens are rate-limited") as caught:
                ask()
            assert caught.value.reset_time is not None
            assert caught.value.reset_time.timestamp() == pytest.approx(now + 300, abs=2)
        assert pool.wait_for_reset(10) is False
        assert pool.wait_for_reset() is True
        assert not pool.all_exhausted
        assert get(pool) == 200
        assert stub.log[-1].owner == owner(stub, "bob")
        assert len(stub.limits.violations) == 2  # GET /user, when nobody knew


def test_exhausted_in_one_bucket_is_not_exhausted(stub: Stub) -> None:
    stub.set_limit(owner(stub, "alice"), "graphql", remaining=0)
    with pool_of(stub, "alice") as pool:
        pool.refresh()
        assert not pool.all_exhausted
        pool.get_best_client()
        with pytest.raises(AllTokensExhaustedException, match="graphql"):
            pool.get_best_client("graphql")


def test_headroom_is_left_for_others(stub: Stub) -> None:
    stub.set_limit(owner(stub, "alice"), remaining=13)
    with pool_of(stub, "alice", headroom=10, patience=0.0) as pool:
        assert pool.total_remaining == 2
        assert [get(pool, "/users/alice"), get(pool, "/users/bob")] == [200, 200]
        with pytest.raises(AllTokensExhaustedException):
            get(pool, "/users/carol")
        assert stub.limits.bucket(owner(stub, "alice")).used == 4990


def test_a_revoked_token_is_benched_and_the_others_go_on(stub: Stub) -> None:
    dead, fine = stub.add_pat("alice"), stub.add_pat("bob")
    stub.revoke(dead)
    with GitHubTokenPool([dead, fine], base_url=stub.url, environ={}) as pool:
        states = pool.states()
        assert states[0].benched is not None
        assert states[1].benched is None
        assert pool.total_remaining == 4999
        assert pool.get_best_client() is pool.tokens[1].client
        stub.revoke(fine)
        with pytest.raises(NeedsLogin):
            get(pool)
        with pytest.raises(NeedsLogin) as refused:
            get(pool)
        assert refused.value.message.startswith("no GitHub token can be used: token-1: ")
        assert "token-2: " in refused.value.message
        assert refused.value.remedy.startswith("check that the tokens that were given")
        with pytest.raises(NeedsLogin, match="no GitHub token can be used"):
            pool.wait_for_reset(timeout=0)
        with pytest.raises(NeedsLogin, match="no GitHub token can be used"):
            asyncio.run(pool.pool.await_for_reset("core", 0))


def test_revoked_half_way(stub: Stub) -> None:
    tokens = [stub.add_pat("alice"), stub.add_pat("bob")]
    stub.set_limit(owner(stub, "bob"), remaining=100)
    with GitHubTokenPool(tokens, base_url=stub.url, environ={}) as pool:
        get(pool)
        assert stub.log[-1].owner == owner(stub, "alice")
        stub.revoke(tokens[0])
        assert get(pool) == 200
        assert stub.log[-1].owner == owner(stub, "bob")
        assert pool.tokens[0].is_exhausted


def test_installations_are_owners_and_an_app_stands_for_all_of_its_own(stub: Stub, tmp_path: Path) -> None:
    app = stub.add_app()
    first, second, third = (stub.install(app, account) for account in ("acme", "octocat", "alice"))
    stub.suspend(third)
    home = Home(tmp_path, environ={})
    add_app(home, "bot", app.client_id, Secret(app.private_key), base_url=stub.url)
    try:
        with GitHubTokenPool([stub.add_pat("bob")], installations=["bot"], home=home, environ={}) as pool:
            assert pool.api.place.api_url == stub.url
            assert pool.token_count == 3
            owners = [info.owner.partition("/")[2] for info in pool.tokens]
            assert owners[1:] == [f"installation/{first.id}", f"installation/{second.id}"]
            assert pool.total_remaining == 3 * 5000 - 1
            assert [one.mints for one in (first, second, third)] == [1, 1, 0]
        name = ensure(home, "bot", first.id)
        with GitHubTokenPool((), installations=[name], home=home, environ={}) as pool:
            assert [info.name for info in pool.tokens] == [name]
            assert first.mints == 1  # the credential's token is still good
            stub.uninstall(first)
        stub.uninstall(second)
        stub.uninstall(third)
        with GitHubTokenPool((), installations=["bot"], home=home, environ={}) as pool, pytest.raises(NotInstalled):
            pool.token_count  # noqa: B018
    finally:
        home.close()


def test_an_installation_token_without_its_app_is_an_owner_of_its_own(stub: Stub) -> None:
    app = stub.add_app()
    installation = stub.install(app, "acme")
    minted = stub.apps.mint(app, installation.id, {})
    with GitHubTokenPool(sources=[StaticSource(Token(Secret(minted.value)))], base_url=stub.url, environ={}) as pool:
        [info] = pool.tokens
        assert info.name == "source-1"
        assert "/token/" in info.owner
        assert get(pool, "/repos/acme/widgets") == 200


def test_an_enterprise_server_without_limits(stub: Stub) -> None:
    with pool_of(stub, "alice", base_url=stub.enterprise_url) as pool:
        assert {get(pool, f"/users/alice?n={n}") for n in range(5)} == {200}
        [info] = pool.tokens
        assert info.remaining is None
        assert not info.is_exhausted
        assert not pool.all_exhausted
        assert pool.get_best_client().get("/users/bob").json()["login"] == "bob"


def test_what_is_given_is_in_no_variable_when_it_fails() -> None:
    with pytest.raises(ConfigError) as caught:
        GitHubTokenPool(
            ["ghp_" + "verysecret"], base_url="ftp://nowhere", environ={"GITHUB_SEEDING_TOKEN": "ghp_" + "verysecret"}
        )
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "in __init__" in shown
    assert "ghp_" + "verysecret" not in shown


@pytest.mark.parametrize("tokens", [None, [], "", ["", " , "]])
def test_no_token_at_all(tokens: Any) -> None:
    with pytest.raises(ValueError, match="no GitHub token"):
        GitHubTokenPool(tokens, environ={"GITHUB_SEEDING_TOKENS": " ,\n,", "GITHUB_SEEDING_TOKEN": ""})


def test_where_tokens_come_from() -> None:
    environ = {"GITHUB_SEEDING_TOKENS": "ghp_one, ghp_two,,", "GITHUB_SEEDING_TOKEN": "ghp_three"}
    assert GitHubTokenPool(environ=environ).token_count == 3
    assert GitHubTokenPool(["ghp_mine"], environ=environ).token_count == 1  # what is given takes the place of these
    assert GitHubTokenPool(sources=[StaticSource(Token(Secret("x")))], environ=environ).token_count == 4


def _failure(pool: GitHubTokenPool) -> str:
    """How it fails, with the locals of all frames."""
    with pytest.raises(AllTokensExhaustedException) as caught:
        pool.get_best_client()
    return "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())


def test_no_token_is_shown_anywhere(stub: Stub, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "vestal")
    token = stub.add_pat("alice")
    with GitHubTokenPool([token], base_url=stub.url, patience=0.0, environ={}) as pool:
        pool.get_best_client()
        [info] = pool.tokens
        assert info.masked_token == f"{token[:4]}...{token[-4:]}"
        pool.mark_rate_limited(info)
        shown = _failure(pool)
        assert token not in shown + repr(pool) + repr(info) + repr(pool.states()) + caplog.text
        assert "1 GitHub tokens in the pool" in caplog.text
        assert "token-1: 4999" in caplog.text


def _spend(url: str, folder: str, token: str, times: int) -> None:
    home = Home(folder, environ={})
    with GitHubTokenPool([token], base_url=url, home=home, patience=0.0, environ={}) as pool:
        for number in range(times):
            get(pool, f"{USER}?n={number}")
    home.close()


def test_processes_share_the_books(stub: Stub, tmp_path: Path) -> None:
    token = stub.add_pat("alice")
    stub.set_limit(owner(stub, "alice"), remaining=41)
    home = Home(tmp_path, environ={})
    with GitHubTokenPool([token], base_url=stub.url, home=home, patience=0.0, environ={}) as pool:
        assert pool.total_remaining == 40
        spawn = multiprocessing.get_context("spawn")
        workers = [spawn.Process(target=_spend, args=(stub.url, str(tmp_path), token, 20)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [worker.exitcode for worker in workers] == [0, 0]
        assert pool.total_remaining == 0
        with pytest.raises(AllTokensExhaustedException):
            get(pool)
    home.close()
    assert paths(stub).count("/user") == 1
    assert stub.limits.violations == []


def test_credentials_of_a_home_are_named_and_need_it(stub: Stub, tmp_path: Path) -> None:
    home = Home(tmp_path, environ={})
    settings = {"base_url": stub.url}
    home.add("mine", App(provider="github_token", settings=settings), Secret(stub.add_pat("alice")))
    try:
        with GitHubTokenPool((), sources=["mine"], home=home, environ={}) as pool:
            assert pool.api.place.api_url == stub.url
            assert pool.total_remaining > 4990
            assert [info.name for info in pool.tokens] == ["mine"]
    finally:
        home.close()
    with pytest.raises(ConfigError, match="home"):
        GitHubTokenPool((), sources=["mine"], environ={})
    with pytest.raises(ConfigError, match="home"):
        GitHubTokenPool((), installations=["mine"], environ={})


def test_the_same_source_is_one_member_and_names_are_made_different() -> None:
    one, two = (StaticSource(Token(Secret(value))) for value in ("a", "b"))
    assert GitHubTokenPool(sources=[one, one, two], environ={}).token_count == 2
