from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vestal.daemon.proxy.headers import Headers, all_of, backward, framing, onward, wants_upgrade

_WORDS = [
    b"accept",
    b"authorization",
    b"connection",
    b"content-length",
    b"cookie",
    b"dpop",
    b"host",
    b"keep-alive",
    b"location",
    b"proxy-authorization",
    b"set-cookie",
    b"te",
    b"transfer-encoding",
    b"upgrade",
    b"via",
    b"x-a",
    b"x-b",
]
HEADERS = st.lists(
    st.tuples(st.sampled_from(_WORDS), st.one_of(st.sampled_from(_WORDS), st.binary(max_size=12))), max_size=12
)
HOP = {b"connection", b"keep-alive", b"te", b"upgrade", b"proxy-authorization", b"trailer"}


AT = b"/proxy/acme"


def same(location: str) -> str:
    return location


def is_in_order(part: Headers, whole: Headers) -> bool:
    rest = iter(whole)
    return all(pair in rest for pair in part)


@given(HEADERS)
def test_what_reaches_the_service(headers: Headers) -> None:
    passed = onward(headers, "api.example", "1.1")
    names = [name for name, _ in passed]
    assert not HOP & set(names)
    assert b"authorization" not in names
    assert b"dpop" not in names
    assert passed[0] == (b"host", b"api.example")
    assert names.count(b"host") == 1
    assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1
    plain = [pair for pair in passed if pair[0] in (b"accept", b"x-a", b"x-b")]
    assert is_in_order(plain, headers)
    named = {option.strip().lower() for name, value in headers if name == b"connection" for option in value.split(b",")}
    assert plain == [pair for pair in headers if pair[0] in (b"accept", b"x-a", b"x-b") and pair[0] not in named]
    assert passed[-1] == (b"via", b"1.1 vestal")


@given(HEADERS, st.sampled_from([200, 204, 304, 401]))
def test_what_reaches_the_client(headers: Headers, status: int) -> None:
    passed = backward(headers, status, "1.0", same, AT)
    names = [name for name, _ in passed]
    assert not HOP & set(names)
    assert b"transfer-encoding" not in names
    assert is_in_order([pair for pair in passed[:-3] if pair[0] != b"set-cookie"], headers)
    if status == 204 or framing(headers)[0]:
        assert b"content-length" not in names
    assert passed[-1] == (b"via", b"1.0 vestal")


def test_names_come_in_any_case_from_a_service() -> None:
    passed = backward([(b"Connection", b"X-Once"), (b"X-ONCE", b"1"), (b"X-Two", b"2")], 200, "1.1", same, AT)
    assert passed[0] == (b"x-two", b"2")
    assert (b"x-once", b"1") not in passed


def test_our_cookies_stay_here() -> None:
    def cookies(*lines: bytes) -> list[bytes]:
        headers = [(b"cookie", line) for line in lines]
        return [value for name, value in onward(headers, "x", "1.1") if name == b"cookie"]

    assert cookies(b"a=1; vestal=secret; b=2;Vestal_x=secret") == [b"a=1; b=2"]
    assert cookies(b"vestal=secret") == []
    assert cookies(b" vestal-session=secret;x=y", b"b=vestal") == [b"x=y", b"b=vestal"]


def test_nobody_sets_a_cookie_of_ours_from_there() -> None:
    said = [
        (b"Set-Cookie", b"vestal=evil; Path=/"),
        (b"set-cookie", b" vestal-x=evil"),
        (b"set-cookie", b" =vestal=evil"),
    ]
    assert [name for name, _ in backward(said, 200, "1.1", same, AT) if name == b"set-cookie"] == []


def test_cookies_of_one_service_are_not_for_another() -> None:
    said = [(b"set-cookie", b"a=b; Path=/; HttpOnly;domain=api.example"), (b"set-cookie", b"c=d; secure")]
    passed = backward(said, 200, "1.1", same, AT)
    assert [value for name, value in passed if name == b"set-cookie"] == [
        b"a=b; HttpOnly; Path=/proxy/acme",
        b"c=d; secure; Path=/proxy/acme",
    ]


def test_a_redirect_that_leads_nowhere() -> None:
    assert b"location" not in dict(backward([(b"location", b"/x")], 302, "1.1", lambda location: None, AT))


def test_what_a_browser_would_believe_of_our_origin() -> None:
    said = [
        (b"strict-transport-security", b"max-age=1"),
        (b"alt-svc", b"h3"),
        (b"clear-site-data", b'"*"'),
        (b"content-security-policy", b"default-src *"),
        (b"x-content-type-options", b"sniff"),
        (b"access-control-allow-origin", b"*"),
        (b"cross-origin-resource-policy", b"cross-origin"),
        (b"service-worker-allowed", b"/"),
        (b"cache-control", b"public"),
        (b"date", b"Sun, 22 Nov 2026 07:41:31 GMT"),
    ]
    assert backward(said, 200, "1.1", same, AT) == [
        (b"cache-control", b"public"),
        (b"content-security-policy", b"sandbox; default-src 'none'"),
        (b"x-content-type-options", b"nosniff"),
        (b"via", b"1.1 vestal"),
    ]


def test_redirects_are_led() -> None:
    passed = backward([(b"Location", b"/caf\xe9")], 302, "1.1", lambda location: location + "!", AT)
    assert passed[0] == (b"location", b"/caf\xe9!")


def test_how_long_a_message_is() -> None:
    assert framing([]) == (False, None)
    assert framing([(b"content-length", b"5")]) == (False, b"5")
    assert framing([(b"content-length", b"5"), (b"transfer-encoding", b"chunked")]) == (True, None)
    both = onward([(b"content-length", b"5"), (b"transfer-encoding", b"chunked")], "x", "1.1")
    assert (b"transfer-encoding", b"chunked") in both
    assert (b"content-length", b"5") not in both


def test_an_upgrade() -> None:
    asked = [(b"connection", b"keep-alive, Upgrade"), (b"upgrade", b"websocket")]
    assert wants_upgrade(asked)
    assert not wants_upgrade(asked[:1])
    assert not wants_upgrade(asked[1:])


def test_lines_of_one_field_are_a_list() -> None:
    said = [(b"WWW-Authenticate", b"Basic"), (b"x", b"y"), (b"www-authenticate", b'DPoP error="x"')]
    assert all_of(said, b"www-authenticate") == 'Basic, DPoP error="x"'
    assert all_of(said, b"dpop-nonce") is None
