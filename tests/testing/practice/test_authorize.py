"""The authorization endpoint and the code grant, through the real page."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from vestal.testing.practice import PracticeServer, log_in

if TYPE_CHECKING:
    from tests.testing.practice.conftest import Caller, HandClock


def error(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_a_login_gives_a_code_and_the_code_tokens(caller: Caller, server: PracticeServer) -> None:
    callback = caller.callback(caller.authorization_url())
    assert callback["state"] == "a state & more"
    assert callback["iss"] == server.url
    members = caller.redeem(callback["code"]).json()
    assert members["scope"] == "read"
    assert caller.resource(members["access_token"]).json()["subject"] == "practice"
    assert caller.refresh(members["refresh_token"], auth=None, client_id="practice-public").status_code == 200
    assert server.counters["issued.authorization_code"] == 1


def test_the_person_can_say_no(caller: Caller) -> None:
    callback = caller.callback(caller.authorization_url(), allow=False)
    assert callback["error"] == "access_denied"
    assert callback["state"] == "a state & more"
    assert "code" not in callback


def test_a_wrong_password_shows_the_page_again(caller: Caller) -> None:
    page = caller.http.get(caller.authorization_url()).text
    hidden = page.partition('name="page" value="')[2].partition('"')[0]
    form = {"page": hidden, "username": "practice", "password": "wrong", "decision": "allow"}
    answer = caller.http.post("/authorize", data=form)
    assert answer.status_code == 200
    assert "Wrong name or password" in answer.text
    assert caller.http.post("/authorize", data=form | {"password": "practice"}).status_code == 303
    assert caller.http.post("/authorize", data=form | {"password": "practice"}).status_code == 400  # only once


def test_what_a_client_sends_is_shown_as_text(caller: Caller) -> None:
    page = caller.http.get(caller.authorization_url(scope="<script>alert(1)</script>"))
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_the_page_goes_out_of_date(caller: Caller, clock: HandClock) -> None:
    page = caller.http.get(caller.authorization_url()).text
    hidden = page.partition('name="page" value="')[2].partition('"')[0]
    clock.time += 601
    form = {"page": hidden, "username": "practice", "password": "practice", "decision": "allow"}
    assert caller.http.post("/authorize", data=form).status_code == 400


@pytest.mark.parametrize(
    "uri",
    ["http://127.0.0.1:1234/callback", "http://[::1]:5/callback", "http://localhost:80/", "http://127.0.0.1/callback"],
)
def test_a_loopback_address_matches_with_any_port(caller: Caller, uri: str) -> None:
    assert caller.http.get(caller.authorization_url(redirect_uri=uri)).status_code == 200


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "",
        "https://127.0.0.1:1234/callback",
        "http://127.0.0.1:1234/callback/",
        "http://127.0.0.1:1234/callback?x=1",
        "http://127.0.0.1:1234/callback#x",
        "http://127.0.0.1:1234/callback#",
        "http://127.0.0.1:1234/callback?",
        "http://127.0.0.1:01234/callback",
        "HTTP://127.0.0.1:1234/callback",
        "http://127.0.0.1:1234@evil.example/callback",
        "http://evil.example:1@127.0.0.1:1234/callback",
        "http://127.0.0.2:1234/callback",
        "http://127.0.0.1.evil.example:1/callback",
        "http://127.0.0.1:port/callback",
        "http://[::1/callback",
        "https://app.example:444/callback",
        "https://app.example/callback?a=1",
    ],
)
def test_other_addresses_get_no_redirect(caller: Caller, server: PracticeServer, uri: str | None) -> None:
    server.add_client("app", redirect_uris=["https://app.example/callback", "http://127.0.0.1/callback"])
    answer = caller.http.get(caller.authorization_url("app", redirect_uri=uri))
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_an_unknown_client_gets_no_redirect(caller: Caller) -> None:
    answer = caller.http.get(caller.authorization_url("nobody"))
    assert (answer.status_code, "location" in answer.headers) == (400, False)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
    ],
)
def test_other_errors_go_to_the_client(caller: Caller, changes: dict[str, str | None], code: str) -> None:
    answer = caller.http.get(caller.authorization_url(**changes))
    assert answer.status_code == 302
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["error"] == [code]
    assert query["state"] == ["a state & more"]
    assert query["iss"] == [caller.server.url]


def test_a_parameter_given_twice_is_refused(caller: Caller) -> None:
    answer = caller.http.get(caller.authorization_url() + "&state=other")
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["error"] == ["invalid_request"]
    assert "state" not in query


def test_a_query_in_the_redirect_uri_is_kept(caller: Caller, server: PracticeServer) -> None:
    server.add_client("app", redirect_uris=["https://app.example/cb?tenant=1"])
    url = caller.authorization_url("app", redirect_uri="https://app.example/cb?tenant=1")
    query = parse_qs(urlsplit(log_in(url, follow=False)).query)
    assert query["tenant"] == ["1"]
    assert "code" in query


def test_a_confidential_client_may_go_without_pkce(caller: Caller) -> None:
    url = caller.authorization_url("practice", code_challenge=None, code_challenge_method=None)
    form: dict[str, Any] = {"grant_type": "authorization_code", "redirect_uri": "http://127.0.0.1:9/callback"}
    assert caller.token(**form, code=caller.callback(url)["code"]).status_code == 200
    # but then a verifier says that somebody took the challenge away (RFC 9700, 2.1.1)
    answer = caller.token(**form, code=caller.callback(url)["code"], code_verifier="v" * 43)
    assert error(answer) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": "v" * 42},
        {"code_verifier": "ü" * 43},
        {"code_verifier": ""},
        {"redirect_uri": "http://127.0.0.1:10/callback"},
        {"code": "unknown"},
    ],
)
def test_a_code_is_refused_if_anything_differs(caller: Caller, changes: dict[str, str]) -> None:
    code = caller.callback(caller.authorization_url())["code"]
    assert error(caller.redeem(code, **changes)) == (400, "invalid_grant")
    assert caller.redeem(code).status_code == 200


def test_a_code_belongs_to_one_client(caller: Caller, server: PracticeServer) -> None:
    server.add_client("other")
    code = caller.callback(caller.authorization_url())["code"]
    assert error(caller.redeem(code, client_id="other")) == (400, "invalid_grant")


def test_a_code_expires(caller: Caller, clock: HandClock) -> None:
    code = caller.callback(caller.authorization_url())["code"]
    clock.time += 60
    assert error(caller.redeem(code)) == (400, "invalid_grant")


def test_a_code_that_comes_twice_revokes_what_it_gave(caller: Caller, server: PracticeServer) -> None:
    code = caller.callback(caller.authorization_url())["code"]
    members = caller.redeem(code).json()
    assert error(caller.redeem(code)) == (400, "invalid_grant")
    assert caller.resource(members["access_token"]).status_code == 401
    answer = caller.refresh(members["refresh_token"], auth=None, client_id="practice-public")
    assert error(answer) == (400, "invalid_grant")
    assert server.counters["reuse_detected"] == server.counters["families_revoked"] == 1


def test_openid_gives_an_id_token_that_the_keys_verify(caller: Caller, server: PracticeServer) -> None:
    code = caller.callback(caller.authorization_url(scope="openid read", nonce="n-1"))["code"]
    keys = KeySet.import_key_set(caller.http.get("/jwks").json())
    assert all(not key.is_private for key in keys.keys)
    token = jwt.decode(caller.redeem(code).json()["id_token"], keys, algorithms=["ES256"])
    assert token.claims["iss"] == server.url
    assert token.claims["aud"] == "practice-public"
    assert token.claims["nonce"] == "n-1"


def test_the_scripted_person_follows_the_way_back(caller: Caller) -> None:
    called: list[str] = []

    class Callback(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            called.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Callback) as listener:
        worker = threading.Thread(target=listener.handle_request)
        worker.start()
        address = f"http://127.0.0.1:{listener.server_port}/callback"
        location = log_in(caller.authorization_url(redirect_uri=address))
        worker.join()
    assert called == [location.removeprefix(f"http://127.0.0.1:{listener.server_port}")]
    assert "code=" in location


def test_the_scripted_person_says_what_went_wrong(caller: Caller) -> None:
    with pytest.raises(ValueError, match="no form, but status 400"):
        log_in(caller.authorization_url("nobody"))
