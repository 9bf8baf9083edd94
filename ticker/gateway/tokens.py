"""JSON Web Tokens (RFC 7519) of the readers of private editions, and the keys that sign them (RFC 7517).

Only this module imports PyJWT, and `ticker.gateway.access` imports this module only if there are keys. No error of this
module contains a token, a key or a part of one.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import jwt
import msgspec
from msgspec import Meta

from ticker.core.errors import UNREADABLE, SettingsError

LEEWAY_S: Final = 30
"""How far the clock of the program that makes tokens may be off. A token counts this much longer than its `exp`."""
TOKEN_MAX: Final = 4096
"""The longest token in characters. Larger ones would not fit beside the other headers of some proxies."""
SECRET_BYTES_MIN: Final = 32
"""The shortest secret of HS256 (RFC 7518, 3.2)."""
KEYS_MAX: Final = 100
_INVALID: Final = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)
"""The errors of PyJWT for an invalid token. A signed `exp` of infinity, and deep nesting, raise the last two."""


class Algorithm(StrEnum):
    """The algorithms of signatures."""

    HS256 = "HS256"
    """The same secret signs and checks, so a server that can check a token can also make one."""
    EDDSA = "EdDSA"
    """A private key signs (Ed25519), and a public one checks. The gateways have only the public one."""


class Fault(StrEnum):
    """Why a token doesn't open an edition. The values are the codes of problems."""

    INVALID = "token-invalid"
    EXPIRED = "token-expired"
    EDITION = "token-edition"


class TokenError(Exception):
    """A token doesn't open the edition."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class Key(msgspec.Struct, frozen=True, omit_defaults=True):
    """A JSON Web Key. Other members are ignored.

    Attributes:
        kid: Its name, which tokens carry. It is unique in a file.
        alg: Its only algorithm. A token can't choose another one.
        kty: `oct` for HS256, `OKP` for EdDSA.
        k: The secret of HS256, in base64url.
        crv: `Ed25519` for EdDSA.
        x: The public key of EdDSA, in base64url.
        d: The private key of EdDSA, in base64url. Gateways don't need it.

    """

    kid: Annotated[str, Meta(min_length=1, max_length=200)]
    alg: Algorithm
    kty: str
    k: str = ""
    crv: str = ""
    x: str = ""
    d: str = ""

    def __repr__(self) -> str:
        return f"Key({self.kid!r}, {self.alg.value!r})"

    @property
    def is_secret(self) -> bool:
        """Whether somebody who reads this key can make tokens."""
        return bool(self.k or self.d)

    def public(self) -> Key:
        """Return the key without its private part. For HS256, nothing is left of the secret."""
        return msgspec.structs.replace(self, d="")

    def jwk(self) -> jwt.PyJWK:
        """Return the key as PyJWT uses it. Its algorithm is always `alg`.

        Raises:
            SettingsError: If the parts don't belong to the algorithm, or the secret is too short.

        """
        if self.alg is Algorithm.HS256:
            parts, needed = {"kty": "oct", "k": self.k}, self.kty == "oct" and bool(self.k)
        else:
            parts = {"kty": "OKP", "crv": "Ed25519", "x": self.x, **({"d": self.d} if self.d else {})}
            needed = (self.kty, self.crv) == ("OKP", "Ed25519") and bool(self.x) and not self.k
        try:
            key = jwt.PyJWK({**parts, "kid": self.kid}, self.alg.value) if needed else None
        except jwt.exceptions.MissingCryptographyError:
            raise SettingsError("EdDSA needs the package cryptography: install the extra `private`") from None
        except (jwt.PyJWTError, ValueError, TypeError):  # its text quotes the key
            key = None
        if key is None:
            raise SettingsError(f"the key {self.kid[:40]!a} doesn't have the parts of {self.alg.value}")
        if self.alg is Algorithm.HS256 and len(key.key) < SECRET_BYTES_MIN:
            raise SettingsError(f"the key {self.kid[:40]!a} is too short: HS256 needs {SECRET_BYTES_MIN} bytes or more")
        return key


class KeyFile(msgspec.Struct, frozen=True):
    """A JSON Web Key Set: the newest key is the first one."""

    keys: Annotated[tuple[Key, ...], Meta(min_length=1, max_length=KEYS_MAX)]


def read_keys(path: Path) -> tuple[Key, ...]:
    """Read the keys of a file.

    Raises:
        SettingsError: If it can't be read, has two keys of one name, or has a secret that other users can read.

    """
    try:
        content, mode = path.read_bytes(), path.stat().st_mode
        keys = msgspec.json.decode(content, type=KeyFile).keys
    except OSError as error:
        raise SettingsError(f"the file of access keys {path} can't be read: {error.strerror}") from error
    except UNREADABLE as error:
        # A value of the wrong type isn't quoted: the message names its place.
        raise SettingsError(f"the file of access keys {path} isn't a JSON Web Key Set: {error}") from None
    names = [key.kid for key in keys]
    if len(set(names)) < len(names):
        raise SettingsError(f"the file of access keys {path} has two keys of the same `kid`: rename one")
    if mode & 0o007 and any(key.is_secret for key in keys):
        raise SettingsError(f"others may read the secrets in {path}: run `chmod 600` on it")
    return keys


def write_keys(path: Path, keys: Sequence[Key]) -> None:
    """Replace a file of keys. Only its owner can read it.

    Raises:
        SettingsError: If it can't be written.

    """
    content = msgspec.json.format(msgspec.json.encode(KeyFile(tuple(keys))), indent=2) + b"\n"
    new = path.with_name(f"{path.name}.new")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        new.replace(path)
    except OSError as error:
        raise SettingsError(f"the file of access keys {path} can't be written: {error.strerror}") from error


def new_key(kid: str, algorithm: Algorithm) -> Key:
    """Make a key.

    Raises:
        SettingsError: If EdDSA is requested without the package `cryptography`.

    """
    if algorithm is Algorithm.HS256:
        secret = jwt.utils.base64url_encode(secrets.token_bytes(SECRET_BYTES_MIN)).decode()
        return Key(kid=kid, alg=algorithm, kty="oct", k=secret)
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 -- optional
    except ModuleNotFoundError as error:
        raise SettingsError("EdDSA needs the package cryptography: install the extra `private`") from error
    parts = jwt.algorithms.OKPAlgorithm.to_jwk(Ed25519PrivateKey.generate(), as_dict=True)
    return Key(kid=kid, alg=algorithm, kty="OKP", crv="Ed25519", x=str(parts["x"]), d=str(parts["d"]))


def make_token(key: Key, editions: Sequence[str], issued_at: int, lifetime_s: int) -> str:
    """Return a token for these editions that expires `lifetime_s` after `issued_at` (in Unix time).

    Raises:
        SettingsError: If the key can't sign.

    """
    if not key.is_secret:
        raise SettingsError(f"the key {key.kid[:40]!a} is public: tokens are made with the private key")
    claims = {"aud": list(editions), "iat": issued_at, "exp": issued_at + lifetime_s}
    return jwt.encode(claims, key.jwk(), algorithm=key.alg.value, headers={"kid": key.kid})


class KeyRing:
    """The keys that tokens are checked with."""

    def __init__(self, keys: Sequence[Key]) -> None:
        """Use these keys.

        Raises:
            SettingsError: If one can't be used.

        """
        self._keys = {key.kid: key.public().jwk() for key in keys}

    def verify(self, token: str, edition: str) -> int:
        """Check a token for an edition. Return the time until which it counts, in Unix time.

        The key determines the algorithm. Without `kid`, a token is checked with the only key there is.

        Raises:
            TokenError: If the token isn't valid for the edition now.

        """
        if len(token) > TOKEN_MAX:
            raise TokenError(Fault.INVALID)
        try:
            key = self._find(jwt.get_unverified_header(token).get("kid"))
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=edition,
                leeway=LEEWAY_S,
                options={"require": ["exp", "aud"]},
            )
            return int(claims["exp"]) + LEEWAY_S
        except jwt.ExpiredSignatureError:
            raise TokenError(Fault.EXPIRED) from None
        except jwt.InvalidAudienceError:
            raise TokenError(Fault.EDITION) from None
        except _INVALID:
            raise TokenError(Fault.INVALID) from None

    def _find(self, kid: str | None) -> jwt.PyJWK:
        key = next(iter(self._keys.values())) if kid is None and len(self._keys) == 1 else self._keys.get(kid or "")
        if key is None:
            raise TokenError(Fault.INVALID)
        return key
