from __future__ import annotations

import base64
import hashlib
import json
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oauth2.conftest import NOW, FakeService, FixedClock, MakeCredential, answer, dump
from vestal.core.errors import (
    AuthFailed,
    ConfigError,
    HTTPError,
    NeedsLogin,
    NetworkError,
    Outcome,
    PermissionDenied,
    ServiceError,
    VestalError,
)
from vestal.core.grant import Grant
from vestal.core.secret import Secret
from vestal.core.transport import Request, Response
from vestal.oauth2.authorization_code import Authorization, begin, code_from, exchange, misfit
from vestal.oauth2.provider import OAuth2Provider

REDIRECT = "http://127.0.0.1:4711/callback"
GRANTED = {"access_token": "at-canary", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "rt-canary"}


@pytest.fixture
def provider(provider: OAuth2Provider) -> OAuth2Provider:
    return replace(provider, authorization_endpoint="https://acme.example/authorize", issuer="https://acme.example")


@pytest.fixture
def authorization() -> Authorization:
    return Authorization(
        url="https://acme.example/authorize?state=state-canary",
        redirect_uri=REDIRECT,
        state=Secret("state-canary"),
        verifier=Secret("verifier-canary"),
    )


def asked(authorization: Authorization) -> dict[str, str]:
    """The parameters of the request, none of which may stand there twice."""
    pairs = parse_qsl(urlsplit(authorization.url).query, keep_blank_values=True, strict_parsing=True)
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


def query(**parameters: str) -> Secret:
    return Secret(urlencode({"state": "state-canary", **parameters}))


# begin


def test_a_request(provider: OAuth2Provider, credential: MakeCredential) -> None:
    made = begin(provider, credential(scopes=("read", "write all")).app, REDIRECT)
    assert made.url.startswith("https://acme.example/authorize?")
    assert made.verifier is not None
    digest = hashlib.sha256(made.verifier.reveal().encode()).digest()
    assert asked(made) == {
        "response_type": "code",
        "client_id": "app-1",
        "redirect_uri": REDIRECT,
        "scope": "read write all",
        "state": made.state.reveal(),
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    assert " " not in made.url
    assert "+" not in made.url
    assert made.redirect_uri == REDIRECT
    assert made.nonce is None


def test_random_values_are_long_and_never_the_same(provider: OAuth2Provider, credential: MakeCredential) -> None:
    app = credential(scopes=("openid",)).app
    made = [begin(provider, app, REDIRECT) for _ in range(3)]
    values = [secret.reveal() for one in made for secret in (one.state, one.verifier, one.nonce) if secret is not None]
    assert len(set(values)) == 9
    assert all(43 <= len(value) <= 128 and value.replace("-", "a").replace("_", "a").isalnum() for value in values)


def test_it_shows_no_secret(provider: OAuth2Provider, credential: MakeCredential) -> None:
    made = begin(provider, credential(scopes=("openid",)).app, REDIRECT)
    assert made.verifier is not None
    assert made.nonce is not None
    for secret in (made.state, made.verifier, made.nonce):
        assert secret.reveal() not in repr(made)
    assert "client-secret-canary" not in made.url
    assert made.verifier.reveal() not in made.url


def test_scopes_as_the_provider_separates_them(provider: OAuth2Provider, credential: MakeCredential) -> None:
    commas = replace(provider, scope_separator=",")
    assert asked(begin(commas, credential(scopes=("a", "b")).app, REDIRECT))["scope"] == "a,b"
    assert "scope" not in asked(begin(provider, credential().app, REDIRECT))


def test_no_pkce_where_the_provider_can_not(provider: OAuth2Provider, credential: MakeCredential) -> None:
    made = begin(replace(provider, pkce="none"), credential().app, REDIRECT)
    assert made.verifier is None
    assert not asked(made).keys() & {"code_challenge", "code_challenge_method"}


def test_parameters_of_the_provider_the_app_and_the_endpoint(
    provider: OAuth2Provider, credential: MakeCredential
) -> None:
    rich = replace(
        provider,
        authorization_endpoint="https://acme.example/authorize?tenant=a%20b&bare&prompt=none&state=theirs",
        authorization_parameters={"access_type": "offline", "prompt": "consent", "audience": "x"},
    )
    app = credential(settings={"authorize_param.prompt": "login", "authorize_param.audience": ""}).app
    found = begin(rich, app, REDIRECT)
    assert urlsplit(found.url).query.startswith("tenant=a%20b&bare&response_type=code&")
    parameters = dict(parse_qsl(urlsplit(found.url).query))
    assert (parameters["access_type"], parameters["prompt"]) == ("offline", "login")
    assert parameters["state"] == found.state.reveal()
    assert "audience" not in parameters
    assert found.url.count("state=") == found.url.count("prompt=") == 1


@pytest.mark.parametrize("name", ["state", "redirect_uri", "code_challenge", "response_type", "client_id", "nonce"])
def test_settings_can_not_weaken_it(provider: OAuth2Provider, credential: MakeCredential, name: str) -> None:
    with pytest.raises(ConfigError, match=r"authorize_param"):
        begin(provider, credential(settings={f"authorize_param.{name}": "fixed"}).app, REDIRECT)


def test_a_nonce_only_for_openid_and_not_where_it_is_turned_off(
    provider: OAuth2Provider, credential: MakeCredential
) -> None:
    made = begin(provider, credential(scopes=("openid", "mail")).app, REDIRECT)
    assert made.nonce is not None
    assert asked(made)["nonce"] == made.nonce.reveal()
    off = begin(provider, credential(scopes=("openid",), settings={"authorize_param.nonce": ""}).app, REDIRECT)
    assert off.nonce is None
    assert "nonce" not in asked(off)


@pytest.mark.parametrize("endpoint", [None, "http://acme.example/authorize", "acme", "https://acme.example/#a"])
def test_an_unfit_endpoint(provider: OAuth2Provider, credential: MakeCredential, endpoint: str | None) -> None:
    with pytest.raises(ConfigError, match="authorization endpoint") as caught:
        begin(replace(provider, authorization_endpoint=endpoint), credential().app, REDIRECT)
    assert "authorize_url" in caught.value.remedy


def test_a_client_id_is_needed(provider: OAuth2Provider, credential: MakeCredential) -> None:
    with pytest.raises(ConfigError, match="client id"):
        begin(provider, credential(client_id="").app, REDIRECT)


@given(scope=st.text(max_size=20), extra=st.text(max_size=20))
def test_any_text_arrives_or_is_replaced(scope: str, extra: str) -> None:
    from vestal.core.credential import App

    provider = OAuth2Provider(name="acme", authorization_endpoint="https://acme.example/a?x=%41")
    app = App(provider="acme", client_id="c", scopes=(scope,), settings={"authorize_param.hint": extra})
    made = begin(provider, app, REDIRECT)
    assert made.url.isascii()
    assert urlsplit(made.url).netloc == "acme.example"
    found = dict(parse_qsl(urlsplit(made.url).query))
    assert found["state"] == made.state.reveal()
    assert found.get("hint", "") == extra.encode("utf-8", "replace").decode()


# The answer


def test_the_code(provider: OAuth2Provider, authorization: Authorization) -> None:
    assert code_from(authorization, provider, query(code="c+ö /=", iss="https://acme.example")) == Secret("c+ö /=")
    assert code_from(authorization, provider, query(code="c", unknown="1")) == Secret("c")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "code=c",
        "code=c&state=",
        "code=c&state=other",
        "code=c&state=state-canary&state=state-canary",
        "state=state-canar",
    ],
)
def test_a_strangers_answer(provider: OAuth2Provider, authorization: Authorization, text: str) -> None:
    assert misfit(authorization, Secret(text)) is not None
    with pytest.raises(AuthFailed, match="does not belong to this login") as caught:
        code_from(authorization, provider, Secret(text))
    assert "again" in caught.value.remedy
    assert "canary" not in dump(caught.value)


def test_the_right_answer_belongs(authorization: Authorization) -> None:
    assert misfit(authorization, query(code="c")) is None
    assert misfit(authorization, query(error="access_denied")) is None


def test_another_issuer(provider: OAuth2Provider, authorization: Authorization) -> None:
    with pytest.raises(AuthFailed, match=r"https://evil\.example") as caught:
        code_from(authorization, provider, query(code="code-canary", iss="https://evil.example"))
    assert "code-canary" not in dump(caught.value)
    with pytest.raises(AuthFailed, match="issuer"):  # errors too: RFC 9207, section 2.4
        code_from(authorization, provider, query(error="access_denied", iss="https://acme.example/"))


def test_no_issuer(provider: OAuth2Provider, authorization: Authorization) -> None:
    with pytest.raises(AuthFailed, match="who it is"):
        code_from(authorization, replace(provider, issuer_in_callback=True), query(code="c"))
    unknown = replace(provider, issuer=None)
    assert code_from(authorization, unknown, query(code="c", iss="https://any.example")) == Secret("c")


def test_the_person_says_no(provider: OAuth2Provider, authorization: Authorization) -> None:
    with pytest.raises(PermissionDenied, match="access to Acme was not allowed") as caught:
        code_from(authorization, provider, query(error="access_denied", error_description="no"))
    assert caught.value.code == "access_denied"
    assert "login again" in caught.value.remedy


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("invalid_scope", ConfigError),
        ("invalid_request", ConfigError),
        ("unsupported_response_type", ConfigError),
        ("unauthorized_client", AuthFailed),
        ("server_error", ServiceError),
        ("temporarily_unavailable", ServiceError),
        ("login_required", NeedsLogin),
        ("something_else", HTTPError),
    ],
)
def test_other_errors(
    provider: OAuth2Provider, authorization: Authorization, code: str, kind: type[VestalError]
) -> None:
    told = "state-canary\x1b[31m and\nmore" if code == "invalid_scope" else "told"
    with pytest.raises(kind, match=f"Acme.*{code}") as caught:
        code_from(authorization, provider, query(error=code, error_description=told, code="code-canary"))
    assert caught.value.code == code
    assert "canary" not in dump(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("extra", ["&code=b", "&error=access_denied&error=x", "&iss=a&iss=b", "&other=1&other=1"])
def test_a_parameter_that_comes_twice(provider: OAuth2Provider, authorization: Authorization, extra: str) -> None:
    with pytest.raises(AuthFailed, match="twice"):
        code_from(authorization, provider, Secret("state=state-canary&code=a" + extra))


@pytest.mark.parametrize("extra", ["", "&code=", "&error=&code="])
def test_neither_code_nor_error(provider: OAuth2Provider, authorization: Authorization, extra: str) -> None:
    with pytest.raises(AuthFailed, match="neither a code nor an error"):
        code_from(authorization, provider, Secret("state=state-canary" + extra))


@given(text=st.text(max_size=60), begin_right=st.booleans())
def test_any_query_gives_a_code_or_a_clear_error(text: str, begin_right: bool) -> None:
    authorization = Authorization(url="", redirect_uri=REDIRECT, state=Secret("state-canary"))
    text = f"state=state-canary&{text}" if begin_right else text
    with suppress(AuthFailed, ConfigError, HTTPError, NeedsLogin, PermissionDenied, ServiceError):
        assert code_from(authorization, OAuth2Provider(name="acme"), Secret(text))


# The exchange


def test_the_code_is_redeemed(
    provider: OAuth2Provider,
    credential: MakeCredential,
    authorization: Authorization,
    service: FakeService,
    clock: FixedClock,
) -> None:
    service.will(answer(200, GRANTED))
    grant = exchange(provider, credential(client_auth="none").app, authorization, Secret("code"), service, clock)
    assert grant.refresh_token == Secret("rt-canary")
    assert service.request.url == "https://acme.example/token"
    assert service.form() == {
        "grant_type": "authorization_code",
        "code": "code",
        "redirect_uri": REDIRECT,
        "code_verifier": "verifier-canary",
        "client_id": "app-1",
    }
    assert "canary" not in repr(service.request)


def test_without_pkce_no_verifier(
    provider: OAuth2Provider,
    credential: MakeCredential,
    authorization: Authorization,
    service: FakeService,
    clock: FixedClock,
) -> None:
    service.will(answer(200, GRANTED))
    exchange(provider, credential().app, replace(authorization, verifier=None), Secret("code"), service, clock)
    assert "code_verifier" not in service.form()


def test_a_code_that_is_refused(
    provider: OAuth2Provider,
    credential: MakeCredential,
    authorization: Authorization,
    service: FakeService,
    clock: FixedClock,
) -> None:
    service.will(answer(400, {"error": "invalid_grant", "error_description": "code-canary is used up"}))
    with pytest.raises(NeedsLogin, match="Acme refused the login: invalid_grant") as caught:
        exchange(provider, credential().app, authorization, Secret("code-canary"), service, clock)
    assert "again" in caught.value.remedy
    assert "canary" not in dump(caught.value)


class Faulty:
    """A `send` that fails in turn, then answers."""

    def __init__(self, *failures: VestalError) -> None:
        self.failures = list(failures)
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        if self.failures:
            raise self.failures.pop(0)
        return answer(200, GRANTED)


NOT_SENT = NetworkError("no route", outcome=Outcome.NOT_SENT)


def test_what_had_no_effect_is_tried_again(
    provider: OAuth2Provider, credential: MakeCredential, authorization: Authorization, clock: FixedClock
) -> None:
    busy = ServiceError("busy", retry_after=7.0)
    faulty = Faulty(NOT_SENT.copy(), busy)
    grant = exchange(provider, credential().app, authorization, Secret("code"), faulty, clock)
    assert isinstance(grant, Grant)
    assert len(faulty.requests) == 3
    assert clock.now() == NOW + 1 + 7


@pytest.mark.parametrize(
    ("failures", "requests"),
    [
        ([NetworkError("cut off", outcome=Outcome.UNKNOWN)], 1),
        ([ServiceError("come back tomorrow", retry_after=86400.0)], 1),
        ([PermissionDenied("no")], 1),
        ([NOT_SENT.copy(), NOT_SENT.copy(), NOT_SENT.copy()], 3),
    ],
)
def test_nothing_else_is(
    provider: OAuth2Provider,
    credential: MakeCredential,
    authorization: Authorization,
    clock: FixedClock,
    failures: list[VestalError],
    requests: int,
) -> None:
    faulty = Faulty(*failures)
    with pytest.raises(VestalError, match=failures[-1].message) as caught:
        exchange(provider, credential().app, authorization, Secret("code-canary"), faulty, clock)
    assert len(faulty.requests) == requests
    assert "canary" not in dump(caught.value)


def id_token(**claims: Any) -> str:
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}.sig-canary"


def test_an_id_token_with_the_nonce(
    provider: OAuth2Provider,
    credential: MakeCredential,
    authorization: Authorization,
    service: FakeService,
    clock: FixedClock,
) -> None:
    asked = replace(authorization, nonce=Secret("nonce-canary"))
    service.will(answer(200, {**GRANTED, "id_token": id_token(nonce="nonce-canary")}), answer(200, GRANTED))
    for _ in range(2):  # the second answer has no ID token, which proves nothing and harms nothing
        assert exchange(provider, credential().app, asked, Secret("code"), service, clock).refresh_token


def test_an_id_token_of_another_login(
    provider: OAuth2Provider,
    credential: MakeCredential,
    authorization: Authorization,
    service: FakeService,
    clock: FixedClock,
) -> None:
    asked = replace(authorization, nonce=Secret("nonce-canary"))
    service.will(answer(200, {**GRANTED, "id_token": id_token(nonce="another-canary")}))
    with pytest.raises(AuthFailed, match="another login") as caught:
        exchange(provider, credential().app, asked, Secret("code-canary"), service, clock)
    assert "canary" not in dump(caught.value)
