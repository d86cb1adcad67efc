"""`python -m bench [SECTION...] [--json FILE] [--quick]`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from bench import command, daemon, github, herd, hooks, hot_path, report
from bench.result import Section
from bench.table import render

SECTIONS: dict[str, Callable[[bool], Section]] = {
    "hot_path": hot_path.measure,
    "hooks": hooks.measure,
    "herd": herd.measure,
    "command": command.measure,
    "github": github.measure,
    "daemon": daemon.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Vestal beside its peers: see bench/README.md."
    )
    parser.add_argument(
        "sections", metavar="SECTION", nargs="*", help=f"of {', '.join(SECTIONS)}; all of them by default"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="where the numbers go (bench/results/<UTC time>.json)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="few rounds and small crowds: whether it works, not how fast"
    )
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.sections) - SECTIONS.keys())
    if unknown:
        parser.error(f"there is no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    sections = []
    for name in arguments.sections or SECTIONS:
        sections.append(SECTIONS[name](arguments.quick))
        print(render(sections[-1]), flush=True)
    print("written to", report.write(sections, quick=arguments.quick, to=arguments.json))


if __name__ == "__main__":
    main()
