"""What every hook does, over every client, against real servers."""

from __future__ import annotations

import io
import threading
from urllib.parse import quote

import pytest

from tests.hooks.api import Api
from tests.hooks.clients import CHUNKS
from tests.hooks.conftest import Connected
from tests.hooks.sources import Key, Ladder
from vestal.core.errors import ConfigError, NetworkError

T1, T2, T3 = "Bearer t1", "Bearer t2", "Bearer t3"


def test_a_request_carries_the_token(connect: Connected, api: Api, source: Ladder) -> None:
    api.accepted = {"t1"}
    assert connect(source).get(api.origin + "/thing?q=1").status == 200
    assert api.authorizations == [T1]
    assert source.asked == [None]


def test_the_token_takes_the_place_of_a_header_set_by_hand(connect: Connected, api: Api, source: Ladder) -> None:
    api.accepted = {"t1"}
    connect(source).get(api.origin, headers={"authorization": "Bearer mine"})
    assert api.authorizations == [T1]


def test_a_refused_token_is_replaced_and_the_body_sent_again(connect: Connected, api: Api, source: Ladder) -> None:
    api.accepted = {"t2"}
    reply = connect(source).send("POST", api.origin + "/thing", b"body", {"X-Kept": "yes"})
    assert (reply.status, reply.body) == (200, b'{"status": 200}')
    assert [(seen.method, seen.path, seen.body, seen.headers["x-kept"]) for seen in api.seen] == [
        ("POST", "/thing", b"body", "yes")
    ] * 2
    assert api.authorizations == [T1, T2]
    assert source.asked == [None, 1]


def test_one_connection_serves_both_tries(connect: Connected, api: Api, source: Ladder) -> None:
    api.accepted, api.hold = {"t2"}, source.reported
    assert connect(source).get(api.origin).status == 200
    assert len(api.connections) == 1


def test_the_next_request_has_the_newer_token(connect: Connected, api: Api, source: Ladder) -> None:
    api.accepted = {"t2"}
    client = connect(source)
    assert [client.get(api.origin).status for _ in range(2)] == [200, 200]
    assert api.authorizations == [T1, T2, T2]


def test_a_fresh_token_that_is_refused_too_is_the_callers_401(connect: Connected, api: Api, source: Ladder) -> None:
    client = connect(source)
    reply = client.send("POST", api.origin, b"body")
    assert (reply.status, reply.body) == (401, b'{"status": 401}')
    assert api.authorizations == [T1, T2]
    assert source.newer == [1]
    assert client.get(api.origin).status == 401  # every request has its own try
    assert api.authorizations == [T1, T2, T2, T3]


@pytest.mark.parametrize("status", [403, 429, 500, 503])
def test_other_refusals_ask_for_nothing(connect: Connected, api: Api, source: Ladder, status: int) -> None:
    assert connect(source).get(f"{api.origin}/status/{status}").status == status
    assert len(api.seen) == 1
    assert source.newer == []


@pytest.mark.parametrize("error", ["insufficient_scope", "insufficient_user_authentication"])
def test_a_401_that_no_newer_token_cures_asks_for_nothing(
    connect: Connected, api: Api, source: Ladder, error: str
) -> None:
    api.challenges = ["Basic realm=x", f'Bearer realm="a, b", error="{error}"']
    assert connect(source).get(api.origin).status == 401
    assert (len(api.seen), source.newer) == (1, [])


def test_a_stream_is_not_sent_again_but_the_source_is_told(connect: Connected, api: Api, source: Ladder) -> None:
    api.accepted = {"t2"}
    client = connect(source)
    assert client.send_stream(api.origin).status == 401
    assert [seen.body for seen in api.seen] == [b"".join(CHUNKS)]
    assert source.reported.wait(30)
    assert source.newer == [1]
    assert client.send_stream(api.origin).status == 200


def test_a_report_that_fails_harms_nobody(connect: Connected, api: Api, source: Ladder) -> None:
    source.fails_newer = True
    assert connect(source).send_stream(api.origin).status == 401
    assert source.reported.wait(30)


def test_a_file_is_rewound_and_sent_again(connect: Connected, api: Api, source: Ladder) -> None:
    api.accepted = {"t2"}
    file = io.BytesIO(b"what the file holds")
    assert connect(source).send_file(api.origin, file).status == 200
    assert api.authorizations == [T1, T2]
    assert api.seen[0].body == api.seen[1].body
    assert b"what the file holds" in api.seen[1].body


def test_no_first_token_is_an_error_and_nothing_is_sent(connect: Connected, api: Api, source: Ladder) -> None:
    source.fails_first = True
    with pytest.raises(NetworkError):
        connect(source).get(api.origin)
    assert api.seen == []


def test_no_newer_token_gives_the_first_401(connect: Connected, api: Api, source: Ladder) -> None:
    source.fails_newer = True
    reply = connect(source).get(api.origin)
    assert (reply.status, reply.body) == (401, b'{"status": 401}')
    assert (len(api.seen), source.newer) == (1, [1])


def to(place: str, status: int = 307) -> str:
    return f"/redirect?status={status}&to={quote(place, safe='')}"


def test_a_redirect_within_the_origin_keeps_the_token(connect: Connected, api: Api, source: Ladder) -> None:
    api.accepted = {"t1"}
    assert connect(source).get(api.origin + to("/thing")).status == 200
    assert api.authorizations == [T1, T1]


def test_after_a_redirect_only_the_page_that_refused_is_asked_again(
    connect: Connected, api: Api, source: Ladder
) -> None:
    api.accepted = {"t2"}
    assert connect(source).send("POST", api.origin + to("/thing", 303), b"order").status == 200
    assert [(seen.method, seen.path[:9], seen.body) for seen in api.seen] == [
        ("POST", "/redirect", b"order"),
        ("GET", "/thing", b""),
        ("GET", "/thing", b""),
    ]
    assert api.authorizations == [T1, T1, T2]


def test_a_redirect_elsewhere_goes_without_the_token(
    connect: Connected, api: Api, elsewhere: Api, source: Ladder
) -> None:
    reply = connect(source).send("POST", api.origin + to(elsewhere.origin + "/thing"), b"body")
    assert reply.status == 401
    assert api.authorizations == [T1]
    assert elsewhere.authorizations == [None]
    assert source.newer == []  # nobody there refused our token


def test_a_redirect_there_and_back_comes_home_without_the_token(
    connect: Connected, kind: str, api: Api, elsewhere: Api, source: Ladder
) -> None:
    home = api.origin + "/status/401"
    connect(source).get(api.origin + to(elsewhere.origin + to(home)))
    assert elsewhere.authorizations == [None]
    if kind == "aiohttp":  # its hook can't tell that hop from a request of its own
        assert (api.authorizations, source.newer) == ([T1, T1, T2], [1])
    else:
        assert (api.authorizations, source.newer) == ([T1, None], [])


def test_an_origin_that_is_not_listed_gets_no_token(
    connect: Connected, api: Api, elsewhere: Api, source: Ladder
) -> None:
    client = connect(source, api.origin)
    assert client.get(elsewhere.origin, headers={"Authorization": "Bearer mine"}).status == 401
    assert elsewhere.authorizations == ["Bearer mine"]
    assert source.asked == []
    api.accepted = {"t1"}
    assert client.get(api.origin).status == 200


@pytest.mark.parametrize("host", ["api.example.com", "192.0.2.1:8080", "[2001:db8::1]", "localhost.example.com"])
def test_plain_http_to_another_machine_is_refused_before_connecting(
    connect: Connected, source: Ladder, host: str
) -> None:
    with pytest.raises(ConfigError, match="plain http"):
        connect(source, f"http://{host}").get(f"http://{host}/thing")
    assert source.asked == []


def test_a_dpop_nonce_is_taken_up_with_the_same_token(connect: Connected, api: Api) -> None:
    source = Ladder(Key())
    api.accepted, api.nonce = {"t1"}, "n1"
    client = connect(source)
    assert client.send("POST", api.origin + "/thing?q=1", b"body").status == 200
    assert api.authorizations == ["DPoP t1"] * 2
    assert [seen.body for seen in api.seen] == [b"body"] * 2
    assert source.newer == []
    assert client.get(api.origin + "/thing").status == 200  # at once: the nonce is known
    assert len(api.seen) == 3


def test_nonce_and_newer_token_may_both_be_needed(connect: Connected, api: Api) -> None:
    source = Ladder(Key())
    api.accepted, api.nonce = {"t2"}, "n1"
    assert connect(source).get(api.origin + "/thing").status == 200
    assert api.authorizations == ["DPoP t1", "DPoP t1", "DPoP t2"]
    assert source.newer == [1]


def test_a_proof_is_made_anew_for_the_place_of_a_redirect(connect: Connected, api: Api) -> None:
    source = Ladder(Key())
    api.accepted, api.nonce = {"t1"}, "n1"
    assert connect(source).get(api.origin + to("/thing")).status == 200
    assert source.newer == []


def test_a_hundred_refusals_at_once_are_a_hundred_single_retries(connect: Connected, api: Api, source: Ladder) -> None:
    api.accepted, api.gate = {"t2"}, threading.Barrier(100)
    client = connect(source)
    assert client.send_many(100, api.origin + "/gate") == [200] * 100
    assert sorted(map(str, api.authorizations)) == [T1] * 100 + [T2] * 100
    assert source.newer == [1] * 100
