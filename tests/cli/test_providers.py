"""providers: the services that are known by name."""

from __future__ import annotations

from tests.cli.conftest import CLI


def test_one_provider(cli: CLI) -> None:
    told = cli("providers", "dropbox").out
    lines = dict(line.split("  ", 1) for line in told.splitlines() if "  " in line)
    assert lines["token"].strip() == "https://api.dropboxapi.com/oauth2/token"
    assert lines["API"].strip() == "https://api.dropboxapi.com, https://content.dropboxapi.com"
    assert cli("providers", "dropbox", "--json").json["api_urls"] == [
        "https://api.dropboxapi.com",
        "https://content.dropboxapi.com",
    ]


def test_one_whose_api_is_not_known(cli: CLI) -> None:
    """Where it is depends on the account."""
    assert "\nAPI " not in cli("providers", "mailchimp").out
    assert cli("providers", "mailchimp", "--json").json["api_urls"] == []


def test_one_of_ones_own(cli: CLI) -> None:
    (cli.folder / "providers.toml").write_text(
        '[acme]\ntoken_endpoint = "https://acme.example/token"\napi_urls = ["https://{site}.acme.example/api"]\n'
        '[acme.variables]\nsite = "what stands before .acme.example"\n'
    )
    assert "https://{site}.acme.example/api" in cli("providers", "acme").out
    (found,) = cli("providers", "--search", "acme", "--json").json
    assert found["api_urls"] == ["https://{site}.acme.example/api"]


def test_nothing_found(cli: CLI) -> None:
    assert cli("providers", "--search", "acme", "--json").json == []
    cli("providers", "--search", "acme").fails(2, "no provider has 'acme'")
