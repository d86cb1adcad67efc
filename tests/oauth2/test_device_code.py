from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oauth2.conftest import NOW, FakeService, FixedClock, MakeCredential, answer, dump
from vestal.core.credential import App
from vestal.core.errors import (
    AuthFailed,
    ConfigError,
    HTTPError,
    NeedsLogin,
    NetworkError,
    Outcome,
    PermissionDenied,
    RateLimited,
    TimedOut,
    VestalError,
)
from vestal.core.secret import Secret
from vestal.core.transport import Request, Response
from vestal.oauth2.device_code import DeviceAuthorization, authorize, poll
from vestal.oauth2.dpop import DPoPKey
from vestal.oauth2.login_error import LoginTimedOut
from vestal.oauth2.provider import OAuth2Provider

ANSWER: dict[str, Any] = {
    "device_code": "device-canary",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://acme.example/device",
    "verification_uri_complete": "https://acme.example/device?user_code=WDJB-MJHT",
    "expires_in": 1800,
    "interval": 7,
}
GRANTED = {"access_token": "at-canary", "token_type": "Bearer", "refresh_token": "rt-canary"}
DEVICE = DeviceAuthorization(
    device_code=Secret("device-canary"),
    user_code="WDJB-MJHT",
    verification_uri="https://acme.example/device",
    expires_in=600.0,
    interval=5.0,
)
TIMEOUT = TimedOut("acme.example did not answer in time", outcome=Outcome.UNKNOWN)


@pytest.fixture
def provider(provider: OAuth2Provider) -> OAuth2Provider:
    return replace(provider, device_authorization_endpoint="https://acme.example/device_authorization")


def error(code: str, status: int = 400, **headers: str) -> Response:
    return answer(status, {"error": code, "error_description": f"{code} device-canary"}, headers)


# Asking for a code


def test_a_code(provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock) -> None:
    service.will(answer(200, ANSWER))
    app = credential(client_auth="none", scopes=("a", "b")).app
    device = authorize(replace(provider, token_headers={"X-Api": "1"}), app, service, clock)
    assert device == DeviceAuthorization(
        device_code=Secret("device-canary"),
        user_code="WDJB-MJHT",
        verification_uri="https://acme.example/device",
        verification_uri_complete="https://acme.example/device?user_code=WDJB-MJHT",
        expires_in=1800.0,
        interval=7.0,
    )
    assert (service.request.method, service.request.url) == ("POST", "https://acme.example/device_authorization")
    assert service.request.headers == {"Accept": "application/json", "X-Api": "1"}
    assert service.form() == {"client_id": "app-1", "scope": "a b"}
    assert "canary" not in repr(device)
    assert "WDJB" not in repr(device)


def test_a_confidential_client_authenticates(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock
) -> None:
    service.will(answer(200, ANSWER))
    authorize(provider, credential(client_auth="post").app, service, clock)
    assert service.form() == {"client_id": "app-1", "client_secret": "client-secret-canary"}


@pytest.mark.parametrize("junk", [None, 0, -1, "x", [], True])
def test_what_the_service_leaves_out(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock, junk: object
) -> None:
    told = {"device_code": "d", "user_code": "u", "verification_url": "http://127.0.0.1:1/", "expires_in": junk}
    service.will(answer(200, {**told, "interval": junk, "verification_uri_complete": junk}))
    device = authorize(provider, credential().app, service, clock)
    assert (device.interval, device.expires_in, device.verification_uri_complete) == (5.0, 900.0, None)
    assert device.verification_uri == "http://127.0.0.1:1/"


@pytest.mark.parametrize(
    "change",
    [
        {"device_code": None},
        {"device_code": 7},
        {"user_code": ""},
        {"user_code": "a\x1b]0;b"},
        {"user_code": "a" * 200},
        {"verification_uri": None},
        {"verification_uri": "javascript:alert(1)"},
        {"verification_uri": "https://"},
        {"verification_uri": "https://acme.example/\n"},
        {"verification_uri": "https://acme.example/ now"},
    ],
)
def test_an_answer_that_can_not_be_used(
    provider: OAuth2Provider,
    credential: MakeCredential,
    service: FakeService,
    clock: FixedClock,
    change: dict[str, object],
) -> None:
    service.will(answer(200, {**ANSWER, **change}))
    with pytest.raises(HTTPError, match="without a code to log in with") as caught:
        authorize(provider, credential().app, service, clock)
    assert "device_url" in caught.value.remedy
    assert "canary" not in dump(caught.value)


@pytest.mark.parametrize("status", [200, 400, 401])
def test_the_service_refuses_the_app(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock, status: int
) -> None:
    service.will(answer(status, {"error": "unauthorized_client", "error_description": "client-secret-canary"}))
    with pytest.raises(AuthFailed, match="unauthorized_client") as caught:
        authorize(provider, credential(client_auth="post").app, service, clock)
    assert "canary" not in dump(caught.value)


def test_a_service_without_device_codes(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock
) -> None:
    with pytest.raises(ConfigError, match="no device authorization endpoint") as caught:
        authorize(replace(provider, device_authorization_endpoint=None), credential().app, service, clock)
    assert "device_url" in caught.value.remedy
    assert service.requests == []


@given(body=st.binary(max_size=200) | st.dictionaries(st.sampled_from([*ANSWER, "error"]), st.text() | st.integers()))
def test_any_answer_is_a_code_or_a_clear_error(body: object) -> None:
    provider = OAuth2Provider(name="acme", device_authorization_endpoint="https://acme.example/d")
    try:
        device = authorize(provider, App(provider="acme"), lambda request: answer(200, body), FixedClock())
    except VestalError:
        return
    assert device.user_code.isprintable()
    assert device.verification_uri.isprintable()
    assert device.interval > 0
    assert device.expires_in > 0


# Polling


class Person:
    """A service at which somebody decides after a while. Keeps the moments at which it is asked."""

    def __init__(self, clock: FixedClock, *answers: Response | VestalError) -> None:
        self.clock = clock
        self.answers = list(answers)
        self.asked: list[float] = []
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Response:
        self.asked.append(self.clock.now() - NOW)
        self.requests.append(request)
        if not self.answers:
            return error("authorization_pending")
        following = self.answers.pop(0)
        if isinstance(following, VestalError):
            raise following
        return following


Poll = Callable[..., Any]


@pytest.fixture
def polling(provider: OAuth2Provider, credential: MakeCredential, clock: FixedClock) -> Poll:
    def polls(person: Person, device: DeviceAuthorization = DEVICE) -> Any:
        return poll(provider, credential(client_auth="none").app, device, person, clock)

    return polls


def test_the_person_allows_it(polling: Poll, clock: FixedClock) -> None:
    pending = error("authorization_pending")
    person = Person(clock, pending, pending, answer(200, GRANTED))
    assert polling(person).refresh_token == Secret("rt-canary")
    assert person.asked == [5.0, 10.0, 15.0]
    form = person.requests[0].form
    assert form == {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": Secret("device-canary"),
        "client_id": "app-1",
    }


def test_errors_with_status_200(polling: Poll, clock: FixedClock) -> None:  # GitHub
    person = Person(clock, error("authorization_pending", 200), error("slow_down", 200), answer(200, GRANTED))
    assert polling(person).access_token == Secret("at-canary")
    assert person.asked == [5.0, 10.0, 20.0]


def test_slow_down_holds_for_good(polling: Poll, clock: FixedClock) -> None:
    slower, pending = error("slow_down"), error("authorization_pending")
    person = Person(clock, slower, pending, slower, pending, answer(200, GRANTED))
    polling(person)
    assert person.asked == [5.0, 15.0, 25.0, 40.0, 55.0]


def test_timeouts_double_the_wait_until_there_is_an_answer(polling: Poll, clock: FixedClock) -> None:
    person = Person(
        clock, TIMEOUT.copy(), NetworkError("cut"), TIMEOUT.copy(), error("authorization_pending"), answer(200, GRANTED)
    )
    polling(person)
    assert person.asked == [5.0, 15.0, 35.0, 75.0, 80.0]


def test_the_service_may_ask_for_patience(polling: Poll, clock: FixedClock) -> None:
    busy = answer(503, "", {"retry-after": "60"})
    slower = error("slow_down", 429, **{"retry-after": "30"})
    person = Person(clock, busy, slower, answer(200, GRANTED))
    polling(person)
    assert person.asked == [5.0, 65.0, 95.0]


def test_patience_beyond_the_codes_life_is_the_end(polling: Poll, clock: FixedClock) -> None:
    person = Person(clock, answer(429, "", {"retry-after": "3600"}))
    with pytest.raises(RateLimited) as caught:
        polling(person)
    assert caught.value.retry_after == 3600
    assert person.asked == [5.0]


def test_the_person_says_no(polling: Poll, clock: FixedClock) -> None:
    with pytest.raises(PermissionDenied, match="access to Acme was not allowed") as caught:
        polling(Person(clock, error("authorization_pending"), error("access_denied")))
    assert "canary" not in dump(caught.value)


def test_the_code_expires_at_the_service(polling: Poll, clock: FixedClock) -> None:
    with pytest.raises(LoginTimedOut, match="before it expired") as caught:
        polling(Person(clock, error("expired_token")))
    assert "new code" in caught.value.remedy
    assert not caught.value.passing
    assert caught.value.code == "expired_token"
    assert "canary" not in dump(caught.value)


def test_the_code_expires_here(polling: Poll, clock: FixedClock) -> None:
    person = Person(clock)
    with pytest.raises(LoginTimedOut, match="before it expired") as caught:
        polling(person, replace(DEVICE, expires_in=12.0))
    assert person.asked == [5.0, 10.0, 12.0]  # once more at the very end
    assert caught.value.__context__ is None


def test_an_unreachable_service_is_given_up_when_the_code_expires(polling: Poll, clock: FixedClock) -> None:
    person = Person(clock, *[TIMEOUT.copy() for _ in range(99)])
    with pytest.raises(LoginTimedOut):
        polling(person, replace(DEVICE, expires_in=100.0))
    assert person.asked == [5.0, 15.0, 35.0, 75.0, 100.0]


@pytest.mark.parametrize(
    ("code", "kind"),
    [("invalid_grant", NeedsLogin), ("incorrect_device_code", NeedsLogin), ("invalid_client", AuthFailed)],
)
def test_other_errors_end_it(polling: Poll, clock: FixedClock, code: str, kind: type[VestalError]) -> None:
    person = Person(clock, error(code))
    with pytest.raises(kind, match=f"Acme refused.*{code}") as caught:
        polling(person)
    assert caught.value.remedy
    assert len(person.asked) == 1
    assert "canary" not in dump(caught.value)


def test_a_bound_token(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock
) -> None:
    service.will(error("authorization_pending"), answer(200, {**GRANTED, "token_type": "DPoP"}))
    poll(provider, credential().app, DEVICE, service, clock, DPoPKey.generate(clock))
    assert all("DPoP" in request.headers for request in service.requests)
    assert service.requests[0].headers["DPoP"] != service.requests[1].headers["DPoP"]
