"""A unit of systemd's user manager that runs the daemon with as few rights as it needs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_PLAIN = re.compile(r"[A-Za-z0-9/._+@-]+")

_UNIT = """\
# Written by `vestal systemd`. Put it into ~/.config/systemd/user/vestal.service, then:
#   systemctl --user daemon-reload && systemctl --user enable --now vestal
# To have it run without a session: loginctl enable-linger

[Unit]
Description=Vestal keeps API tokens alive

[Service]
Type=notify
ExecStart={command}
{environment}
Restart=on-failure
RestartSec=2
# 2: what it was told is wrong, and will be at the next start
RestartPreventExitStatus=2
KillMode=mixed
TimeoutStopSec=60
UMask=0077
LimitNOFILE=65536

# It writes to its own folders and reads the rest.
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={writable}
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible

# It starts no program and becomes nobody else.
NoNewPrivileges=yes
CapabilityBoundingSet=
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=default.target
"""


def unit(command: Sequence[str], environment: dict[str, str], writable: Sequence[Path]) -> str:
    """The text of the unit. `command` has an absolute path first; `writable` are the folders that the daemon writes to.

    The directives are those of systemd.service(5) and systemd.exec(5).
    """
    lines = "\n".join(f"Environment={_quoted(f'{name}={value}')}" for name, value in environment.items())
    if not _PLAIN.fullmatch(command[0]):
        command = ["/usr/bin/env", *command]  # systemd takes no quotes and variables in the name of a program
    return _UNIT.format(
        command=" ".join(_quoted(word).replace("$", "$$") for word in command),
        environment=lines,
        writable=" ".join(_quoted(str(path)) for path in writable),
    ).replace("\n\nRestart=on-failure", "\nRestart=on-failure")


def _quoted(word: str) -> str:
    """A word as systemd.syntax(7) reads it back: quoted, specifiers and escapes doubled."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("\n", "\\n")
    return f'"{text}"' if not text or any(character in text for character in " \t'\"\\;#") else text
