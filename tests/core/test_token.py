from __future__ import annotations

from collections.abc import Mapping

import pytest

from vestal.core.secret import Secret
from vestal.core.token import Token


class Proofs:
    """A key that writes down what it proved."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Secret | None]] = []

    def headers(self, method: str, url: str, access_token: Secret | None = None) -> dict[str, str]:
        self.asked.append((method, url, access_token))
        return {"DPoP": f"proof {len(self.asked)}"}

    def learn(self, url: str, headers: Mapping[str, str]) -> bool:
        return False


def test_time_left() -> None:
    token = Token(Secret("a"), expires_at=1000.0)
    assert token.expires_in(900.0) == 100.0
    assert token.expires_in(1001.5) == -1.5
    assert Token(Secret("a")).expires_in(900.0) is None


@pytest.mark.parametrize(
    ("token_type", "scheme"),
    [("Bearer", "Bearer"), ("bearer", "Bearer"), ("bot", "Bearer"), ("", "Bearer"), ("DPoP", "DPoP"), ("dpop", "DPoP")],
)
def test_services_write_the_type_as_they_like(token_type: str, scheme: str) -> None:
    token = Token(Secret("abc"), token_type=token_type)
    assert token.scheme == scheme
    assert token.authorization == f"{scheme} abc"


def test_a_bearer_token_needs_one_header() -> None:
    assert Token(Secret("abc")).headers("GET", "https://api.test/") == {"Authorization": "Bearer abc"}


def test_a_bound_token_proves_its_key_for_each_request() -> None:
    proofs = Proofs()
    token = Token(Secret("abc"), token_type="DPoP", proof=proofs)
    assert token.headers("GET", "https://api.test/1") == {"Authorization": "DPoP abc", "DPoP": "proof 1"}
    assert token.headers("PUT", "https://api.test/2") == {"Authorization": "DPoP abc", "DPoP": "proof 2"}
    assert proofs.asked == [
        ("GET", "https://api.test/1", Secret("abc")),
        ("PUT", "https://api.test/2", Secret("abc")),
    ]


def test_a_bearer_token_proves_nothing_even_with_a_key() -> None:
    proofs = Proofs()
    assert set(Token(Secret("abc"), proof=proofs).headers("GET", "https://api.test/")) == {"Authorization"}
    assert proofs.asked == []


def test_it_never_shows_itself() -> None:
    token = Token(Secret("canary"), proof=Proofs())
    assert "canary" not in repr(token)
    assert "canary" not in f"{token}"
    assert "Proofs" not in repr(token)
