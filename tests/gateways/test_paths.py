"""Whatever path a client asks for, the credential is the one that the gateway was told."""

from __future__ import annotations

import re

import pytest

from tests.gateways.conftest import OTHERS, Place
from tests.gateways.running import Gateway

TARGETS = [
    "/admin",
    "//admin",
    "/admin/~",
    "/~",
    "/~/admin",
    "/~/~/../..",
    "/%7e/%7E/admin",
    "/../admin",
    "/../../admin",
    "/..",
    "/a/../../../admin",
    "/./././admin",
    "/%2e%2e/admin",
    "/%2e%2e%2fadmin",
    "/..%2f..%2fadmin",
    "/%2fadmin",
    "/%2F%2Fadmin",
    "/%5c..%5cadmin",
    "/..;/admin",
    "/admin%00",
    "/admin%0a",
    "/%0a%0d%0aAuthorization:%20x",
    "/%252e%252e%252fadmin",
    "/admin?credential=admin&name=admin",
    "/?/~/admin",
    "/#/../admin",
    "?",
    "/caf%c3%a9/%ff",
    "/%",
    "/%zz",
    "/" + "a" * 5000,
    "http://elsewhere.example.com/auth/admin",
    "http://elsewhere.example.com",
    "*",
    "admin",
]


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_no_path_names_another_credential(place: Place, gateway: Gateway, method: str) -> None:
    others = {f"Bearer {place.token(name)}" for name in OTHERS}
    own = f"Bearer {place.token()}"
    before = len(place.daemon.log)
    place.upstream.seen.clear()
    good = 0
    for target in TARGETS:
        answer = gateway.ask(target, method)
        good += answer.status == 200
        for token in (own, *others):
            assert token.split()[1] not in answer.text, target
    assert {tuple(seen.all("Authorization")) for seen in place.upstream.seen} == {(own,)}
    assert good > len(TARGETS) / 3
    log = place.daemon.log[before:]
    assert set(re.findall(r"token credential=(\S+)", log)) == {"acme"}
    assert not re.findall(r"no token for a gateway: credential='(?!acme')", log)
