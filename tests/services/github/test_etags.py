"""The cache of answers in memory."""

from __future__ import annotations

from vestal.services.github.etags import Kept, MemoryETags


def test_an_answer_is_kept_by_address_and_media_type() -> None:
    etags = MemoryETags()
    kept = Kept('"1"', {}, b"body")
    etags.put("https://a/", "json", kept)
    assert etags.get("https://a/", "json") == kept
    assert etags.get("https://a/", "raw") is None
    assert etags.get("https://b/", "json") is None


def test_the_least_recently_used_goes_first() -> None:
    etags = MemoryETags(largest=400)
    for name in "abcd":
        etags.put(name, "", Kept(name, {}, bytes(100)))
    etags.get("a", "")
    etags.put("e", "", Kept("e", {}, bytes(100)))
    assert [name for name in "abcde" if etags.get(name, "")] == ["a", "c", "d", "e"]


def test_replacing_does_not_count_twice() -> None:
    etags = MemoryETags(largest=400)
    etags.put("a", "", Kept("a", {}, bytes(100)))
    for _ in range(10):
        etags.put("b", "", Kept("b", {}, bytes(100)))
    assert etags.get("a", "") is not None


def test_what_is_too_large_is_not_kept() -> None:
    etags = MemoryETags(largest=400)
    etags.put("a", "", Kept("a", {}, bytes(101)))
    assert etags.get("a", "") is None


def test_a_fork_leaves_no_lock_behind() -> None:
    etags = MemoryETags()
    etags.put("u", "a", Kept('"1"', {}, b"x"))
    etags.in_child()
    assert etags.get("u", "a") is not None
    etags._lock.acquire()
    etags.in_child()
    assert etags.get("u", "a") is None
