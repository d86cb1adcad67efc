from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from vestal.core.errors import ConfigError, StoreUnavailable
from vestal.core.secret import Secret
from vestal.oauth2.login_error import LoginTimedOut
from vestal.oauth2.page import Link
from vestal.oauth2.reception import Reception, _span

RIGHT = Secret("state=right&code=1")


def judge(query: Secret) -> str | None:
    return None if "state=right" in query.reveal() else "its state is another"


@pytest.fixture
def reception() -> Reception:
    made = Reception(limit=30)
    made.listen(judge)
    return made


def test_the_first_answer_counts(reception: Reception) -> None:
    assert reception.is_answer(RIGHT)
    assert reception.take(RIGHT) is None
    assert reception.take(Secret("state=right&code=2")) is None
    assert reception.wait() == reception.wait() == RIGHT


def test_what_is_no_answer_is_told_so(reception: Reception) -> None:
    assert not reception.is_answer(Secret("state=x"))
    page = reception.take(Secret("state=x"))
    assert page is not None
    assert (page.ok, page.text) == (False, "Its state is another.")
    assert "the terminal" in page.remedy
    assert reception.take(RIGHT) is None
    assert reception.wait() == RIGHT


def test_one_who_waits_is_told_of_the_end(reception: Reception) -> None:
    why = ConfigError("replaced", remedy="use the newer one")
    with ThreadPoolExecutor() as pool:
        waits = pool.submit(reception.wait)
        reception.end(why)
        error = waits.exception(30)
    assert isinstance(error, ConfigError)
    assert error is not why  # one failure, and a traceback for each who is told
    for wait in (reception.wait, lambda: reception.pause(30)):
        with pytest.raises(ConfigError, match="replaced"):
            wait()


def test_an_answer_that_came_first_is_not_lost_to_the_end(reception: Reception) -> None:
    reception.take(RIGHT)
    reception.end(ConfigError("replaced"))
    assert reception.wait() == RIGHT
    with pytest.raises(ConfigError):
        reception.pause(30)


def test_the_end_comes_before_a_later_answer(reception: Reception) -> None:
    reception.end(StoreUnavailable("gone"))
    reception.take(RIGHT)
    with pytest.raises(StoreUnavailable):
        reception.wait()


def test_a_pause_ends_by_itself() -> None:
    reception = Reception()
    reception.pause(0.001)
    reception.pause(-1)


def test_nobody_comes() -> None:
    with pytest.raises(LoginTimedOut, match="nobody finished the login within"):
        Reception(limit=0.001).wait()


def test_the_page_is_told_once(reception: Reception) -> None:
    reception.link = Link("/dashboard", "Back")
    reception.finish("You are logged in", "All is well.", ok=True)
    reception.close()
    reception.finish("Later", "", ok=False)
    page = reception.page.result(0)
    assert (page.title, page.ok, page.link) == ("You are logged in", True, Link("/dashboard", "Back"))
    assert not reception.page.cancel()


def test_a_login_that_is_over() -> None:
    reception = Reception(where="the dashboard")
    assert not reception.page.cancel()  # a browser that goes away takes nothing with it
    reception.close()
    assert reception.page.result(0).title == "This login is over"
    assert reception.held_long().text.endswith("The dashboard tells how it ends.")


def test_many_bring_an_answer_at_once(reception: Reception) -> None:
    queries = [Secret(f"state=right&code={number}") for number in range(8)]
    ready = threading.Barrier(len(queries))

    def bring(query: Secret) -> None:
        ready.wait(30)
        reception.take(query)

    with ThreadPoolExecutor(len(queries)) as pool:
        list(pool.map(bring, queries))
    first = reception.wait()
    assert first in queries
    assert reception._heard.empty()  # one was passed on
    assert reception.wait() == first


@pytest.mark.parametrize(
    ("seconds", "words"), [(300.0, "5 minutes"), (90.0, "90 seconds"), (60.0, "60 seconds"), (0.5, "0.5 seconds")]
)
def test_the_limit_in_words(seconds: float, words: str) -> None:
    assert _span(seconds) == words
