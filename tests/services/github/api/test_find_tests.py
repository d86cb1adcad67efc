"""Which files are tests, and of what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.services.github.api.find_tests import find_tests, is_test, subject

TESTS = {
    "tests/test_cache.py": "cache",
    "pkg/cache_test.py": "cache",
    "pkg/cache_test.go": "cache",
    "web/cache.test.ts": "cache",
    "web/cache.spec.tsx": "cache",
    "web/cache.cy.js": "cache",
    "web/__tests__/cache.jsx": "cache",
    "src/test/java/com/acme/CacheTest.java": "cache",
    "src/test/java/com/acme/CacheTests.java": "cache",
    "src/test/java/com/acme/CacheIT.java": "cache",
    "src/test/kotlin/CacheTest.kt": "cache",
    "src/test/scala/CacheSpec.scala": "cache",
    "Cache.Tests/CacheTests.cs": "cache",
    "tests/Unit/CacheTest.php": "cache",
    "Tests/CacheTests.swift": "cache",
    "spec/models/cache_spec.rb": "cache",
    "test/cache_test.exs": "cache",
    "test/cache_test.dart": "cache",
    "tests/integration.rs": "integration",
    "tests/cache.bats": "cache",
    "t/01-cache.t": "",
    "src/cache_unittest.cc": "cache",
    "test/test-cache.c": "cache",
    "Cache.Tests.ps1": "cache",
}
NO_TESTS = [
    "src/cache.py", "src/contest.py", "src/latest.go", "src/attestation.ts", "src/Contest.java", "docs/test_plan.md",
    "tests/data.json", "tests/__init__.py", "tests/fixtures/page.html", "testing.cfg", "protest.rb", "",
]  # fmt: skip


@pytest.mark.parametrize("path", [path for path, about in TESTS.items() if about])
def test_tests_are_known_and_what_they_are_about(path: str) -> None:
    assert is_test(path)
    assert subject(path) == TESTS[path]


@pytest.mark.parametrize("path", NO_TESTS)
def test_others_are_not(path: str) -> None:
    assert not is_test(path)


def test_without_changed_files_all_tests_are_direct() -> None:
    found = find_tests(["b/test_b.py", "a/test_a.py", "a/a.py", "test_top.py", "a/test_a.py"])
    assert found == {
        "direct_test_files": ["a/test_a.py", "b/test_b.py", "test_top.py"],
        "related_test_files": [],
        "test_directories": ["a", "b"],
    }


def test_tests_of_changed_files_and_beside_them() -> None:
    paths = [
        "src/parser/lexer.py", "src/parser/tree.py", "tests/parser/test_lexer.py", "tests/parser/test_tree.py",
        "tests/test_cli.py", "src/parser/tests/test_all.py", "web/lexer.spec.ts",
    ]  # fmt: skip
    found = find_tests(paths, ["src/parser/lexer.py", "tests/test_cli.py"])
    assert found["direct_test_files"] == ["tests/parser/test_lexer.py", "tests/test_cli.py", "web/lexer.spec.ts"]
    assert found["related_test_files"] == ["src/parser/tests/test_all.py", "tests/parser/test_tree.py"]
    assert found["test_directories"] == ["src/parser/tests", "tests", "tests/parser", "web"]


def test_names_are_compared_without_their_writing() -> None:
    paths = ["CacheStoreTest.java", "cache_store_test.go", "cache-store.spec.ts", "test_store.py"]
    assert find_tests(paths, ["src/CacheStore.java"])["direct_test_files"] == sorted(paths[:3])


@given(st.lists(st.text()), st.lists(st.text()))
def test_any_paths_will_do(paths: list[str], changed: list[str]) -> None:
    found = find_tests(paths, changed)
    assert set(found["direct_test_files"]) | set(found["related_test_files"]) <= set(paths)
    assert not set(found["direct_test_files"]) & set(found["related_test_files"])
