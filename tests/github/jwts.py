"""App JWTs as tests want them, good ones and bad ones."""

from __future__ import annotations

from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.github.stub.apps import App
from tests.github.stub.server import Stub


def app_jwt(stub: Stub, app: App, *, key: str | None = None, header: str = "RS256", **claims: Any) -> str:
    """A good one, unless `claims` say otherwise; a claim of None is left out."""
    now = int(stub.clock.now())
    all_claims = {"iat": now - 60, "exp": now + 540, "iss": app.client_id, **claims}
    payload = {name: value for name, value in all_claims.items() if value is not None}
    return jwt.encode({"alg": header}, payload, RSAKey.import_key(key or app.private_key), algorithms=[header])


def bearer(value: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value}"}
