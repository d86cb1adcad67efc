"""ID tokens (OpenID Connect Core): only so far as a login needs them. Vestal does not tell who the person is."""

from __future__ import annotations

import base64
import json
from contextlib import suppress

from vestal.core.errors import AuthFailed
from vestal.core.secret import Secret
from vestal.oauth2.payload import Payload


def check_nonce(id_token: Secret, nonce: Secret, service: str) -> None:
    """Whether an ID token was made for the login that sent `nonce` (section 3.1.3.7, rule 11). Raises `AuthFailed`.

    It must come straight from the token endpoint over TLS: then its signature need not be checked (rule 6).
    """
    found = _claims(id_token).secret("nonce")
    if found != nonce:
        what = "has no nonce that can be read" if found is None else "was made for another login"
        raise AuthFailed(
            f"the ID token of {service} {what}",
            remedy="start the login again; set authorize_param.nonce= (empty) if the service knows no nonce",
        )


def _claims(token: Secret) -> Payload:
    """The claims of a JWT, unverified; none if it can't be read (an encrypted one)."""
    with suppress(ValueError, TypeError, IndexError, RecursionError):
        return Payload(json.loads(base64.urlsafe_b64decode(token.reveal().split(".")[1] + "===")))
    return Payload()
