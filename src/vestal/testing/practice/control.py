"""The control API: what tests in other processes and languages do to the server. Every door has a lock."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.testing.practice import devices, register, steer
from vestal.testing.practice.message import Answer, Refused, Request, json_answer
from vestal.testing.practice.state import DEFAULT_SCOPE, USER, State

KEY_HEADER = "practice-key"


def guarded(decide: Callable[[State, Request], object]) -> Callable[[State, Request], Answer]:
    """A control function behind the key."""

    def locked(state: State, request: Request) -> Answer:
        if Secret(request.headers.get(KEY_HEADER, "")) != state.control_key:
            raise Refused("access_denied", "the header Practice-Key must carry the server's control key", status=401)
        try:
            return json_answer(decide(state, request))
        except ConfigError as error:
            problem = f"{error.message}: {error.remedy}"
        raise Refused("invalid_request", problem)

    return locked


def counters(state: State, request: Request) -> object:
    """All counts."""
    return state.counters.snapshot()


def show_settings(state: State, request: Request) -> object:
    """All settings."""
    return dataclasses.asdict(state.settings)


def change_settings(state: State, request: Request) -> object:
    """`{"reuse_grace": 10, ...}`; the answer is all settings."""
    state.settings.change(_members(request))
    return show_settings(state, request)


def add_fault(state: State, request: Request) -> object:
    """`{"endpoint": "token", "kind": "status", "times": 2, "status": 502, ...}`; `"times": null` for always."""
    members = _members(request)
    endpoint, kind = (_text(members, name) for name in ("endpoint", "kind"))
    times = members.get("times", 1)
    if times is not None and (isinstance(times, bool) or not isinstance(times, int)):
        raise ConfigError("times is not a number", remedy="give a whole number, or null for always")
    options = {name: value for name, value in members.items() if name not in ("endpoint", "kind", "times")}
    state.faults.add(endpoint, kind, times, **options)
    return {}


def clear_faults(state: State, request: Request) -> object:
    """Forget all faults and release what they hold."""
    state.faults.clear()
    return {"released": state.faults.release()}


def release(state: State, request: Request) -> object:
    """Release what hang faults hold."""
    return {"released": state.faults.release()}


def approve(state: State, request: Request) -> object:
    """`{"user_code": "..."}`: the person says yes."""
    return _decide(state, request, True)


def deny(state: State, request: Request) -> object:
    """`{"user_code": "..."}`: the person says no."""
    return _decide(state, request, False)


def new_refresh_token(state: State, request: Request) -> object:
    """`{"client_id": "practice", "scope": "read"}`: a refresh token, as if a person had logged in."""
    members = {"client_id": "practice", "scope": DEFAULT_SCOPE, "subject": USER} | _members(request)
    client_id, scope, subject = (_text(members, name) for name in ("client_id", "scope", "subject"))
    token = steer.seed(state, client_id, scope, subject)
    return {"refresh_token": token.reveal(), "fingerprint": token.fingerprint()}


def new_client(state: State, request: Request) -> object:
    """`{"client_id": "...", "secret": "...", "public_key": "...", "dpop": true, ...}`."""
    members = _members(request)
    known = {"client_id": str, "secret": str, "public_key": str, "dpop": bool, "auth": list}
    known |= {"redirect_uris": list, "scopes": list}
    for name, value in members.items():
        if name not in known or not isinstance(value, known[name]):
            raise ConfigError(f"a client can't have such a {name[:40]!r}", remedy="it has " + ", ".join(known))
    register.register(state, _text(members, "client_id"), **{k: v for k, v in members.items() if k != "client_id"})
    return {}


def revoke_access_tokens(state: State, request: Request) -> object:
    """Revoke every live access token; the refresh tokens stay good."""
    return {"revoked": steer.revoke_access_tokens(state)}


def revoke_family(state: State, request: Request) -> object:
    """`{"refresh_token": "..."}`: revoke its grant with all tokens."""
    steer.revoke_family(state, Secret(_text(_members(request), "refresh_token")))
    return {}


def _decide(state: State, request: Request, approved: bool) -> object:
    if not devices.decide(state, _text(_members(request), "user_code"), approved):
        raise ConfigError("no such user code waits for a decision", remedy="take it from the device's answer")
    return {}


def _members(request: Request) -> dict[str, Any]:
    try:
        value = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ConfigError("the body is not a JSON object", remedy="send one")
    return value


def _text(members: Mapping[str, object], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{name} is missing", remedy="give it as a text")
    return value
