from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest
from google.auth import exceptions, pluggable
from google.auth.transport.requests import Request

from tests.doors.conftest import House
from tests.doors.guarded import Answer, Guarded

AUDIENCE = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/v"


def credentials(house: House, token_url: str, name: str) -> pluggable.Credentials:
    command = " ".join([*house.cli.command("for", "google", name)])
    return pluggable.Credentials(  # type: ignore[no-untyped-call]
        audience=AUDIENCE,
        subject_token_type="urn:ietf:params:oauth:token-type:jwt",
        token_url=token_url,
        credential_source={"executable": {"command": command, "timeout_millis": 60000}},
    )


@pytest.fixture(autouse=True)
def environment(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")
    monkeypatch.setenv("VESTAL_HOME", house.environment["VESTAL_HOME"])


def test_the_executable_gives_the_subject_token(house: House, guarded: Guarded) -> None:
    exchanged: list[str] = []

    def exchange(body: bytes) -> Answer:
        exchanged.extend(parse_qs(body.decode())["subject_token"])
        told = {"access_token": "google's", "issued_token_type": "x", "token_type": "Bearer", "expires_in": 60}
        return 200, {"Content-Type": "application/json"}, json.dumps(told).encode()

    guarded.allowed = {""}
    guarded.answers["/sts"] = exchange
    mine = credentials(house, f"{guarded.url}/sts", "acme")
    mine.refresh(Request())  # type: ignore[no-untyped-call]
    assert mine.token == "google's"
    assert exchanged == [house.token]


def test_a_failure_is_told_in_its_words(house: House, guarded: Guarded) -> None:
    mine = credentials(house, f"{guarded.url}/sts", "nobody")
    with pytest.raises(exceptions.RefreshError, match=r"CONFIG_ERROR.*no credential of that name"):
        mine.refresh(Request())  # type: ignore[no-untyped-call]
