"""What the environment says of GitHub."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.services.github.config import GitHubConfig, check_app_id, read_config, read_private_key

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "acme.pem"
    path.write_text(f"\n{PEM}\n")
    return path


def test_an_app(key: Path) -> None:
    environ = {
        "GITHUB_APP_ID": " 123456 ",
        "GITHUB_PRIVATE_KEY_PATH": str(key),
        "GITHUB_API_BASE_URL": "https://ghe.example.com/api/v3",
        "GITHUB_WEBHOOK_SECRET": " spaces belong to it ",
        "GITHUB_MAX_RETRIES": "5",
        "GITHUB_RATE_LIMIT_BUFFER": "0",
    }
    assert read_config(environ) == GitHubConfig(
        app_id="123456",
        private_key=Secret(PEM),
        base_url="https://ghe.example.com/api/v3",
        webhook_secret=Secret(" spaces belong to it "),
        max_retries=5,
        rate_limit_buffer=0,
    )


def test_the_client_id_stands_in_for_the_app_id(key: Path) -> None:
    environ = {"GITHUB_CLIENT_ID": "Iv23liABCDEFGHIJKLMN", "GITHUB_PRIVATE_KEY_PATH": str(key)}
    assert read_config(environ).app_id == "Iv23liABCDEFGHIJKLMN"
    assert read_config({**environ, "GITHUB_APP_ID": "7"}).app_id == "7"


def test_tokens_instead_of_an_app() -> None:
    config = read_config({"GITHUB_TOKEN": "ghp_a, ,ghp_b,"})
    assert config.tokens == (Secret("ghp_a"), Secret("ghp_b"))
    assert config == GitHubConfig(tokens=config.tokens)


def test_mock_mode_needs_nothing_else() -> None:
    assert read_config({"GITHUB_MOCK_MODE": "True"}) == GitHubConfig(mock_mode=True)


def test_credentials_are_not_asked_for_where_the_caller_has_some() -> None:
    assert read_config({}, credentials=False) == GitHubConfig()
    assert read_config({"GITHUB_APP_ID": "no number"}, credentials=False).private_key is None


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    environ = {
        "GITHUB_APP_ID": "acme",
        "GITHUB_PRIVATE_KEY_PATH": str(tmp_path / "gone.pem"),
        "GITHUB_API_BASE_URL": "http://ghe.example.com",
        "GITHUB_MOCK_MODE": "perhaps",
        "GITHUB_MAX_RETRIES": "-1",
        "GITHUB_RATE_LIMIT_BUFFER": "many",
    }
    with pytest.raises(ConfigError) as wrong:
        read_config(environ)
    for said in (
        "GITHUB_APP_ID (or GITHUB_CLIENT_ID) is neither",
        f"{tmp_path / 'gone.pem'}: No such file or directory",
        "GITHUB_API_BASE_URL: the address of GitHub http://ghe.example.com is not https",
        "GITHUB_MOCK_MODE",
        "GITHUB_MAX_RETRIES",
        "GITHUB_RATE_LIMIT_BUFFER",
    ):
        assert said in wrong.value.message


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({}, "GITHUB_APP_ID and GITHUB_PRIVATE_KEY_PATH are missing"),
        ({"GITHUB_APP_ID": "1"}, "GITHUB_PRIVATE_KEY_PATH is missing"),
        ({"GITHUB_PRIVATE_KEY_PATH": "/nowhere"}, "GITHUB_APP_ID is missing"),
        ({"GITHUB_MOCK_MODE": "off"}, "GITHUB_APP_ID and GITHUB_PRIVATE_KEY_PATH are missing"),
    ],
)
def test_what_is_missing_is_named(environ: dict[str, str], missing: str) -> None:
    with pytest.raises(ConfigError, match=missing):
        read_config(environ)


def test_a_file_that_is_no_key_is_named_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "id.pub"
    path.write_text("ssh-rsa AAAA")
    with pytest.raises(ConfigError, match="does not begin with -----BEGIN") as refused:
        read_private_key(path)
    assert str(path) in refused.value.message
    assert "AAAA" not in str(refused.value)
    with pytest.raises(ConfigError, match="Is a directory"):
        read_private_key(tmp_path)


@pytest.mark.parametrize("app_id", ["1", "99999999", "Iv1.0123456789abcdef", "Iv23liABCDEFGHIJKLMN"])
def test_app_ids(app_id: str) -> None:
    assert check_app_id(app_id) == app_id


@given(st.dictionaries(st.sampled_from(["GITHUB_APP_ID", "GITHUB_TOKEN", "GITHUB_API_BASE_URL", "GITHUB_MOCK_MODE",
       "GITHUB_PRIVATE_KEY_PATH", "GITHUB_MAX_RETRIES"]), st.text(st.characters(exclude_characters="\0"))))  # fmt: skip
def test_any_environment_is_a_configuration_or_one_clear_error(environ: dict[str, str]) -> None:
    try:
        assert isinstance(read_config(environ), GitHubConfig)
    except ConfigError as error:
        assert error.message.startswith("the environment's settings for GitHub can't be used: GITHUB_")
