from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.errors import NetworkError
from vestal.core.journal import Journal, recall, record
from vestal.core.secret import Secret
from vestal.core.transport import Request, Response

REQUEST = Request("POST", "https://service.test/token")

responses = st.builds(
    Response,
    status=st.integers(100, 599),
    headers=st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=5),
    body=st.binary(max_size=200).map(lambda octets: Secret(octets.decode("latin-1"))),
    sent_at=st.floats(0, 1e11),
)


def response(body: str, sent_at: float = 1000.0) -> Response:
    return Response(200, {}, Secret(body), sent_at)


@given(responses)
def test_a_recorded_answer_is_recalled_as_it_was(response: Response) -> None:
    line = record(response)
    assert isinstance(line, Secret)
    assert recall(line) == response
    assert recall(line).bytes() == response.bytes()


def test_recorded_answers_come_first_and_only_the_rest_is_sent() -> None:
    sent: list[Request] = []
    kept: list[Response] = []

    def send(request: Request) -> Response:
        sent.append(request)
        return response(f"new {len(sent)}", 2000.0)

    journal = Journal(send, kept.append, [record(response("old"))])
    assert journal(REQUEST).body == Secret("old")
    assert (sent, kept, journal.sent_at) == ([], [], 1000.0)
    assert journal(REQUEST).body == Secret("new 1")
    assert len(sent) == 1
    assert [answer.body for answer in kept] == [Secret("new 1")]
    assert journal.sent_at == 2000.0


def test_each_answer_is_kept_before_anybody_reads_it() -> None:
    def keep(_: Response) -> None:
        raise RuntimeError("the store broke")

    journal = Journal(lambda _: response("a"), keep)
    with pytest.raises(RuntimeError):
        journal(REQUEST)


def test_a_request_without_an_answer_leaves_it_sending() -> None:
    def send(_: Request) -> Response:
        raise NetworkError("cut")

    journal = Journal(send, lambda _: None)
    assert not journal.sending
    with pytest.raises(NetworkError):
        journal(REQUEST)
    assert journal.sending
    assert journal.sent_at is None
