"""The authorization code grant with PKCE (RFC 6749, section 4.1; RFC 7636; RFC 9207; RFC 9700). It opens nothing itself."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, quote, unquote_plus, urlsplit, urlunsplit

from vestal.core.clock import Clock
from vestal.core.credential import App
from vestal.core.errors import AuthFailed, ConfigError, Outcome, VestalError
from vestal.core.grant import Grant
from vestal.core.secret import Secret
from vestal.core.token import Proof
from vestal.core.transport import Response, Send, Text
from vestal.oauth2 import settings
from vestal.oauth2.address import check_address
from vestal.oauth2.id_token import check_nonce
from vestal.oauth2.login_error import AGAIN, access_denied, attempt, in_words_of_login
from vestal.oauth2.payload import Payload, shown
from vestal.oauth2.provider import OAuth2Provider
from vestal.oauth2.refusal import refusal

_OURS = frozenset({"response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method"})
_PAUSES = (1.0, 2.0)
"""Seconds between tries to redeem a code: it lives for a minute or so, and a person is waiting."""

_MISFIT = "the answer does not belong to this login"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """One authorization request, and what has to be remembered until its answer comes."""

    url: str = field(repr=False)
    """Where the person goes. `state` is in it."""
    redirect_uri: str
    state: Secret
    verifier: Secret | None = None
    """The PKCE code verifier; None where the provider can't take one."""
    nonce: Secret | None = None
    """What the ID token has to repeat; None where none is asked for."""


def begin(provider: OAuth2Provider, app: App, redirect_uri: str) -> Authorization:
    """A new request: `state` and the verifier are 32 random bytes each (RFC 7636, section 7.1), the method is S256.

    Settings `authorize_param.NAME` go over the provider's own parameters; an empty one takes a parameter away, `nonce`
    included (for services that leave it out of their ID tokens). Raises `ConfigError`.
    """
    endpoint = check_address(provider.authorization_endpoint, "authorization endpoint", "authorize_url")
    if not app.client_id:
        raise ConfigError("there is no client id, which a login needs", remedy="give it with --client-id")
    wanted = {**provider.authorization_parameters, **settings.prefixed(app, "authorize_param.")}
    taken = ", ".join(sorted(_OURS & wanted.keys()))
    if taken:
        raise ConfigError(f"no setting can choose {taken}: each login does", remedy="remove it from authorize_param.*")
    if wanted.get("nonce"):
        raise ConfigError("a nonce that is used twice protects from nothing", remedy="remove authorize_param.nonce")
    authorization = Authorization(
        url="",
        redirect_uri=redirect_uri,
        state=_random(),
        verifier=None if provider.pkce == "none" else _random(),
        nonce=_random() if "openid" in app.scopes and "nonce" not in wanted else None,
    )
    parameters: dict[str, Text] = {"response_type": "code", "client_id": app.client_id, "redirect_uri": redirect_uri}
    if app.scopes:
        parameters["scope"] = provider.scope_separator.join(app.scopes)
    if "offline_access" in app.scopes:
        parameters["prompt"] = "consent"  # without it the scope is ignored (OpenID Connect Core, section 11)
    parameters["state"] = authorization.state
    if authorization.verifier is not None:
        parameters |= {"code_challenge": _challenge(authorization.verifier), "code_challenge_method": "S256"}
    if authorization.nonce is not None:
        parameters["nonce"] = authorization.nonce
    parameters = {name: value for name, value in {**parameters, **wanted}.items() if value}
    return replace(authorization, url=_with_query(endpoint, parameters))


def misfit(authorization: Authorization, query: Secret) -> str | None:
    """Why a query is no answer to this request: it lacks the `state`, or has another (RFC 6749, 10.12). None if it is one.

    It may come from anyone: a page that the person visits, a tab left over from an earlier try.
    """
    states = _parameters(query).get("state", [])
    if not states:
        return f"{_MISFIT}: it has no state"
    if len(states) > 1:
        return f"{_MISFIT}: it has more than one state"
    return None if states[0] == authorization.state else f"{_MISFIT}: it has another state"


def code_from(authorization: Authorization, provider: OAuth2Provider, query: Secret) -> Secret:
    """The code in the answer's query (RFC 6749, section 4.1.2), once all that proves its origin has been checked.

    Raises `AuthFailed` if `state` or `iss` (RFC 9207, section 2.4) are not what they have to be, `PermissionDenied` if the
    person or the service said no, and the error that another error code stands for.
    """
    trouble = misfit(authorization, query)
    if trouble:
        raise AuthFailed(f"{trouble} (somebody else may have sent it)", remedy=AGAIN)
    found = _parameters(query)
    if any(len(values) > 1 for values in found.values()):  # RFC 6749, section 3.1
        raise AuthFailed(f"{provider.label} sent an answer with a parameter in it twice", remedy=AGAIN)
    answer = {name: values[0] for name, values in found.items()}
    _check_issuer(provider, answer.get("iss"))
    if answer.get("error"):
        raise _refused(provider, authorization, answer)
    code = answer.get("code")
    if not code:
        raise AuthFailed(f"{provider.label} sent an answer with neither a code nor an error", remedy=AGAIN)
    return code


def exchange(
    provider: OAuth2Provider,
    app: App,
    authorization: Authorization,
    code: Secret,
    send: Send,
    clock: Clock,
    proof: Proof | None = None,
) -> Grant:
    """Redeem the code (RFC 6749, section 4.1.3), and check that an ID token repeats the nonce.

    Tried again, twice and soon, only where it is known to have had no effect: a code that comes twice may revoke what it
    brought the first time (section 4.1.2). Raises `VestalError`.
    """
    parameters: dict[str, Text] = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": authorization.redirect_uri,
    }
    if authorization.verifier is not None:
        parameters["code_verifier"] = authorization.verifier
    pauses = iter(_PAUSES)
    while not isinstance(result := attempt(provider, app, send, clock, parameters, proof), Grant):
        pause = next(pauses, None)
        if pause is None or not _worth_another_try(result):
            raise in_words_of_login(result, provider.label)
        clock.sleep(max(pause, result.retry_after or 0.0))
    id_token = result.secrets.get("id_token")
    if authorization.nonce is not None and id_token is not None:
        check_nonce(id_token, authorization.nonce, provider.label)
    return result


def _random() -> Secret:
    return Secret(secrets.token_urlsafe(32))


def _challenge(verifier: Secret) -> str:
    digest = hashlib.sha256(verifier.reveal().encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")  # RFC 7636, section 4.2


def _with_query(endpoint: str, parameters: dict[str, Text]) -> str:
    """The endpoint's own query is kept (RFC 6749, section 3.1), but no parameter may stand there twice."""
    parts = urlsplit(endpoint)
    own = [piece for piece in parts.query.split("&") if piece and _name(piece) not in parameters]
    added = [f"{_quoted(name)}={_quoted(value)}" for name, value in parameters.items()]
    return urlunsplit(parts._replace(query="&".join([*own, *added])))


def _quoted(text: Text) -> str:
    return quote(text.reveal() if isinstance(text, Secret) else text, safe="", errors="replace")


def _name(piece: str) -> str:
    return unquote_plus(piece.partition("=")[0])


def _parameters(query: Secret) -> dict[str, list[Secret]]:
    found: dict[str, list[Secret]] = {}
    for name, value in [(name, Secret(value)) for name, value in parse_qsl(query.reveal(), keep_blank_values=True)]:
        found.setdefault(name, []).append(value)
    return found


def _check_issuer(provider: OAuth2Provider, issuer: Secret | None) -> None:
    """Against mix-up: another server's answer must not lead to sending a code to this one (RFC 9207, section 2.4)."""
    if issuer is None and provider.issuer_in_callback:
        raise AuthFailed(
            f"{provider.label} did not say in its answer who it is, although it always does",
            remedy="start the login again; set issuer_in_callback=false if the service has changed",
        )
    if issuer is not None and provider.issuer and issuer != Secret(provider.issuer):
        raise AuthFailed(
            f"the answer is from the issuer {shown(issuer.reveal(), 100)!r}, not from {provider.issuer}",
            remedy="start the login again; set issuer=... if that is the right one",
        )


def _refused(provider: OAuth2Provider, authorization: Authorization, answer: dict[str, Secret]) -> VestalError:
    """The error that the answer stands for (RFC 6749, section 4.1.2.1; most codes are those of the token endpoint)."""
    told = Payload({name: answer[name].reveal() for name in ("error", "error_description") if name in answer})
    if told["error"] == "access_denied":
        return access_denied(provider.label)
    hidden = [authorization.state, *(secret for secret in (authorization.verifier, authorization.nonce) if secret)]
    error = refusal(Response(400, {}, Secret(""), 0.0), told, service=provider.label, sent=hidden)
    assert error is not None
    return in_words_of_login(error, provider.label)


def _worth_another_try(error: VestalError) -> bool:
    return error.passing and error.outcome is not Outcome.UNKNOWN and (error.retry_after or 0.0) <= 10.0
