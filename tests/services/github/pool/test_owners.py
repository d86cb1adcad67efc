"""Whose quota a token draws on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.services.github.script import START, Renewable, quota, reply
from vestal.core.errors import NetworkError, Outcome
from vestal.core.ledger import MemoryLedger
from vestal.core.quota import Told
from vestal.services.exchange import APIRequest, APIResponse
from vestal.services.github.place import Place
from vestal.services.github.pool.members import Seat
from vestal.services.github.pool.owners import Whose, buckets, whose
from vestal.services.runner import Runner
from vestal.testing.clock import FakeClock

PLACE = Place.of()


class Asked:
    """Asks about one member; `answers` come in their order."""

    def __init__(self, *answers: APIResponse | Exception, **source: Any) -> None:
        self.answers = list(answers)
        self.clock = FakeClock(START)
        self.ledger = MemoryLedger()
        self.seat = Seat("one", Renewable("one", **source))
        self.sent: list[str] = []

    def send(self, request: APIRequest) -> APIResponse:
        self.sent.append(request.url)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def run(self) -> Whose:
        return Runner(self.send, self.clock).run(whose(PLACE, self.seat, self.ledger))


def test_a_user() -> None:
    asked = Asked(reply(200, {"id": 583231, "login": "octocat"}, **quota(4999)))
    found = asked.run()
    assert found.owner == "api.github.com/user/583231"
    assert found.certain
    assert found.told is not None
    assert found.told.remaining == 4999
    assert asked.run() == Whose("api.github.com/user/583231")
    assert asked.sent == ["https://api.github.com/user"]


def test_an_installation_is_known_without_asking() -> None:
    asked = Asked()
    asked.seat = Seat("bot", Renewable("bot"), "42")
    assert asked.run() == Whose("api.github.com/installation/42")


@pytest.mark.parametrize(("who", "owner"), [("user ID 7", "user/7"), ("installation ID 9", "installation/9")])
def test_a_refusal_for_a_limit_names_the_owner(who: str, owner: str) -> None:
    found = Asked(reply(403, {"message": f"API rate limit exceeded for {who}."}, **quota(0))).run()
    assert found.owner == f"api.github.com/{owner}"
    assert found.told is not None
    assert found.told.remaining == 0


def test_a_refused_token() -> None:
    found = Asked(reply(401, {"message": "Bad credentials"}), times=0).run()
    assert found.refused is not None
    found = Asked(reply(401, {"message": "Bad credentials"}), reply(401, {"message": "Bad credentials"})).run()
    assert found.refused is not None
    assert Asked(reply(401), reply(200, {"id": 7})).run().owner.endswith("/user/7")


def test_a_new_token_s_refusal_is_waited_for() -> None:
    asked = Asked(reply(401), reply(401), reply(200, {"id": 7}), issued_at=START - 1, times=0)
    assert asked.run().owner.endswith("/user/7")
    assert asked.clock.now() == START + 3


def test_an_installation_s_token_is_an_owner_of_its_own() -> None:
    found = Asked(reply(403, {"message": "Resource not accessible by integration"}, **quota(4999))).run()
    assert found.owner.startswith("api.github.com/token/")
    assert found.certain


@pytest.mark.parametrize(
    "answer",
    [
        reply(502),
        reply(200, []),
        reply(200, {"id": "7"}),
        reply(403, {"message": "You have exceeded a secondary rate limit"}, retry_after="60"),
        NetworkError("no connection", outcome=Outcome.NOT_SENT),
    ],
)
def test_what_is_not_known_is_asked_again_later(answer: APIResponse | Exception) -> None:
    asked = Asked(answer, reply(200, {"id": 7}))
    found = asked.run()
    assert not found.certain
    assert found.refused is None
    assert asked.run().owner.endswith("/user/7")


def test_all_buckets() -> None:
    resources = {
        "core": {"limit": 5000, "remaining": 12, "used": 4988, "reset": int(START) + 60},
        "search": {"limit": 30, "remaining": 30, "used": 0, "reset": int(START) + 60},
        "odd": {"limit": None},
        "odder": 7,
    }
    assert buckets(reply(200, {"resources": resources})) == [
        Told("core", 5000, 12, START + 60),
        Told("search", 30, 30, START + 60),
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "resources", "core", "limit"]), inner)
    ),
)


@given(JSON, st.sampled_from([200, 401, 403, 404, 429, 500]))
def test_any_answer_is_understood_or_not(data: object, status: int) -> None:
    assert "api.github.com/" in Asked(reply(status, data), reply(status, data)).run().owner
    assert isinstance(buckets(APIResponse(200, {}, json.dumps(data).encode())), list)
