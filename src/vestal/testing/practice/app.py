"""From a request to its answer: which endpoint it is for, what that decides, how errors look."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from vestal.testing.practice import authorize, control, devices, discovery, grants, tokens
from vestal.testing.practice.message import Answer, Refused, Request, json_answer, refusal
from vestal.testing.practice.state import State

_log = logging.getLogger("vestal.testing.practice")

Decide = Callable[[State, Request], Answer]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A place to send requests to. Without an entry for `*`, methods that are not named are refused."""

    name: str
    methods: dict[str, Decide] = field(repr=False)


_DISCOVERY = Endpoint("discovery", {"GET": discovery.metadata})


def _guarded(**methods: Callable[[State, Request], object]) -> Endpoint:
    return Endpoint("practice", {method: control.guarded(decide) for method, decide in methods.items()})


ROUTES: dict[str, Endpoint] = {
    # RFC 8414, section 3: the well-known part stands between host and path; this issuer has no path.
    "/.well-known/oauth-authorization-server": _DISCOVERY,
    "/.well-known/openid-configuration": _DISCOVERY,
    "/jwks": Endpoint("jwks", {"GET": discovery.jwks}),
    "/authorize": Endpoint("authorize", {"GET": authorize.show, "POST": authorize.decide}),
    "/token": Endpoint("token", {"POST": grants.token}),
    "/device_authorization": Endpoint("device_authorization", {"POST": devices.authorize}),
    "/device": Endpoint("device", {"GET": devices.show, "POST": devices.submit}),
    "/revoke": Endpoint("revoke", {"POST": tokens.revoke_token}),
    "/introspect": Endpoint("introspect", {"POST": tokens.introspect}),
    "/resource": Endpoint("resource", {"*": tokens.resource}),
    "/practice/counters": _guarded(GET=control.counters),
    "/practice/settings": _guarded(GET=control.show_settings, POST=control.change_settings),
    "/practice/faults": _guarded(POST=control.add_fault, DELETE=control.clear_faults),
    "/practice/release": _guarded(POST=control.release),
    "/practice/device/approve": _guarded(POST=control.approve),
    "/practice/device/deny": _guarded(POST=control.deny),
    "/practice/refresh-token": _guarded(POST=control.new_refresh_token),
    "/practice/clients": _guarded(POST=control.new_client),
    "/practice/revoke-access-tokens": _guarded(POST=control.revoke_access_tokens),
    "/practice/revoke-family": _guarded(POST=control.revoke_family),
}
_NOWHERE = Endpoint("unknown", {"*": lambda state, request: json_answer({"error": "not_found"}, 404)})


def endpoint(request: Request) -> Endpoint:
    """Where the request goes."""
    return ROUTES.get(request.path, _NOWHERE)


def answer(state: State, request: Request) -> Answer:
    """Decide, under the state's lock. Never raises: a defect is logged and counted, and answered with 500."""
    place = endpoint(request)
    method = "GET" if request.method == "HEAD" else request.method
    decide = place.methods.get(method) or place.methods.get("*")
    if decide is None:
        return json_answer({"error": "method_not_allowed"}, 405, {"Allow": ", ".join(place.methods)})
    try:
        with state.lock:
            made = decide(state, request)
    except Refused as refused:
        made = _refusal(state, place, refused)
    except Exception as error:  # the server must answer, and no message may show what was sent
        where = "".join(traceback.format_tb(error.__traceback__))
        _log.error("defect in the practice server: %s\n%s", type(error).__name__, where)
        state.counters.add("defects")
        made = json_answer({"error": "server_error"}, 500)
    if state.settings.dpop_nonce and "dpop" in request.headers:
        made = replace(made, headers={**made.headers, "DPoP-Nonce": state.dpop_nonce})  # RFC 9449, 8.2
    _log.debug("%s %s %d", method if method.isalpha() else "?", place.name, made.status)
    return made


def _refusal(state: State, place: Endpoint, refused: Refused) -> Answer:
    made = refusal(refused)
    if place.name != "token":
        return made
    state.counters.add(f"errors.{refused.error}")
    return replace(made, status=200) if state.settings.errors_with_status_200 else made
