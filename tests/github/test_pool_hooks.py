"""The hooks of `GitHubTokenPool` for httpx2 and PyGithub, at the stub."""

from __future__ import annotations

import asyncio
import json
import threading
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
import requests
from github import BadCredentialsException, Github, GithubException, UnknownObjectException

from tests.github.stub.server import Stub
from tests.github.token_pools import CrowdTime, pool_of
from vestal.core.errors import NeedsLogin
from vestal.core.secret import Secret
from vestal.core.source import StaticSource
from vestal.core.token import Token
from vestal.services.github import AllTokensExhaustedException, GitHubTokenPool
from vestal.services.github.hooks.httpx2 import GitHubPoolAuth
from vestal.services.github.hooks.httpx2 import client as httpx2_client
from vestal.services.github.hooks.pygithub import client as pygithub_client
from vestal.services.github.limits import TERMS
from vestal.services.github.pool.token_info import TokenInfo

QUERY = '{"query": "query { viewer { login } rateLimit { cost } }"}'


def owner(stub: Stub, login: str) -> str:
    return f"user:{stub.world.users[login].id}"


class Caller:
    """One client with the hook: `get` gives a status."""

    def __init__(self, kind: str, quotas: GitHubTokenPool | TokenInfo) -> None:
        self.kind = kind
        self.httpx2 = httpx2_client(quotas, trust_env=False) if kind == "httpx2" else None
        self.github: Github | None = pygithub_client(quotas) if kind == "pygithub" else None
        self.auth = GitHubPoolAuth(quotas, asleep=getattr(quotas.api.clock, "asleep", asyncio.sleep))
        self.url = quotas.api.place.api_url

    def get(self, path: str, method: str = "GET", content: str | None = None) -> int:
        if self.httpx2 is not None:
            return self.httpx2.request(method, path, content=content).status_code
        if self.github is not None:
            body = None if content is None else json.loads(content)
            return self.github.requester.requestJson(method, path, input=body)[0]
        return asyncio.run(self._get(path, method, content))

    async def _get(self, path: str, method: str, content: str | None) -> int:
        async with httpx2.AsyncClient(
            base_url=self.url, auth=self.auth, trust_env=False, follow_redirects=True
        ) as http:
            return (await http.request(method, path, content=content)).status_code

    def close(self) -> None:
        for each in (self.httpx2, self.github):
            if each is not None:
                each.close()


@pytest.fixture(params=["httpx2", "httpx2 async", "pygithub"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make(kind: str) -> Iterator[Any]:
    made: list[Caller] = []

    def make(quotas: GitHubTokenPool | TokenInfo) -> Caller:
        made.append(Caller(kind, quotas))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_every_answer_is_booked_in_its_bucket(stub: Stub, make: Any) -> None:
    with pool_of(stub, "alice", "bob") as pool:
        caller = make(pool)
        before = pool.total_remaining
        assert [caller.get("/users/alice") for _ in range(4)] == [200] * 4
        assert pool.total_remaining == before - 4
        assert Counter(logged.owner for logged in stub.log[-4:]) == {owner(stub, "alice"): 2, owner(stub, "bob"): 2}
        assert caller.get("/graphql", "POST", QUERY) == 200
        assert caller.get("/search/issues?q=repo:acme/widgets+is:pr") == 200
        spent = [{name: left.remaining for name, left in info.buckets.items()} for info in pool.tokens]
        assert sum(each.get("search", 30) or 0 for each in spent) == 59
        assert sum(each.get("graphql", 5000) or 0 for each in spent) == 9999
        assert pool.total_remaining == before - 4
        assert all(state.outstanding == 0 for state in pool.states())


def test_a_client_of_one_token_uses_that_alone(stub: Stub, make: Any) -> None:
    with pool_of(stub, "alice", "bob") as pool:
        caller = make(pool.tokens[1])
        assert {caller.get("/users/alice") for _ in range(3)} == {200}
        assert {logged.owner for logged in stub.log[-3:]} == {owner(stub, "bob")}


def test_a_used_up_token_gives_way_and_then_the_pool_says_when(stub: Stub, make: Any) -> None:
    stub.set_limit(owner(stub, "alice"), remaining=4)
    stub.set_limit(owner(stub, "bob"), remaining=3)
    with pool_of(stub, "alice", "bob", patience=0.0) as pool:
        caller = make(pool)
        assert [caller.get(f"/users/alice?n={n}") for n in range(5)] == [200] * 5
        with pytest.raises(AllTokensExhaustedException) as caught:
            caller.get("/users/alice?n=9")
        assert caught.value.reset_time is not None
        assert stub.limits.violations == []
        stub.advance(3700)
        assert caller.get("/users/alice?n=9") == 200


def test_a_limit_that_nobody_knew_of_switches_the_token(stub: Stub, make: Any) -> None:
    with pool_of(stub, "alice", "bob", patience=0.0) as pool:
        assert pool.total_remaining == 9998
        stub.set_limit(owner(stub, "bob"), remaining=2000)
        stub.set_limit(owner(stub, "alice"), remaining=0)  # somebody else used it up
        caller = make(pool)
        assert [caller.get(f"/users/alice?n={n}") for n in range(4)] == [200] * 4
        assert len(stub.limits.violations) <= 1
        assert pool.tokens[0].is_exhausted


@pytest.mark.parametrize("retry_after", [7, None])
def test_a_secondary_limit_lets_its_owner_rest(stub: Stub, make: Any, retry_after: int | None) -> None:
    with pool_of(stub, "alice", "bob", patience=0.0) as pool:
        assert pool.total_remaining == 9998
        caller = make(pool)
        stub.fault("secondary", owner=owner(stub, "alice"), retry_after=retry_after)
        assert {caller.get(f"/users/alice?n={n}") for n in range(6)} == {200}
        [resting] = [state for state in pool.states() if state.resting_until is not None]
        assert resting.name == "token-1"
        assert resting.resting_until is not None
        assert resting.resting_until - stub.clock.now() == pytest.approx(retry_after or 60, abs=4)
        assert stub.limits.violations == []


def test_within_its_patience_a_request_waits(stub: Stub, make: Any) -> None:
    with pool_of(stub, "alice", patience=30.0) as pool:
        caller = make(pool)
        assert pool.total_remaining == 4999
        stub.fault("secondary", retry_after=5)
        assert caller.get("/users/alice") == 200
        stub.fault("secondary", retry_after=500)
        with pytest.raises(AllTokensExhaustedException):
            caller.get("/users/alice")


def test_a_revoked_token_gives_way(stub: Stub, make: Any) -> None:
    tokens = [stub.add_pat("alice"), stub.add_pat("bob")]
    stub.set_limit(owner(stub, "bob"), remaining=100)
    with GitHubTokenPool(tokens, base_url=stub.url, environ={}) as pool:
        caller = make(pool)
        assert caller.get("/users/alice") == 200
        stub.revoke(tokens[0])
        assert caller.get("/users/alice?n=1") == 200
        assert [state.benched is None for state in pool.states()] == [False, True]
        stub.revoke(tokens[1])
        with pytest.raises(NeedsLogin):
            caller.get("/users/alice?n=2")


def test_the_only_token_s_refusal_is_the_caller_s(stub: Stub, make: Any) -> None:
    token = stub.add_pat("alice")
    with GitHubTokenPool([token], base_url=stub.url, environ={}) as pool:
        assert pool.total_remaining == 4999
        stub.revoke(token)
        assert make(pool).get("/users/alice") == 401


class Renewed:
    """A source with a new token for each refusal."""

    def __init__(self, values: list[str], issued_at: float = 0.0) -> None:
        self._values = values
        self._issued_at = issued_at
        self.version = 1

    def token(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        if newer_than is not None and newer_than >= self.version:
            self.version += 1
        return Token(Secret(self._values[self.version - 1]), version=self.version, issued_at=self._issued_at)

    async def atoken(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        return self.token(newer_than)

    def peek(self) -> Token | None:
        return self.token()


def test_a_refused_token_is_replaced_once(stub: Stub, make: Any) -> None:
    values = [stub.add_pat("alice"), stub.add_pat("alice")]
    source = Renewed(values)
    with GitHubTokenPool((), sources=[source], base_url=stub.url, environ={}) as pool:
        caller = make(pool)
        assert pool.total_remaining == 4999
        stub.revoke(values[0])
        assert caller.get("/users/alice") == 200
        assert source.version == 2


def test_a_new_token_s_refusal_waits_for_all_servers_to_know_it(stub: Stub, make: Any) -> None:
    app = stub.add_app()
    installation = stub.install(app, "acme")
    stub.configure(lag=2.5)
    minted = stub.apps.mint(app, installation.id, {})
    source = StaticSource(Token(Secret(minted.value), issued_at=stub.clock.now()))
    with pool_of(stub, sources=[source]) as pool:
        assert make(pool).get("/repos/acme/widgets") == 200
        assert all(state.benched is None for state in pool.states())


def test_other_answers_are_the_caller_s(stub: Stub, make: Any) -> None:
    with pool_of(stub, "alice") as pool:
        caller = make(pool)
        assert caller.get("/repos/acme/nowhere") == 404
        assert caller.get("/repos/acme/widgets") == 200
        stub.rename("acme/widgets", "gadgets")
        assert caller.get("/repos/acme/widgets") == 200
        assert all(state.outstanding == 0 for state in pool.states())


def test_a_crowd_keeps_the_secondary_limits_without_being_told(stub: Stub) -> None:
    """300 threads and 1,000 requests of one owner: 900 points a minute, 100 at once."""
    stub.configure(enforce_secondary=True, latency=0.2)
    time = CrowdTime(stub)
    with time.running(), pool_of(stub, "alice", clock=time, terms=TERMS, patience=600.0) as pool:
        began = stub.clock.now()
        crowd = threading.Barrier(300)
        numbers = iter(range(1000))
        lock = threading.Lock()

        def work(http: httpx2.Client) -> list[int]:
            crowd.wait()
            statuses: list[int] = []
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return statuses
                statuses.append(http.get("/rate_limit").status_code)

        limits = httpx2.Limits(max_connections=150)
        with (
            httpx2_client(pool, trust_env=False, limits=limits) as http,
            ThreadPoolExecutor(300) as threads,
        ):
            statuses = [status for done in threads.map(work, [http] * 300) for status in done]
    assert Counter(statuses) == {200: 1000}
    assert stub.clock.now() - began > 60  # so the limits were met, and waited for
    assert stub.limits.violations == []


# httpx2


def test_the_tokens_stay_with_github(stub: Stub) -> None:
    with Stub(pulls=1) as elsewhere, pool_of(stub, "alice") as pool, httpx2_client(pool, trust_env=False) as http:
        assert http.get(f"{elsewhere.url}/users/alice").status_code == 200
        assert elsewhere.log[-1].owner == "ip:127.0.0.1"
        assert all(state.outstanding == 0 for state in pool.states())


def test_nothing_changed_costs_nothing(stub: Stub) -> None:
    with pool_of(stub, "alice") as pool, httpx2_client(pool, trust_env=False) as http:
        first = http.get("/users/alice")
        left = pool.total_remaining
        assert http.get("/users/alice", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
        assert pool.total_remaining == left
        assert stub.log[-1].cost == 0


def test_a_body_that_can_not_be_sent_again_is_not(stub: Stub) -> None:
    tokens = [stub.add_pat("alice"), stub.add_pat("bob")]
    stub.set_limit(owner(stub, "bob"), "graphql", remaining=100)
    with GitHubTokenPool(tokens, base_url=stub.url, environ={}) as pool, httpx2_client(pool, trust_env=False) as http:
        pool.refresh()
        stub.revoke(tokens[0])
        assert http.post("/graphql", content=iter([QUERY.encode()])).status_code == 401
        assert http.post("/graphql", content=iter([QUERY.encode()])).status_code == 200


def test_a_stream_is_left_to_the_caller(stub: Stub) -> None:
    with pool_of(stub, "alice") as pool, httpx2_client(pool, trust_env=False) as http:
        with http.stream("GET", "/users/alice") as response:
            assert not response.is_stream_consumed
            assert b"login" in response.read()
        assert all(state.outstanding == 0 for state in pool.states())


async def test_what_is_cancelled_is_not_under_way_any_more(stub: Stub) -> None:
    with pool_of(stub, "alice") as pool:
        async with httpx2.AsyncClient(base_url=stub.url, auth=GitHubPoolAuth(pool), trust_env=False) as http:
            assert (await http.get("/users/alice")).status_code == 200
            left = pool.total_remaining
            stub.fault("slow", seconds=30)
            task = asyncio.create_task(http.get("/users/alice?n=1"))
            while not any(logged.fault == "slow" for logged in stub.log):
                await asyncio.sleep(0.01)
            assert pool.states()[0].outstanding == 1
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with asyncio.timeout(20):  # in a thread: the loop does not wait for the books
                while pool.states()[0].outstanding:
                    await asyncio.sleep(0.01)
            assert pool.total_remaining == left - 1  # it may have arrived


async def test_a_body_that_streams_asynchronously(stub: Stub) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield QUERY.encode()

    with pool_of(stub, "alice") as pool:
        async with httpx2.AsyncClient(base_url=stub.url, auth=GitHubPoolAuth(pool), trust_env=False) as http:
            assert (await http.post("/graphql", content=body())).status_code == 200


def test_a_broken_connection_counts_as_spent(stub: Stub) -> None:
    with pool_of(stub, "alice") as pool, httpx2_client(pool, trust_env=False) as http:
        left = pool.total_remaining
        stub.fault("cut")
        with pytest.raises(httpx2.TransportError):
            http.get("/users/alice")
        assert pool.states()[0].outstanding == 0
        assert pool.total_remaining == left - 1


# PyGithub


def test_pygithub_as_programs_use_it(stub: Stub) -> None:
    with pool_of(stub, "alice", "bob") as pool, pygithub_client(pool, per_page=20) as github:
        repository = github.get_repo("acme/widgets")
        pulls = list(repository.get_pulls(state="all"))
        assert len(pulls) == len(stub.world.repository("acme/widgets").pulls)
        assert pulls[0].get_files().totalCount >= 1
        with pytest.raises(UnknownObjectException):
            github.get_repo("acme/nowhere")
        lazy = github.withLazy(True).get_repo("acme/widgets")
        assert lazy.full_name == "acme/widgets"
        assert {logged.owner for logged in stub.log} == {owner(stub, "alice"), owner(stub, "bob")}


def test_pygithub_after_a_close(stub: Stub) -> None:
    with pool_of(stub, "alice") as pool, pygithub_client(pool) as github:
        github.get_user("alice")
        github.close()
        assert github.get_user("bob").login == "bob"
        assert stub.log[-1].owner == owner(stub, "alice")


def test_pygithub_with_a_source_of_ones_own(stub: Stub) -> None:
    token = stub.add_pat("alice")
    with pygithub_client(StaticSource(Token(Secret(token))), base_url=stub.url) as github:
        assert github.get_user().login == "alice"
        stub.revoke(token)
        with pytest.raises(BadCredentialsException):
            github.get_user("bob")


def test_pygithub_as_the_pool_s_client(stub: Stub) -> None:
    with pool_of(stub, "alice", client=pygithub_client) as pool:
        github = pool.get_best_client()
        assert isinstance(github, Github)
        assert github.get_user("bob").login == "bob"
        pool.mark_rate_limited(github)
        with pytest.raises(AllTokensExhaustedException):
            pool.get_best_client()


def test_pygithub_tries_again_what_will_pass(stub: Stub) -> None:
    with pool_of(stub, "alice") as pool, pygithub_client(pool) as github:
        assert pool.total_remaining == 4999
        stub.fault("bad_gateway", times=2)
        assert github.get_user("bob").login == "bob"
        stub.fault("bad_gateway", times=None)
        with pytest.raises(GithubException) as caught:
            github.get_user("carol")
        assert caught.value.status == 502


def test_pygithub_s_failures_show_no_token(stub: Stub) -> None:
    token = Secret(stub.add_pat("alice"))
    with GitHubTokenPool([token], base_url=stub.url, environ={}) as pool, pygithub_client(pool) as github:
        stub.fault("cut", path="/users/.*", times=None)
        with pytest.raises(requests.ConnectionError) as caught:
            github.get_user("bob")
        shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
        assert "getresponse" in shown
        assert token.reveal() not in shown
        assert pool.states()[0].outstanding == 0


def test_many_threads_share_one_github(stub: Stub) -> None:
    logins = ["alice", "bob", "carol", "octocat"] * 10
    with pool_of(stub, "alice") as pool, pygithub_client(pool) as github, ThreadPoolExecutor(8) as threads:
        assert [user.login for user in threads.map(github.get_user, logins)] == logins
