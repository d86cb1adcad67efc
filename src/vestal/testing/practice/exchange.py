"""Token exchange (RFC 8693)."""

from __future__ import annotations

from vestal.core.secret import Secret
from vestal.testing.practice.issue import access_token, granted_scope
from vestal.testing.practice.message import Form, Refused
from vestal.testing.practice.state import AccessToken, Client, Family, State

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # a name


def exchange(state: State, client: Client, form: Form, jkt: str | None) -> dict[str, object]:
    """A token on behalf of a live access token's subject. Raises `Refused`."""
    subject = _live(state, form, "subject_token")
    if form.get("actor_token") is not None:
        _live(state, form, "actor_token")
    elif form.get("actor_token_type") is not None:
        raise Refused("invalid_request", "actor_token_type without actor_token")  # MUST NOT (RFC 8693, 2.1)
    if form.get("requested_token_type") not in (None, ACCESS_TOKEN):
        raise Refused("invalid_request", "only access tokens are issued here")
    scope = granted_scope(client, form.get("scope"), within=subject.scope)
    family = Family(client_id=client.id, subject=subject.family.subject, scope=scope)
    # issued_token_type is REQUIRED (RFC 8693, 2.2.1).
    return access_token(state, family, GRANT, scope=scope, jkt=jkt) | {"issued_token_type": ACCESS_TOKEN}


def _live(state: State, form: Form, name: str) -> AccessToken:
    """The access token in a parameter. Raises `Refused`: invalid_request, whatever is wrong with it (RFC 8693, 2.2.2)."""
    token = state.access_tokens.get(Secret(form.need(name)).fingerprint())
    if form.need(f"{name}_type") != ACCESS_TOKEN:
        raise Refused("invalid_request", f"{name}_type must be {ACCESS_TOKEN}")
    if token is None or not token.live(state.now()):
        raise Refused("invalid_request", f"{name} is not a live access token of this server")
    return token
