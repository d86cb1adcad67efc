"""One entry of the catalogue: a TOML table, checked key by key, as an `OAuth2Provider`.

What is wrong with an entry is found here, with file, name and key, and not later as a request that goes astray.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, get_args

from vestal.core.errors import ConfigError
from vestal.oauth2.address import check_address
from vestal.oauth2.provider import ClientAuth, OAuth2Provider, Rotation

GRANTS = ("authorization_code", "refresh_token", "client_credentials", "device_code", "jwt_bearer", "token_exchange")
"""The grants that an entry may name, in the words of `vestal add --grant`."""

_NEEDS = {"authorization_code": "authorization_endpoint", "device_code": "device_authorization_endpoint"}
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_LONGEST = 100 * 366 * 86400
_SET_BY_THE_CLIENT = frozenset({"client_id", "code", "code_challenge", "code_verifier", "redirect_uri", "state"})
_SECRET = frozenset({"assertion", "authorization", "client_assertion", "client_secret", "password", "refresh_token"})


def parse(name: str, table: dict[str, Any], where: str) -> OAuth2Provider:
    """The provider that `table` describes. `where` is the file it comes from, for messages.

    Raises ConfigError, in one line that names file, entry, key and mend. No value is shown in it: people put secrets in
    wrong places.
    """
    try:
        values = {key: _checked(key, value) for key, value in table.items()}
        _check_whole(values)
    except ConfigError as error:
        message, remedy = f"{where}: [{name}] {error.message}", error.remedy
    else:
        values.pop("checked", None)
        return OAuth2Provider(name=name, **values)
    raise ConfigError(message, remedy=remedy)


def _checked(key: str, value: object) -> Any:
    if key not in _CHECKS:
        raise ConfigError(f"has the unknown key {key[:40]!r}", remedy=_closest(key, _CHECKS))
    return _CHECKS[key](key, value)


def _check_whole(values: dict[str, Any]) -> None:
    """What no key alone can tell. Where there is an issuer, its discovery document fills in what is left out."""
    urls = [*(values.get(key, "") for key in _ENDPOINTS), *values.get("api_urls", ())]
    used = {variable for url in urls for variable in _PLACEHOLDER.findall(url)}
    explained = set(values.get("variables", {}))
    for variable in sorted(used - explained):
        raise ConfigError(f"does not explain {{{variable}}}", remedy=f"add {variable} = 'what it is' to variables")
    for variable in sorted(explained - used):
        raise ConfigError(
            f"variables explains {variable[:40]!r}, which no endpoint uses",
            remedy="write it in braces where it belongs in an endpoint, or leave it out",
        )
    if "issuer" in values:
        return
    if "token_endpoint" not in values:
        raise ConfigError("has neither token_endpoint nor issuer", remedy="add one of them")
    for grant, endpoint in _NEEDS.items():
        if grant in values.get("grants", ()) and endpoint not in values:
            raise ConfigError(
                f"grants names {grant} without {endpoint}", remedy=f"add {endpoint}, or leave {grant} out"
            )


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong_type(key, "text in quotes")
    return value


def _prose(key: str, value: object) -> str:
    """A text that may be wrapped in the file as it likes."""
    return " ".join(_text(key, value).split())


def _day(key: str, value: object) -> str:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text := _text(key, value)):
        raise ConfigError(f"{key} is not a day", remedy="write it like '2026-11-22'")
    return text


def _docs(key: str, value: object) -> str:
    check_address(_text(key, value).partition("#")[0], key, key)
    return _text(key, value)


def _endpoint(key: str, value: object) -> str:
    url = _text(key, value)
    check_address(_PLACEHOLDER.sub("x", url), key, key)
    return url


def _bases(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise _wrong_type(key, "a list of addresses in quotes")
    urls = tuple(_endpoint(key, url) for url in value)
    if any("?" in url or url.endswith("/") for url in urls):
        raise ConfigError(f"{key} holds no base address", remedy="leave out the query, and the slash at the end")
    return urls


def _flag(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong_type(key, "true or false")
    return value


def _seconds(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LONGEST:
        raise _wrong_type(key, "a number of seconds, more than 0 and less than a century")
    return float(value)


def _one_of(*choices: str) -> Callable[[str, object], str]:
    def check(key: str, value: object) -> str:
        if value not in choices:
            raise ConfigError(f"{key} has a value that is not known", remedy=_closest(value, choices))
        return _text(key, value)

    return check


def _separator(key: str, value: object) -> str:
    if value not in (" ", ",", "+", ";", "|"):
        raise _wrong_type(key, "one character between scopes: ' ' or ','")
    return _text(key, value)


def _grants(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise _wrong_type(key, "a list of grants")
    one = _one_of(*GRANTS)
    return tuple(one(key, grant) for grant in value)


def _words(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _wrong_type(key, "a list of texts in quotes")
    return tuple(_text(key, word) for word in value)


def _texts(key: str, value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise _wrong_type(key, "a table of texts in quotes")
    return value


def _variables(key: str, value: object) -> dict[str, str]:
    variables = _texts(key, value)
    for variable, meaning in variables.items():
        if not _PLACEHOLDER.fullmatch(f"{{{variable}}}"):
            raise ConfigError(f"{key} has the name {variable[:40]!r}", remedy="use a-z, 0-9 and _, a letter first")
        if not meaning.strip():
            raise ConfigError(f"{key} leaves {variable} unexplained", remedy="say in a line what it is")
    return variables


def _parameters(key: str, value: object) -> dict[str, str]:
    """Fixed parameters or headers. What the client sets itself can't be fixed; what is secret is not kept in a file."""
    parameters = _texts(key, value)
    for parameter in parameters:
        if parameter.lower() in _SECRET:
            raise ConfigError(f"{key} holds {parameter}, a secret", remedy="leave it out; a credential keeps it sealed")
        if parameter.lower() in _SET_BY_THE_CLIENT:
            raise ConfigError(f"{key} holds {parameter}, which each request sets itself", remedy="leave it out")
    return parameters


def _headers(key: str, value: object) -> dict[str, str]:
    headers = _parameters(key, value)
    for header, text in headers.items():
        # RFC 9110, sections 5.1 and 5.5: a token, and a text without line breaks.
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", header) or not re.fullmatch(r"[\x20-\x7e]*", text):
            raise ConfigError(f"{key} holds a header that can't be sent", remedy="use plain ASCII in one line")
    return headers


def _wrong_type(key: str, wanted: str) -> ConfigError:
    return ConfigError(f"{key} is not {wanted}", remedy=f"write {key} as {wanted}")


def _closest(given: object, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    words = list(known)
    close = get_close_matches(given[:60].lower(), words, n=1) if isinstance(given, str) else []
    return f"did you mean {close[0]!r}?" if close else f"use one of: {', '.join(words)}"


_ENDPOINTS = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "device_authorization_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
)
_CHECKS: dict[str, Callable[[str, object], object]] = {
    "title": _text,
    "docs": _docs,
    "checked": _day,
    **dict.fromkeys(_ENDPOINTS, _endpoint),
    "api_urls": _bases,
    "variables": _variables,
    "grants": _grants,
    "client_auth": _one_of(*get_args(ClientAuth)),
    "scope_separator": _separator,
    "pkce": _one_of("required", "supported", "none"),
    "rotation": _one_of(*get_args(Rotation)),
    "access_token_lifetime": _seconds,
    "refresh_token_lifetime": _seconds,
    "authorization_parameters": _parameters,
    "token_parameters": _parameters,
    "token_headers": _headers,
    "issuer_in_callback": _flag,
    "dpop": _flag,
    "dpop_algorithms": _words,
    "quirks": _prose,
}
