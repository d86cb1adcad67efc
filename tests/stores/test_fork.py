"""Forks of a process that uses the store: no deadlock in the child, and nothing that it writes is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

OPENING = """
import base64, os, signal, sys, threading, time, warnings
from pathlib import Path
from vestal.core.credential import App, Credential
from vestal.core.errors import TimedOut
from vestal.stores.keys import EnvironmentKeys
from vestal.stores.sealing import SealedStore
from vestal.stores.sqlite import SQLiteBackend

warnings.simplefilter("ignore", DeprecationWarning)  # a fork with threads may deadlock, says Python: that is tested here
key = base64.b64encode(bytes(32)).decode()
store = SealedStore(SQLiteBackend(Path(sys.argv[1]) / "store.db"), EnvironmentKeys(environ={"VESTAL_KEY": key}.get))

def credential(name):
    return Credential(name=name, app=App(provider="custom"))

def fork(work):
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return child

def wait(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""


def run(home: Path, script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", OPENING + script, str(home)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_children_use_the_store_while_threads_of_the_parent_do(tmp_path: Path) -> None:
    said = run(
        tmp_path / "home",
        """
store.save(credential("first"))  # everything is imported: a fork in the middle of an import is beyond anybody's help
stop = threading.Event()
def write(number):
    saved = store.save(credential(f"thread-{number}"))
    while not stop.is_set():
        saved = store.save(saved)
threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
children = [fork(lambda: store.save(credential(f"child-{number}"))) for number in range(10)]
codes = [wait(child) for child in children]
stop.set()
for thread in threads:
    thread.join()
print(codes == [0] * 10, len(store.names()))
""",
    )
    assert said == "True 15"


def test_what_a_child_writes_outlives_the_connection_of_its_parent(tmp_path: Path) -> None:
    home = tmp_path / "home"
    said = run(
        home,
        """
store.save(credential("before"))
ready, closed = os.pipe(), os.pipe()
def work():
    store.load("before")
    os.write(ready[1], b"x")
    os.read(closed[0], 1)
    store.save(credential("after"))
child = fork(work)
os.read(ready[0], 1)
store.close()
os.write(closed[1], b"x")
print(wait(child), store.names())
""",
    )
    assert said == "0 ['after', 'before']"
    assert run(home, "print(store.names())") == "['after', 'before']"


def test_a_lease_stays_with_the_parent_and_dies_with_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    said = run(
        home,
        """
ready, looked = os.pipe(), os.pipe()
def work():
    os.read(ready[0], 1)
    try:
        with store.lease("a", 0):
            print("two holders", flush=True)
    except TimedOut:
        print("held by the parent:", store.leased("a"), flush=True)
    os.write(looked[1], b"x")
    while os.getppid() == middle:
        time.sleep(0.01)
    with store.lease("a", 0):
        print("free", flush=True)
def parent():
    global middle
    middle = os.getpid()
    with store.lease("a", 0):
        child = fork(work)
        os.write(ready[1], b"x")
        os.read(looked[0], 1)
        os.kill(os.getpid(), signal.SIGKILL)
print("killed:", wait(fork(parent)), flush=True)
""",
    )
    assert "two holders" not in said
    assert sorted(said.splitlines()) == ["free", "held by the parent: True", "killed: -9"]
