from __future__ import annotations

import pytest

from vestal.core.errors import ConfigError
from vestal.operations.settings import PREFIXES, SETTINGS, check_setting, unknown_settings


@pytest.mark.parametrize("name", [*SETTINGS, "tenant", "shop", "token_param.token_format", "claim.scope", "keyspace"])
def test_settings(name: str) -> None:
    check_setting(name, "value")


@pytest.mark.parametrize(
    "name",
    [
        *("client_secret", "secret", "password", "Refresh_Token", "api_key", "apikey", "x-api-key", "private_key"),
        *("token_param.password", "token_param.client_assertion", "authorize_param.code", "token_param.authorization"),
        "passphrase",
    ],
)
def test_secrets_are_no_settings(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_setting(name, "canary-value")
    assert "canary" not in str(caught.value)


def test_a_key_pasted_as_a_value() -> None:
    with pytest.raises(ConfigError):
        check_setting("subject", "-----BEGIN PRIVATE KEY-----")


def test_unknown_settings() -> None:
    assert unknown_settings([*SETTINGS, *(f"{prefix}x" for prefix in PREFIXES), "tenant"], ["tenant"]) == []
    assert unknown_settings(["audiance", "zzz"], []) == [
        "nothing is known of the setting audiance: is audience meant?",
        "nothing is known of the setting zzz",
    ]
