from __future__ import annotations

import pytest

from vestal.core.errors import NeedsLogin
from vestal.core.secret import Secret
from vestal.core.source import StaticSource, TokenSource
from vestal.core.token import Token

TOKEN = Token(Secret("a"), version=3)


async def test_a_fixed_token_is_always_the_same() -> None:
    source: TokenSource = StaticSource(TOKEN)
    assert isinstance(source, TokenSource)
    assert source.token() is source.token(newer_than=2, min_ttl=60) is source.peek() is TOKEN
    assert await source.atoken() is TOKEN


async def test_a_fixed_token_that_was_refused_needs_a_person() -> None:
    source = StaticSource(TOKEN)
    with pytest.raises(NeedsLogin):
        source.token(newer_than=3)
    with pytest.raises(NeedsLogin):
        await source.atoken(newer_than=4)
