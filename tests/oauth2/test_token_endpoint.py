from __future__ import annotations

from dataclasses import replace

import pytest

from tests.oauth2.conftest import (
    NOW,
    FakeService,
    FixedClock,
    MakeCredential,
    answer,
    claims_of,
    dump,
    header_of,
    plain,
)
from vestal.core.errors import (
    AuthFailed,
    ConfigError,
    NeedsLogin,
    NetworkError,
    Outcome,
    PermissionDenied,
    ServiceError,
)
from vestal.core.secret import Secret
from vestal.core.transport import Request, Response, Text
from vestal.oauth2.dpop import DPOP_KEY, DPoPKey
from vestal.oauth2.jose import generate_key
from vestal.oauth2.provider import OAuth2Provider
from vestal.oauth2.token_endpoint import ask, ask_for

GRANTED = {"access_token": "at", "token_type": "Bearer", "expires_in": 3600}
BOUND = {**GRANTED, "token_type": "DPoP"}
WANTS_NONCE = {"error": "use_dpop_nonce", "error_description": "try again"}
PARAMETERS: dict[str, Text] = {"grant_type": "refresh_token", "refresh_token": Secret("rt-canary")}


def test_a_question_and_its_answer(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock
) -> None:
    service.will(answer(200, GRANTED))
    grant = ask(provider, credential(client_auth="post").app, service, clock, PARAMETERS)
    assert grant.access_token == Secret("at")
    assert (service.request.method, service.request.url) == ("POST", "https://acme.example/token")
    assert service.request.headers == {"Accept": "application/json"}
    assert service.form() == {
        "grant_type": "refresh_token",
        "refresh_token": "rt-canary",
        "client_id": "app-1",
        "client_secret": "client-secret-canary",
    }
    assert "canary" not in repr(service.request)


def test_the_providers_extras_and_the_apps(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock
) -> None:
    strange = replace(
        provider,
        token_parameters={"version": "2", "mode": "plain", "grant_type": "other"},
        token_headers={"X-Api": "1", "Accept": "application/vnd.acme+json"},
    )
    app = credential(client_auth="none", settings={"token_param.mode": "fine", "token_param.resource": "urn:a"}).app
    service.will(answer(200, GRANTED))
    ask(strange, app, service, clock, {"grant_type": "refresh_token"})
    assert service.form() == {
        "version": "2",
        "mode": "fine",
        "resource": "urn:a",
        "grant_type": "refresh_token",
        "client_id": "app-1",
    }
    assert service.request.headers == {"Accept": "application/vnd.acme+json", "X-Api": "1"}


@pytest.mark.parametrize("url", [None, "http://acme.example/token", "acme.example"])
def test_nothing_is_sent_to_an_unfit_address(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock, url: str | None
) -> None:
    with pytest.raises(ConfigError, match="token endpoint"):
        ask(replace(provider, token_endpoint=url), credential().app, service, clock, PARAMETERS)
    assert service.requests == []


def test_http_is_fine_on_this_machine(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock
) -> None:
    service.will(answer(200, GRANTED))
    ask(replace(provider, token_endpoint="http://127.0.0.1:8080/t"), credential().app, service, clock, PARAMETERS)
    assert service.request.url == "http://127.0.0.1:8080/t"


@pytest.mark.parametrize(
    ("grant_type", "kind"),
    [
        ("refresh_token", NeedsLogin),
        ("authorization_code", NeedsLogin),
        ("urn:ietf:params:oauth:grant-type:device_code", NeedsLogin),
        ("client_credentials", PermissionDenied),
        ("urn:ietf:params:oauth:grant-type:jwt-bearer", PermissionDenied),
        ("urn:ietf:params:oauth:grant-type:token-exchange", PermissionDenied),
    ],
)
def test_a_login_mends_only_what_began_with_one(
    provider: OAuth2Provider,
    credential: MakeCredential,
    service: FakeService,
    clock: FixedClock,
    grant_type: str,
    kind: type[Exception],
) -> None:
    service.will(answer(400, {"error": "invalid_grant"}))
    with pytest.raises(kind) as caught:
        ask(provider, credential().app, service, clock, {"grant_type": grant_type})
    assert type(caught.value) is kind


@pytest.mark.parametrize("method", ["basic", "post", "private_key_jwt"])
def test_no_secret_hangs_on_an_error(
    provider: OAuth2Provider, credential: MakeCredential, clock: FixedClock, method: str
) -> None:
    """The service repeats all that it was sent."""

    def echo(request: Request) -> Response:
        told = " ".join(plain(value) for value in (*request.headers.values(), *(request.form or {}).values()))
        return answer(401, {"error": "invalid_client", "error_description": told, "message": told})

    key = generate_key()
    app = credential(client_auth=method, private_key=key.private()).app
    with pytest.raises(AuthFailed) as caught:
        ask(provider, app, echo, clock, PARAMETERS)
    report = dump(caught.value)
    assert "canary" not in report
    assert "eyJ" not in report


def test_trouble_on_the_way_is_passed_on(
    provider: OAuth2Provider, credential: MakeCredential, clock: FixedClock
) -> None:
    def broken(request: Request) -> Response:
        raise NetworkError("cut", outcome=Outcome.UNKNOWN)

    with pytest.raises(NetworkError, match="cut"):
        ask(provider, credential().app, broken, clock, PARAMETERS)


@pytest.fixture
def key(clock: FixedClock) -> DPoPKey:
    return DPoPKey.generate(clock)


def proof_of(request: Request) -> str:
    return plain(request.headers["DPoP"])


def test_a_server_that_wants_a_nonce_is_asked_once_more(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock, key: DPoPKey
) -> None:
    app = credential(client_auth="private_key_jwt", private_key=generate_key().private()).app
    service.will(answer(400, WANTS_NONCE, {"dpop-nonce": "n1"}), answer(200, BOUND, {"dpop-nonce": "n2"}))
    assert ask(provider, app, service, clock, PARAMETERS, proof=key).token_type == "DPoP"
    first, second = (claims_of(proof_of(request)) for request in service.requests)
    assert ("nonce" in first, second["nonce"]) == (False, "n1")
    assert first["jti"] != second["jti"]
    assertions = [claims_of(service.form(index)["client_assertion"])["jti"] for index in (0, 1)]
    assert assertions[0] != assertions[1]
    service.will(answer(200, BOUND))
    ask(provider, app, service, clock, PARAMETERS, proof=key)
    assert claims_of(proof_of(service.requests[-1]))["nonce"] == "n2"


def test_it_is_not_asked_a_third_time(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock, key: DPoPKey
) -> None:
    service.will(*(answer(400, WANTS_NONCE, {"dpop-nonce": f"n{number}"}) for number in range(3)))
    with pytest.raises(ServiceError) as caught:
        ask(provider, credential().app, service, clock, PARAMETERS, proof=key)
    assert (len(service.requests), caught.value.outcome) == (2, Outcome.ANSWERED)


@pytest.mark.parametrize(("body", "headers"), [(WANTS_NONCE, {}), ({"error": "invalid_request"}, {"dpop-nonce": "n"})])
def test_other_refusals_are_final(
    provider: OAuth2Provider,
    credential: MakeCredential,
    service: FakeService,
    clock: FixedClock,
    key: DPoPKey,
    body: object,
    headers: dict[str, str],
) -> None:
    service.will(answer(400, body, headers))
    with pytest.raises((ServiceError, ConfigError)):
        ask(provider, credential().app, service, clock, PARAMETERS, proof=key)
    assert len(service.requests) == 1


def test_recorded_answers_lead_the_same_way_again(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock, key: DPoPKey
) -> None:
    """After an interruption: the nonce is known already, and what was recorded is what counts."""
    recorded = [answer(400, WANTS_NONCE, {"dpop-nonce": "n1"}), answer(200, BOUND)]
    for _ in range(2):
        service.will(*recorded)
        assert ask(provider, credential().app, service, clock, PARAMETERS, proof=key).access_token == Secret("at")
    assert len(service.requests) == 4


def test_a_credential_that_is_not_bound_sends_no_proof(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock
) -> None:
    service.will(answer(200, GRANTED))
    assert ask_for(provider, credential(), service, clock, PARAMETERS).secrets == {}
    assert "DPoP" not in service.request.headers


def test_the_key_of_a_bound_credential_is_made_and_kept(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock
) -> None:
    service.will(answer(200, {**BOUND, "id_token": "id"}), answer(200, BOUND))
    bound = replace(provider, dpop=True)
    unbound = credential()
    first = ask_for(bound, unbound, service, clock, PARAMETERS)
    assert set(first.secrets) == {"id_token", DPOP_KEY}
    kept = unbound.granted(first, sent_at=NOW, now=NOW, what="refresh")
    second = ask_for(provider, kept, service, clock, PARAMETERS)  # even if the setting is gone
    assert second.secrets[DPOP_KEY] == first.secrets[DPOP_KEY]
    keys = [header_of(proof_of(request))["jwk"] for request in service.requests]
    assert keys[0] == keys[1]
