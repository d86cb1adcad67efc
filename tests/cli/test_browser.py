from __future__ import annotations

import pytest

from vestal.cli.browser import may_have_one


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        ({}, "linux", False),  # Python would start lynx in the terminal
        ({"TERM": "xterm"}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"BROWSER": "firefox"}, "linux", True),
        ({"WSL_DISTRO_NAME": "Debian"}, "linux", True),
        ({}, "darwin", True),
        ({}, "win32", True),
    ],
)
def test_a_browser_is_only_opened_where_there_is_a_window_for_it(
    environ: dict[str, str], platform: str, expected: bool
) -> None:
    assert may_have_one(environ, platform) is expected
