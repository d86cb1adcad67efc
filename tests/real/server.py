"""Starts the authorization server of `node/server.mjs`, installing what it needs from the lock file first."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx2

from tests.node import NODE, install
from vestal.core.secret import Secret

HERE = Path(__file__).parent / "node"
LOOPBACK = ("http://127.0.0.1/", "http://127.0.0.1/callback")
"""A native client may use any port of these (RFC 8252, section 7.3)."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client registered at the server."""

    client_id: str
    client_secret: Secret | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as the server saw and answered it."""

    method: str
    path: str
    client_id: str | None
    grant_type: str | None
    refresh_token: str | None
    """SHA-256, in hexadecimal digits."""
    status: int
    error: str | None
    detail: str | None
    """Why it was refused, in words that clients do not get to see."""
    grant_revoked: bool


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """The running server, from outside."""

    issuer: str
    resource: str
    http: httpx2.Client

    def register(self, auth: str = "none", *grants: str, **metadata: Any) -> Client:
        """A new client (RFC 7591): native, with loopback redirects, unless `metadata` says otherwise."""
        grant_types = list(grants or ("authorization_code", "refresh_token"))
        if code := "authorization_code" in grant_types:
            metadata.setdefault("redirect_uris", LOOPBACK)
            metadata.setdefault("application_type", "native")
        document = {
            "token_endpoint_auth_method": auth,
            "grant_types": grant_types,
            "response_types": ["code"] if code else [],
            "redirect_uris": [],
            "scope": "openid offline_access email api:read api:write",
            **metadata,
        }
        answer = self.http.post(f"{self.issuer}/reg", json=document)
        assert answer.status_code == 201, answer.text
        secret = answer.json().get("client_secret")
        return Client(answer.json()["client_id"], Secret(secret) if secret else None)

    def requests(self, client: Client, path: str = "/token") -> list[Seen]:
        """What the server has seen from a client at one endpoint, in order."""
        seen = self.http.get(f"{self.issuer}/-/requests", params={"client_id": client.client_id}).json()
        return [Seen(**entry) for entry in seen if entry["path"] == path]

    def forget(self, access_token: str) -> None:
        """Make the server refuse an access token from now on, and nothing else."""
        answer = self.http.post(f"{self.issuer}/-/forget", params={"access_token": access_token})
        assert answer.json() == {"forgotten": True}


@contextmanager
def running(log: Path) -> Iterator[AuthorizationServer]:
    """The server, on a free port of 127.0.0.1; `log` takes what it has to say."""
    install(HERE)
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            [NODE, "server.mjs"], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True
        ) as process,
        httpx2.Client(trust_env=False) as http,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            ready = process.stdout.readline()
            if not ready:
                raise RuntimeError(f"the authorization server did not start: {log.read_text()}")
            where = cast(dict[str, str], json.loads(ready))
            yield AuthorizationServer(where["issuer"], where["resource"], http)
        finally:
            process.stdin.close()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
