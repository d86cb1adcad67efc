"""Run the stub: `python -m tests.github.stub --port 8800 --pulls 3000`. It prints its address as JSON, and a token."""

from __future__ import annotations

import argparse
import json
import sys
import threading

from tests.github.stub.server import Stub


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.github.stub")
    parser.add_argument("--port", type=int, default=0, help="0 for a free one")
    parser.add_argument("--pulls", type=int, default=3000, help="pull requests of acme/widgets")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that every answer is late")
    parser.add_argument("--with-parent", metavar="SETTINGS", help="settings as JSON; end with standard input")
    given = parser.parse_args()
    settings = {"port": given.port, "pulls": given.pulls, "seed": given.seed, "latency": given.latency}
    with Stub(**{**settings, **json.loads(given.with_parent or "{}")}) as stub:
        print(json.dumps({"url": stub.url}), flush=True)
        if given.with_parent is not None:
            sys.stdin.read()
        else:
            threading.Event().wait()


if __name__ == "__main__":
    main()
