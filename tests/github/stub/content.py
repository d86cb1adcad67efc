"""The files of a repository, as bytes, with the shapes that clients must cope with; and git's names for them."""

from __future__ import annotations

import hashlib

from tests.github.stub.records import Commit, File, Repository
from tests.github.stub.world import World

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
LARGE = 1_200_000
"""Bytes: above 1 MB the contents API gives no content."""
MIT = "MIT License\n\nCopyright (c) 2026 Acme\n\nPermission is hereby granted, free of charge, to any person ...\n"


def fill(world: World, repository: Repository, start: int) -> None:
    """Files, languages, topics, a licence and a few commits of the default branch, one of them with 350 files."""
    repository.description = f"All about {repository.name}"
    repository.topics = ("python", "widgets")
    repository.license = "MIT"
    repository.languages = {"Python": 81_234, "Shell": 1_234, "Dockerfile": 321}
    repository.tree = {
        "README.md": f"# {repository.name}\n\nHällo.\n".encode(),
        "LICENSE": MIT.encode(),
        ".gitignore": b"*.pyc\n",
        "assets/logo.png": PNG,
        "data/large.csv": b"0123456789abcde\n" * (LARGE // 16),
        "data/latin1.txt": "größe\n".encode("latin-1"),
        "empty.txt": b"",
        "src/widgets/__init__.py": b"",
        "src/widgets/cache.py": b"def get(key):\n    return key\n",
        "src/widgets/parser.py": b"def parse(text):\n    return text.split()\n",
        "src/widgets/with space.py": b"x = 1\n",
        "tests/__init__.py": b"",
        "tests/test_cache.py": b"def test_get():\n    assert True\n",
        "tests/unit/test_parser.py": b"def test_parse():\n    assert True\n",
        "web/cache.spec.ts": b"describe('cache', () => {})\n",
    }
    parents: tuple[str, ...] = ()
    for n, count in enumerate((3, 1, 350, 2, 0)):
        files = [
            File(f"src/part_{n}_{i}.py", "modified", 2, 1, f"@@ -1 +1,2 @@\n-x = {i}\n+x = 1\n+y = {i}", world.sha())
            for i in range(count)
        ]
        if count == 2:
            files[1] = File("assets/logo.png", "modified", 0, 0, None, world.sha())
        author = world.users["octocat" if n % 2 else "alice"]
        moment = start - 5_000 + n * 600
        commit = Commit(
            world.sha(), f"Commit {n}", author, author.name or author.login, f"{author.login}@example.com",
            moment, moment, 2 * count, count, parents, files,
        )  # fmt: skip
        if n == 4:  # a merge has two parents
            commit.parents = (*parents, repository.history[0])
        parents = (commit.sha,)
        repository.history.append(commit.sha)
        repository.commits[commit.sha] = commit


def blob_sha(content: bytes) -> str:
    """Git's name for a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def tree_sha(repository: Repository, folder: str = "") -> str:
    """A name for a folder's content (not git's own: it only has to change with the content)."""
    digest = hashlib.sha1(folder.encode(), usedforsecurity=False)
    for path, content in sorted(repository.tree.items()):
        if path.startswith(f"{folder}/" if folder else ""):
            digest.update(f"{path} {blob_sha(content)}\n".encode())
    return digest.hexdigest()
