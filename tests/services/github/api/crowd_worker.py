"""One process of a crowd: asks for the tokens of many repositories at once, and says which it got (as fingerprints)."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from vestal.core.secret import Secret
from vestal.home import Home
from vestal.services.github.api import GitHubAPIClient


def main(folder: str, url: str, app_id: str, key: str, threads: str) -> None:
    """Repositories come by standard input, one a line; `key` is a file."""
    repositories = sys.stdin.read().split()
    home = Home(Path(folder), environ={})
    try:
        with (
            GitHubAPIClient(app_id, private_key_path=key, base_url=url, home=home, environ={}) as github,
            ThreadPoolExecutor(int(threads)) as pool,
        ):
            found = list(pool.map(lambda name: github.get_installation_token(*name.split("/")), repositories))
    finally:
        home.close()
    prints = {name: Secret(token).fingerprint() for name, token in zip(repositories, found, strict=True)}
    print(json.dumps(prints))


if __name__ == "__main__":
    main(*sys.argv[1:])
