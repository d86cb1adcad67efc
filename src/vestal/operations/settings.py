"""The settings of an app: which there are, and what may not be one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from vestal.core.errors import ConfigError

ENDPOINTS = {
    "token_url": "the token endpoint",
    "authorize_url": "the authorization endpoint, for `vestal login`",
    "device_url": "the device authorization endpoint, for `vestal login --device`",
    "revoke_url": "the revocation endpoint, for `vestal revoke`",
    "introspect_url": "the introspection endpoint",
}

SETTINGS: Mapping[str, str] = {
    **ENDPOINTS,
    "issuer": "the issuer identifier that the answer of a login is compared with",
    "web_url": "the address of a server of one's own, such as GitHub Enterprise, where the catalogue's endpoints are then",
    "api_url": "where its API is, for the daemon's proxy: base addresses with blanks between, before those that are known",
    "base_url": "the API of a GitHub that is not github.com, with github_app and github_token",
    "client_auth": "how apps authenticate there: basic, post, none or private_key_jwt; --client-auth goes first",
    "pkce": "required, supported or none",
    "rotation": "whether a refresh replaces the refresh token: always, never or unknown",
    "dpop": "true: tokens are bound to a key (RFC 9449)",
    "issuer_in_callback": "true: the answer of a login must name its issuer (RFC 9207)",
    "scope_separator": "what stands between scopes; a blank by default",
    "scope_on_refresh": "true: scopes are sent with every refresh",
    "access_token_lifetime": "seconds; used where the service sends no expires_in",
    "audience": "whom the tokens are for, with client_credentials and token_exchange",
    "resource": "the address of the API that the tokens are for (RFC 8707)",
    "redirect_port": "the port for the answer of a login, where the service wants a fixed one",
    "redirect_path": "the path for it; /callback by default",
    "redirect_uri": "the whole address for it, word for word as registered",
    "subject": "on whose behalf a JWT bearer assertion speaks",
    "assertion_issuer": "who signs assertions; the client id by default",
    "assertion_audience": "whom assertions are for; the token endpoint by default",
    "assertion_lifetime": "seconds; 300 by default",
    "assertion_algorithm": "how assertions are signed, such as RS256; as suits the key by default",
    "key_id": "the `kid` in the header of assertions",
    "scope_in_assertion": "true: scopes are a claim of the assertion, as Google wants it",
    "subject_credential": "the credential whose token is exchanged (RFC 8693)",
    "subject_token_file": "a file with the token that is exchanged, read each time",
    "subject_token_type": "what kind of token that is: access_token, id_token, jwt, ...",
    "requested_token_type": "what kind of token to ask for in exchange",
}
"""The settings that have a meaning for every service."""

PREFIXES: Mapping[str, str] = {
    "token_param.": "one more parameter of requests to the token endpoint",
    "authorize_param.": "one more parameter of the authorization request",
    "claim.": "one more claim of assertions",
    "assertion_header.": "one more header of assertions",
}
"""How settings begin that end in a name of the service's own."""

_SECRET = re.compile(
    r"(^|[._-])(secret|password|passwd|passphrase|token|assertion|api_?key|private_?key|key|authorization|cookie|code)$"
)


def check_setting(name: str, value: str) -> None:
    """Raise `ConfigError` for a setting that looks like a secret: settings are kept, and shown, as they are."""
    if (name not in SETTINGS and _SECRET.search(name.lower())) or "-----BEGIN" in value:
        raise ConfigError(
            f"the setting {name[:40]} looks like a secret, and settings are not kept secret",
            remedy="give it with --client-secret-file, --key-file or --refresh-token-file",
        )


def unknown_settings(names: Iterable[str], variables: Iterable[str]) -> list[str]:
    """A line on each setting that nothing is known of; `variables` are the provider's own."""
    from difflib import get_close_matches

    known = [*SETTINGS, *variables]
    notes = []
    for name in names:
        if name not in known and not name.startswith(tuple(PREFIXES)):
            close = get_close_matches(name, known, n=1)
            notes.append(f"nothing is known of the setting {name[:40]}" + (f": is {close[0]} meant?" if close else ""))
    return notes
