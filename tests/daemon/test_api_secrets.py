"""Let everything happen at every door, and search answers, logs and events for secrets."""

from __future__ import annotations

import logging

import pytest

from tests.daemon.routes.conftest import API, api, practice
from tests.daemon.test_auth import ROUTES

__all__ = ["api", "practice"]

GIVING = {"/v1/credentials/alice/token", "/auth/alice", "/token/alice"}


@pytest.mark.parametrize("fault", [None, "garbage", "error_200", "rate_limit", "cut_after", "status"])
async def test_no_secret_gets_out(api: API, caplog: pytest.LogCaptureFixture, fault: str | None) -> None:
    caplog.set_level(logging.DEBUG)
    key = api.house.access.add("all", ["*"], ["token", "refresh", "admin"])
    clients = [api.socket, api.client(key), api.tcp]
    secrets = {key.reveal(), "practice-secret"}
    told = ""
    for _ in range(2):
        for method, path in (each for each in ROUTES if each[1] != "/v1/events"):
            for client in clients:
                answer = await client.request(method, path)
                if path not in GIVING or answer.status_code != 200:
                    told += answer.text + str(answer.headers)
        credential = api.home.store.load("alice")
        assert credential is not None
        held = [credential.refresh_token, credential.token.access_token if credential.token else None]
        secrets |= {secret.reveal() for secret in held if secret is not None}
        if fault is not None:
            api.server.faults.add("token", fault, times=1)
    told += caplog.text + repr(api.house.broadcast.recent)
    assert len(told) > 1000
    assert len(secrets) >= 4
    assert not [secret[:12] for secret in secrets if secret in told]


async def test_the_schema_is_whole(api: API) -> None:
    """Every reference leads somewhere, and every route says what its errors look like."""
    schema = (await api.tcp.get("/openapi.json")).json()
    text = str(schema)
    for part in text.split("#/components/schemas/")[1:]:
        assert part.split("'")[0] in schema["components"]["schemas"]
    assert schema["openapi"].startswith("3.1")
    operations = [operation for path in schema["paths"].values() for operation in path.values()]
    good = {"200", "201", "202", "204", "default"}  # default: a service's own answer
    assert all(good & operation["responses"].keys() for operation in operations)
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
