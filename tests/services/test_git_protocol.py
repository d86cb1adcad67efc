from __future__ import annotations

import pytest

from vestal.core.errors import UnexpectedError
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.services.git_protocol import Question, answer, bearer_answer, read


def test_lists_grow_and_are_cleared() -> None:
    question = read(Secret("capability[]=a\ncapability[]=b\nwwwauth[]=Basic x\nwwwauth[]=\nwwwauth[]=Bearer y\n"))
    assert question.capabilities == {"a", "b"}
    assert question.challenges == ("Bearer y",)


def test_when_a_server_wants_a_bearer_token() -> None:
    assert read(Secret("wwwauth[]=Bearer realm=x\n")).wants_bearer
    assert not read(Secret("wwwauth[]=Bearer realm=x\nwwwauth[]=basic realm=y\n")).wants_bearer
    assert not read(Secret("wwwauth[]=Basic realm=x\n")).wants_bearer
    assert not read(Secret("host=x\n")).wants_bearer


def test_what_there_is_once_is_not_said_twice() -> None:
    assert read(Secret("host=a\ncredential=c\nusername=\n")).credential == Secret("c")
    assert read(Secret("host=a\nhost=b\ncredential=c\n")) == Question()


def test_a_carriage_return_begins_no_line() -> None:
    question = read(Secret("protocol=https\nhost=evil.example\rhost=github.com\npath=x\n"))
    assert question.host == "evil.example\rhost=github.com"


def test_a_token_that_is_more_than_a_line_is_not_told() -> None:
    with pytest.raises(UnexpectedError):
        answer(Token(Secret("t\nquit=1")), "me")


def test_answers() -> None:
    token = Token(Secret("t"), expires_at=99.9)
    assert answer(token, "me").reveal() == "username=me\npassword=t\npassword_expiry_utc=99\n"
    assert answer(Token(Secret("t")), "me").reveal() == "username=me\npassword=t\n"
    told = "capability[]=authtype\nauthtype=Bearer\ncredential=t\nephemeral=1\npassword_expiry_utc=99\n"
    assert bearer_answer(token).reveal() == told
