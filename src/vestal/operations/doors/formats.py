"""One token in the words of other programs. Pure; what is returned is the secret itself."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from vestal.core.errors import ConfigError, VestalError
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.operations.doors.bearer import variable
from vestal.operations.times import rfc3339

_KUBERNETES = tuple(f"client.authentication.k8s.io/{version}" for version in ("v1", "v1beta1"))

GOOGLE_TYPES = {name: f"urn:ietf:params:oauth:token-type:{name}" for name in ("jwt", "id_token", "saml2")}


def plain(token: Token, name: str) -> Secret:
    """The token alone."""
    return token.access_token


def as_json(token: Token, name: str) -> Secret:
    """What `vestal token --json` says and does not go out of date."""
    return _dumped(
        {
            "access_token": token.access_token,
            "token_type": token.token_type,
            "expires_at": rfc3339(token.expires_at),
            "scope": token.scope,
            "version": token.version,
        }
    )


def env(token: Token, name: str) -> Secret:
    """A line of an environment file, as shells, systemd and Docker read it."""
    return Secret(f"{variable(name)}={shlex.quote(token.access_token.reveal())}\n")


def envoy_sds(token: Token, name: str) -> Secret:
    """A file for Envoy's secret discovery (SDS): a generic secret with the whole value of the Authorization header.

    https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/credential_injector_filter
    """
    return _dumped(
        {
            "resources": [
                {
                    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
                    "name": name,
                    "generic_secret": {"secret": {"inline_string": Secret(token.authorization)}},
                }
            ]
        }
    )


FILES: Mapping[str, Callable[[Token, str], Secret]] = {
    "token": plain,
    "json": as_json,
    "env": env,
    "envoy-sds": envoy_sds,
}
"""The formats of a token file."""


def exec_credential(token: Token, exec_info: str = "") -> Secret:
    """An ExecCredential for kubectl and whatever else uses client-go; `exec_info` is $KUBERNETES_EXEC_INFO.

    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#input-and-output-formats. Raises `ConfigError`
    for a version that is not known.
    """
    status: dict[str, object] = {"token": token.access_token}
    if token.expires_at is not None:
        status["expirationTimestamp"] = rfc3339(token.expires_at)
    return _dumped({"apiVersion": _version(exec_info), "kind": "ExecCredential", "status": status})


def process_credential(token: Token) -> Secret:
    """What programs of the manner of `credential_process` are told: Version 1, the token, and when it ends."""
    told: dict[str, object] = {"Version": 1, "AccessToken": token.access_token, "TokenType": token.scheme}
    if token.expires_at is not None:
        told["Expiration"] = rfc3339(token.expires_at)
    return _dumped(told)


def google_executable(token: Token, kind: str) -> Secret:
    """The answer of an executable that Google's libraries ask for a subject token (https://google.aip.dev/auth/4117)."""
    told: dict[str, object] = {"version": 1, "success": True, "token_type": GOOGLE_TYPES[kind]}
    told["saml_response" if kind == "saml2" else "id_token"] = token.access_token
    if token.expires_at is not None:
        told["expiration_time"] = int(token.expires_at)
    return _dumped(told)


def google_failure(error: VestalError) -> str:
    """The same, for a failure."""
    return json.dumps({"version": 1, "success": False, "code": error.category.value, "message": str(error)})


def curl_config(token: Token) -> Secret:
    """A line of a configuration file of curl (https://curl.se/docs/manpage.html#-K).

    As a bearer token, and not as a header, it does not follow a redirect to another host.
    """
    text = token.access_token.reveal().replace("\\", "\\\\").replace('"', '\\"')
    return Secret(f'oauth2-bearer = "{text}"\n')


def _version(exec_info: str) -> str:
    """The version that is wanted; the newest, if nothing is said."""
    if not exec_info:
        return _KUBERNETES[0]
    try:
        info: Any = json.loads(exec_info)
    except ValueError:
        info = None
    wanted = info.get("apiVersion") if isinstance(info, dict) else None
    if wanted not in _KUBERNETES:
        raise ConfigError(
            f"KUBERNETES_EXEC_INFO asks for {str(wanted)[:60]!r}", remedy="write one of " + ", ".join(_KUBERNETES)
        )
    return str(wanted)


def _dumped(values: Mapping[str, object]) -> Secret:
    return Secret(json.dumps(values, default=_reveal) + "\n")


def _reveal(value: object) -> str:
    if not isinstance(value, Secret):
        raise TypeError(f"{type(value).__name__} in JSON")
    return value.reveal()
