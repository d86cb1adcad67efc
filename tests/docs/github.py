"""What the pages on GitHub are run against: the stub with git beside it, and its address in place of github.com's."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.github.git_server import GitServer
from tests.github.stub.apps import App, Installation, key, pem
from tests.github.stub.generate import generate
from tests.github.stub.server import Stub

_MADE = re.compile(r"\b(GitHubTokenPool|GitHubAuthenticatedFetcher)\((?=(\)?))")


@dataclass
class GitHub:
    """A GitHub with an app in two accounts, people with tokens, and the files that the pages take for granted."""

    stub: Stub
    server: GitServer
    app: App
    installations: tuple[Installation, Installation]
    tokens: Mapping[str, str]

    def here(self, text: str) -> str:
        """A page's text with this GitHub in place of github.com, and nothing else changed."""
        for host in ("https://api.github.com", "https://github.com"):
            text = text.replace(host, self.server.url)
        text = text.replace("https://github.example.com", self.stub.enterprise_url)
        text = text.replace("--provider github-app-user", f"--provider github-app-user --set web_url={self.stub.url}")
        text = _MADE.sub(lambda made: f'{made[1]}(base_url="{self.stub.url}"' + ("" if made[2] else ", "), text)
        for number, installation in zip((42, 43), self.installations, strict=True):
            text = re.sub(rf"\b{number}\b", str(installation.id), text)
        return text

    def environment(self, folder: Path) -> dict[str, str]:
        """What a reader has in the environment."""
        return {
            "CLIENT_ID": self.app.client_id,
            "GHES_CLIENT_ID": self.app.client_id,
            "CLIENT_SECRET": self.app.client_secret,
            "GITHUB_SEEDING_TOKENS": f"{self.tokens['alice']},{self.tokens['bob']}",
            "GITHUB_API_BASE_URL": self.server.url,
            "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
        }

    def exhaust(self) -> None:
        """Leave a few points to the tokens of the environment."""
        for login in ("alice", "bob"):
            self.stub.set_limit(self.stub.owner_of(self.tokens[login]), "graphql", remaining=12)


@contextmanager
def github(folder: Path) -> Iterator[GitHub]:
    """For a block. `folder`: where the reader works."""
    repositories = folder.parent / "repositories"
    with Stub(generate(pulls=300, end=int(time.time()))) as stub, GitServer(stub, repositories) as server:
        app = stub.add_app("acme-bot")
        both = stub.install(app, "acme"), stub.install(app, "octocat", ["octocat/hello"])
        app.public_keys.append(key(1).public_key())
        files = {
            "acme-bot.private-key.pem": app.private_key,
            "ghes.private-key.pem": app.private_key,
            "new.private-key.pem": pem(key(1)),
        }
        tokens = {login: stub.add_pat(login) for login in ("alice", "bob", "carol")}
        files |= {f"{login}.txt": f"{token}\n" for login, token in tokens.items()}
        for name, text in files.items():
            (folder / name).write_text(text)
        bare = repositories / "acme" / "secret.git"
        subprocess.run(["git", "init", "-q", "--bare", str(bare)], check=True)
        yield GitHub(stub, server, app, both, tokens)
