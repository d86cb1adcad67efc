"""The herd: many callers find the same token dead. Counted at a practice server that rotates, with no grace for reuse."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2

from bench.child import Child, Stuck
from bench.peers import OURS, PEERS
from bench.peers.peer import CLIENT_ID, CLIENT_SECRET, Grant, NotHandled, Peer
from bench.result import Column, Row, Section, Value, Verdict
from vestal.testing.practice import PracticeServer, Settings

SCOPES = "openid profile offline_access read"
"""msal asks for the first three whatever the user wants."""


@dataclass(frozen=True)
class Scenario:
    """Who asks, and how the token is dead: expired for all who look, or only refused by the server."""

    key: str
    heading: str
    what: str
    callers: int
    processes: int = 1
    refused: bool = False


def scenarios(quick: bool) -> list[Scenario]:
    crowd, tasks, processes = (20, 100, 3) if quick else (100, 1000, 8)
    return [
        Scenario("threads", f"{crowd} threads", "threads", crowd),
        Scenario("tasks", f"{tasks:,} tasks", "tasks", tasks),
        Scenario("processes", f"{processes} processes", "threads", 1, processes=processes),
        Scenario("storm", f"401 storm of {crowd}", "requests", crowd, refused=True),
    ]


def measure(quick: bool) -> Section:
    played = scenarios(quick)
    rows = []
    for peer in (OURS, *PEERS):
        if peer.installed() is None:
            rows.append(Row(name=peer.name, note="not installed"))
        else:
            rows.append(_row(peer, played))
    return Section(
        name="herd",
        title="callers of one dead token; refresh tokens presented / callers left without a good token",
        columns=[Column(key=scenario.key, heading=scenario.heading) for scenario in played],
        rows=rows,
        verdicts=[_verdict(rows[0], scenario) for scenario in played],
        notes=[
            "'revoked': a refresh token came back, so the server has revoked the grant, and a person must log in again.",
            "'not handled': it has nothing for this, or every caller got the 401 and nothing was refreshed.",
        ],
    )


def _row(peer: Peer, played: list[Scenario]) -> Row:
    values: dict[str, Value] = {}
    with ExitStack() as stack:
        many = max(scenario.processes for scenario in played) if peer.persists else 1
        children = [stack.enter_context(Child(peer.name)) for _ in range(many)]
        for child in children:
            child.hear()
        for scenario in played:
            if scenario.processes > 1 and not peer.persists:
                values[scenario.key] = "not handled"
                continue
            try:
                counts, errors = play(peer, scenario, children[: scenario.processes])
            except NotHandled as missing:
                values[scenario.key] = str(missing)
            except Stuck:
                values[scenario.key] = "stuck"
                break
            else:
                values[scenario.key] = _text(counts, scenario)
                values[f"{scenario.key}_counts"] = counts
                values[f"{scenario.key}_errors"] = errors
    return Row(name=peer.name, values=values)


def play(peer: Peer, scenario: Scenario, children: list[Child]) -> tuple[dict[str, int], dict[str, int]]:
    settings = Settings(access_token_lifetime=3600, rotation=True, reuse_detection=True, reuse_grace=0)
    with TemporaryDirectory() as folder, PracticeServer(settings) as server:
        grant = _dead_grant(server, folder, scenario.refused)
        peer.keep(grant)
        for child in children:
            child.prepare(scenario.what, scenario.callers, grant)
        sent, revoked = server.counters["requests.token"], server.counters["families_revoked"]
        for child in children:
            child.go()
        results, errors = Counter[str](), Counter[str]()
        for child in children:
            answer = child.hear()
            results.update(answer["results"])
            errors.update(answer["errors"])
        good = sum(count for result, count in results.items() if _good(server, result))
        callers = scenario.callers * scenario.processes
        return {
            "callers": callers,
            "presented": server.counters["requests.token"] - sent,
            "failed": callers - good,
            "revoked": server.counters["families_revoked"] - revoked,
        }, dict(errors)


def _dead_grant(server: PracticeServer, folder: str, refused: bool) -> Grant:
    """A grant with its second refresh token, and an access token that the server does not take any more."""
    form = {"grant_type": "refresh_token", "refresh_token": server.issue_refresh_token(CLIENT_ID, SCOPES)}
    answer = httpx2.post(f"{server.url}/token", data=form, auth=(CLIENT_ID, CLIENT_SECRET)).json()
    server.revoke_access_tokens()
    expires_at = time.time() + (3600 if refused else -60)
    return Grant(server.url, str(Path(folder)), answer["access_token"], answer["refresh_token"], expires_at)


def _good(server: PracticeServer, result: str) -> bool:
    """Whether a caller was served: by the status it saw, or by the token it got, which has to be good in the end."""
    if result.isdecimal() and len(result) == 3:
        return result == "200"
    headers = {"Authorization": f"Bearer {result}"}
    return httpx2.get(f"{server.url}/resource", headers=headers).status_code == 200


def _text(counts: dict[str, int], scenario: Scenario) -> str:
    if scenario.refused and not counts["presented"] and counts["failed"] == counts["callers"]:
        return "not handled"
    revoked = ", revoked" if counts["revoked"] else ""
    return f"{counts['presented']} / {counts['failed']}{revoked}"


def _verdict(ours: Row, scenario: Scenario) -> Verdict:
    measured = ours.values[scenario.key]
    return Verdict(target=f"1 / 0 with {scenario.heading}", measured=str(measured), met=measured == "1 / 0")
