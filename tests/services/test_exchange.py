"""What an answer says."""

from __future__ import annotations

import pytest

from vestal.core.errors import HTTPError
from vestal.services.exchange import APIRequest, APIResponse


def test_json() -> None:
    assert APIResponse(200, {}, b'{"a": [1]}').data == {"a": [1]}
    assert APIResponse(204, {}, b"").data is None


@pytest.mark.parametrize("body", [b"<html>", b"\xff\xfe", b"{", b"[" * 200_000])
def test_what_is_no_json(body: bytes) -> None:
    with pytest.raises(HTTPError):
        _ = APIResponse(502, {}, body).data


def test_bodies_do_not_show() -> None:
    assert "secret" not in repr(APIResponse(200, {"a": "secret"}, b"secret"))
    assert "secret" not in repr(APIRequest("POST", "/", {}, b"secret"))


def test_as_the_core_sees_it() -> None:
    response = APIResponse(200, {"date": "x"}, b"\xff", 5.0).as_response()
    assert (response.status, response.bytes(), response.sent_at) == (200, b"\xff", 5.0)
