from __future__ import annotations

from pathlib import Path

import pytest

from tests.oauth2.conftest import FakeService, FixedClock, MakeCredential, answer, dump
from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.oauth2.provider import OAuth2Provider
from vestal.oauth2.token_exchange import refresh

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
EXCHANGED = {"access_token": "at", "issued_token_type": ACCESS_TOKEN, "token_type": "N_A", "refresh_token": "rt"}


def test_another_credentials_token_is_exchanged(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock
) -> None:
    service.will(answer(200, EXCHANGED))
    mine = credential(
        grant="token_exchange",
        client_auth="none",
        scopes=("read",),
        settings={
            "audience": "backend",
            "resource": "https://api.example",
            "requested_token_type": "jwt",
            "subject_credential": "idp/me",
        },
        subject=Token(Secret("subject")),
    )
    grant = refresh(provider, mine, service, clock)
    assert (grant.access_token, grant.token_type, grant.refresh_token) == (Secret("at"), "N_A", Secret("rt"))
    assert grant.extra == {"issued_token_type": ACCESS_TOKEN}
    assert service.form() == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": "subject",
        "subject_token_type": ACCESS_TOKEN,
        "requested_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "scope": "read",
        "audience": "backend",
        "resource": "https://api.example",
        "client_id": "app-1",
    }


def test_a_file_is_read_again_each_time(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    settings = {"subject_token_file": str(file), "subject_token_type": "urn:example:special"}
    mine = credential(grant="token_exchange", client_secret=None, client_id="", settings=settings)
    for number in (1, 2):
        file.write_text(f"subject-{number}\n")
        service.will(answer(200, {"access_token": "at"}))
        assert refresh(provider, mine, service, clock).access_token == Secret("at")
    assert [service.form(index)["subject_token"] for index in (0, 1)] == ["subject-1", "subject-2"]
    assert service.form()["subject_token_type"] == "urn:example:special"
    assert "client_id" not in service.form()


def test_there_must_be_something_to_exchange(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock
) -> None:
    with pytest.raises(ConfigError, match="needs a token to exchange"):
        refresh(provider, credential(grant="token_exchange"), service, clock)


@pytest.mark.parametrize("content", [None, b"", b" \n", "tökän-canary".encode(), b"\xff-canary"])
def test_a_file_without_a_token(
    provider: OAuth2Provider,
    credential: MakeCredential,
    service: FakeService,
    clock: FixedClock,
    tmp_path: Path,
    content: bytes | None,
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    mine = credential(grant="token_exchange", settings={"subject_token_file": str(file)})
    with pytest.raises(ConfigError, match="holds no token that can be read") as caught:
        refresh(provider, mine, service, clock)
    assert "canary" not in dump(caught.value)
    assert service.requests == []
