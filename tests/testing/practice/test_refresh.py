"""Refresh tokens: rotation, reuse, grace, and what the answers look like."""

from __future__ import annotations

import json
import threading
from collections import Counter
from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import httpx2
import pytest

from vestal.core.secret import Secret
from vestal.testing.practice import PracticeServer

if TYPE_CHECKING:
    from tests.testing.practice.conftest import Caller, HandClock


def error(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_a_refresh_rotates(caller: Caller, server: PracticeServer) -> None:
    first = server.issue_refresh_token("practice", "read")
    answer = caller.refresh(first)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    members = answer.json()
    assert members["token_type"] == "Bearer"
    assert members["expires_in"] == 60
    assert members["scope"] == "read"
    assert members["refresh_token"] != first
    assert caller.resource(members["access_token"]).json()["generation"] == 1
    second = caller.refresh(members["refresh_token"]).json()
    assert caller.resource(second["access_token"]).json()["generation"] == 2
    assert server.counters.presented(first) == server.counters.redeemed(Secret(first)) == 1
    assert server.counters["redemptions"] == server.counters["issued.refresh_token"] == 2


def test_reuse_revokes_the_family_with_its_access_tokens(caller: Caller, server: PracticeServer) -> None:
    first = server.issue_refresh_token()
    members = caller.refresh(first).json()
    stranger = server.issue_refresh_token()
    assert error(caller.refresh(first)) == (400, "invalid_grant")
    assert error(caller.refresh(members["refresh_token"])) == (400, "invalid_grant")
    assert caller.resource(members["access_token"]).status_code == 401
    assert caller.refresh(stranger).status_code == 200
    assert server.counters["reuse_detected"] == 1
    assert server.counters["families_revoked"] == 1
    assert server.counters["errors.invalid_grant"] == 2
    assert server.counters.presented(first) == 2
    assert server.counters.redeemed(first) == 1


def test_without_reuse_detection_the_family_lives_on(caller: Caller, server: PracticeServer) -> None:
    server.settings.reuse_detection = False
    first = server.issue_refresh_token()
    members = caller.refresh(first).json()
    assert error(caller.refresh(first)) == (400, "invalid_grant")
    assert caller.refresh(members["refresh_token"]).status_code == 200
    assert server.counters["families_revoked"] == 0
    assert server.counters["reuse_detected"] == 1


def test_within_the_grace_the_same_successor_comes_again(
    caller: Caller, server: PracticeServer, clock: HandClock
) -> None:
    server.settings.reuse_grace = 30
    first = server.issue_refresh_token()
    members = caller.refresh(first).json()
    clock.time += 29.9
    again = caller.refresh(first).json()
    assert again["refresh_token"] == members["refresh_token"]
    assert again["access_token"] != members["access_token"]
    assert caller.resource(members["access_token"]).status_code == 200
    assert server.counters.redeemed(first) == 2
    assert server.counters["grace_redemptions"] == 1
    clock.time += 0.1  # counted from the first redemption
    assert error(caller.refresh(first)) == (400, "invalid_grant")
    assert caller.resource(again["access_token"]).status_code == 401
    assert error(caller.refresh(again["refresh_token"])) == (400, "invalid_grant")


def test_within_the_grace_there_can_be_a_new_successor(
    caller: Caller, server: PracticeServer, clock: HandClock
) -> None:
    server.settings.change({"reuse_grace": 30, "grace_successor": "new"})
    first = server.issue_refresh_token()
    successors = {caller.refresh(first).json()["refresh_token"] for _ in range(3)}
    assert len(successors) == 3
    assert {caller.refresh(token).status_code for token in successors} == {200}
    for seconds, status in ((20, 200), (10, 400)):  # counted from the first redemption
        clock.time += seconds
        assert caller.refresh(first).status_code == status


def test_without_rotation_the_token_stays(caller: Caller, server: PracticeServer) -> None:
    server.settings.rotation = False
    token = server.issue_refresh_token()
    assert [caller.refresh(token).json()["refresh_token"] for _ in range(3)] == [token] * 3
    assert server.counters.redeemed(token) == 3
    assert server.counters["reuse_detected"] == 0


@pytest.mark.parametrize(("how", "expected"), [("missing", None), ("empty", "")])
def test_an_answer_without_refresh_token_leaves_the_old_one_in_force(
    caller: Caller, server: PracticeServer, how: str, expected: str | None
) -> None:
    server.settings.change({"refresh_token_in_answer": how})
    token = server.issue_refresh_token()
    assert [caller.refresh(token).json().get("refresh_token") for _ in range(2)] == [expected] * 2


def test_refresh_tokens_expire(caller: Caller, server: PracticeServer, clock: HandClock) -> None:
    server.settings.refresh_token_lifetime = 100
    token = server.issue_refresh_token()
    clock.time += 99
    successor = caller.refresh(token).json()["refresh_token"]
    clock.time += 100
    assert error(caller.refresh(successor)) == (400, "invalid_grant")


def test_a_refresh_token_is_good_for_its_client_only(caller: Caller, server: PracticeServer) -> None:
    token = server.issue_refresh_token("practice-public")
    assert error(caller.refresh(token)) == (400, "invalid_grant")
    assert error(caller.refresh("unknown")) == (400, "invalid_grant")
    assert caller.refresh(token, auth=None, client_id="practice-public").status_code == 200


def test_the_scope_may_shrink_but_not_grow(caller: Caller, server: PracticeServer) -> None:
    token = server.issue_refresh_token(scope="read write")
    assert error(caller.refresh(token, scope="read admin")) == (400, "invalid_scope")
    members = caller.refresh(token, scope="read").json()
    assert members["scope"] == "read"
    assert caller.refresh(members["refresh_token"]).json()["scope"] == "read write"


@pytest.mark.parametrize("text", ["0", "-5", '"60"', "null", "[]", "1e400", "0.5", "9" * 400])
def test_expires_in_can_be_anything(caller: Caller, server: PracticeServer, text: str) -> None:
    server.settings.expires_in = text
    body = caller.refresh(server.issue_refresh_token()).text
    assert f'"expires_in": {text}' in body
    assert json.loads(body)["access_token"]


def test_expires_in_can_be_left_out(caller: Caller, server: PracticeServer) -> None:
    server.settings.expires_in = ""
    assert "expires_in" not in caller.refresh(server.issue_refresh_token()).json()


def test_tokens_have_the_length_that_was_asked_for(caller: Caller, server: PracticeServer) -> None:
    server.settings.token_length = 5000
    members = caller.refresh(server.issue_refresh_token()).json()
    assert len(members["access_token"]) == len(members["refresh_token"]) == 5000
    assert caller.resource(members["access_token"]).status_code == 200


def test_errors_can_come_with_status_200(caller: Caller, server: PracticeServer) -> None:
    server.settings.errors_with_status_200 = True
    assert error(caller.refresh("unknown")) == (200, "invalid_grant")


def test_revoke_family_by_hand(caller: Caller, server: PracticeServer) -> None:
    members = caller.refresh(server.issue_refresh_token()).json()
    server.revoke_family(members["refresh_token"])
    assert error(caller.refresh(members["refresh_token"])) == (400, "invalid_grant")
    assert caller.resource(members["access_token"]).status_code == 401


def _herd(caller: Caller, token: str, threads: int) -> list[tuple[int, dict[str, str]]]:
    """Status and members of the answers to one refresh token from so many threads at once."""
    answers: list[tuple[int, dict[str, str]]] = []
    together = threading.Barrier(threads)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    form = {"grant_type": "refresh_token", "refresh_token": token}
    body = urlencode(form | {"client_id": "practice", "client_secret": "practice-secret"})

    def present() -> None:
        with closing(HTTPConnection(urlsplit(caller.server.url).netloc, timeout=60)) as connection:
            connection.connect()
            together.wait()
            connection.request("POST", "/token", body, headers)
            answer = connection.getresponse()
            answers.append((answer.status, json.load(answer)))

    workers = [threading.Thread(target=present) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return answers


def test_of_200_threads_one_redeems_and_the_family_is_revoked(caller: Caller, server: PracticeServer) -> None:
    token = server.issue_refresh_token()
    answers = _herd(caller, token, 200)
    assert Counter(status for status, _ in answers) == {200: 1, 400: 199}
    [winner] = [members for status, members in answers if status == 200]
    assert caller.resource(winner["access_token"]).status_code == 401
    assert server.counters.presented(token) == server.counters["requests.token"] == 200
    assert server.counters.redeemed(token) == server.counters["redemptions"] == 1
    assert server.counters["reuse_detected"] == server.counters["families_revoked"] == 1
    assert server.counters["errors.invalid_grant"] == 199


def test_of_50_threads_in_the_grace_all_get_the_same_successor(caller: Caller, server: PracticeServer) -> None:
    server.settings.reuse_grace = 60
    token = server.issue_refresh_token()
    answers = _herd(caller, token, 50)
    assert len({members["refresh_token"] for _, members in answers}) == 1
    assert len({members["access_token"] for _, members in answers}) == 50
    assert server.counters.redeemed(token) == 50
    assert server.counters["grace_redemptions"] == 49
