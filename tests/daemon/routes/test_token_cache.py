from __future__ import annotations

import logging
import re

import pytest

from tests.daemon.routes.conftest import API, problem
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.daemon.counters import Tally
from vestal.daemon.routes.token_cache import cache_info

STATUS, PERFORMANCE = "/api/token-cache/status", "/api/token-cache/performance"
METRICS = {
    "cache_hits",
    "cache_misses",
    "refresh_attempts",
    "refresh_successes",
    "refresh_failures",
    "total_requests",
}


async def test_the_only_credential(api: API) -> None:
    for _ in range(3):
        await api.socket.post("/v1/credentials/alice/token")
    answer = await api.socket.get(STATUS)
    told = answer.json()
    assert set(told) == {"success", "timestamp", "request_id", "data"}
    assert told["success"] is True
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["timestamp"])
    assert answer.headers["x-request-id"] == told["request_id"]
    assert answer.headers["x-response-timestamp"] == told["timestamp"]
    info = told["data"]["cache_info"]
    assert set(info) == {"cache_metrics", "has_cached_token", "performance", "token_info"}
    assert set(info["cache_metrics"]) == METRICS
    assert info["has_cached_token"] is True
    assert info["performance"] == {"cache_hit_rate_percent": 66.7, "refresh_success_rate_percent": 100.0}
    assert info["token_info"]["refresh_count"] == 1


def test_the_token_s_times() -> None:
    token = Token(Secret("t"), expires_at=1_700_003_600.0, issued_at=1_700_000_000.0)
    info = cache_info(Tally(), token, 1_700_003_150.0, has_token=True, refresh_count=4)
    assert info["performance"] == {}
    assert info["token_info"] == {
        "age_seconds": 3150,
        "age_minutes": 52.5,
        "time_until_expiry_seconds": 450,
        "time_until_expiry_minutes": 7.5,
        "is_expired": False,
        "is_nearly_expired": True,
        "refresh_count": 4,
        "expires_at": "2023-11-14 23:13:20",
    }
    assert cache_info(Tally(), token, 1_700_003_301.0, has_token=True)["token_info"]["is_expired"] is True


async def test_sums_over_several(api: API) -> None:
    api.add("bob")
    for name in ("alice", "bob", "bob"):
        await api.socket.post(f"/v1/credentials/{name}/token")
    info = (await api.socket.get(STATUS)).json()["data"]["cache_info"]
    assert "token_info" not in info
    assert info["has_cached_token"] is True
    assert (info["cache_metrics"]["total_requests"], info["cache_metrics"]["cache_hits"]) == (3, 1)
    one = (await api.socket.get(STATUS, params={"credential": "bob"})).json()["data"]["cache_info"]
    assert one["cache_metrics"]["total_requests"] == 2


async def test_a_key_counts_its_own_only(api: API) -> None:
    api.add("bob")
    for name in ("alice", "bob"):
        await api.socket.post(f"/v1/credentials/{name}/token")
    key = api.key(pattern="bob")
    assert (await key.get(STATUS)).json()["data"]["cache_info"]["cache_metrics"]["total_requests"] == 1
    problem(await key.get(STATUS, params={"credential": "alice"}), 403, "PERMISSION_DENIED")


@pytest.mark.parametrize("path", [STATUS, PERFORMANCE])
async def test_failures_have_the_same_form(api: API, path: str) -> None:
    answer = await api.socket.get(path, params={"credential": "nobody"})
    told = answer.json()
    assert answer.status_code == 404
    assert set(told) == {"success", "timestamp", "request_id", "message", "error_code"}
    assert (told["success"], told["error_code"]) == (False, "credential_not_found")


async def test_a_store_that_fails(api: API) -> None:
    api.home.store.close()
    (api.home.folder / "store.db").write_bytes(b"no database" * 500)
    answer = await api.socket.get(STATUS)
    assert answer.status_code == 500
    assert answer.json()["error_code"] == "cache_status_error"


async def test_performance_is_logged(api: API, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "vestal.daemon")
    await api.socket.post("/v1/credentials/alice/token")
    told = (await api.socket.get(PERFORMANCE)).json()
    assert told["message"] == "Performance summary logged to console"
    assert set(told) == {"success", "timestamp", "request_id", "message"}
    assert "cache_misses=1" in caplog.text


async def test_they_need_a_key(api: API) -> None:
    for path in (STATUS, PERFORMANCE):
        problem(await api.tcp.get(path), 401, "AUTH_FAILED")
