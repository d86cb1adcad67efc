from __future__ import annotations

from tests.oauth2.conftest import FixedClock, MakeCredential, claims_of, plain
from vestal.core.secret import Secret
from vestal.oauth2.client_request import client_request, secrets_of
from vestal.oauth2.jose import generate_key
from vestal.oauth2.provider import OAuth2Provider

URL = "https://acme.example/revoke"


def test_a_request(provider: OAuth2Provider, credential: MakeCredential, clock: FixedClock) -> None:
    app = credential(client_auth="basic").app
    request = client_request(provider, app, URL, {"token": Secret("t")}, clock, {"X-Trace": "1"})
    assert (request.method, request.url, request.form) == ("POST", URL, {"token": Secret("t")})
    assert {name: value for name, value in request.headers.items() if name != "Authorization"} == {
        "Accept": "application/json",
        "X-Trace": "1",
    }


def test_an_assertion_names_the_token_endpoint_at_every_endpoint(
    provider: OAuth2Provider, credential: MakeCredential, clock: FixedClock
) -> None:
    app = credential(client_auth="private_key_jwt", private_key=generate_key().private()).app
    form = client_request(provider, app, URL, {}, clock).form
    assert form is not None
    assert claims_of(plain(form["client_assertion"]))["aud"] == "https://acme.example/token"


def test_its_secrets(provider: OAuth2Provider, credential: MakeCredential, clock: FixedClock) -> None:
    app = credential(client_auth="basic", client_secret="canary").app
    request = client_request(provider, app, URL, {"token": Secret("t"), "hint": "refresh_token"}, clock)
    found = secrets_of(request, app)
    assert set(found) == {Secret("t"), Secret("canary"), request.headers["Authorization"]}
    assert "canary" not in repr(request)
