"""`python -m bench [SECTION...] [--json FILE] [--quick]`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from bench import (
    command,
    daemon_proxy,
    daemon_reads,
    daemon_refresher,
    daemon_start,
    github,
    herd,
    hooks,
    hot_path,
    report,
)
from bench.result import Section
from bench.table import render

SECTIONS: dict[str, Callable[[bool], Section]] = {
    "hot_path": hot_path.measure,
    "hooks": hooks.measure,
    "herd": herd.measure,
    "command": command.measure,
    "github": github.measure,
    "daemon_reads": daemon_reads.measure,
    "daemon_proxy": daemon_proxy.measure,
    "daemon_start": daemon_start.measure,
    "daemon_refresher": daemon_refresher.measure,
}


def chosen(asked: list[str]) -> list[str]:
    """The sections of these names, or whose names begin so, each once; all if none is asked for. Raises `LookupError`."""
    names: list[str] = []
    for each in asked or SECTIONS:
        found = [name for name in SECTIONS if name == each or name.startswith(f"{each}_")]
        if not found:
            raise LookupError(f"there is no section {each!r}; there are {', '.join(SECTIONS)}")
        names += found
    return list(dict.fromkeys(names))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Vestal beside its peers: see bench/README.md."
    )
    parser.add_argument(
        "sections",
        metavar="SECTION",
        nargs="*",
        help=f"of {', '.join(SECTIONS)}; `daemon` is all that begin with it; all by default",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="where the numbers go (bench/results/<UTC time>.json)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="few rounds and small crowds: whether it works, not how fast"
    )
    arguments = parser.parse_args()
    try:
        names = chosen(arguments.sections)
    except LookupError as unknown:
        parser.error(str(unknown))
    sections = []
    for name in names:
        sections.append(SECTIONS[name](arguments.quick))
        print(render(sections[-1]), flush=True)
    print("written to", report.write(sections, quick=arguments.quick, to=arguments.json))


if __name__ == "__main__":
    main()
