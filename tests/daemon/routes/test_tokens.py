from __future__ import annotations

import asyncio
import json
import logging

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.daemon.routes.conftest import API, problem
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.daemon.problem import Refusal
from vestal.daemon.routes.tokens import TOKEN, as_values, asked, written
from vestal.operations import show_token

PATH = "/v1/credentials/alice/token"


async def test_a_token_that_works(api: API) -> None:
    answer = await api.socket.post(PATH)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    given = answer.json()
    assert set(given) == set(TOKEN["properties"])
    assert given["version"] == 1
    assert given["access_token"] == api.home.token("alice").access_token.reveal()
    assert 0 < given["refresh_after"] < given["expires_in"]


def test_it_is_what_the_command_line_tells() -> None:
    token = Token(Secret("t"), expires_at=1_700_003_600.0, issued_at=1_700_000_000.0, scope="a b", version=7)
    values = as_values(token, 1_700_000_000.5)
    assert values.pop("refresh_after") == 2999.5
    assert values.pop("issued_at") == "2023-11-14T22:13:20Z"
    assert values == show_token.as_values(token, 1_700_000_000.5)


def test_a_token_without_an_end_is_good_until_it_is_refused() -> None:
    assert as_values(Token(Secret("t")), 1.0)["refresh_after"] is None


def test_a_token_that_is_due_has_no_time_left() -> None:
    assert as_values(Token(Secret("t"), expires_at=3600.0), 3500.0)["refresh_after"] == 0.0


moments = st.floats(0, 1e10)


@given(
    token=st.builds(
        Token,
        st.builds(Secret, st.text()),
        st.text(),
        expires_at=st.none() | moments,
        scope=st.text(),
        version=st.integers(0),
        issued_at=moments,
        refresh_at=st.none() | moments,
    ),
    times=st.lists(moments, min_size=1, max_size=3),
)
def test_what_is_written_is_what_is_told_at_any_time(token: Token, times: list[float]) -> None:
    for now in times:
        told = {"access_token": token.access_token.reveal(), **as_values(token, now)}
        assert json.loads(written(token, now)) == told


async def test_hits_are_counted(api: API) -> None:
    for _ in range(3):
        await api.socket.post(PATH)
    tally = api.house.counters.of("alice")
    assert (tally.hits, tally.misses, tally.refreshed) == (2, 1, 1)


async def test_a_refused_token_is_replaced_once(api: API) -> None:
    await api.socket.post(PATH)
    answers = await asyncio.gather(*(api.socket.post(PATH, json={"newer_than": 1}) for _ in range(20)))
    assert {answer.json()["version"] for answer in answers} == {2}
    assert api.house.counters.of("alice").refreshed == 2


async def test_more_validity_than_there_is(api: API) -> None:
    problem(await api.socket.post(PATH, json={"min_ttl": 86400 * 365}), 422, "CONFIG_ERROR")


async def test_names_hold_slashes(api: API) -> None:
    api.add("acme/token")
    answer = await api.socket.post("/v1/credentials/acme/token/token")
    assert answer.status_code == 200
    assert (await api.socket.get("/v1/credentials/acme/token")).json()["name"] == "acme/token"
    assert (await api.socket.post("/v1/credentials/acme%2Ftoken/token")).status_code == 200


@pytest.mark.parametrize("name", ["nobody", "", "a b", "a//b", "../alice", "x" * 201, "%C3%A9", "alice%0A"])
async def test_a_name_that_nobody_has(api: API, name: str) -> None:
    problem(await api.socket.post(f"http://vestal/v1/credentials/{name}/token"), 404, "CONFIG_ERROR")


async def test_unknown_names_leave_nothing_behind(api: API) -> None:
    for number in range(5):
        await api.socket.post(f"/v1/credentials/nobody-{number}/token")
    assert not api.house.counters.total(f"nobody-{number}" for number in range(5)).gets
    assert not [name for name in api.home._sources if name.startswith("nobody")]


async def test_a_removed_one_is_gone(api: API) -> None:
    await api.socket.post(PATH)
    api.home.remove("alice")
    problem(await api.socket.post(PATH), 404, "CONFIG_ERROR")


async def test_a_person_is_needed(api: API) -> None:
    api.server.faults.add("token", "status", status=400, body='{"error": "invalid_grant"}')
    told = problem(await api.socket.post(PATH), 409, "NEEDS_LOGIN")
    assert told["credential"] == "alice"
    assert told["remedy"]
    assert told["reason"] == "refused"


async def test_patience_is_asked_for(api: API) -> None:
    api.server.faults.add("token", "rate_limit", retry_after="99")
    answer = await api.socket.post(PATH)
    told = problem(answer, 429, "RATE_LIMIT_EXCEEDED")
    assert 90 < told["retry_after"] <= 99
    assert int(answer.headers["retry-after"]) == pytest.approx(told["retry_after"], abs=1)


async def test_refresh(api: API) -> None:
    await api.socket.post(PATH)
    answer = await api.socket.post("/v1/credentials/alice/refresh")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["name"], told["version"]) == ("alice", 2)
    assert "access_token" not in told


async def test_every_token_is_written_down_and_never_what_it_is(api: API, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key = api.key("token", name="robot-1")
    secret = (await key.post(PATH)).json()["access_token"]
    audit = [record.getMessage() for record in caplog.records if record.name == "vestal.audit"]
    assert audit == ["token credential=alice version=1 to=robot-1 from=127.0.0.1 path=v1"]
    assert secret not in caplog.text
    assert key.headers["authorization"].split()[1] not in caplog.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'"x"', 400),
        (b"\xff\xfe", 400),
        (b"[" * 60_000, 400),
        (b"1" * 5_000, 400),
        (b'{"min_ttl": "60"}', 422),
        (b'{"min_ttl": -1}', 422),
        (b'{"min_ttl": NaN}', 422),
        (b'{"min_ttl": Infinity}', 422),
        (b'{"min_ttl": true}', 422),
        (b'{"newer_than": 1.0}', 422),
        (b'{"newer_than": -1}', 422),
        (b'{"newer_than": true}', 422),
        (b'{"newer_than": 9223372036854775808}', 422),
        (b'{"newer": 1}', 422),
        (b" " * (64 * 1024 + 1), 413),
    ],
)
async def test_bad_bodies(api: API, body: bytes, status: int) -> None:
    answer = await api.socket.post(PATH, content=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_whose_length_nobody_told(api: API) -> None:
    async def chunks() -> object:
        for _ in range(100):
            yield b" " * 1000

    assert (await api.socket.post(PATH, content=chunks())).status_code == 413  # type: ignore[arg-type]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


@given(st.binary(max_size=200) | st.dictionaries(st.sampled_from(["newer_than", "min_ttl", "x"]), json_values))
def test_any_body_is_understood_or_refused(body: bytes | dict[str, object]) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        newer_than, min_ttl = asked(raw)
    except Refusal as error:
        assert error.status in (400, 422)
        return
    assert newer_than is None or newer_than >= 0
    assert min_ttl is None or 0 <= min_ttl < 1e12


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(name=st.text(max_size=250))
async def test_any_name_has_an_answer(api: API, name: str) -> None:
    try:
        path = httpx2.URL("http://vestal").copy_with(path=f"/v1/credentials/{name}/token")
    except (httpx2.InvalidURL, UnicodeEncodeError):
        return
    answer = await api.socket.post(path)
    assert answer.status_code in (404, 405), answer.text
