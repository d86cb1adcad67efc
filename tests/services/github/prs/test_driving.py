from __future__ import annotations

import contextvars
import signal
import threading

import pytest

from vestal.services.exchange import APIRequest, APIResponse
from vestal.services.github.prs.driving import Beside, Counting, Stream

WORD: contextvars.ContextVar[str] = contextvars.ContextVar("WORD")


def test_what_it_returns_and_raises() -> None:
    assert Beside(lambda: 3, threading.Event()).result() == 3
    with pytest.raises(ZeroDivisionError):
        Beside(lambda: 1 // 0, threading.Event()).result()


def test_it_sees_the_callers_context() -> None:
    WORD.set("here")
    assert Beside(WORD.get, threading.Event()).result() == "here"


def test_ctrl_c_stops_the_function_and_waits_until_it_has_ended() -> None:
    """From the first moment on: the signal comes before, or while, the caller waits."""
    main = threading.main_thread().ident
    assert main == threading.get_ident(), "signals are handled in the main thread only"
    stopped, ended, unheard = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        signal.pthread_kill(main, signal.SIGINT)
        if not stopped.wait(20):
            unheard.set()
        ended.set()

    with pytest.raises(KeyboardInterrupt):
        Beside(work, stopped).result()
    assert ended.is_set()
    assert not unheard.is_set()


def test_a_stream_gives_what_was_put_until_its_end() -> None:
    stream: Stream[int] = Stream()
    stream.put([1, 2])
    stream.put([])
    stream.put([3])
    stream.end()
    assert list(stream) == [1, 2, 3]


def test_requests_are_counted() -> None:
    counting = Counting("https://api.github.com/graphql")
    send = counting.over(lambda request: APIResponse(200, {}, b""))
    send(APIRequest("POST", "https://api.github.com/graphql"))
    send(APIRequest("GET", "https://api.github.com/user"))
    assert (counting.requests, counting.rest) == (2, 1)
