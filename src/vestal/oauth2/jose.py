"""Signing JSON Web Tokens (RFC 7515, 7517, 7518, 7519) with a key that a person gave us: all that is wanted of joserfc.

Import it only where something is to be signed: joserfc and cryptography take longer to load than all the rest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, KeyParameters, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.oauth2.payload import Payload

_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_BY_CURVE = {
    "P-256": ("ES256",),
    "P-384": ("ES384",),
    "P-521": ("ES512",),
    "Ed25519": ("EdDSA", "Ed25519"),  # RFC 8037, section 3.1; RFC 9864, section 2.2
}
_SMALLEST_RSA = 2048
"""Bits (RFC 7518, section 3.3)."""


class SigningKey:
    """A private key, and how it signs."""

    def __init__(self, key: Key, algorithm: str, key_id: str | None) -> None:
        self._key = key
        self.algorithm = algorithm
        self.key_id = key_id

    def sign(self, claims: Mapping[str, Any], header: Mapping[str, Any] | None = None) -> str:
        """A JWT in compact form. Raises `ConfigError` if the claims or headers can't be written down."""
        identity = {"kid": self.key_id} if self.key_id else {}
        try:
            return jwt.encode(
                {"alg": self.algorithm, **identity, **(header or {})}, dict(claims), self._key, registry=_ALGORITHMS
            )
        except (JoseError, ValueError, TypeError):
            pass
        raise ConfigError("the key can't sign these claims", remedy="check the settings of the assertion")

    def public(self) -> Mapping[str, Any]:
        """The public key as a JWK (RFC 7517)."""
        return self._key.as_dict(private=False)

    def private(self) -> Secret:
        """The key itself as a JWK in JSON."""
        return Secret(json.dumps(self._key.as_dict(private=True)))

    def thumbprint(self) -> str:
        """The JWK SHA-256 thumbprint (RFC 7638)."""
        return self._key.thumbprint()


def generate_key() -> SigningKey:
    """A new key for ES256."""
    return SigningKey(ECKey.generate_key("P-256"), "ES256", None)


def read_key(text: Secret, *, algorithm: str | None = None, key_id: str | None = None) -> SigningKey:
    """A private key from PEM, a JWK in JSON, or Google's key file. `algorithm` None: what the key names, or suits it.

    Raises `ConfigError` for a key that can't be read or can't sign.
    """
    key = _load(text)
    if key is None:
        raise _problem(text)
    allowed = _algorithms(key)
    if isinstance(key, RSAKey) and key.raw_value.key_size < _SMALLEST_RSA:
        raise ConfigError(
            f"the RSA key has only {key.raw_value.key_size} bits", remedy=f"make one of {_SMALLEST_RSA} bits or more"
        )
    if not allowed:
        raise ConfigError("this kind of key can't sign", remedy="use RSA, EC (P-256, P-384, P-521) or Ed25519")
    if not key.is_private:
        raise ConfigError("the key is a public one", remedy="give the private key that belongs to it")
    chosen = algorithm or key.alg or allowed[0]
    if chosen not in allowed:
        raise ConfigError(
            f"the {key.key_type} key can't sign with {chosen}",
            remedy=f"set assertion_algorithm to {' or '.join(allowed)}",
        )
    if not _may_sign(key, chosen):
        raise ConfigError(
            f"the key says that it is not for signing with {chosen}", remedy="check its alg, use, key_ops"
        )
    return SigningKey(key, chosen, key_id or key.kid)


class _Algorithms(JWSRegistry):
    """All algorithms by name. joserfc warns of `EdDSA`, which RFC 9864 renames; servers know it by the old name."""

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


_ALGORITHMS = _Algorithms(strict_check_header=False)


def _load(text: Secret) -> Key | None:
    """The key, or None. No exception of a library leaves here: its frames hold the key as plain text."""
    try:
        if text.reveal().lstrip().startswith("{"):
            return _from_json(json.loads(text.reveal(), object_hook=Payload))
        return _from_pem(text)
    except Exception:
        return None


def _from_json(fields: Payload) -> Key:
    if "kty" not in fields:
        return _from_pem(Secret(fields["private_key"]), fields.get("private_key_id"))  # Google's key file
    if fields["kty"] == RSAKey.key_type:  # import_key warns of a short key; it is refused further on
        return RSAKey(RSAKey.binding.import_from_dict(fields), fields)
    return JWKRegistry.import_key(fields)


def _from_pem(text: Secret, key_id: str | None = None) -> Key:
    native = load_pem_private_key(text.reveal().encode(), password=None)
    parameters: KeyParameters | None = {"kid": key_id} if key_id else None
    if isinstance(native, RSAPrivateKey):
        return RSAKey(native, native, parameters)
    if isinstance(native, EllipticCurvePrivateKey):
        return ECKey(native, native, parameters)
    return OKPKey.import_key(native, parameters)  # type: ignore[arg-type]  # it refuses what is none


def _algorithms(key: Key) -> tuple[str, ...]:
    if isinstance(key, RSAKey):
        return _RSA
    if isinstance(key, OctKey):
        return ()
    try:
        return _BY_CURVE.get(key.curve_name, ())
    except KeyError:  # a curve that joserfc has no name for
        return ()


def _may_sign(key: Key, algorithm: str) -> bool:
    try:
        JWSRegistry.algorithms[algorithm].check_key(key)
        key.check_key_op("sign")
    except JoseError:
        return False
    return True


def _problem(text: Secret) -> ConfigError:
    """Why a key could not be read, as far as its first lines tell."""
    if "ENCRYPTED" in text.reveal():
        return ConfigError(
            "the private key is encrypted", remedy="decrypt it into a file of its own: openssl pkey -in KEY -out PLAIN"
        )
    if "PUBLIC KEY-" in text.reveal() or "CERTIFICATE-" in text.reveal():
        return ConfigError("the key is a public one", remedy="give the private key that belongs to it")
    if "OPENSSH PRIVATE KEY-" in text.reveal():
        return ConfigError("the key is in OpenSSH's own format", remedy="convert it: ssh-keygen -p -m PKCS8 -f KEY")
    return ConfigError(
        "the private key can't be read", remedy="give PEM or a JWK: RSA, EC (P-256, P-384, P-521) or Ed25519"
    )
