"""Whatever a token endpoint answers, only a `VestalError` comes of it, and the refresh token is never lost."""

from __future__ import annotations

import json
import math
import traceback
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.core.house import HOUR, KEYS, NAME, START
from vestal.core.clock import SystemClock
from vestal.core.credential import App, Credential
from vestal.core.decision import Demand
from vestal.core.errors import VestalError
from vestal.core.lifecycle import Lifecycle
from vestal.core.secret import Secret
from vestal.core.transport import Request, Response
from vestal.oauth2.dpop import DPOP_KEY, DPoPKey
from vestal.oauth2.provider import OAuth2Provider
from vestal.stores.memory import MemoryBackend
from vestal.stores.sealing import SealedStore
from vestal.testing.clock import FakeClock

CANARY = "canary-rt-4711-that-must-not-be-lost"
DPOP = DPoPKey.generate(SystemClock()).secret()

words = st.sampled_from(
    ["", "0", "-1", "3600", "1e999", "nan", "Bearer", "DPoP", "invalid_grant", "use_dpop_nonce", "at-2", "rt-2", CANARY]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    [
        "access_token",
        "refresh_token",
        "expires_in",
        "expires_at",
        "expires_on",
        "refresh_in",
        "token_type",
        "scope",
        "error",
        "error_description",
        "errors",
        "code",
        "status",
        "message",
        "id_token",
        "refresh_token_expires_in",
    ]
)
objects = st.dictionaries(names, values, max_size=8).map(lambda fields: json.dumps(fields).encode())
good = st.builds(
    lambda fields: json.dumps({"access_token": "at-2", "expires_in": 60, **fields}).encode(),
    st.dictionaries(names, values, max_size=4),
)
bodies = st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()) | objects | good
header_names = st.sampled_from(
    [
        "content-type",
        "retry-after",
        "date",
        "dpop-nonce",
        "location",
        "ratelimit",
        "ratelimit-reset",
        "x-ratelimit-reset",
        "x-ratelimit-remaining",
        "www-authenticate",
        "content-encoding",
    ]
)
header_values = (
    words | st.text(max_size=20) | st.sampled_from(["Sun, 22 Nov 2026 01:00:00 GMT", "application/json", "99999999999"])
)
headers = st.dictionaries(header_names, header_values, max_size=4)
statuses = st.sampled_from([200, 200, 200, 201, 204, 301, 400, 400, 401, 403, 429, 500, 502, 503]) | st.integers(
    -1, 1000
)


def granted_refresh_token(status: int, body: bytes) -> str | None:
    """The refresh token of an answer that is a plain and undoubted success."""
    try:
        fields: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    plain = isinstance(fields, dict) and fields.get("access_token") == "at-2" and not fields.get("error")
    refresh_token = fields.get("refresh_token") if plain and 200 <= status < 300 else None
    return refresh_token if isinstance(refresh_token, str) and refresh_token.isascii() and refresh_token else None


def traceback_with_locals(error: VestalError) -> str:
    """All frames but this test's own, which knows everything."""
    assert error.__traceback__ is not None
    inner = error.__traceback__.tb_next
    return "".join(traceback.TracebackException(type(error), error, inner, capture_locals=True).format())


@pytest.mark.parametrize("dpop", [False, True])
@given(status=statuses, headers=headers, body=bodies, again=st.booleans())
@example(status=200, headers={}, body=b'{"access_token": "at-2", "refresh_token": "\\ud800"}', again=True)
@example(status=200, headers={}, body=b'{"access_token": "at-2", "expires_in": 1e999}', again=True)
@example(status=200, headers={}, body=b"[" * 100_000, again=True)
@example(status=200, headers={}, body=b'{"access_token": "at-2", "expires_in": ' + b"9" * 5000 + b"}", again=True)
@example(status=400, headers={"retry-after": "9" * 5000}, body=b"", again=True)
@example(
    status=400,
    headers={},
    body=b'{"error": "invalid_grant", "error_description": "' + CANARY.encode() + b'"}',
    again=True,
)
def test_whatever_is_answered(status: int, headers: dict[str, str], body: bytes, again: bool, dpop: bool) -> None:
    clock = FakeClock(START)
    store = SealedStore(MemoryBackend(), KEYS)
    app = App(provider="p", client_id="c", client_secret=Secret("canary-client-secret"))
    secrets = {DPOP_KEY: DPOP} if dpop else {}
    store.save(Credential(name=NAME, app=app, refresh_token=Secret(CANARY), secrets=secrets))
    provider = OAuth2Provider(name="p", token_endpoint="https://p.test/token", dpop=dpop)

    def send(_: Request) -> Response:
        return Response(status, headers, Secret(body.decode("latin-1")), clock.now())

    lifecycle = Lifecycle(store, lambda _: provider, send, clock, random=lambda: 0.5)
    for _ in range(1 + again):
        try:
            lifecycle.refresh(NAME, Demand())
        except VestalError as error:
            assert "canary" not in str(error)
            assert "canary" not in traceback_with_locals(error)
        clock.advance(HOUR)
    stored = store.load(NAME)
    assert stored is not None
    assert stored.refresh_token is not None
    left = stored.refresh_token.reveal()
    given_instead = granted_refresh_token(status, body)
    written = {left, json.dumps(left)[1:-1]}  # as it is, or escaped
    assert left == (given_instead or CANARY) or (stored.version and any(w in body.decode("latin-1") for w in written))
    if stored.token is not None and stored.token.expires_at is not None:
        assert math.isfinite(stored.token.expires_at)
        assert stored.token.expires_at > stored.token.issued_at
    record = store.backend.get(NAME)
    assert record is not None
    token = stored.token
    absurd = token is not None and CANARY in token.token_type + token.scope  # the service says that this is the type
    assert absurd or CANARY not in record.public
    assert CANARY.encode() not in record.sealed
