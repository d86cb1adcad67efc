"""The practice server: a small, truthful OAuth 2 authorization server, with faults on demand and exact counters.

with PracticeServer(Settings(access_token_lifetime=5)) as server:
    refresh_token = server.issue_refresh_token("practice")
    server.faults.add("token", "status", times=2, status=502)
    ...
    assert server.counters.redeemed(refresh_token) == 1
"""

from vestal.testing.practice.counters import Counters
from vestal.testing.practice.fault import ENDPOINTS, Fault, Kind
from vestal.testing.practice.faults import Faults
from vestal.testing.practice.person import log_in
from vestal.testing.practice.run import announce, run
from vestal.testing.practice.server import PracticeServer
from vestal.testing.practice.settings import Settings

__all__ = [
    "ENDPOINTS",
    "Counters",
    "Fault",
    "Faults",
    "Kind",
    "PracticeServer",
    "Settings",
    "announce",
    "log_in",
    "run",
]
