from __future__ import annotations

from vestal.core.pool.member import Left
from vestal.operations.github.quota import Line, Owner, by_owner

LEFT = Left(5000, 4999, None)


def line(name: str, owner: str, bucket: str = "core", refused: str | None = None) -> Line:
    return Line(name, f"ghp_...{name[-4:]}", owner, bucket, LEFT, None, refused)


def test_an_owner_s_quotas_are_told_once() -> None:
    one = [line("token-1", "user/1"), line("token-1", "user/1", "graphql")]
    other = [line("token-2", "user/2")]
    again = [line("token-3", "user/1"), line("token-3", "user/1", "graphql")]
    assert by_owner([*one, *other, *again]) == [
        Owner((("token-1", "ghp_...en-1"), ("token-3", "ghp_...en-3")), tuple(one), None),
        Owner((("token-2", "ghp_...en-2"),), tuple(other), None),
    ]


def test_a_token_that_is_refused_stands_alone() -> None:
    fine, out = line("token-1", "user/1"), line("token-2", "user/1", refused="Bad credentials")
    assert [(owner.tokens[0][0], owner.refused) for owner in by_owner([out, fine])] == [
        ("token-2", "Bad credentials"),
        ("token-1", None),
    ]
