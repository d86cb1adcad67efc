"""`vestal github` on the real command line, against the stub: what it shows, what it refuses, and what it never says."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.cli import disks
from tests.github.command import EVERYTHING, GitHubCLI, private_folder
from tests.github.fetcher_truth import truth
from tests.github.stub.apps import App
from tests.github.stub.server import Stub
from tests.services.github.prs.sinks.reading import read
from vestal.cli.commands.github import SECTIONS, command


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub(pulls=60) as stub:
        yield stub


@pytest.fixture
def github(tmp_path: Path, stub: Stub) -> GitHubCLI:
    return GitHubCLI(private_folder(tmp_path / "home"), stub, "alice", "bob")


@pytest.fixture
def app(stub: Stub, github: GitHubCLI, tmp_path: Path) -> App:
    """An app, added as `acme-bot`, installed in two accounts."""
    app = stub.add_app("acme-bot")
    stub.install(app, "acme")
    stub.suspend(stub.install(app, "octocat", ["octocat/hello"]))
    (tmp_path / "key.pem").write_text(app.private_key)
    told = github.github(
        *("add-app", "acme-bot", "--app-id", str(app.id), "--key-file", str(tmp_path / "key.pem")),
        *("--base-url", stub.url, "--json"),
    )
    assert told.json == {"name": "acme-bot", "slug": "acme-bot", "app_id": app.id, "installed": ["acme"]}
    return app


def test_every_command_and_option_has_help(github: GitHubCLI) -> None:
    shown = github.github("--help").out
    assert github.github().out == shown
    assert isinstance(command, click.Group)
    context = click.Context(command, info_name="github")
    names = [name for section in SECTIONS.values() for name in section]
    assert sorted(names) == command.list_commands(context)
    for name in names:
        each = command.get_command(context, name)
        assert each is not None
        assert each.name == name
        assert each.help
        assert len(each.get_short_help_str(1000)) <= 55, "it takes more than a line in `vestal github --help`"
        assert re.search(rf"^  {name} ", shown, re.MULTILINE)
        for parameter in each.params:
            assert not isinstance(parameter, click.Option) or parameter.help, parameter.name
        assert github.github(name, "--help").code == 0


def test_installations_are_shown_and_become_credentials(github: GitHubCLI, app: App) -> None:
    table = github.github("installations").out.splitlines()
    assert table[0].split() == ["ID", "ACCOUNT", "REPOSITORIES", "PERMISSIONS", "STATE"]
    assert [line.split()[1:3] for line in table[1:]] == [["acme", "all"], ["octocat", "selected"]]
    assert table[1].endswith("active")
    assert "suspended 20" in table[2]
    found = github.github("installations", "acme-bot", "--json").json
    assert [each["account"] for each in found] == ["acme", "octocat"]
    acme, octocat = (each["credential"] for each in found)
    github("token", acme).fails(2, f"`vestal github installations acme-bot --add --installation {found[0]['id']}`")
    made = github.github("installations", "--add").out.splitlines()
    assert [line.split()[:3] for line in made[1:]] == [[acme, "acme", "active"], [octocat, "octocat", "suspended"]]
    assert github("token", acme).out.startswith("ghs_")
    github("token", octocat).fails(5, "suspended")


@pytest.mark.parametrize("command", ["token", "show", "refresh"])
def test_the_credential_of_an_installation_that_is_not_there_yet(command: str, github: GitHubCLI, app: App) -> None:
    add = "`vestal github installations acme-bot --add --installation 42`"
    github(command, "acme-bot/installation/42").fails(2, "there is no credential of that name", f"{add} makes it)")
    github(command, "acme-bot/installation/42/e71653a20b4e").fails(2, add, "--repository and --permission")
    told = github(command, "acme-bot/installation/42", "--json")
    assert add in json.loads(told.err)["remedy"]
    for other in ("other/installation/42", "acme-bot/installations/42", "acme-bot/42"):
        assert "installations acme-bot" not in github(command, other).fails(2, "`vestal list` shows all").err


def test_less_than_all_of_an_installation(github: GitHubCLI, stub: Stub, app: App) -> None:
    narrow = ("installations", "--add", "--repository", "acme/widgets", "--permission", "contents:read")
    header, line = github.github(*narrow).out.splitlines()
    assert header.split() == ["CREDENTIAL", "ACCOUNT", "STATE"]
    name, *rest = line.split()
    assert rest == ["acme", "active"]
    token = stub.service.tokens.find(github("token", name).out.strip())
    assert token.permissions == {"contents": "read", "metadata": "read"}
    assert len(token.repositories or ()) == 1
    again = github.github(*narrow, "--json").json
    assert [each["credential"] for each in again] == [name]
    by_id = ("installations", "acme-bot", "--installation", str(again[0]["id"]), "--add", "--repository", "Widgets")
    assert github.github(*by_id, "--permission", "contents:read", "--json").json == again
    both = github.github("installations", "--add", "--permission", "contents:read", "--json").json
    assert [each["account"] for each in both] == ["acme", "octocat"]  # of which one is suspended


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--repository", "acme/widgets"), 2, ["make them with --add"]),
        (("--add", "--repository", "widgets"), 2, ["there are 2 installations", "--installation"]),
        (("--add", "--repository", "acme/widgets", "--repository", "octocat/hello"), 2, ["acme and octocat"]),
        (("--add", "--repository", "nobody/thing"), 2, ["no one installation is that of nobody"]),
        (("--add", "--repository", "acme/"), 2, ["no name"]),
        (("--add", "--repository", ""), 2, ["no name"]),
        (("--add", "--permission", "contents"), 2, ["contents:read"]),
        (("--add", "--permission", "contents:read", "--permission", "contents:write"), 2, ["given twice"]),
        (("--installation", "1"), 2, ["no installation 1", "`vestal github installations`"]),
        (("--add", "--repository", "acme/nothing"), 5, ["does not exist or is not accessible"]),
        (("--add", "--permission", "administration:write"), 5, ["not granted to this installation"]),
    ],
)
def test_what_is_not_granted_is_not_kept(
    options: tuple[str, ...], code: int, words: list[str], github: GitHubCLI, app: App
) -> None:
    github.github("installations", *options).fails(code, *words)
    home = github.home()
    names = home.store.names()
    home.close()
    assert names == ["acme-bot"]


def test_prs_of_an_app_come_with_the_installation_that_reaches(
    github: GitHubCLI, stub: Stub, app: App, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    told = github.github("prs", "https://github.com/acme/secret.git", "--app", "acme-bot", "-o", str(out), *EVERYTHING)
    assert re.fullmatch(rf"{out}: 12 pull requests \(\d points\)\n", told.out)
    assert read(out, "jsonl") == truth(stub, "acme/secret")


def test_a_token_is_added_and_asks(github: GitHubCLI, stub: Stub) -> None:
    added = github.github("add-token", "me", "--token-file", "-", "--base-url", stub.url, input=github.tokens[0] + "\n")
    assert added.out == "me: added (alice, classic)\n"
    limits = github.github("limits", "--credential", "me", "--json").json
    assert [(line["name"], line["bucket"]) for line in limits] == [("me", "core"), ("me", "graphql"), ("me", "search")]
    assert limits[1]["remaining"] == limits[1]["limit"] == 5000
    assert limits[0]["token"] == f"ghp_...{github.tokens[0][-4:]}"
    stub.revoke(github.tokens[0])  # whose owner is known by now
    [line] = {line["refused"] for line in github.github("limits", "--credential", "me", "--json").json}
    assert "Bad credentials" in line
    remedy = f"`vestal github add-token me --token-file - --base-url {stub.url} --replace`"
    github("token", "me", "--newer-than", "1").fails(3, "Bad credentials", remedy)


def test_what_is_added_belongs_where_the_environment_says(github: GitHubCLI, stub: Stub, tmp_path: Path) -> None:
    app = stub.add_app("acme-bot")
    (tmp_path / "key.pem").write_text(app.private_key)
    assert github.environment["GITHUB_API_BASE_URL"] == stub.url
    added = github.github("add-app", "acme-bot", "--app-id", str(app.id), "--key-file", str(tmp_path / "key.pem"))
    assert added.out.startswith("acme-bot: added")
    assert github.github("add-token", "me", "--token-file", "-", input=github.tokens[0]).code == 0
    there = ("add-token", "there", "--token-file", "-", "--base-url", stub.enterprise_url)
    assert github.github(*there, input=github.tokens[0]).code == 0
    home = github.home()
    urls = [each.app.settings["base_url"] for each in home.store.iterate()]
    home.close()
    assert urls == [stub.url, stub.url, stub.enterprise_url]


def test_limits_are_a_table(github: GitHubCLI, stub: Stub) -> None:
    stub.set_limit(stub.owner_of(github.tokens[0]), "graphql", remaining=0)
    stub.revoke(github.tokens[1])
    second = stub.add_pat("alice")
    told = github.github("limits", env={"GITHUB_SEEDING_TOKENS": ",".join([*github.tokens, second])})
    lines = told.out.splitlines()
    assert lines[0].split() == ["NAME", "TOKEN", "BUCKET", "LEFT", "RESETS", "STATE"]
    first = [line.split() for line in lines[1:4]]
    assert [(row[0], row[2]) for row in first[:1]] == [("token-1", "core")]
    assert first[1][:4] == ["+", "token-3", f"ghp_...{second[-4:]}", "graphql"]
    assert first[1][-1] == "exhausted"
    assert (first[2][0], first[2][-1]) == ("search", "fine")
    assert lines[4].split() == ["token-2", f"ghp_...{github.tokens[1][-4:]}", "refused"]
    assert len(lines) == 5
    assert told.err == "vestal: token-2: the service refused this fixed token\n"
    assert not any(token in told.out + told.err for token in [*github.tokens, second])


def test_tokens_that_are_all_refused(github: GitHubCLI, stub: Stub) -> None:
    for token in github.tokens:
        stub.revoke(token)
    told = github.github("contributors", "acme/widgets").fails(
        3, "no GitHub token can be used: token-1: ", "token-2: ", "the tokens of GITHUB_SEEDING_TOKENS"
    )
    assert not any(token in told.err for token in github.tokens)


def test_contributors_are_a_table(github: GitHubCLI) -> None:
    lines = github.github("contributors", "acme/widgets", "--since", "2000-01-01", "--max", "3").out.splitlines()
    assert lines[0].startswith("LOGIN")
    assert len(lines) == 4
    people = github.github("contributors", "acme/widgets", "--since", "2000-01-01", "--json").json
    assert people[0]["pr_count"] >= people[-1]["pr_count"] > 0
    assert set(people[0]) == {"github_id", "github_login", "display_name", "email", "avatar_url", "pr_count"}
    assert "nobody has made" in github.github("contributors", "acme/empty").out


BAD = [
    (("prs",), 2, ["missing argument"]),
    (("prs", "acme/widgets"), 2, ["--out"]),
    (("prs", "widgets", "-o", "OUT.csv"), 2, ["'widgets' is no repository", "acme/widgets"]),
    (("prs", "acme/..", "-o", "OUT.csv"), 2, ["is no repository"]),
    (("prs", "acme/widgets", "-o", "OUT.txt"), 2, ["--format"]),
    (("prs", "acme/widgets", "-o", "OUT.csv", "--format", "xlsx"), 2, ["--format"]),
    (("prs", "acme/widgets", "-o", "OUT.csv", "--since", "yesterday"), 2, ["'yesterday' is no time", "90d"]),
    (("prs", "acme/widgets", "-o", "OUT.csv", "--since", "1d", "--until", "2d"), 2, ["ends before it begins"]),
    (("prs", "acme/widgets", "-o", "OUT.csv", "--max", "0"), 2, ["--max"]),
    (("prs", "acme/widgets", "-o", "missing/OUT.csv"), 2, ["can't be written", "No such file"]),
    (("prs", "acme/widgets", "-o", "."), 2, ["does not say what to write"]),
    (("prs", "acme/widgets", "-o", "folder.csv"), 2, ["is a folder"]),
    (("prs", "acme/widgets", "-o", "there.csv"), 2, ["is there already", "--replace"]),
    (("prs", "acme/nothing", "-o", "OUT.csv"), 5, ["acme/nothing is missing, or hidden"]),
    (("prs", "acme/widgets", "-o", "OUT.csv", "--app", "nobody"), 2, ["nobody"]),
    (("prs", "acme/widgets", "-o", "OUT.csv", "--credential", "nobody"), 2, ["nobody"]),
    (("contributors", "acme/nothing"), 5, ["acme/nothing is missing, or hidden"]),
    (("installations",), 2, ["there is no GitHub App yet", "add-app"]),
    (("add-app", "x", "--client-id", "Iv1"), 2, ["--key-file"]),
    (("add-app", "x", "--key-file", "there.csv"), 2, ["id is missing"]),
    (("add-app", "x", "--client-id", "a", "--app-id", "1", "--key-file", "there.csv"), 2, ["given twice"]),
    (("add-app", "x", "--client-id", "a", "--key-file", "there.csv"), 2, ["-----BEGIN"]),
    (("add-token", "x", "--token-file", "missing"), 2, ["can't be read"]),
    (("limits", "--app", "a", "--credential", "b"), 2, ["give one of"]),
    (("nonsense",), 2, ["nonsense"]),
]


@pytest.mark.parametrize(("arguments", "code", "words"), BAD, ids=[" ".join(each[0]) for each in BAD])
def test_bad_input_is_one_line(
    arguments: tuple[str, ...], code: int, words: list[str], github: GitHubCLI, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    (work / "folder.csv").mkdir(parents=True)
    (work / "there.csv").write_text("mine")
    here = Path.cwd()
    os.chdir(work)
    try:
        github.github(*arguments).fails(code, *words)
    finally:
        os.chdir(here)
    left = sorted(each.name for each in work.iterdir() if each.name != "folder.csv.checkpoint")
    assert left == ["folder.csv", "there.csv"]
    assert (work / "there.csv").read_text() == "mine"


def test_without_a_token_nothing_is_asked(github: GitHubCLI, stub: Stub, tmp_path: Path) -> None:
    before = len(stub.log)
    told = github.github("limits", env={"GITHUB_SEEDING_TOKENS": " , "})
    told.fails(2, "there is no GitHub token to ask with", "--app", "GITHUB_SEEDING_TOKENS")
    assert len(stub.log) == before


def test_a_full_disk_costs_nothing_that_is_there(github: GitHubCLI, stub: Stub, tmp_path: Path) -> None:
    folder = private_folder(tmp_path / "disk")
    with disks.full(folder) as disk:
        out = disk.folder / "out.jsonl"
        run = ("github", "prs", "octocat/hello", "-o", str(out), *EVERYTHING)
        assert github(*run, "--max", "3").code == 0
        complete = out.read_bytes()
        disk.spoil()
        told = github(*run, before=disk.before)
        assert told.code in (2, 4), told
        assert told.err.count("\n") == 1
        assert "Traceback" not in told.err
        assert out.read_bytes() == complete
        disk.mend()
        assert github(*run).code == 0
        assert read(out, "jsonl") == truth(stub, "octocat/hello")


def test_a_terminal_gets_a_bar(github: GitHubCLI, stub: Stub, tmp_path: Path) -> None:
    stub.configure(latency=0.15)
    ours, theirs = pty.openpty()
    command = github.command("github", "prs", "acme/widgets", "-o", str(tmp_path / "out.csv"), *EVERYTHING)
    with subprocess.Popen(command, env=github.environment, stderr=theirs, stdout=subprocess.PIPE, text=True) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # how a terminal ends, on Linux
            pass
        os.close(ours)
        out, _ = process.communicate()
    assert process.returncode == 0
    assert "60 pull requests" in out
    text = re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", shown).decode()
    assert re.search(r"acme/widgets .* 60 found .* listing", text)
    assert re.search(r"acme/widgets .* of 60 .* fetching", text)


def test_no_secret_is_said(github: GitHubCLI, stub: Stub, app: App, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    host = stub.url.removeprefix("http://")
    said = []
    for arguments in (
        ("limits",),
        ("prs", "acme/secret", "--app", "acme-bot", "-o", str(out), *EVERYTHING),
        ("prs", "acme/nothing", "--app", "acme-bot", "-o", str(tmp_path / "no.csv")),
        ("installations",),
        ("contributors", "acme/nothing"),
        ("git-credential", "erase"),
        ("add-token", "me", "--token-file", "-"),
    ):
        question = f"protocol=http\nhost={host}\npath=acme/secret.git\npassword={github.tokens[0]}\n"
        given = github.tokens[0] if arguments[0] == "add-token" else question
        told = github("-vv", "github", *arguments, input=given, env={"VESTAL_DEBUG": "1"})
        said.append(told.out + told.err)
    home = github.home()
    held = [each.token.access_token.reveal() for each in home.store.iterate() if each.token is not None]
    home.close()
    assert len(held) >= 2
    for secret in [*held, *github.tokens, app.private_key.splitlines()[5]]:
        assert not any(secret in text for text in said)
        assert secret.encode() not in (tmp_path / "out.jsonl.checkpoint").read_bytes()
