"""Which files of a repository are tests, and which of them belong to files that were changed. Pure: paths in, paths out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import TypedDict

_FOLDERS = frozenset(
    {"test", "tests", "__tests__", "spec", "specs", "testing", "unittest", "unittests", "e2e", "integration-tests"}
)
_SOURCES = frozenset(
    [
        ".bats", ".c", ".cc", ".clj", ".cljs", ".cpp", ".cs", ".cxx", ".dart", ".elm", ".erl", ".ex", ".exs", ".feature",
        ".fs", ".go", ".groovy", ".h", ".hpp", ".hs", ".java", ".jl", ".js", ".jsx", ".kt", ".kts", ".lua", ".m", ".mjs",
        ".cjs", ".ml", ".mm", ".mts", ".nim", ".php", ".pl", ".ps1", ".py", ".pyi", ".r", ".rb", ".rs", ".scala", ".sh",
        ".svelte", ".swift", ".t", ".ts", ".tsx", ".vb", ".vue", ".zig",
    ]
)  # fmt: skip
_PLAIN = re.compile(
    r"""^(?:
          test[_-](?P<prefixed>.+)                            # Python, C, PHP, Ruby: test_cache
        | (?P<suffixed>.+?)[_.-](?:tests?|specs?|unittest|cy|e2e)  # Go, JavaScript, Ruby, Dart: cache_test, cache.spec
        | (?:tests?|spec|conftest)                            # the test of a whole folder
        )$""",
    re.VERBOSE | re.IGNORECASE,
)
_CAMEL = re.compile(r"^(?:Test(?P<prefixed>[A-Z0-9]\w*)|(?P<suffixed>\w*[A-Za-z0-9])(?:Tests?|TestCase|Spec|IT))$")
"""Java, C#, PHP, Swift: CacheTest, TestCache, CacheTests."""


class FoundTests(TypedDict):
    """Paths, sorted."""

    direct_test_files: list[str]
    """Tests of the changed files by their names, and changed files that are tests; without any changed: all tests."""
    related_test_files: list[str]
    """Further tests beside the changed files, and in test folders of the same name as theirs."""
    test_directories: list[str]
    """Folders that hold tests."""


def is_test(path: str) -> bool:
    """Whether a file is a test, by its name or by the folder that it lies in."""
    file = PurePosixPath(path)
    if file.suffix.lower() not in _SOURCES:
        return False
    if _PLAIN.match(file.stem) or _CAMEL.match(file.stem):
        return True
    # What lies in a test folder without such a name is a fixture or helper, but for the languages that name none so.
    inside = any(part.lower() in _FOLDERS for part in file.parts[:-1])
    return inside and file.stem not in ("__init__", "index", "mod") and file.suffix.lower() in _FOLDER_ONLY


_FOLDER_ONLY = frozenset({".rs", ".js", ".jsx", ".ts", ".tsx", ".mjs", ".bats", ".t", ".exs", ".feature", ".jl"})


def subject(path: str) -> str:
    """What a test is about, as its name has it (`tests/test_cache.py`: `cache`); empty if it does not say."""
    stem = PurePosixPath(path).stem
    for pattern in (_PLAIN, _CAMEL):
        match = pattern.match(stem)
        if match is not None:
            return (match["prefixed"] or match["suffixed"] or "").lower()
    return stem.lower() if is_test(path) else ""


def find_tests(paths: Iterable[str], changed: Iterable[str] = ()) -> FoundTests:
    """The tests among `paths`, sorted by what they have to do with the `changed` files (all paths of one repository)."""
    tests = sorted({path for path in paths if is_test(path)})
    subjects = [PurePosixPath(path) for path in changed]
    if subjects:
        names = {_plain(file.stem) for file in subjects if file.suffix.lower() in _SOURCES}
        themselves = {str(file) for file in subjects}
        direct = [test for test in tests if test in themselves or _plain(subject(test)) in names - {""}]
        folders = {str(file.parent) for file in subjects}
        own = {file.parent.name.lower() for file in subjects} - {""}
        related = [test for test in tests if test not in direct and _beside(PurePosixPath(test), folders, own)]
    else:
        direct, related = tests, []
    directories = sorted({str(PurePosixPath(test).parent) for test in tests} - {"."})
    return {"direct_test_files": direct, "related_test_files": related, "test_directories": directories}


def _beside(test: PurePosixPath, folders: set[str], names: set[str]) -> bool:
    """Whether a test lies in a changed file's folder, in a test folder there, or in one that mirrors it."""
    parent = test.parent
    if str(parent) in folders or (parent.name.lower() in _FOLDERS and str(parent.parent) in folders):
        return True
    return parent.name.lower() in names and any(part.lower() in _FOLDERS for part in test.parts[:-1])


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
