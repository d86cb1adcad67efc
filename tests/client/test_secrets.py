"""Neither a key nor a token is in an error, or in the variables of the frames that it went through."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from tests.client.stand_in import Reply, StandIn, problem, token
from vestal.client.address import read_address
from vestal.client.connection import Client
from vestal.core.errors import VestalError
from vestal.core.secret import Secret

KEY, TOKEN = "canary-key-51", "canary-token-52"


def shown(error: BaseException) -> str:
    """All that a crash reporter would write, but for this test's own frames, which hold what was planted."""
    text = ""
    seen: BaseException | None = error
    while seen is not None:
        report = traceback.TracebackException.from_exception(seen, capture_locals=True)
        report.stack = traceback.StackSummary.from_list([f for f in report.stack if f.filename != __file__])
        text += "".join(report.format(chain=False))
        seen = seen.__cause__ or seen.__context__
    return text


@pytest.mark.parametrize(
    "reply",
    [
        problem("NEEDS_LOGIN", 409, access_token=TOKEN),
        Reply({"access_token": TOKEN, "version": "x"}),
        token(access_token=TOKEN, token_type="DPoP"),
        Reply(raw=f"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{TOKEN}".encode()),
        Reply(raw=TOKEN.encode()),
    ],
)
def test_no_secret_gets_out(tmp_path: Path, reply: Reply) -> None:
    from vestal.client.exchange import exchange

    path = tmp_path / "s"
    with StandIn(lambda asked: reply, path):
        client = Client(read_address(str(path)), Secret(KEY))
        with pytest.raises(VestalError) as caught:
            client.token("alice")
        text = shown(caught.value)
        assert "RefreshingSource" in text or "refreshing.py" in text
        if reply.raw is not None:
            with pytest.raises(VestalError) as raw:
                exchange(read_address(str(path)), "POST", "/", key=Secret(KEY))
            text += shown(raw.value)
    assert KEY not in text
    assert TOKEN not in text
