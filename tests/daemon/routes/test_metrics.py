from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.daemon.routes.conftest import API, problem


def numbers(text: str) -> dict[tuple[str, str], float]:
    """Samples by name and the first label."""
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_the_numbers(api: API) -> None:
    for _ in range(3):
        await api.socket.post("/v1/credentials/alice/token")
    answer = await api.key().get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found = numbers(answer.text)
    assert found["vestal_gets_total", "alice"] == 3
    assert found["vestal_hits_total", "alice"] == 2
    assert found["vestal_misses_total", "alice"] == 1
    assert found["vestal_leases_total", "alice"] == 1
    assert found["vestal_wait_seconds_count", "alice"] == 3
    assert found["vestal_refresh_seconds_count", "alice"] == 1
    assert found["vestal_token_expiry_seconds", "alice"] > 0
    assert 'vestal_refreshes_total{credential="alice",result="ok"} 1.0' in answer.text
    assert found["vestal_credentials", "idle"] == 1
    assert found["vestal_credentials", "needs_login"] == 0


async def test_failures_are_told_apart(api: API) -> None:
    api.server.faults.add("token", "status", status=400, body='{"error": "invalid_grant"}')
    await api.socket.post("/v1/credentials/alice/token")
    answer = await api.socket.get("/metrics")
    assert 'vestal_refreshes_total{credential="alice",result="NEEDS_LOGIN"} 1.0' in answer.text
    assert numbers(answer.text)["vestal_credentials", "needs_login"] == 1


async def test_names_are_for_those_who_may_see_all(api: API) -> None:
    problem(await api.tcp.get("/metrics"), 401, "AUTH_FAILED")
    problem(await api.key("admin", pattern="alice").get("/metrics"), 403, "PERMISSION_DENIED")
