"""What to try next, ready to be copied."""

from __future__ import annotations

import shlex
from pathlib import Path

PYTHON = """\
import httpx2
import vestal
from vestal.hooks.httpx2 import VestalAuth

practice = vestal.source("practice")  # for all threads, tasks and processes
print("token", practice.token().version)
with httpx2.Client(auth=VestalAuth(practice)) as client:
    for _ in range(3):
        answer = client.get("{url}/resource")
        print(answer.status_code, answer.json())
"""


def shell(url: str, folder: Path) -> list[str]:
    """Lines for another terminal."""
    return [
        f"export VESTAL_HOME={shlex.quote(str(folder))} {_path()}".rstrip(),
        "vestal token practice",
        f'curl -H "Authorization: Bearer $(vestal token practice)" {url}/resource',
        "vestal show practice",
    ]


def with_daemon(url: str, folder: Path) -> list[str]:
    """The same where a daemon runs."""
    export, *others = shell(url, folder)
    return [export, "vestal open", *others, "vestal refresh practice"]


def python(url: str) -> str:
    """Ten lines of Python."""
    return PYTHON.format(url=url)


def _path() -> str:
    """What makes `vestal` a command, where it is not one yet: it may live in a virtual environment."""
    import shutil
    import sys

    here = Path(sys.executable).parent
    found = shutil.which("vestal")
    if found is not None and Path(found).parent == here:
        return ""
    return f"PATH={shlex.quote(str(here))}:$PATH" if (here / "vestal").exists() else ""


def control(url: str, key: str) -> str:
    """A line that makes the next two requests to the token endpoint fail."""
    fault = '{"endpoint": "token", "kind": "status", "status": 503, "times": 2}'
    return f"curl -H 'Practice-Key: {key}' -d '{fault}' {url}/practice/faults"
