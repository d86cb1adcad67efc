"""The JWT bearer grant (RFC 7523, 2.1): a signed assertion in place of a refresh token."""

from __future__ import annotations

from vestal.testing.practice import jose
from vestal.testing.practice.clients import registered_key
from vestal.testing.practice.issue import access_token, granted_scope
from vestal.testing.practice.message import Form, Refused
from vestal.testing.practice.state import Client, Family, State

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def bearer(state: State, client: Client | None, form: Form, jkt: str | None) -> dict[str, object]:
    """A token for the assertion's subject. `client` is who authenticated, if anybody did. Raises `Refused`."""
    assertion = form.need("assertion")
    try:
        issuer, subject = _checked(state, assertion)
    except jose.BadToken as bad:
        problem = str(bad)
    else:
        family = Family(
            client_id=(client or issuer).id,
            subject=subject,
            scope=granted_scope(client or issuer, form.get("scope")),
        )
        # No refresh token: the assertion itself can be made anew (RFC 7521, 4.1).
        return access_token(state, family, GRANT, scope=family.scope, jkt=jkt)
    raise Refused("invalid_grant", f"assertion: {problem}")  # RFC 7523, 3.1


def _checked(state: State, assertion: str) -> tuple[Client, str]:
    """Who issued the assertion and about whom (RFC 7523, section 3). Raises `BadToken`."""
    signed = jose.verified(assertion, lambda unproven: registered_key(state, unproven.text("iss")))
    jose.check_audience(signed, (state.issuer, f"{state.issuer}/token"))
    jose.check_times(signed, state.now())
    return state.clients[signed.text("iss")], signed.text("sub")
