"""Which hosts are this machine: the only ones that anything may be sent to without TLS."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether `host`, as an address names it, is this machine: `localhost`, 127.0.0.0/8 or ::1 (RFC 8252, 8.3)."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
