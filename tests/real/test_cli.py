"""The command line at the real server, from `vestal add` to `vestal revoke`: nothing is told it but the issuer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.real.browser import Browser
from tests.real.house import says_so
from tests.real.server import AuthorizationServer

NEEDS_LOGIN = 3
CONSENT = ("--scope", "openid offline_access", "--set", "authorize_param.prompt=consent")


class Terminal:
    """Runs `vestal` in processes of their own, all with one home."""

    def __init__(self, folder: Path) -> None:
        self._environ = {**os.environ, "VESTAL_HOME": str(folder)}

    def open(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "vestal", *arguments]
        return subprocess.Popen(
            command,
            env=self._environ,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        """What it prints: on stdout if all is well, else on stderr."""
        with self.open(*arguments) as process:
            out, err = process.communicate(timeout=60)
        assert process.returncode == code, err
        return out if code == 0 else err

    @contextmanager
    def log_in(self, *arguments: str) -> Iterator[dict[str, str]]:
        """A login, waiting for its person in the block: what the person is told."""
        with self.open("login", *arguments, "--json") as process:
            assert process.stderr is not None
            try:
                yield json.loads(process.stderr.readline())
            except BaseException:
                process.kill()
                raise
            _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err


@pytest.fixture
def vestal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "home")


def whoami(oidc: AuthorizationServer, access_token: str) -> int:
    return oidc.http.get(f"{oidc.issuer}/me", headers={"Authorization": f"Bearer {access_token}"}).status_code


def test_a_login_from_its_first_day_to_its_last(
    oidc: AuthorizationServer, vestal: Terminal, browser: Browser, tmp_path: Path
) -> None:
    client = oidc.register("client_secret_basic")
    assert client.client_secret is not None
    secret = tmp_path / "secret"
    secret.write_text(client.client_secret.reveal())
    named = ("--issuer", oidc.issuer, "--client-id", client.client_id, "--client-secret-file", str(secret))
    vestal.run("add", "mine", *named, *CONSENT)
    assert "vestal login mine" in vestal.run("token", "mine", code=NEEDS_LOGIN)

    with vestal.log_in("mine", "--no-browser") as prompt:
        assert says_so(browser.approve(prompt["address"]))
    first = vestal.run("token", "mine").removesuffix("\n")
    assert whoami(oidc, first) == 200

    vestal.run("refresh", "mine")
    told = json.loads(vestal.run("token", "mine", "--json"))
    assert told["version"] == 2
    assert told["access_token"] != first
    assert whoami(oidc, told["access_token"]) == 200
    shown = json.loads(vestal.run("show", "mine", "--json"))
    assert (shown["state"], shown["token_state"], shown["refresh_count"]) == ("idle", "valid", 1)

    vestal.run("revoke", "mine")
    assert whoami(oidc, told["access_token"]) == 401
    assert "vestal login mine" in vestal.run("token", "mine", code=NEEDS_LOGIN)
    grants = [seen.grant_type for seen in oidc.requests(client)]
    assert grants == ["authorization_code", "refresh_token"]
    assert len(oidc.requests(client, "/token/revocation")) == 2
