from __future__ import annotations

from dataclasses import replace

import pytest

from tests.oauth2.conftest import FakeService, FixedClock, MakeCredential, answer, dump
from vestal.core.errors import AuthFailed, ConfigError, ServiceError, Unprocessable, VestalError
from vestal.core.secret import Secret
from vestal.oauth2.provider import OAuth2Provider
from vestal.oauth2.revocation import revoke

TOKEN = Secret("rt-canary-1")


def test_a_token_is_revoked(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock
) -> None:
    service.will(answer(200), answer(200, {}))
    app = credential(client_auth="post").app
    revoke(provider, app, TOKEN, service, clock)
    revoke(provider, app, TOKEN, service, clock, hint="access_token")
    assert service.requests[0].url == "https://acme.example/revoke"
    sent = {"token": "rt-canary-1", "client_id": "app-1", "client_secret": "client-secret-canary"}
    assert service.form(0) == {**sent, "token_type_hint": "refresh_token"}
    assert service.form(1) == {**sent, "token_type_hint": "access_token"}


@pytest.mark.parametrize(
    ("status", "body", "headers", "kind", "retry_after"),
    [
        (503, None, {"retry-after": "30"}, ServiceError, 30.0),
        (400, {"error": "unsupported_token_type"}, {}, Unprocessable, None),
        (401, {"error": "invalid_client"}, {}, AuthFailed, None),
        (200, {"ok": False, "error": "invalid_auth rt-canary-1"}, {}, VestalError, None),
        (404, None, {}, ConfigError, None),
    ],
)
def test_after_an_error_the_token_still_lives(
    provider: OAuth2Provider,
    credential: MakeCredential,
    service: FakeService,
    clock: FixedClock,
    status: int,
    body: object,
    headers: dict[str, str],
    kind: type[VestalError],
    retry_after: float | None,
) -> None:
    service.will(answer(status, body, headers))
    with pytest.raises(kind) as caught:
        revoke(provider, credential().app, TOKEN, service, clock)
    assert (caught.value.retry_after, caught.value.passing) == (retry_after, status == 503)
    assert "canary" not in dump(caught.value)


@pytest.mark.parametrize("url", [None, "http://acme.example/revoke"])
def test_nothing_is_sent_where_there_is_no_fit_endpoint(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock, url: str | None
) -> None:
    with pytest.raises(ConfigError, match="revocation endpoint"):
        revoke(replace(provider, revocation_endpoint=url), credential().app, TOKEN, service, clock)
    assert service.requests == []
