"""3,000 pull requests over 4 tokens of 3 owners, one exhausted half-way, one revoked, two kill -9: all there, once each."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.github.fetcher_truth import ALL, truth
from tests.github.stub.server import Stub
from vestal.services.github.prs.fetcher import GitHubAuthenticatedFetcher

PULLS = 3000
PROGRAM = """
import sys
from datetime import UTC, datetime
from vestal.services.github.prs.fetcher import GitHubAuthenticatedFetcher
url, checkpoint, *tokens = sys.stdin.read().split()
with GitHubAuthenticatedFetcher(tokens=tokens, base_url=url, checkpoint_file=checkpoint) as fetcher:
    fetcher.fetch_prs_with_details(
        "acme/widgets", datetime(2000, 1, 1, tzinfo=UTC), include_open=True, include_drafts=True
    )
"""


def run_and_kill(
    stub: Stub, checkpoint: Path, tokens: list[str], after: int, half_way: Callable[[], object] = lambda: None
) -> None:
    """Run in a process of its own, and kill it once the stub has answered so many more queries for details."""
    before = detail_queries(stub)
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        process.stdin.write(" ".join([stub.url, str(checkpoint), *tokens]))
        process.stdin.close()
        deadline = time.monotonic() + 90
        for aim, act in ((before + after // 2, half_way), (before + after, process.kill)):
            while detail_queries(stub) < aim and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            act()
    assert process.returncode == -9


def detail_queries(stub: Stub) -> int:
    return sum(entry.resource == "graphql" and entry.cost > 1 for entry in list(stub.log))


def test_the_whole_of_a_large_repository(tmp_path: Path) -> None:
    checkpoint = tmp_path / "prs.db"
    with Stub(pulls=PULLS) as stub:
        tokens = [stub.add_pat(login) for login in ("alice", "bob", "bob", "carol")]
        alice, bob, carol = (stub.owner_of(tokens[number]) for number in (0, 1, 3))
        reset = int(stub.clock.now()) + 3600
        for owner, remaining in ((alice, 5000), (bob, 900), (carol, 900)):
            stub.set_limit(owner, "graphql", remaining=remaining, reset=reset)

        def used_up_by_somebody_else() -> None:
            stub.set_limit(alice, "graphql", remaining=0, reset=reset)

        run_and_kill(stub, checkpoint, tokens, after=20, half_way=used_up_by_somebody_else)
        stub.revoke(tokens[1])
        run_and_kill(stub, checkpoint, tokens, after=25)
        stub.change_pull("acme/widgets", 2001, title="Changed between two runs")
        with GitHubAuthenticatedFetcher(tokens=tokens, base_url=stub.url, checkpoint_file=checkpoint) as fetcher:
            found = fetcher.fetch_prs_with_details("acme/widgets", **ALL)
            again = fetcher.fetch_prs_with_details("acme/widgets", **ALL)
        assert found.complete
        assert list(found) == truth(stub)
        assert list(again) == list(found)
        assert again.points <= 0.02 * PULLS  # what looks at check runs that were under way
        assert {entry.owner for entry in stub.log if entry.resource == "graphql"} == {alice, bob, carol}
        refused = Counter(owner for owner, what in stub.limits.violations if what == "primary")
        assert 1 <= refused.pop(alice) <= 8 + 2, (
            "what was under way as it was used up, and one look of each later process"
        )
        assert not refused
        spent = sum(entry.cost for entry in stub.log)
        assert spent <= 0.4 * PULLS
        assert len(stub.log) <= 0.1 * PULLS
