from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from socket import create_connection

import httpx2
import pytest

from vestal.core.errors import Category, ConfigError, TimedOut
from vestal.core.secret import Secret
from vestal.oauth2.login_error import LoginTimedOut
from vestal.oauth2.loopback import Loopback

RIGHT = "?state=right&code=code-canary"


def judge(query: Secret) -> str | None:
    return None if "state=right" in query.reveal() else "its state is another"


def get(loopback: Loopback, rest: str = RIGHT) -> httpx2.Response:
    return httpx2.get(loopback.redirect_uri + rest, trust_env=False, timeout=20)


class Browser:
    """Asks in a thread of its own."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(4)

    def opens(self, loopback: Loopback, rest: str = RIGHT) -> Future[httpx2.Response]:
        return self._pool.submit(get, loopback, rest)

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *exc: object) -> None:
        self._pool.shutdown()


def test_an_answer_comes_and_the_page_tells_how_it_ended() -> None:
    with Browser() as browser:
        with Loopback() as loopback:
            loopback.listen(judge)
            page = browser.opens(loopback)
            query = loopback.wait()
            assert query == Secret("state=right&code=code-canary")
            assert not page.done()  # held until the end is known
            loopback.finish("It <failed>", "No & no.", ok=False, remedy='Try "again"')
        assert page.result().status_code == 200
        assert "It &lt;failed&gt;" in page.result().text
        assert "No &amp; no." in page.result().text
        assert "Try &quot;again&quot;" in page.result().text
        assert "canary" not in page.result().text


def test_where_it_listens() -> None:
    with Loopback() as loopback:
        assert loopback.redirect_uri == f"http://127.0.0.1:{loopback.port}/callback"
        assert loopback.port > 1023
        port = loopback.port
    with Loopback(port, "/somewhere/else") as loopback:
        assert loopback.redirect_uri == f"http://127.0.0.1:{port}/somewhere/else"


@pytest.mark.parametrize(
    ("registered", "path"),
    [
        ("http://localhost:{}/cb", "/cb"),
        ("http://localhost:{}", "/"),
        ("http://localhost:{}/", "/"),
        ("http://127.0.0.1:{}/a%20b/", "/a%20b/"),
    ],
)
def test_a_registered_address_is_used_word_for_word(registered: str, path: str) -> None:
    with Loopback() as free:
        port = free.port
    with Browser() as browser, Loopback(redirect_uri=registered.format(port)) as loopback:
        assert loopback.redirect_uri == registered.format(port)
        loopback.listen(judge)
        page = browser._pool.submit(httpx2.get, f"http://127.0.0.1:{port}{path}{RIGHT}", trust_env=False)
        loopback.wait()
        loopback.finish("Done", "", ok=True)
        assert "Done" in page.result().text


@pytest.mark.parametrize(
    "registered",
    [
        "https://localhost:3000/cb",
        "http://acme.example:3000/cb",
        "http://[::1]:3000/cb",
        "http://127.0.0.1:80@evil.example:3000/cb",
        "http://127.0.0.1:3000/cb?a=b",
        "http://127.0.0.1:3000/cb#a",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:99999/cb",
        "http://127.0.0.1:x/cb",
        "http://[/cb",
        "urn:ietf:wg:oauth:2.0:oob",
        "",
    ],
)
def test_an_address_that_is_not_this_machines(registered: str) -> None:
    with pytest.raises(ConfigError, match="redirect_uri") as caught:
        Loopback(redirect_uri=registered)
    assert "http://127.0.0.1:8765/callback" in caught.value.remedy
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("port", "path"), [(-1, "/"), (65536, "/"), (0, "callback"), (0, "/a b"), (0, "/a?b"), (0, "/a\r\n")]
)
def test_an_impossible_port_or_path(port: int, path: str) -> None:
    with pytest.raises(ConfigError, match="can't be answered") as caught:
        Loopback(port, path)
    assert "redirect_port" in caught.value.remedy


def test_a_taken_port() -> None:
    with (
        Loopback() as first,
        pytest.raises(ConfigError, match=f"port {first.port}.*in use") as caught,
        Loopback(first.port),
    ):
        pass
    assert "redirect_port" in caught.value.remedy
    assert caught.value.__context__ is None


def test_wrong_answers_neither_end_it_nor_disturb_it() -> None:
    with Browser() as browser:
        with Loopback() as loopback:
            loopback.listen(judge)
            for rest in ("?state=wrong&code=evil", "?state=<script>", "", "?code=evil"):
                response = get(loopback, rest)
                assert response.status_code == 400
                assert "Its state is another." in response.text
                assert "<script" not in response.text
            page = browser.opens(loopback)
            assert loopback.wait() == Secret(RIGHT[1:])
            assert get(loopback, "?state=wrong").status_code == 400
            loopback.finish("Done", "", ok=True)
        assert "Done" in page.result().text


def test_the_first_right_answer_counts_and_a_reload_gets_the_same_page() -> None:
    with Browser() as browser, Loopback() as loopback:
        loopback.listen(judge)
        first = browser.opens(loopback, "?state=right&code=1")
        assert loopback.wait() == Secret("state=right&code=1")
        second = browser.opens(loopback, "?state=right&code=2")
        loopback.finish("Done", "", ok=True)
        assert second.result().text == first.result().text
        assert loopback.wait() == Secret("state=right&code=1")


def test_nobody_comes() -> None:
    with Loopback(limit=0.01) as loopback:
        loopback.listen(judge)
        with pytest.raises(LoginTimedOut, match=r"nobody finished the login within 0\.01 seconds \(start") as caught:
            loopback.wait()
    assert isinstance(caught.value, TimedOut)
    assert caught.value.category is Category.TIMEOUT
    assert not caught.value.passing
    assert "--device" in caught.value.remedy


def test_only_strangers_come() -> None:
    with Loopback(limit=0.01) as loopback:
        loopback.listen(judge)
        get(loopback, "?state=wrong")
        get(loopback, "?state=canary")
        with pytest.raises(
            LoginTimedOut, match=r"\(2\) was turned away, the last because its state is another"
        ) as caught:
            loopback.wait()
    assert "canary" not in str(caught.value)


def test_the_page_does_not_wait_for_ever() -> None:
    with Loopback(hold=0.01) as loopback:
        loopback.listen(judge)
        page = get(loopback)
        assert page.status_code == 200
        assert "Nearly done" in page.text
        assert loopback.wait() == Secret(RIGHT[1:])


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_leaves_nothing_behind(error: type[BaseException]) -> None:
    before = threading.active_count()
    with Browser() as browser:
        with suppress(error), Loopback() as loopback:
            loopback.listen(judge)
            page = browser.opens(loopback)
            loopback.wait()
            raise error
        assert "This login is over" in page.result().text
        with pytest.raises(OSError, match="refused"):
            create_connection(("127.0.0.1", loopback_port(page)), timeout=5)
    assert threading.active_count() == before


def loopback_port(page: Future[httpx2.Response]) -> int:
    port = page.result().url.port
    assert port is not None
    return port


def test_slow_visitors_do_not_hold_up_the_end() -> None:
    with Browser() as browser:
        with Loopback() as loopback, closing(create_connection(("127.0.0.1", loopback.port))) as slow:
            loopback.listen(judge)
            slow.sendall(b"GET /callback?sta")
            page = browser.opens(loopback)
            loopback.wait()
            loopback.finish("Done", "", ok=True)
        assert "Done" in page.result().text


def test_it_is_used_as_a_context_manager() -> None:
    for use in (lambda: Loopback().redirect_uri, lambda: Loopback().listen(judge)):
        call: Callable[[], object] = use
        with pytest.raises(RuntimeError, match="context manager"):
            call()
