from __future__ import annotations

from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.services.git_protocol import answer, bearer_answer, read


def test_lists_grow_and_are_cleared() -> None:
    question = read(Secret("capability[]=a\ncapability[]=b\nwwwauth[]=Basic x\nwwwauth[]=\nwwwauth[]=Bearer y\n"))
    assert question.capabilities == {"a", "b"}
    assert question.challenges == ("Bearer y",)


def test_when_a_server_wants_a_bearer_token() -> None:
    assert read(Secret("wwwauth[]=Bearer realm=x\n")).wants_bearer
    assert not read(Secret("wwwauth[]=Bearer realm=x\nwwwauth[]=basic realm=y\n")).wants_bearer
    assert not read(Secret("wwwauth[]=Basic realm=x\n")).wants_bearer
    assert not read(Secret("host=x\n")).wants_bearer


def test_the_last_of_what_there_is_once() -> None:
    question = read(Secret("host=a\nhost=b\ncredential=c\nusername=\n"))
    assert (question.host, question.username, question.credential) == ("b", "", Secret("c"))


def test_answers() -> None:
    token = Token(Secret("t"), expires_at=99.9)
    assert answer(token, "me").reveal() == "username=me\npassword=t\npassword_expiry_utc=99\n"
    assert answer(Token(Secret("t")), "me").reveal() == "username=me\npassword=t\n"
    told = "capability[]=authtype\nauthtype=Bearer\ncredential=t\nephemeral=1\npassword_expiry_utc=99\n"
    assert bearer_answer(token).reveal() == told
