from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from tests.oauth2.conftest import NOW, FakeService, FixedClock, MakeCredential, answer, claims_of
from vestal.core.errors import ConfigError
from vestal.core.provider import Provider
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.oauth2.dpop import DPOP_KEY, DPoPKey
from vestal.oauth2.provider import OAuth2Provider


def test_it_is_a_provider(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock
) -> None:
    house: Provider = provider
    service.will(answer(200, {"access_token": "at"}))
    assert house.refresh(credential(refresh_token=Secret("rt")), service, clock).access_token == Secret("at")
    assert house.name == "acme"


def test_its_endpoint(provider: OAuth2Provider, credential: MakeCredential) -> None:
    assert provider.endpoint(credential()) == "https://acme.example/token"
    for unfit in (None, "http://acme.example/token"):
        with pytest.raises(ConfigError, match="token endpoint"):
            replace(provider, token_endpoint=unfit).endpoint(credential())


def test_its_apis(provider: OAuth2Provider, credential: MakeCredential) -> None:
    made = credential()
    assert provider.apis(made) == ()
    known = replace(provider, api_urls=("https://api.acme.example", "https://{tenant}.acme.example"))
    with pytest.raises(ConfigError, match="needs to know tenant"):
        known.apis(made)
    with_tenant = replace(made, app=replace(made.app, settings={"tenant": "me"}))
    assert known.apis(with_tenant) == ("https://api.acme.example", "https://me.acme.example")
    for elsewhere in ("web_url", "token_url", "issuer"):
        of_another = replace(made, app=replace(made.app, settings={"tenant": "me", elsewhere: "https://other.example"}))
        assert known.apis(of_another) == ()
    moved = replace(made, app=replace(made.app, settings={"tenant": "me", "web_url": "https://mine.example"}))
    assert known.apis(moved) == (), "a server of one's own has its API elsewhere"


@pytest.mark.parametrize("grant", ["refresh_token", "client_credentials", "token_exchange"])
def test_what_is_at_stake(provider: OAuth2Provider, credential: MakeCredential, grant: str) -> None:
    assert provider.at_stake(credential(grant=grant, refresh_token=Secret("rt"))) == Secret("rt")
    assert provider.at_stake(credential(grant=grant)) is None
    assert provider.at_stake(credential(grant=grant, refresh_token=Secret(""))) is None


@pytest.mark.parametrize(
    ("rotation", "seen", "rotates"),
    [
        ("always", False, True),
        ("never", True, False),
        ("unknown", None, True),
        ("unknown", True, True),
        ("unknown", False, False),
    ],
)
def test_when_in_doubt_it_rotates(
    provider: OAuth2Provider, credential: MakeCredential, rotation: Any, seen: bool | None, rotates: bool
) -> None:
    assert replace(provider, rotation=rotation).rotates(credential(rotating=seen)) is rotates


def test_any_change_of_the_app_changes_its_fingerprint(provider: OAuth2Provider, credential: MakeCredential) -> None:
    variants: list[dict[str, Any]] = [
        {},
        {"client_id": "app-2"},
        {"client_secret": "other"},
        {"client_secret": None},
        {"private_key": Secret("key")},
        {"client_auth": "post"},
        {"grant": "client_credentials"},
        {"settings": {"assertion_audience": "x"}},
        {"settings": {"assertion_audience": "y"}},
    ]
    found = [provider.client_fingerprint(credential(**variant)) for variant in variants]
    found.append(replace(provider, token_endpoint="https://other.example/token").client_fingerprint(credential()))
    assert len(set(found)) == len(variants) + 1
    assert found[0] == provider.client_fingerprint(credential(refresh_token=Secret("rt"), version=7))
    assert "canary" not in "".join(found)


def test_it_needs_another_credential_only_for_an_exchange(provider: OAuth2Provider, credential: MakeCredential) -> None:
    settings = {"subject_credential": "idp/me"}
    assert provider.needs(credential(grant="token_exchange", settings=settings)) == "idp/me"
    assert provider.needs(credential(grant="token_exchange")) is None
    assert provider.needs(credential(grant="client_credentials", settings=settings)) is None
    assert provider.needs(credential(grant="token_exchange", settings=settings, refresh_token=Secret("rt"))) is None


def test_a_token_is_presented_as_it_is(provider: OAuth2Provider, credential: MakeCredential) -> None:
    token = Token(Secret("at"))
    assert provider.present(credential(token=token)) is token
    assert provider.present(credential()) is None


def test_a_bound_token_is_presented_with_its_proof(provider: OAuth2Provider, credential: MakeCredential) -> None:
    key = DPoPKey.generate()
    bound = Token(Secret("at"), token_type="DPoP", version=3)
    token = provider.present(credential(token=bound, secrets={DPOP_KEY: key.secret()}))
    assert token == bound
    assert token is not None
    headers = token.headers("GET", "https://api.example/x")
    assert headers["Authorization"] == "DPoP at"
    assert claims_of(headers["DPoP"])["ath"]
    assert abs(claims_of(headers["DPoP"])["iat"] - NOW) > 1_000_000  # by the machine's own clock
    assert provider.present(credential(token=bound)) == bound


HEAVY = ("joserfc", "cryptography", "httpx2", "rich", "email")


def test_presenting_a_token_loads_nothing_heavy() -> None:
    script = f"""
import sys
from vestal.core.credential import App, Credential
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.oauth2.configuration import custom
app = App(provider="custom", settings={{"token_url": "https://acme.example/token"}})
for kind in ("Bearer", "DPoP"):
    token = Token(Secret("at"), token_type=kind)
    credential = Credential(name="a", app=app, token=token, secrets={{"dpop_key": Secret("x")}})
    assert custom(app).present(credential) == token
print([name for name in {HEAVY} if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
