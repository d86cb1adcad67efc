"""`vestal serve --background` with its real API, and with what tests want otherwise.

CRASH=POINT  killed by SIGKILL at that event of a refresh, once the file `armed` is in the home
HURRIED=1    short times: a second for a service, which is tried twice; 0.2 s for a locked store; 3 s for an answer
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from vestal.core.breaker import Breakers
from vestal.core.errors import VestalError
from vestal.core.events import Event, Kind
from vestal.core.retry import RetryPolicy
from vestal.daemon.app import make_app
from vestal.daemon.house import House
from vestal.daemon.limits import Limits
from vestal.daemon.process.logs import log_to_files
from vestal.daemon.refresher import Refresher
from vestal.daemon.server import Parts, serve
from vestal.home import Home, default_folder
from vestal.http import HTTPSender
from vestal.stores.keys import FileKeys
from vestal.stores.sealing import SealedStore
from vestal.stores.sqlite import SQLiteBackend

HURRIED = Limits(deadline=3.0, body_time=1.0)


def dying(point: str) -> Callable[[Event], None]:
    """A listener that ends the process."""
    kind = Kind(point)

    def hear(event: Event) -> None:
        if event.kind is kind and (default_folder() / "armed").exists():
            os.kill(os.getpid(), signal.SIGKILL)

    return hear


def hurried(home: Home) -> Parts:
    """The daemon's parts, with little patience."""
    home.lifecycle.retry = RetryPolicy(tries=2, base=0.05)
    home.lifecycle.breakers = Breakers(failures=4, rest=1.0)
    refresher = Refresher(home)
    house = House(home, refresher=refresher, limits=HURRIED)

    def stop() -> None:
        refresher.stop()
        house.close()

    return Parts(make_app(house), refresher.start, house.drain, stop)


def main() -> None:
    os.umask(0o077)
    asked = argparse.ArgumentParser()
    for option in ("--tcp", "--socket", "--log-level"):
        asked.add_argument(option, default="info" if option == "--log-level" else None)
    options, _ = asked.parse_known_args()
    folder = default_folder()
    point = os.environ.get("CRASH")
    listeners = [dying(point)] if point else []
    in_a_hurry = bool(os.environ.get("HURRIED"))
    if in_a_hurry:
        store = SealedStore(SQLiteBackend(folder / "store.db", busy=0.2), FileKeys(folder / "key"))
        home = Home(folder, listeners=listeners, send=HTTPSender(connect=1, read=1, total=2), store=store)
    else:
        home = Home(folder, listeners=listeners)
    log_to_files(folder, options.log_level)
    serve(
        home,
        socket_path=Path(options.socket) if options.socket else None,
        tcp=("127.0.0.1", 0) if options.tcp else None,
        log_level=options.log_level,
        assemble=hurried if in_a_hurry else None,
    )


if __name__ == "__main__":
    try:
        main()
    except VestalError as error:
        print(f"vestal: {error}", file=sys.stderr)
        sys.exit(2)
