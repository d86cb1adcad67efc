"""The JSON file of a run: the machine, the versions, and all sections with their raw medians."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path

from bench.result import Section

RESULTS = Path(__file__).with_name("results")


def write(sections: list[Section], *, quick: bool, to: Path | None = None) -> Path:
    """Write the file and say where it is. Without `to`: `bench/results/<UTC time>.json`."""
    now = datetime.now(UTC)
    path = to or RESULTS / f"{now:%Y%m%dT%H%M%SZ}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "quick": quick,
        "machine": machine(),
        "packages": {
            package.name: package.version for package in sorted(distributions(), key=lambda p: p.name.lower())
        },
        "sections": {section.name: asdict(section) for section in sections},
    }
    path.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    return path


def machine() -> dict[str, str | int | None]:
    """What the numbers were measured on."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "implementation": f"{platform.python_implementation()} ({platform.python_compiler()})",
        "gil": "off" if not getattr(sys, "_is_gil_enabled", lambda: True)() else "on",
    }


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
