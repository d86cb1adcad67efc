from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oauth2.conftest import dump
from vestal.core.errors import AuthFailed
from vestal.core.secret import Secret
from vestal.oauth2.id_token import check_nonce

NONCE = Secret("nonce-canary")


def jwt(claims: object) -> str:
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}.c2ln"


@pytest.mark.parametrize("length", range(4))  # of the padding that JWTs leave out
def test_the_same_nonce(length: int) -> None:
    check_nonce(Secret(jwt({"nonce": "nonce-canary", "x": "y" * length})), NONCE, "Acme")


@pytest.mark.parametrize(
    ("token", "what"),
    [
        (jwt({"nonce": "other-canary"}), "another login"),
        (jwt({"sub": "1"}), "no nonce"),
        (jwt({"nonce": ""}), "no nonce"),
        (jwt({"nonce": ["nonce-canary"]}), "no nonce"),
        (jwt(["nonce"]), "no nonce"),
        (jwt(1), "no nonce"),
        ("no-jwt-canary", "no nonce"),
        ("e30.ö.c2ln", "no nonce"),
        ("e30.AAAA.iv.text.tag", "no nonce"),  # encrypted
    ],
)
def test_any_other(token: str, what: str) -> None:
    with pytest.raises(AuthFailed, match=f"Acme.*{what}") as caught:
        check_nonce(Secret(token), NONCE, "Acme")
    assert "authorize_param.nonce=" in caught.value.remedy
    assert "canary" not in dump(caught.value)


@given(st.text())
def test_no_text_passes_or_breaks_it(text: str) -> None:
    with pytest.raises(AuthFailed):
        check_nonce(Secret(text), NONCE, "Acme")


@given(st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.dictionaries(st.text(), inner)))
def test_no_claims_pass_or_break_it(claims: object) -> None:
    with pytest.raises(AuthFailed):
        check_nonce(Secret(jwt(claims)), NONCE, "Acme")
