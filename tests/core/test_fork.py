from __future__ import annotations

import gc
import subprocess
import sys

SCRIPT = """
import gc, os
from vestal.core.fork import Forked, tell

class Told(Forked):
    def __init__(self, name):
        self.name = name
        tell(self)
    def before_fork(self):
        print("before", self.name, flush=True)
    def after_fork(self):
        os.waitpid(-1, 0)
        print("parent", self.name, flush=True)
    def in_child(self):
        print("child", self.name, flush=True)

class Silent(Forked):
    def __init__(self):
        tell(self)

kept, dropped, silent = Told("kept"), Told("dropped"), Silent()
del dropped
gc.collect()
if os.fork() == 0:
    os._exit(0)
"""


def test_both_sides_are_told_and_what_is_gone_is_not() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["before kept", "child kept", "parent kept"]


def test_being_told_keeps_nothing_alive() -> None:
    from vestal.core.fork import Forked, _all, tell

    forked = Forked()
    tell(forked)
    assert forked in _all
    count = len(_all)
    del forked
    gc.collect()
    assert len(_all) < count
