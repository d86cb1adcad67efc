"""What is done with tokens once they are out: the protected resource, introspection and revocation."""

from __future__ import annotations

from vestal.core.secret import Secret
from vestal.testing.practice import clients, dpop, jose
from vestal.testing.practice.issue import revoke
from vestal.testing.practice.message import NO_STORE, Answer, Refused, Request, json_answer
from vestal.testing.practice.state import AccessToken, Family, State

_ALGORITHMS = f'algs="{" ".join(jose.ALGORITHMS)}"'
_NO_TOKEN = f'Bearer realm="practice", DPoP {_ALGORITHMS}'


def resource(state: State, request: Request) -> Answer:
    """The protected resource: what the access token is worth, with any method and body (RFC 6750; RFC 9449, 7.1)."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if not text:
        # "the resource server SHOULD NOT include an error code" where there was no token (RFC 6750, 3.1).
        return _refuse(state, _NO_TOKEN, None)
    token = state.access_tokens.get(Secret(text.strip()).fingerprint())
    bound = scheme.lower() == "dpop"
    if not bound and scheme.lower() != "bearer":
        return _refuse(state, _NO_TOKEN, None)
    if token is None or not token.live(state.now()):
        why = "unknown" if token is None else "revoked" if token.revoked or token.family.revoked else "expired"
        return _refuse(state, *_challenge(bound, "invalid_token", f"the access token is {why}"))
    if bound != (token.jkt is not None):
        return _refuse(state, *_challenge(bound, "invalid_token", "the scheme does not fit the access token"))
    if bound:
        try:
            proven = dpop.jkt(state, request, access_token=Secret(text.strip()))
        except Refused as refused:
            return _refuse(state, *_challenge(True, refused.error, refused.description))
        if proven != token.jkt:
            return _refuse(state, *_challenge(True, "invalid_token", "no proof of the key that the token is bound to"))
    state.counters.add("resource.200")
    return json_answer(
        {
            "subject": token.family.subject,
            "client_id": token.family.client_id,
            "scope": token.scope,
            "token": Secret(text.strip()).fingerprint(),
            "generation": token.generation,
            "expires_at": token.expires_at,
            "method": request.method,
            "received": len(request.body),
        }
    )


def introspect(state: State, request: Request) -> Answer:
    """RFC 7662. The endpoint MUST require authorization (2.1): a confidential client's. Raises `Refused`."""
    form = request.form()
    client = clients.authenticate(state, request, form)
    if client.public:
        raise Refused("invalid_client", "only confidential clients may ask", status=401)
    fingerprint, now = Secret(form.need("token")).fingerprint(), state.now()
    access = state.access_tokens.get(fingerprint)
    if access is not None and access.live(now):
        return json_answer(_description(state, access.family, access.scope) | _access(access))
    known = state.refresh_tokens.get(fingerprint)
    if known is not None and not known.family.revoked and known.redeemed_at is None:
        if known.expires_at is None:
            return json_answer(_description(state, known.family, known.family.scope))
        if known.expires_at > now:
            return json_answer(_description(state, known.family, known.family.scope) | {"exp": int(known.expires_at)})
    # For all else alike: nothing is told about a token that is not good (RFC 7662, 2.2).
    return json_answer({"active": False})


def revoke_token(state: State, request: Request) -> Answer:
    """RFC 7009: a refresh token with all of its grant, an access token alone. Raises `Refused`."""
    form = request.form()
    client = clients.authenticate(state, request, form)
    fingerprint = Secret(form.need("token")).fingerprint()
    # token_type_hint is only a hint (RFC 7009, 2.1): fingerprints are looked up in both tables.
    access, known = state.access_tokens.get(fingerprint), state.refresh_tokens.get(fingerprint)
    for token in (access, known):
        if token is not None and token.family.client_id != client.id:
            raise Refused("unauthorized_client", "the token was issued to another client")
    if access is not None:
        access.revoked = True
    if known is not None:
        revoke(state, known.family)
    return Answer(200, NO_STORE)  # for unknown tokens too (RFC 7009, 2.2)


def _description(state: State, family: Family, scope: str) -> dict[str, object]:
    return {
        "active": True,
        "iss": state.issuer,
        "sub": family.subject,
        "username": family.subject,
        "client_id": family.client_id,
        "scope": scope,
    }


def _access(token: AccessToken) -> dict[str, object]:
    bound: dict[str, object] = {} if token.jkt is None else {"cnf": {"jkt": token.jkt}}  # RFC 9449, 6.2
    kind = "Bearer" if token.jkt is None else "DPoP"
    return {"token_type": kind, "iat": int(token.issued_at), "exp": int(token.expires_at), **bound}


def _challenge(bound: bool, error: str, description: str) -> tuple[str, str]:
    scheme = f"DPoP {_ALGORITHMS}," if bound else 'Bearer realm="practice",'
    return f'{scheme} error="{error}", error_description="{description}"', error


def _refuse(state: State, challenge: str, error: str | None) -> Answer:
    state.counters.add("resource.401")
    return json_answer({"error": error} if error else {}, 401, {"WWW-Authenticate": challenge})
