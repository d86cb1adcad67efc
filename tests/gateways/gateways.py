"""The gateways: the configurations that are shipped, with addresses filled in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.doors.programs import find

FILES = Path(__file__).parents[2] / "docs" / "how-to" / "gateways"


@dataclass(frozen=True)
class Addresses:
    """What is filled in."""

    tcp: int
    """The daemon's port."""
    socket: Path
    upstream: int
    """The service's port; its host is `localhost`."""
    trusted: Path
    """Certificates."""
    key: str
    credential: str = "acme"


@dataclass(frozen=True)
class Kind:
    """One way to run one gateway."""

    program: str
    over: str
    """How it reaches Vestal: `tcp` or `socket`."""

    @property
    def has_key(self) -> bool:
        """Over the socket none is needed. Envoy's is left where it is."""
        return self.over == "tcp" or self.program == "envoy"

    def __str__(self) -> str:
        return f"{self.program}-{self.over}"


KINDS = [
    Kind("nginx", "tcp"),
    Kind("nginx", "socket"),
    Kind("caddy", "tcp"),
    Kind("caddy", "socket"),
    Kind("traefik", "tcp"),
    Kind("envoy", "tcp"),
    Kind("envoy", "socket"),
]


def filled(name: str, words: Mapping[str, str]) -> str:
    """A file that is shipped, with each of these words replaced. All of them must be in it."""
    text = (FILES / name).read_text()
    for word, other in words.items():
        assert word in text, f"{name} has no {word!r}"
        text = text.replace(word, other)
    return text


def over_socket(text: str, live: str, commented: str, socket: Path) -> str:
    """With the line for the socket, which is a comment as it is shipped, in the place of the one for TCP."""
    for line in (live, f"# {commented}"):
        assert text.count(line) == 1, line
    return text.replace(live, "").replace(f"# {commented}", commented.replace("/run/vestal/vestal.sock", str(socket)))


def write(file: Path, text: str, mode: int = 0o644) -> None:
    file.parent.mkdir(exist_ok=True)
    file.touch(mode)  # before there is anything in it
    file.write_text(text)


def _program(name: str) -> str:
    found = find(name)
    assert found is not None, f"there is no {name}: tools/setup.py and tools/system_packages.py install it"
    return found


def _nginx(kind: Kind, at: Addresses, folder: Path, port: int) -> list[str]:
    words = {
        "127.0.0.1:8080": f"127.0.0.1:{port}",
        "server 127.0.0.1:8378;": f"server 127.0.0.1:{at.tcp};",
        "https://api.example.com": f"https://localhost:{at.upstream}",
        "/auth/acme": f"/auth/{at.credential}",
        "/etc/ssl/certs/ca-certificates.crt": str(at.trusted),
        "/etc/nginx/vestal-key.conf": str(folder / "vestal-key.conf"),
    }
    text = filled("nginx.conf", words)
    if kind.over == "socket":
        text = over_socket(
            text, f"server 127.0.0.1:{at.tcp};", "server unix:/run/vestal/vestal.sock;", at.socket
        ).replace(f"include {folder / 'vestal-key.conf'};", "")
    else:
        write(folder / "vestal-key.conf", filled("nginx-key.conf", {"vestal_...": at.key}), 0o600)
    write(folder / "acme.conf", text)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{each}_temp_path {folder / each};" for each in kinds)
    user = "user root root;" if os.geteuid() == 0 else ""  # the socket is for the daemon's user only
    main = f"{user} pid {folder / 'pid'}; error_log stderr info; events {{}} http {{ access_log {folder / 'access'}; "
    write(folder / "nginx.conf", f"{main} {temporary} include {folder / 'acme.conf'}; }}")
    return [_program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]


def _caddy(kind: Kind, at: Addresses, folder: Path, port: int) -> list[str]:
    words = {
        "http://:8080": f"http://:{port}",
        "forward_auth 127.0.0.1:8378": f"forward_auth 127.0.0.1:{at.tcp}",
        "/auth/acme": f"/auth/{at.credential}",
        "https://api.example.com": f"https://localhost:{at.upstream}",
        "/etc/caddy/vestal.key": str(folder / "vestal.key"),
    }
    text = filled("Caddyfile", words)
    if kind.over == "socket":
        commented = "forward_auth unix//run/vestal/vestal.sock {"
        text = over_socket(text, f"forward_auth 127.0.0.1:{at.tcp} {{", commented, at.socket)
        text = "\n".join(line for line in text.splitlines() if "header_up Authorization" not in line)
    else:
        write(folder / "vestal.key", at.key + "\n", 0o600)
    write(folder / "Caddyfile", "{\n\tadmin off\n}\n" + text)
    return [_program("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def _traefik(kind: Kind, at: Addresses, folder: Path, port: int) -> list[str]:
    dynamic = folder / "dynamic"
    words = {"127.0.0.1:8080": f"127.0.0.1:{port}", "/etc/traefik/dynamic": str(dynamic)}
    write(folder / "traefik.yaml", filled("traefik.yaml", words))
    words = {
        "http://127.0.0.1:8378/auth/acme": f"http://127.0.0.1:{at.tcp}/auth/{at.credential}",
        "https://api.example.com": f"https://localhost:{at.upstream}",
    }
    write(dynamic / "acme.yaml", filled("traefik-dynamic.yaml", words))
    write(dynamic / "vestal-key.yaml", filled("traefik-key.yaml", {"vestal_...": at.key}), 0o600)
    return [_program("traefik"), f"--configFile={folder / 'traefik.yaml'}"]


def _envoy(kind: Kind, at: Addresses, folder: Path, port: int) -> list[str]:
    words = {
        "port_value: 8080": f"port_value: {port}",
        "socket_address: {address: 127.0.0.1, port_value: 8378}": (
            f"socket_address: {{address: 127.0.0.1, port_value: {at.tcp}}}"
        ),
        "/auth/acme/~": f"/auth/{at.credential}/~",
        "port_value: 443": f"port_value: {at.upstream}",
        "api.example.com": "localhost",
        "/etc/ssl/certs/ca-certificates.crt": str(at.trusted),
        "/etc/envoy/vestal-key.yaml": str(folder / "vestal-key.yaml"),
    }
    text = filled("envoy.yaml", words)
    if kind.over == "socket":
        live = f"- endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {at.tcp}}}}}}}"
        text = over_socket(text, live, "- endpoint: {address: {pipe: {path: /run/vestal/vestal.sock}}}", at.socket)
    write(folder / "envoy.yaml", text)
    write(folder / "vestal-key.yaml", filled("envoy-key.yaml", {"vestal_...": at.key}), 0o600)
    return [_program("envoy"), "-c", str(folder / "envoy.yaml"), "--disable-hot-restart", "-l", "warning"]


COMMANDS = {"nginx": _nginx, "caddy": _caddy, "traefik": _traefik, "envoy": _envoy}
