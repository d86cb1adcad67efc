from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import CLI, CLIENT_SECRET, add
from vestal.testing.practice import PracticeServer

EXAMPLE = ("--token-url", "https://login.example.com/token", "--client-id", "app")


def test_the_grant_that_suggests_itself(cli: CLI, server: PracticeServer) -> None:
    def grant(name: str, *options: str, input: str = "", env: dict[str, str] | None = None) -> str:
        assert cli("add", name, *options, input=input, env=env).code == 0
        return str(cli("show", name, "--json").json["grant"])

    secret = {"SECRET": "s"}
    assert grant("a", *EXAMPLE, "--client-secret-env", "SECRET", env=secret) == "client_credentials"
    assert grant("b", *EXAMPLE, "--authorize-url", "https://login.example.com/authorize") == "authorization_code"
    assert grant("c", *EXAMPLE, "--refresh-token-file", "-", input="r") == "refresh_token"
    assert grant("d", "--issuer", server.url, "--client-id", "practice-public") == "authorization_code"
    assert (
        grant("e", "--issuer", server.url, "--client-id", "x", "--refresh-token-file", "-", input="r")
        == "refresh_token"
    )
    assert grant("f", "--provider", "spotify", "--client-id", "x") == "authorization_code"
    assert (
        grant(
            "g",
            "--provider",
            "spotify",
            "--client-id",
            "x",
            "--grant",
            "device_code",
            "--set",
            "device_url=https://x.example/d",
        )
        == "device_code"
    )


def test_what_is_kept(cli: CLI, server: PracticeServer) -> None:
    add(
        cli,
        server,
        "alice",
        "--scope",
        "read",
        "--scope",
        "write admin",
        "--client-auth",
        "post",
        "--set",
        "audience=x=y",
    )
    shown = cli("show", "alice", "--json").json
    assert shown["provider"] == "custom"
    assert shown["scopes"] == ["read", "write", "admin"]
    assert shown["client_auth"] == "post"
    assert shown["settings"]["audience"] == "x=y"
    assert shown["settings"]["issuer"] == server.url
    assert shown["settings"]["token_url"] == f"{server.url}/token"
    assert shown["settings"]["revoke_url"] == f"{server.url}/revoke"
    assert sorted(shown["holds"]) == ["client_secret", "refresh_token"]
    assert len(shown["refresh_token"]) == 16


def test_how_the_service_is_named(cli: CLI) -> None:
    cli("add", "x", "--client-id", "app").fails(2, "x: ", "no service is named", "--provider")
    cli("add", "x", *EXAMPLE, "--provider", "spotify").fails(2, "more than once")
    cli("add", "x", "--provider", "spotfy", "--client-id", "app").fails(2, "did you mean spotify")
    cli("add", "x", "--provider", "shopify", "--client-id", "app").fails(2, "needs to know shop", "set shop=")
    made = cli("add", "x", "--provider", "shopify", "--client-id", "app", "--set", "shop=mine", "--json")
    assert made.json == {
        "name": "x",
        "provider": "shopify",
        "grant": "authorization_code",
        "notes": ["a person has to log in next: vestal login x"],
    }


def test_what_can_be_checked_now(cli: CLI, server: PracticeServer, tmp_path: Path) -> None:
    cli("add", "x", "--token-url", "http://login.example.com/token", "--client-id", "a").fails(2, "is not https")
    cli("add", "x", "--token-url", "login.example.com", "--client-id", "a").fails(2, "token_url")
    cli("add", "x", *EXAMPLE, "--set", "revoke_url=http://e.example/").fails(2, "revocation endpoint", "is not https")
    cli("add", "x", *EXAMPLE, "--grant", "authorization_code").fails(2, "authorization endpoint", "authorize_url")
    cli("add", "x", *EXAMPLE, "--grant", "device_code").fails(2, "device_url")
    cli("add", "x", *EXAMPLE, "--client-auth", "basic").fails(2, "no client secret")
    cli("add", "x", *EXAMPLE, "--client-auth", "private_key_jwt").fails(2, "no private key", "--key-file")
    cli("add", "x", *EXAMPLE, "--grant", "jwt_bearer").fails(2, "no private key", "--key-file")
    cli("add", "x", *EXAMPLE, "--grant", "token_exchange").fails(2, "subject_credential")
    cli("add", "x", "--token-url", "https://e.example/").fails(2, "no client id", "--client-id")
    cli("add", "x", *EXAMPLE, "--set", "pkce=perhaps").fails(2, "pkce")
    cli("add", "x", *EXAMPLE, "--grant", "magic").fails(2, "--grant")
    cli("add", "x", "--issuer", f"{server.url}/other", "--client-id", "a").fails(2, "x: ", "404", "--token-url")
    cli("add", "x", "--issuer", "https://e.example/?q", "--client-id", "a").fails(2, "query")
    assert cli("list", "--json").json == []


def test_notes_that_stop_nothing(cli: CLI) -> None:
    made = cli("add", "x", *EXAMPLE, "--set", "audiance=me")
    assert (made.code, made.err) == (0, "vestal: x: nothing is known of the setting audiance: is audience meant?\n")
    made = cli("add", "y", *EXAMPLE, "--grant", "token_exchange", "--set", "subject_credential=nobody")
    assert made.err == "vestal: y: there is no credential nobody yet, whose token is to be exchanged\n"
    made = cli("add", "z", "--provider", "github", "--client-id", "x", "--grant", "client_credentials")
    assert made.code == 0
    assert "not known to have the grant client_credentials" in made.err


def test_where_secrets_come_from(cli: CLI, server: PracticeServer, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"\xef\xbb\xbf" + CLIENT_SECRET.encode() + b"\r\n")
    service = ("--token-url", f"{server.url}/token", "--client-id", "practice")
    assert cli("add", "a", *service, "--client-secret-file", str(file)).code == 0
    assert cli("add", "b", *service, "--client-secret-file", "-", input=CLIENT_SECRET).code == 0
    assert cli("add", "c", *service, "--client-secret-env", "S", env={"S": CLIENT_SECRET}).code == 0
    for name in "abc":
        assert cli("token", name).code == 0
    file.write_text("\n")
    cli("add", "x", *service, "--client-secret-file", str(file)).fails(2, "is empty", "the client secret")
    file.write_text("one\ntwo\n")
    cli("add", "x", *service, "--client-secret-file", str(file)).fails(2, "more than one line")
    file.write_bytes(b"\xff\xfe\x00")
    cli("add", "x", *service, "--client-secret-file", str(file)).fails(2, "is not text")
    cli("add", "x", *service, "--client-secret-file", str(tmp_path)).fails(2, "directory")
    cli("add", "x", *service, "--client-secret-file", str(tmp_path / "no")).fails(2, "No such file")
    cli("add", "x", *service, "--client-secret-env", "S").fails(2, "not set")
    cli("add", "x", *service, "--client-secret-env", "S", env={"S": ""}).fails(2, "not set, or empty")
    cli("add", "x", *service, "--client-secret-env", "S", "--client-secret-file", "-", env={"S": "s"}).fails(2, "twice")
    two = ("--client-secret-file", "-", "--refresh-token-file", "-")
    cli("add", "x", *service, *two, input="s").fails(
        2, "stdin can't be the client secret and the refresh token at once"
    )


def test_secrets_in_settings_are_refused_and_not_repeated(cli: CLI) -> None:
    for setting in (
        "client_secret",
        "refresh_token",
        "token_param.password",
        "api_key",
        "token_param.apikey",
        "PASSWORD",
    ):
        told = cli("add", "x", *EXAMPLE, "--set", f"{setting}=canary-7").fails(2, "looks like a secret")
        assert "canary-7" not in told.err
    told = cli("add", "x", *EXAMPLE, "--set", "canary-7-without-a-key").fails(2, "--set KEY=VALUE")
    assert "canary" not in told.err
    for setting in ("token_param.token_format=jwt", "key_id=1", "subject_token_type=jwt"):
        assert cli("add", "x", *EXAMPLE, "--replace", "--set", setting).code == 0


def test_googles_key_file_names_its_account(cli: CLI, server: PracticeServer, tmp_path: Path) -> None:
    key = tmp_path / "google.json"
    key.write_text(json.dumps({"client_email": "robot@x.example", "private_key": server.jwt_client_key_pem}))
    made = cli("add", "g", "--provider", "google-service-account", "--key-file", str(key), "--scope", "a")
    assert (made.code, made.err) == (0, "")
    shown = cli("show", "g", "--json").json
    assert (shown["client_id"], shown["grant"]) == ("robot@x.example", "jwt_bearer")


def test_replace(cli: CLI, server: PracticeServer) -> None:
    add(cli, server)
    cli("refresh", "alice")
    cli("add", "alice", *EXAMPLE).fails(2, "alice: ", "of that name already", "--replace")
    add(cli, server, "alice", "--replace", "--scope", "read")
    shown = cli("show", "alice", "--json").json
    assert (shown["version"], shown["token_state"], shown["scopes"]) == (1, "missing", ["read"])
    assert len(shown["history"]) == 1
    assert cli("token", "alice", "--json").json["version"] == 2
