"""Tokens of private editions: the key decides the algorithm, and everything that is wrong is refused."""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest

from tests.support.private_editions import HOUR_S, SECRET, SIGNER, STRANGER, token_for
from ticker.core.errors import SettingsError
from ticker.gateway.tokens import (
    LEEWAY_S,
    TOKEN_MAX,
    Algorithm,
    Fault,
    Key,
    KeyRing,
    TokenError,
    make_token,
    new_key,
    read_keys,
    write_keys,
)

RING = KeyRing([SIGNER, SECRET])
RAW = urlsafe_b64decode(SECRET.k + "=")


def fault_of(token: str, edition: str = "en", ring: KeyRing = RING) -> Fault:
    with pytest.raises(TokenError) as caught:
        ring.verify(token, edition)
    assert not token or token not in repr(caught.value)
    return caught.value.fault


def signed(claims: dict[str, Any], key: Any = RAW, algorithm: str = "HS256", kid: str | None = "secret") -> str:
    return jwt.encode(claims, key, algorithm=algorithm, headers=None if kid is None else {"kid": kid})


def forged(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    """Return a token with any header, whether or not a library would make it."""
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def claims(**changed: Any) -> dict[str, Any]:
    return {"aud": "en", "exp": int(time.time()) + HOUR_S, **changed}


@pytest.mark.parametrize("key", [SECRET, SIGNER], ids=lambda key: str(key.alg))
def test_token_counts_until_its_expiry_and_the_leeway(key: Key) -> None:
    now = int(time.time())
    assert RING.verify(make_token(key, ["es", "en"], now, HOUR_S), "en") == now + HOUR_S + LEEWAY_S


def test_clock_of_the_issuer_may_be_off_by_the_leeway() -> None:
    assert RING.verify(token_for("en", for_s=-LEEWAY_S + 5), "en")
    assert RING.verify(signed(claims(nbf=int(time.time()) + LEEWAY_S - 5)), "en")
    assert fault_of(token_for("en", for_s=-LEEWAY_S - 1)) is Fault.EXPIRED
    assert fault_of(signed(claims(nbf=int(time.time()) + LEEWAY_S + 60))) is Fault.INVALID


def test_audience_is_the_edition() -> None:
    assert fault_of(token_for("es")) is Fault.EDITION
    assert fault_of(signed(claims(aud=["es", "EN", "en "]))) is Fault.EDITION
    assert fault_of(signed(claims(aud=[]))) is Fault.INVALID
    without = claims()
    del without["aud"]
    assert fault_of(signed(without)) is Fault.INVALID


def test_expiry_is_required_and_is_a_number() -> None:
    without = claims()
    del without["exp"]
    assert fault_of(signed(without)) is Fault.INVALID
    wrongs: list[Any] = ["soon", None, [], float("inf"), float("nan")]
    for wrong in wrongs:
        assert fault_of(signed(claims(exp=wrong))) is Fault.INVALID


def test_key_decides_the_algorithm() -> None:
    public = jwt.PyJWK(msgspec.to_builtins(SIGNER.public()), "EdDSA").key.public_bytes_raw()
    for name, digest in (("HS256", "sha256"), ("HS512", "sha512")):
        for kid, secret in (("signer", public), *([("secret", RAW)] if name != "HS256" else [])):
            # With `signer`, the public key is the secret of a MAC: the classic confusion.
            header = {"alg": name, "kid": kid}
            signed_part = forged(header, claims()).rpartition(".")[0]
            signature = hmac.digest(secret, signed_part.encode(), digest)
            assert fault_of(forged(header, claims(), signature)) is Fault.INVALID, (name, kid)
    for name in ("HS512", "EdDSA", "none"):  # signed as the key demands, and it says something else
        header = {"alg": name, "kid": "secret"}
        signature = hmac.digest(RAW, forged(header, claims()).rpartition(".")[0].encode(), "sha256")
        assert fault_of(forged(header, claims(), signature)) is Fault.INVALID, name
    for name in ("none", "None", "NONE", ""):
        assert fault_of(forged({"alg": name, "kid": "secret"}, claims())) is Fault.INVALID
    assert fault_of(forged({"kid": "secret"}, claims())) is Fault.INVALID


def test_signature_of_another_key_is_refused() -> None:
    assert fault_of(token_for("en", key=STRANGER)) is Fault.INVALID
    good = token_for("en")
    head, body, signature = good.split(".")
    other = token_for("es").split(".")[1]
    for wrong in (f"{head}.{other}.{signature}", f"{head}.{body}.", f"{head}.{body}", f"{good}A", good[:-2]):
        assert fault_of(wrong) is Fault.INVALID


def test_key_is_found_by_its_name() -> None:
    assert fault_of(signed(claims(), kid="unknown")) is Fault.INVALID
    assert fault_of(token_for("en", key=msgspec.structs.replace(SIGNER, kid="unknown"))) is Fault.INVALID
    assert fault_of(signed(claims(), kid=None)) is Fault.INVALID
    assert KeyRing([SECRET]).verify(signed(claims(), kid=None), "en"), "the only key needs no name"
    assert fault_of(forged({"alg": "HS256", "kid": ["secret"]}, claims())) is Fault.INVALID


def test_old_key_counts_until_it_leaves_the_file(tmp_path: Path) -> None:
    path, new = tmp_path / "keys.json", new_key("new", Algorithm.EDDSA)
    write_keys(path, [new, SECRET])
    ring = KeyRing(read_keys(path))
    assert ring.verify(token_for("en"), "en")
    assert ring.verify(token_for("en", key=new), "en")
    write_keys(path, [new])
    assert fault_of(token_for("en"), ring=KeyRing(read_keys(path))) is Fault.INVALID


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "...", "a.b.c", "é.é.é", "\0", "x" * (TOKEN_MAX + 1), forged({}, {}), forged({"alg": "HS256"}, {})],
)
def test_garbage_is_refused(token: str) -> None:
    assert fault_of(token) is Fault.INVALID


def test_deep_nesting_is_refused() -> None:
    deep = urlsafe_b64encode(b"[" * 2900).decode().rstrip("=")
    assert fault_of(f"{deep}.{deep[:100]}.a") is Fault.INVALID


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"k": "c2hvcnQ"}, "too short"),
        ({"kty": "OKP"}, "doesn't have the parts of HS256"),
        ({"alg": "EdDSA"}, "doesn't have the parts of EdDSA"),
        ({"k": "not base64 ü"}, "doesn't have the parts of HS256"),
        ({"kty": "OKP", "alg": "EdDSA", "crv": "Ed25519", "x": "AA", "k": ""}, "doesn't have the parts of EdDSA"),
        ({"kty": "OKP", "alg": "EdDSA", "crv": "Ed448", "x": "AA", "k": ""}, "doesn't have the parts of EdDSA"),
    ],
)
def test_unusable_key_is_named_without_its_parts(changed: dict[str, Any], said: str) -> None:
    key = msgspec.structs.replace(SECRET, **{**changed, "alg": Algorithm(changed.get("alg", "HS256"))})
    with pytest.raises(SettingsError, match=f"'secret' .*{said}") as caught:
        KeyRing([key])
    assert caught.value.__context__ is None, "the library's error quotes the key"
    assert key.k not in str(caught.value) or not key.k
    assert SECRET.k not in repr(key)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "isn't a JSON Web Key Set"),
        ('{"keys": []}', "isn't a JSON Web Key Set"),
        ('{"keys": [{"kid": "a", "kty": "RSA", "alg": "RS256"}]}', "isn't a JSON Web Key Set"),
        ('{"keys": [{"kty": "oct", "alg": "HS256"}]}', "isn't a JSON Web Key Set"),
        ("[" * 100_000, "isn't a JSON Web Key Set"),
    ],
)
def test_unreadable_file_of_keys_is_named(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(SettingsError, match=said) as caught:
        read_keys(path)
    assert str(path) in str(caught.value)


def test_file_of_keys_needs_unique_names_and_a_private_mode(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with pytest.raises(SettingsError, match="can't be read: No such file"):
        read_keys(path)
    write_keys(path, [SECRET, STRANGER])
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(SettingsError, match="two keys of the same"):
        read_keys(path)
    write_keys(path, [SECRET])
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        read_keys(path)
    write_keys(path, [SIGNER.public()])
    path.chmod(0o644)
    assert not read_keys(path)[0].is_secret


def test_public_key_makes_no_token() -> None:
    with pytest.raises(SettingsError, match="public"):
        make_token(SIGNER.public(), ["en"], 0, 1)
