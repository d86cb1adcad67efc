"""One question to a token endpoint: the app's authentication, the provider's extras, DPoP, and the answer read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from vestal.core.clock import Clock
from vestal.core.credential import App, Credential
from vestal.core.grant import Grant
from vestal.core.token import Proof
from vestal.core.transport import Request, Response, Send, Text
from vestal.oauth2 import settings
from vestal.oauth2.address import check_address
from vestal.oauth2.client_request import client_request, secrets_of
from vestal.oauth2.dpop import DPOP_KEY, DPoPKey
from vestal.oauth2.payload import read_payload
from vestal.oauth2.provider import OAuth2Provider
from vestal.oauth2.response import read_grant

WITH_A_PERSON = frozenset(
    {"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"},
)
"""Grant types that began with a login, so that a new login mends a refused one."""


def ask(
    provider: OAuth2Provider,
    app: App,
    send: Send,
    clock: Clock,
    parameters: Mapping[str, Text],
    *,
    proof: Proof | None = None,
) -> Grant:
    """Ask the token endpoint for a grant (RFC 6749, sections 3.2 and 5). `parameters` hold `grant_type` and what it needs.

    With `proof`, the token is bound to its key. A server that wants a nonce in the proof says so, and is asked once more
    with it (RFC 9449, section 8): that depends on the answer alone, so recorded answers lead the same way again.
    Raises `VestalError`.
    """
    request = _request(provider, app, parameters, clock, proof)
    response = send(request)
    if proof is not None:
        proof.learn(request.url, response.headers)
        if _wants_nonce(response):
            request = _request(provider, app, parameters, clock, proof)
            response = send(request)
            proof.learn(request.url, response.headers)
    person = parameters.get("grant_type") in WITH_A_PERSON
    return read_grant(provider, response, sent=secrets_of(request, app), person=person)


def ask_for(
    provider: OAuth2Provider, credential: Credential, send: Send, clock: Clock, parameters: Mapping[str, Text]
) -> Grant:
    """As `ask`, on behalf of a credential: with its DPoP key, which is made when first needed and kept in the grant.

    A key that is made here is lost if the refresh is interrupted and taken over from its recorded answer. The token is
    then refused once, and the next refresh binds a new one to the key that was kept.
    """
    kept = credential.secrets.get(DPOP_KEY)
    if not provider.dpop and kept is None:
        return ask(provider, credential.app, send, clock, parameters)
    key = DPoPKey.generate(clock) if kept is None else DPoPKey.from_secret(kept, clock)
    grant = ask(provider, credential.app, send, clock, parameters, proof=key)
    return replace(grant, secrets={**grant.secrets, DPOP_KEY: key.secret()})


def _request(
    provider: OAuth2Provider, app: App, parameters: Mapping[str, Text], clock: Clock, proof: Proof | None
) -> Request:
    url = check_address(provider.token_endpoint, "token endpoint", "token_url")
    return client_request(
        provider,
        app,
        url,
        {**provider.token_parameters, **settings.prefixed(app, "token_param."), **parameters},
        clock,
        headers={**provider.token_headers, **(proof.headers("POST", url) if proof is not None else {})},
    )


def _wants_nonce(response: Response) -> bool:
    payload = read_payload(response)
    return payload is not None and payload.get("error") == "use_dpop_nonce" and "dpop-nonce" in response.headers
