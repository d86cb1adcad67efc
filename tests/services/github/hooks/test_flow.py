"""What the hooks decide, without a client."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.services.github.script import START, Renewable, quota, reply
from vestal.core.errors import ConfigError, NeedsLogin
from vestal.core.pool import Member, Pool, Reservation
from vestal.core.quota import Charge
from vestal.services.exchange import APIRequest, APIResponse
from vestal.services.github.call import API
from vestal.services.github.hooks.flow import last_from, origins, relayed
from vestal.services.github.limits import TERMS
from vestal.services.github.place import Place
from vestal.services.runner import Runner
from vestal.testing.clock import FakeClock

PLACE = Place.of()
URL = "https://api.github.com/users/alice"


class NotingPool(Pool):
    """Notes what is asked for."""

    charges: list[Charge]

    def reserve(self, charge: Charge, **options: Any) -> Reservation:
        self.charges = [*getattr(self, "charges", []), charge]
        return super().reserve(charge, **options)


class Script:
    """Answers in their order; what was sent, and with which token."""

    def __init__(self, *answers: APIResponse, members: Iterable[str] = ("one", "two"), times: int = 5) -> None:
        self.clock = FakeClock(START)
        self.sources = {name: Renewable(name, times) for name in members}
        self.pool = NotingPool(
            [Member(name, source, f"owner-{name}") for name, source in self.sources.items()],
            clock=self.clock,
            terms=TERMS,
            assumed_limits={"core": 5000, "graphql": 5000},
        )
        self.api = API(PLACE, clock=self.clock, patience=0.0)
        self.answers = list(answers)
        self.sent: list[APIRequest] = []

    def send(self, request: APIRequest) -> APIResponse:
        self.sent.append(request)
        return self.answers.pop(0)

    def run(self, method: str = "GET", url: str = URL, body: bytes | None = None, **options: Any) -> APIResponse:
        quotas: Any = SimpleNamespace(api=self.api, pool=self.pool)
        return Runner(self.send, self.clock).run(relayed(quotas, method, url, body=body, **options))

    @property
    def outstanding(self) -> int:
        return sum(state.outstanding for state in self.pool.states())


@pytest.mark.parametrize("status", [200, 201, 204, 301, 304, 404, 422, 500, 502])
def test_what_is_no_limit_and_no_401_is_the_caller_s(status: int) -> None:
    script = Script(reply(status, **quota(10)))
    assert script.run().status == status
    assert script.outstanding == 0


def test_passing_trouble_is_tried_again_on_request() -> None:
    script = Script(reply(502), reply(200, **quota(10)))
    assert script.run(retried=True).status == 200
    script = Script(reply(502))
    assert script.run("POST", retried=True).status == 502  # it may have done its work


def test_a_limit_moves_on_to_another_owner() -> None:
    script = Script(reply(403, {"message": "API rate limit exceeded"}, **quota(0)), reply(200, **quota(9)))
    assert script.run().status == 200
    first, second = (str(request.headers["Authorization"]) for request in script.sent)
    assert first == second == "<secret>"
    assert sorted(state.buckets["core"].remaining or 0 for state in script.pool.states()) == [0, 9]


def test_a_member_whose_token_can_not_be_replaced_is_benched() -> None:
    script = Script(reply(401), reply(200, **quota(9)), times=0)
    assert script.run().status == 200
    assert sum(state.benched is not None for state in script.pool.states()) == 1


def test_a_token_that_can_not_be_replaced_leaves_the_refusal_to_the_caller() -> None:
    script = Script(reply(401), members=["one"], times=0)
    assert script.run().status == 401
    assert script.outstanding == 0


def test_a_body_that_is_gone_is_not_sent_again_but_the_source_is_told() -> None:
    script = Script(reply(401))
    assert script.run("POST", replayable=False).status == 401
    assert sum(len(source.asked) for source in script.sources.values()) == 1


def test_nobody_has_a_token() -> None:
    script = Script()
    for name in script.sources:
        script.pool.bench(name, "revoked")
    script.clock.advance(5)
    for source in script.sources.values():
        source.times = 0
    with pytest.raises(NeedsLogin):
        script.run()


@pytest.mark.parametrize(
    ("document", "points"),
    [
        ("query { viewer { login } }", 1.0),
        ("{ viewer { login } }", 1.0),
        ("# mutation\nquery A { mutation }", 1.0),
        ("mutation { x }", 5.0),
        ("\ufeff , # a remark\n  mutation M { x }", 5.0),
        ("fragment F on User { id }\nmutation M { x }", 5.0),
        (None, 5.0),
        (7, 5.0),
    ],
)
def test_what_graphql_costs(document: object, points: float) -> None:
    script = Script(reply(200, **quota(9, resource="graphql")))
    body = b"no json" if document is None else json.dumps({"query": document}).encode()
    script.run("POST", PLACE.graphql_url, body)
    [charge] = script.pool.charges
    assert charge.bucket == "graphql"
    assert charge.points["graphql"] == points


def test_where_tokens_go() -> None:
    carried = origins(PLACE)
    assert carried.carry("https://api.github.com")
    assert not carried.carry("https://api.github.com:8443")
    assert not carried.carry("https://objects.githubusercontent.com")
    assert not carried.carry("http://api.github.com")
    with pytest.raises(ConfigError):
        Script().run(url="https://elsewhere.example/user")


def test_the_last_hop_of_the_api_itself() -> None:
    ours, theirs = "https://api.github.com/a", "https://codeload.github.com/b"
    assert last_from(PLACE, [ours]) == 0
    assert last_from(PLACE, [ours, ours, theirs]) == 1
    assert last_from(PLACE, [ours, theirs, theirs]) == 0


def test_a_suspended_member_gives_way() -> None:
    suspended = reply(403, {"message": "This installation has been suspended"}, **quota(4999))
    script = Script(suspended, reply(200, **quota(10)))
    assert script.run().status == 200
    assert script.outstanding == 0
    script = Script(suspended, members=["one"])
    assert script.run().status == 403


def test_a_file_that_speaks_of_limits_is_the_caller_s() -> None:
    script = Script(replace(reply(200, **quota(10)), body=b'"RATE_LIMIT'))
    assert script.run().status == 200
    assert script.outstanding == 0
