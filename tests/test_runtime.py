from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vestal.runtime import LONGEST, runtime_dir, socket_path

WORDS = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40)
FOLDERS = st.lists(WORDS.filter(lambda word: word not in (".", "..")), min_size=1, max_size=8)


def test_it_is_in_the_home_unless_another_folder_is_named() -> None:
    assert socket_path(Path("/home/a/vestal"), {}) == Path("/home/a/vestal/run/vestal.sock")
    named = {"VESTAL_RUNTIME_DIR": "/run/vestal"}
    assert socket_path(Path("/home/a/vestal"), named) == Path("/run/vestal/vestal.sock")
    assert runtime_dir(Path("/home/a/vestal"), {"VESTAL_RUNTIME_DIR": ""}) == Path("/home/a/vestal/run")


@given(FOLDERS)
def test_it_is_never_too_long_for_a_socket(words: list[str]) -> None:
    path = socket_path(Path("/", *words), {})
    assert len(os.fsencode(path)) <= LONGEST
    assert path.name == "vestal.sock"
    assert path == socket_path(Path("/", *words), {"XDG_RUNTIME_DIR": "/elsewhere", "TMPDIR": "/elsewhere"})


def test_nobody_else_can_move_its_folder(tmp_path: Path) -> None:
    """Below a folder in /tmp that nobody looks at, another user could put one of his own in its place."""
    path = socket_path(Path("/" + "deep/" * 40), {})
    above = path.parent.parent
    assert str(above) in (f"/run/user/{os.getuid()}", "/tmp")
    assert str(os.getuid()) in str(path)


def test_two_homes_never_share_one() -> None:
    deep = Path("/" + "deep/" * 40)
    assert socket_path(deep / "a", {}) != socket_path(deep / "b", {})
