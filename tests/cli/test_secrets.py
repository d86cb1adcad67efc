"""Canaries in every secret, every command, good and bad ends, everything said aloud: not one gets out."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from tests.cli.conftest import CLI, Result
from vestal.testing.practice import PracticeServer, log_in

SECRET = "canary-client-secret-1f0e"
PASSPHRASE = "canary-passphrase-77aa"


class Net:
    """Runs commands, and keeps all that they say."""

    def __init__(self, cli: CLI) -> None:
        self.cli = cli
        self.said: list[str] = []
        self.secrets = {SECRET, PASSPHRASE}

    def __call__(self, *arguments: str, input: str = "", debug: str = "1") -> Result:
        environment = {"SECRET": SECRET, "VESTAL_EXPORT_PASSPHRASE": PASSPHRASE, "VESTAL_DEBUG": debug}
        result = self.cli("-vv", *arguments, input=input, env=environment)
        self.said.append(result.out + result.err)
        self.remember()
        return result

    def remember(self) -> None:
        """All secrets that are in the store now."""
        home = self.cli.home()
        if (self.cli.folder / "store.db").exists():
            for credential in home.store.iterate():
                held = [credential.refresh_token, credential.app.client_secret, credential.app.private_key]
                held += [credential.token.access_token] if credential.token else []
                held += credential.secrets.values()
                self.secrets |= {secret.reveal() for secret in held if secret}
            self.secrets |= set((self.cli.folder / "key").read_text().split())
        home.close()

    def check(self, *folders: Path) -> None:
        said = "\n".join(self.said)
        assert len(said) > 10_000
        found = [secret[:12] for secret in self.secrets if secret in said or json.dumps(secret)[1:-1] in said]
        assert not found, f"said aloud: {found}"
        for folder in folders:
            for file in folder.rglob("*"):
                if file.is_file() and file.name != "key":
                    data = file.read_bytes()
                    for secret in self.secrets:
                        for form in (secret.encode(), base64.b64encode(secret.encode()).rstrip(b"=")):
                            assert form not in data, f"{secret[:12]} is in {file.name}"


def test_no_secret_gets_out(cli: CLI, server: PracticeServer, tmp_path: Path) -> None:
    net = Net(cli)
    server.add_client("canary", secret=SECRET)
    outside = tmp_path / "outside"
    outside.mkdir()
    key = tmp_path / "client-key"
    key.write_text(server.jwt_client_key_pem)
    service = ("--issuer", server.url, "--client-id", "canary", "--client-secret-env", "SECRET")

    for number, options in enumerate(((), ("--client-auth", "post"), ("--set", "dpop=true"))):
        refresh_token = server.issue_refresh_token("canary")
        net.secrets.add(refresh_token)
        added = net("add", f"a{number}", *service, "--refresh-token-file", "-", *options, input=refresh_token)
        assert added.code == 0
        for command in ("refresh", "refresh", "show", "list"):
            assert net(command, *([f"a{number}"] if command != "list" else [])).code == 0
    jwt = ("--token-url", f"{server.url}/token", "--client-id", "practice-jwt", "--key-file", str(key))
    assert net("add", "jwt", *jwt).code == 0
    assert net("refresh", "jwt", "--json").code == 0
    net("add", "jwt2", *jwt, "--set", "assertion_algorithm=RS256")
    net("add", "bad", *service, "--set", f"client_secret={SECRET}")
    net("add", "bad", *service, "--set", f"{SECRET}")
    net("add", "bad", "--client-secret", SECRET)
    net("token", "a0", SECRET)

    for kind, more in (
        ("status", {"status": 500}),
        (
            "status",
            {"status": 400, "body": json.dumps({"error": "invalid_scope", "error_description": f"no {SECRET}"})},
        ),
        ("garbage", {}),
        ("error_200", {}),
        ("truncated", {}),
        ("empty_400", {}),
        ("redirect", {}),
    ):
        server.faults.add("token", kind, times=None if kind == "status" else 1, **more)
        net("refresh", "a1")
        if more.get("status") != 500:  # which takes its time
            net("refresh", "a1", "--json", debug="0")
        server.faults.clear()
    net("show", "a1", "--json")
    net("doctor", "--json")
    net("doctor")

    assert net("export", "-o", str(outside / "export.json")).code == 0
    assert net("import", str(outside / "export.json"), "--replace").code == 0
    net("import", str(outside / "export.json"))
    assert net("rotate-key").code == 0

    with cli.start("-vv", "login", "a2", "--no-browser", "--json") as process:
        assert process.stderr is not None
        said = ""
        while not said.endswith("}\n"):
            line = process.stderr.readline()
            said += line
        way_back = log_in(json.loads(line)["address"])
        net.secrets.add(way_back.partition("code=")[2].partition("&")[0])
        out, err = process.communicate()
        net.said += [out, err]
    assert process.returncode == 0
    net.remember()
    assert net("revoke", "a2").code == 0
    assert net("remove", "a2").code == 0
    assert len(net.secrets) > 12
    net.check(cli.folder, outside)
