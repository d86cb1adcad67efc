from __future__ import annotations

import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.errors import ConfigError, NeedsLogin
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.operations.doors import formats

TOKEN = Token(Secret("t0ken"), "bearer", expires_at=1_800_000_000.9, scope="read", version=3)
ENDLESS = Token(Secret("t0ken"))

_VISIBLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)


def test_an_exec_credential() -> None:
    told = json.loads(formats.exec_credential(TOKEN).reveal())
    assert told == {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "t0ken", "expirationTimestamp": "2027-01-15T08:00:00Z"},
    }
    assert json.loads(formats.exec_credential(ENDLESS).reveal())["status"] == {"token": "t0ken"}


@pytest.mark.parametrize("info", ["{", "[]", "{}", '{"apiVersion": "client.authentication.k8s.io/v1alpha1"}', "null"])
def test_a_version_that_nobody_knows(info: str) -> None:
    with pytest.raises(ConfigError):
        formats.exec_credential(TOKEN, info)


def test_a_process_credential() -> None:
    told = json.loads(formats.process_credential(TOKEN).reveal())
    assert told == {"Version": 1, "AccessToken": "t0ken", "TokenType": "Bearer", "Expiration": "2027-01-15T08:00:00Z"}
    assert "Expiration" not in json.loads(formats.process_credential(ENDLESS).reveal())


@pytest.mark.parametrize(("kind", "field"), [("jwt", "id_token"), ("id_token", "id_token"), ("saml2", "saml_response")])
def test_an_executable_s_answer(kind: str, field: str) -> None:
    told = json.loads(formats.google_executable(TOKEN, kind).reveal())
    kind = f"urn:ietf:params:oauth:token-type:{kind}"
    assert told == {
        "version": 1,
        "success": True,
        "token_type": kind,
        field: "t0ken",
        "expiration_time": 1_800_000_000,
    }


def test_an_executable_s_failure() -> None:
    told = json.loads(formats.google_failure(NeedsLogin("refused", credential="a")))
    assert told == {"version": 1, "success": False, "code": "NEEDS_LOGIN", "message": "a: refused"}


@given(_VISIBLE)
def test_a_line_for_curl_is_one_line(text: str) -> None:
    line = formats.curl_config(Token(Secret(text))).reveal()
    assert line.startswith('oauth2-bearer = "')
    assert line.endswith('"\n')
    inner = line[len('oauth2-bearer = "') : -2]
    assert inner.replace('\\"', "").replace("\\\\", "").count('"') == 0
    assert inner.replace("\\\\", "\0").replace('\\"', '"').replace("\0", "\\") == text


@given(_VISIBLE)
def test_a_line_of_an_environment_file(text: str) -> None:
    [word] = shlex.split(formats.env(Token(Secret(text)), "acme").reveal())
    assert word == f"ACME_TOKEN={text}"


def test_no_secret_shows() -> None:
    for write in formats.FILES.values():
        assert "t0ken" not in repr(write(TOKEN, "acme"))
