"""Keys: the server's own and the practice client's, made on first use, and those that others register."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from vestal.core.errors import ConfigError

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, Key


class Keys:
    """Two fresh P-256 keys. Made late: most tests need neither, and joserfc takes its time to import."""

    @functools.cached_property
    def server(self) -> ECKey:
        """Signs ID tokens."""
        return _generate()

    @functools.cached_property
    def client(self) -> ECKey:
        """The private key of the client `practice-jwt`."""
        return _generate()


def public_key(text: str) -> Callable[[], Key]:
    """The public key in a PEM or JWK text, as a function that gives it. Raises `ConfigError`."""
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    for kind in (ECKey, RSAKey, OKPKey):
        try:
            if text.lstrip().startswith("{"):
                key: Key = kind.import_key(json.loads(text))
            else:
                key = kind.import_key(text)
            public = kind.import_key(key.as_dict(private=False))
        except Exception:  # noqa: S112 - whatever it raises, the text is no key of this kind
            continue
        return lambda: public
    raise ConfigError("that is no public key", remedy="give an EC, RSA or Ed25519 key as PEM or JWK")


def _generate() -> ECKey:
    from joserfc.jwk import ECKey

    return ECKey.generate_key("P-256", auto_kid=True)
