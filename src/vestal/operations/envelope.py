"""A sealed envelope: JSON that carries secrets from one home to another, under a passphrase.

AES-256-GCM under a key that Argon2id (RFC 9106) makes of the passphrase. The header stands in the clear, so that whoever
opens it needs nothing but the passphrase, and is authenticated as associated data.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from typing import Any

from vestal.core.errors import ConfigError
from vestal.core.secret import Secret

FORMAT = 1
_KEY_LENGTH, _SALT_LENGTH, _NONCE_LENGTH = 32, 16, 12
_ARGON = {"iterations": 3, "lanes": 4, "memory_kib": 64 * 1024}
"""RFC 9106, section 4: the second recommended option."""
_MOST = {"iterations": 16, "lanes": 16, "memory_kib": 1024 * 1024}
"""What an envelope may ask of us at most: whoever made it must not exhaust the machine that opens it."""


def seal(contents: Secret, passphrase: Secret, note: dict[str, Any]) -> str:
    """`contents` as an envelope, JSON text. `note` stands in its header, for everybody to read."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    header = {
        "vestal_export": FORMAT,
        **note,
        "kdf": "argon2id",
        **_ARGON,
        "salt": _text(os.urandom(_SALT_LENGTH)),
        "cipher": "AES-256-GCM",
        "nonce": _text(os.urandom(_NONCE_LENGTH)),
    }
    sealed = AESGCM(_key(header, passphrase)).encrypt(
        _bytes(header["nonce"]), contents.reveal().encode("utf-8"), _associated(header)
    )
    return json.dumps({**header, "sealed": _text(sealed)}, indent=1) + "\n"


def unseal(envelope: str, passphrase: Secret) -> Secret:
    """What `seal` put in. Raises `ConfigError` for what is no envelope, and for a wrong passphrase."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    header = check(envelope)
    sealed = _bytes(header.pop("sealed"))
    try:
        opened = AESGCM(_key(header, passphrase)).decrypt(_bytes(header["nonce"]), sealed, _associated(header))
        return Secret(opened.decode("utf-8"))
    except (InvalidTag, UnicodeDecodeError):
        pass
    raise ConfigError("the passphrase is wrong, or the export was changed", remedy="try again with the right one")


def check(envelope: str) -> dict[str, Any]:
    """The fields of an envelope, before anybody is asked for its passphrase. Raises `ConfigError`."""
    try:
        fields = json.loads(envelope)
        known = fields["vestal_export"]
        if known == FORMAT:
            _check_fields(fields)
            return dict(fields)
    except (ValueError, KeyError, TypeError, RecursionError):
        known = None
    if isinstance(known, int) and known > FORMAT:
        raise ConfigError(
            f"the export is of format {known}, and this Vestal knows formats up to {FORMAT}",
            remedy="install the newer Vestal that wrote it",
        )
    raise ConfigError("that is no export of Vestal, or a damaged one", remedy="make it with `vestal export`")


def _check_fields(fields: dict[str, Any]) -> None:
    if fields["kdf"] != "argon2id" or fields["cipher"] != "AES-256-GCM":
        raise ValueError
    for name, most in _MOST.items():
        if not isinstance(fields[name], int) or not 1 <= fields[name] <= most:
            raise ValueError
    if fields["memory_kib"] < 8 * fields["lanes"]:  # RFC 9106, section 3.1
        raise ValueError
    if len(_bytes(fields["nonce"])) != _NONCE_LENGTH or not 8 <= len(_bytes(fields["salt"])) <= 64:
        raise ValueError
    _bytes(fields["sealed"])


def _key(header: dict[str, Any], passphrase: Secret) -> bytes:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    return Argon2id(
        salt=_bytes(header["salt"]),
        length=_KEY_LENGTH,
        iterations=header["iterations"],
        lanes=header["lanes"],
        memory_cost=header["memory_kib"],
    ).derive(passphrase.reveal().encode("utf-8", "surrogatepass"))


def _associated(header: dict[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError from None
