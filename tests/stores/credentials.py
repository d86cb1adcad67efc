"""Credentials as hypothesis makes them, and one with a canary in every secret."""

from __future__ import annotations

from hypothesis import strategies as st

from vestal.core.credential import App, Credential, Intent, LastError, Past
from vestal.core.secret import Secret
from vestal.core.token import Token

CANARY = "canary-9c1e"

texts = st.text(max_size=12)
moments = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(0, 2**40)
secrets = texts.map(Secret)
some_secret = st.none() | st.text(min_size=1, max_size=12).map(Secret)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | moments | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)

apps = st.builds(
    App,
    provider=texts,
    client_id=texts,
    client_secret=some_secret,
    private_key=some_secret,
    client_auth=st.none() | texts,
    grant=texts,
    scopes=st.lists(texts, max_size=3).map(tuple),
    settings=st.dictionaries(texts, texts, max_size=3),
)
tokens = st.builds(
    Token,
    access_token=secrets,
    token_type=texts,
    expires_at=st.none() | moments,
    scope=texts,
    version=counts,
    issued_at=moments,
    refresh_at=st.none() | moments,
)
intents = st.builds(
    Intent,
    fingerprint=texts,
    at=moments,
    version=counts,
    holder=texts,
    replayed=st.booleans(),
    responses=st.lists(secrets, max_size=2).map(tuple),
)
errors = st.builds(
    LastError,
    category=texts,
    message=texts,
    at=moments,
    remedy=texts,
    passing=st.booleans(),
    retry_at=st.none() | moments,
    reason=st.none() | texts,
)
pasts = st.builds(Past, at=moments, what=texts, version=counts, detail=texts)
credentials = st.builds(
    Credential,
    name=st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9]{1,8})?", fullmatch=True),
    app=apps,
    token=st.none() | tokens,
    refresh_token=some_secret,
    refresh_token_expires_at=st.none() | moments,
    version=counts,
    revision=counts,
    created_at=moments,
    refreshed_at=st.none() | moments,
    refresh_count=counts,
    failures=counts,
    refusals=counts,
    rotating=st.none() | st.booleans(),
    refused=st.lists(texts, max_size=2).map(tuple),
    suspect=st.booleans(),
    authorizing_until=st.none() | moments,
    last_error=st.none() | errors,
    intent=st.none() | intents,
    secrets=st.dictionaries(texts, secrets, max_size=2),
    extra=st.dictionaries(texts, json_values, max_size=2),
    history=st.lists(pasts, max_size=2).map(tuple),
)


def canary(name: str = "a") -> Credential:
    """A credential, every secret of which holds the canary."""
    return Credential(
        name=name,
        version=1,
        app=App(
            provider="custom",
            client_secret=Secret(f"{CANARY}-client"),
            private_key=Secret(f"{CANARY}-key"),
            settings={"token_url": "https://acme.example/token"},
        ),
        token=Token(access_token=Secret(f"{CANARY}-access")),
        refresh_token=Secret(f"{CANARY}-refresh"),
        intent=Intent(fingerprint="f", at=0.0, version=1, holder="h", responses=(Secret(f"{CANARY}-response"),)),
        secrets={"dpop_key": Secret(f"{CANARY}-dpop")},
    )
