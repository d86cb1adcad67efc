from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oauth2.conftest import FakeService, answer
from vestal.core.errors import ConfigError, NetworkError, RateLimited, ServiceError, VestalError
from vestal.core.transport import Request, Response
from vestal.oauth2.discovery import discover
from vestal.oauth2.provider import OAuth2Provider

ISSUER = "https://acme.example/realms/main"
DOCUMENT: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://acme.example/authorize",
    "token_endpoint": "https://acme.example/token",
    "device_authorization_endpoint": "https://acme.example/device",
    "revocation_endpoint": "https://acme.example/revoke",
    "introspection_endpoint": "https://acme.example/introspect",
    "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
    "code_challenge_methods_supported": ["plain", "S256"],
    "grant_types_supported": [
        "authorization_code",
        "implicit",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ],
    "authorization_response_iss_parameter_supported": True,
    "dpop_signing_alg_values_supported": ["ES256", "RS256"],
    "service_documentation": "https://acme.example/docs",
}


def test_a_document(service: FakeService) -> None:
    service.will(answer(200, DOCUMENT))
    assert discover(ISSUER, service) == OAuth2Provider(
        name="custom",
        title="acme.example",
        docs="https://acme.example/docs",
        issuer=ISSUER,
        authorization_endpoint="https://acme.example/authorize",
        token_endpoint="https://acme.example/token",
        device_authorization_endpoint="https://acme.example/device",
        revocation_endpoint="https://acme.example/revoke",
        introspection_endpoint="https://acme.example/introspect",
        grants=("authorization_code", "refresh_token", "device_code", "token_exchange"),
        client_auth="post",
        pkce="supported",
        issuer_in_callback=True,
        dpop=False,
        dpop_algorithms=("ES256", "RS256"),
    )
    assert service.request == Request("GET", service.request.url, headers={"Accept": "application/json"})


@pytest.mark.parametrize(
    ("issuer", "first", "second"),
    [
        (
            "https://acme.example",
            "https://acme.example/.well-known/oauth-authorization-server",
            "https://acme.example/.well-known/openid-configuration",
        ),
        (
            "https://acme.example/",
            "https://acme.example/.well-known/oauth-authorization-server",
            "https://acme.example/.well-known/openid-configuration",
        ),
        (
            "https://acme.example:8443/a/b/",
            "https://acme.example:8443/.well-known/oauth-authorization-server/a/b",
            "https://acme.example:8443/a/b/.well-known/openid-configuration",
        ),
    ],
)
def test_where_it_is_looked_for(service: FakeService, issuer: str, first: str, second: str) -> None:
    service.will(answer(404), answer(200, {**DOCUMENT, "issuer": issuer}))
    assert discover(issuer, service).issuer == issuer
    assert [request.url for request in service.requests] == [first, second]


def test_what_is_left_out_has_the_standards_defaults(service: FakeService) -> None:
    service.will(answer(200, {"issuer": ISSUER, "token_endpoint": "https://acme.example/token"}))
    found = discover(ISSUER, service)
    assert (found.client_auth, found.pkce, found.issuer_in_callback) == ("basic", "supported", False)
    assert found.grants == ("authorization_code", "refresh_token")
    assert found.authorization_endpoint is None


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        (["none", "client_secret_basic"], "basic"),
        (["private_key_jwt", "none"], "private_key_jwt"),
        (["none"], "none"),
        (["tls_client_auth"], "basic"),
        ("client_secret_post", "basic"),
        ([5], "basic"),
    ],
)
def test_client_authentication(service: FakeService, methods: object, expected: str) -> None:
    service.will(answer(200, {**DOCUMENT, "token_endpoint_auth_methods_supported": methods}))
    assert discover(ISSUER, service).client_auth == expected


def test_pkce_that_is_only_plain_is_none(service: FakeService) -> None:
    service.will(answer(200, {**DOCUMENT, "code_challenge_methods_supported": ["plain"]}))
    assert discover(ISSUER, service).pkce == "none"


@pytest.mark.parametrize(
    "named", ["https://acme.example/realms/main/", "https://ACME.example/realms/main", "https://evil.example", None, 5]
)
def test_the_issuer_must_be_the_same_to_the_letter(service: FakeService, named: object) -> None:
    service.will(*[answer(200, {**DOCUMENT, "issuer": named})] * 2)
    with pytest.raises(ConfigError, match=f"acme.example calls itself .*, not {ISSUER}") as caught:
        discover(ISSUER, service)
    assert not isinstance(named, str) or named in caught.value.message


@pytest.mark.parametrize(
    "issuer",
    ["", "acme.example", "http://acme.example", "https://acme.example?x=1", "https://acme.example#x", "https://a@b.c"],
)
def test_what_is_no_issuer(service: FakeService, issuer: str) -> None:
    with pytest.raises(ConfigError):
        discover(issuer, service)
    assert service.requests == []


def test_a_server_on_this_machine(service: FakeService) -> None:
    local = "http://127.0.0.1:9000"
    service.will(answer(200, {"issuer": local, "token_endpoint": f"{local}/token"}))
    assert discover(local, service).token_endpoint == f"{local}/token"


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("token_endpoint", None),
        ("token_endpoint", "http://acme.example/token"),
        ("token_endpoint", "http://127.0.0.1/token"),
        ("token_endpoint", 5),
        ("revocation_endpoint", "ftp://acme.example"),
        ("authorization_endpoint", "javascript:alert(1)"),
        ("device_authorization_endpoint", "http://localhost/device"),
    ],
)
def test_unfit_endpoints(service: FakeService, name: str, url: object) -> None:
    service.will(*[answer(200, {**DOCUMENT, name: url})] * 2)
    with pytest.raises(ConfigError, match=name.replace("_", " ")):
        discover(ISSUER, service)


@pytest.mark.parametrize(
    ("first", "second", "kind", "why"),
    [
        (answer(404), answer(404), ConfigError, "answered 404"),
        (answer(401), answer(403), ConfigError, "answered 403"),
        (answer(302, None, {"location": "https://x"}), answer(404), ConfigError, "answered 404"),
        (answer(200, "<html>"), answer(200, ""), ConfigError, "not JSON"),
        (answer(503), answer(404), ServiceError, "503"),
        (answer(404), answer(429, None, {"retry-after": "9"}), RateLimited, "429"),
    ],
)
def test_why_nothing_was_discovered(
    service: FakeService, first: Response, second: Response, kind: type[VestalError], why: str
) -> None:
    service.will(first, second)
    with pytest.raises(kind, match=why):
        discover(ISSUER, service)


def test_a_server_that_cannot_be_reached() -> None:
    def cut(request: Request) -> Response:
        raise NetworkError("no connection")

    with pytest.raises(NetworkError):
        discover(ISSUER, cut)


VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text() | st.none(), max_size=3)


@given(st.integers(100, 599), st.dictionaries(st.sampled_from(sorted(DOCUMENT)), VALUES), st.binary(), st.booleans())
def test_any_document(status: int, fields: dict[str, Any], body: bytes, broken: bool) -> None:
    document = answer(status, body) if broken else answer(status, {**DOCUMENT, **fields})

    def send(request: Request) -> Response:
        return document

    try:
        found = discover(ISSUER, send)
    except VestalError:
        return
    assert found.issuer == ISSUER
    assert (found.token_endpoint or "").startswith("https://")
