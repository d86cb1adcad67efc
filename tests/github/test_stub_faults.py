"""What goes wrong on demand."""

from __future__ import annotations

import json

import httpx2
import pytest

from tests.github.jwts import bearer
from tests.github.stub.server import Stub

PULLS = "/repos/acme/widgets/pulls"


def statuses(stub: Stub, http: httpx2.Client, count: int) -> list[int]:
    headers = bearer(stub.add_pat("alice"))
    return [http.get(PULLS, headers=headers).status_code for _ in range(count)]


def test_for_the_next_requests(stub: Stub, http: httpx2.Client) -> None:
    stub.fault("bad_gateway", times=2, path="/pulls", after=1)
    stub.fault("gateway_timeout", path="/no-such-path")
    assert statuses(stub, http, 4) == [200, 502, 502, 200]


def test_by_chance_but_always_the_same(stub: Stub, http: httpx2.Client) -> None:
    stub.fault("gateway_timeout", times=None, probability=0.5)
    with Stub(pulls=1) as other, httpx2.Client(base_url=other.url, trust_env=False) as client:
        other.fault("gateway_timeout", times=None, probability=0.5)
        assert set(seen := statuses(stub, http, 20)) == {200, 504}
        assert statuses(other, client, 20) == seen
    stub.clear_faults()
    assert statuses(stub, http, 3) == [200, 200, 200]


def test_one_owner_only(stub: Stub, http: httpx2.Client) -> None:
    alice, bob = stub.add_pat("alice"), stub.add_pat("bob")
    stub.fault("secondary", owner=stub.owner_of(bob), retry_after=None, times=1)
    assert http.get(PULLS, headers=bearer(alice)).status_code == 200
    refused = http.get(PULLS, headers=bearer(bob))
    assert refused.status_code == 403
    assert "retry-after" not in refused.headers
    assert int(refused.headers["x-ratelimit-remaining"]) > 0


@pytest.mark.parametrize("effect", [False, True])
def test_cut(stub: Stub, http: httpx2.Client, effect: bool) -> None:
    repository = stub.world.repository("acme/widgets")
    sha = repository.history[0]
    stub.fault("cut", effect=effect)
    with pytest.raises(httpx2.RemoteProtocolError):
        http.post(
            f"/repos/acme/widgets/statuses/{sha}", headers=bearer(stub.add_pat("alice")), json={"state": "success"}
        )
    assert len(repository.statuses.get(sha, [])) == effect
    assert (stub.log[-1].status, stub.log[-1].fault) == (0, "cut")


def test_malformed(stub: Stub, http: httpx2.Client) -> None:
    stub.fault("malformed")
    answer = http.get(PULLS, headers=bearer(stub.add_pat("alice")))
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_slow(stub: Stub, http: httpx2.Client) -> None:
    stub.fault("slow", seconds=30)
    with pytest.raises(httpx2.ReadTimeout):
        http.get(PULLS, headers=bearer(stub.add_pat("alice")), timeout=0.2)
    assert http.get("/rate_limit", headers=bearer(stub.add_pat("alice"))).status_code == 200


def test_large_queries_time_out(stub: Stub, http: httpx2.Client) -> None:
    stub.fault("graphql_timeout", times=None, nodes_over=50, status=200)
    query = 'query($n: Int!) { repository(owner: "acme", name: "widgets") { pullRequests(first: $n) { totalCount } } }'
    headers = bearer(stub.add_pat("alice"))
    small, large = (
        http.post("/graphql", headers=headers, json={"query": query, "variables": {"n": n}}).json() for n in (50, 51)
    )
    assert small["data"]["repository"]["pullRequests"]["totalCount"] > 0
    assert (large["data"], len(large["errors"])) == (None, 1)


def test_no_such_fault(stub: Stub) -> None:
    with pytest.raises(ValueError, match="bad_gateway"):
        stub.fault("fire")
