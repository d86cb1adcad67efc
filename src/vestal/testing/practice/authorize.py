"""The authorization endpoint (RFC 6749, 3.1): the page, the person's decision, the way back to the client."""

from __future__ import annotations

import re
import secrets
from urllib.parse import urlencode, urlsplit

from vestal.core.secret import Secret
from vestal.testing.practice import pages
from vestal.testing.practice.issue import granted_scope
from vestal.testing.practice.message import NO_STORE, Answer, Form, Refused, Request
from vestal.testing.practice.state import Authorization, Client, State

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_PAGE_LIVES = 10


def show(state: State, request: Request) -> Answer:
    """The page for an authorization request; its errors go to the client where that is safe (RFC 6749, 4.1.2.1)."""
    query = request.query
    try:
        client, redirect_uri = _client(state, query)
    except Refused as refused:
        # Never redirect to an address that is not registered.
        return pages.note("This link is broken", refused.description, 400)
    try:
        authorization = _authorization(state, client, redirect_uri, query)
    except Refused as refused:
        parameters = {"error": refused.error, "error_description": refused.description}
        return _back(state, redirect_uri, _state(query), parameters, 302)
    page = secrets.token_urlsafe(16)
    state.pages[page] = authorization
    return pages.consent(page, authorization)


def decide(state: State, request: Request) -> Answer:
    """The person pressed a button on that page."""
    form = request.form()
    page = form.get("page") or ""
    authorization = state.pages.get(page)
    if authorization is None or authorization.expires_at <= state.now():
        return pages.note("This page is out of date", "Go back to the program and start again.", 400)
    if form.get("decision") != "allow":
        del state.pages[page]
        denied = {"error": "access_denied", "error_description": "the person said no"}
        return _back(state, authorization.redirect_uri, authorization.state, denied, 303)
    if not pages.logged_in(form):
        return pages.consent(page, authorization, "Wrong name or password.")
    del state.pages[page]
    code = Secret(secrets.token_urlsafe(32))
    authorization.expires_at = state.now() + state.settings.code_lifetime
    state.codes[code.fingerprint()] = authorization
    return _back(state, authorization.redirect_uri, authorization.state, {"code": code.reveal()}, 303)


def _client(state: State, query: Form) -> tuple[Client, str]:
    """The client and where to send the person back to. Raises `Refused` unless both are registered."""
    client = state.clients.get(query.need("client_id"))
    if client is None:
        raise Refused("invalid_request", "client_id is unknown")
    redirect_uri = query.need("redirect_uri")
    if not any(_same(redirect_uri, registered) for registered in client.redirect_uris):
        raise Refused("invalid_request", "redirect_uri is not registered for this client")
    return client, redirect_uri


def _same(asked: str, registered: str) -> bool:
    """Exact comparison, but for the port of a loopback address (RFC 9700, 2.1; RFC 8252, 7.3)."""
    if asked == registered:
        return True
    try:
        other, port = urlsplit(registered), urlsplit(asked).port
    except ValueError:
        return False
    host = other.hostname
    if host not in _LOOPBACK:
        return False
    host = f"[{host}]" if ":" in host else host
    return asked == other._replace(netloc=host if port is None else f"{host}:{port}").geturl()


def _authorization(state: State, client: Client, redirect_uri: str, query: Form) -> Authorization:
    if query.need("response_type") != "code":
        raise Refused("unsupported_response_type", "only response_type=code is served")
    challenge = query.get("code_challenge")
    if challenge is None and client.public:
        raise Refused("invalid_request", "code_challenge is missing: public clients must use PKCE")  # RFC 9700, 2.1.1
    if challenge is not None:
        # Without a method, it would be "plain" (RFC 7636, 4.3), which protects from nothing.
        if query.get("code_challenge_method") != "S256":
            raise Refused("invalid_request", "code_challenge_method must be S256")
        if not _CHALLENGE.fullmatch(challenge):
            raise Refused("invalid_request", "code_challenge is not a SHA-256 in base64url")
    return Authorization(
        client_id=client.id,
        redirect_uri=redirect_uri,
        scope=granted_scope(client, query.get("scope")),
        expires_at=state.now() + _PAGE_LIVES * state.settings.code_lifetime,
        state=query.get("state"),
        challenge=challenge,
        nonce=query.get("nonce"),
        jkt=query.get("dpop_jkt"),
    )


def _state(query: Form) -> str | None:
    try:
        return query.get("state")
    except Refused:  # given twice
        return None


def _back(state: State, redirect_uri: str, echo: str | None, parameters: dict[str, str], status: int) -> Answer:
    """To the client, with `state` as it came (RFC 6749, 4.1.2) and the issuer (RFC 9207)."""
    if echo is not None:
        parameters["state"] = echo
    parameters["iss"] = state.issuer
    joint = "&" if "?" in redirect_uri else "?"
    return Answer(status, {"Location": f"{redirect_uri}{joint}{urlencode(parameters)}", **NO_STORE})
