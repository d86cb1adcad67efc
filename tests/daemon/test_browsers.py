from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.daemon import browsers
from vestal.daemon.problem import Refusal

HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/dashboard", True),
        ("/dashboard/", True),
        ("/dashboard/credentials/a/b", True),
        ("/dashboards", False),
        ("/", False),
        ("/v1/dashboard", False),
    ],
)
def test_pages(path: str, page: bool) -> None:
    assert browsers.is_page(path) is page


def test_the_port_is_in_the_cookies_name() -> None:
    assert browsers.cookie_name("http://127.0.0.1:8378") == "vestal-8378"
    assert browsers.cookie_name("http://[::1]:9000") == "vestal-9000"
    assert browsers.cookie_name(None) == "vestal"


def test_a_cookie_among_others() -> None:
    found = browsers.cookie_of(b"a=1; vestal-8378=it; vestal=other; vestal-8378=second", "vestal-8378")
    assert found is not None
    assert found.reveal() == "it"
    assert browsers.cookie_of(b"xvestal-8378=it; vestal-83780=no", "vestal-8378") is None


@given(st.binary(max_size=200))
def test_any_cookie_header(header: bytes) -> None:
    browsers.cookie_of(header, "vestal-8378")


@pytest.mark.parametrize(
    ("origin", "site", "ok"),
    [
        (None, None, True),
        (None, b"none", True),
        (None, b"same-origin", True),
        (b"http://127.0.0.1:8378", None, True),
        (b"HTTP://127.0.0.1:8378", None, True),
        (b"http://evil.test", b"same-origin", True),
        (None, b"cross-site", False),
        (None, b"same-site", False),
        (b"http://127.0.0.1:9999", None, False),
        (b"http://evil.test", None, False),
        (b"null", None, False),
        (b"", None, False),
    ],
)
def test_what_a_page_of_another_site_sends(origin: bytes | None, site: bytes | None, ok: bool) -> None:
    if ok:
        browsers.check_site(b"127.0.0.1:8378", origin, site)
        return
    with pytest.raises(Refusal) as caught:
        browsers.check_site(b"127.0.0.1:8378", origin, site)
    assert caught.value.status == 403


@pytest.mark.parametrize("host", [b"localhost", b"vestal", b"", b"127.0.0.1:9000", b"[::1]:9000", b"localhost:9000"])
def test_names_on_the_socket(host: bytes) -> None:
    browsers.check_name(host, HOSTS)


@pytest.mark.parametrize("host", [b"evil.test", b"evil.test:9000", b"a.localhost.evil.test", b"127.0.0.1.evil.test:80"])
def test_names_that_may_be_anybodys(host: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        browsers.check_name(host, HOSTS)
    assert caught.value.status == 421
