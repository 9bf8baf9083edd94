"""Read a request: its key, its token and its body. Pure: no I/O, no clock.

The body of a submission has the fields of `Submission` (`ticker.core.submission`), and that of a decision those of
`DecisionRequest`. The posting part itself sets `OWN_FIELDS`. `docs/posting.md` describes all others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final, TypeVar

import msgspec
from msgspec import UNSET

from ticker.core.errors import UNREADABLE, SubmissionError
from ticker.core.line import Change
from ticker.core.submission import DecisionRequest, Receipt, Request, Submission, encode_request, is_key
from ticker.posting.problems import PostingError
from ticker.schemas import Schema, components
from ticker.store.tokens import Scope, Token, is_secret_of, parse_token

OWN_FIELDS: Final = ("key", "deadline_at_ms", "origin", "fingerprint")
"""The fields of a request that no body may have. The key is in the header `Idempotency-Key`."""
WAIT_S: Final = 10.0
"""The deadline of a request without `deadline_s`."""
WAIT_MAX_S: Final = 30.0
"""The longest deadline. Proxies give up after a minute."""
FINGERPRINT_DIGITS: Final = 32

_BARE: Final = re.compile(r"[!#-~]+")
_QUOTED: Final = re.compile(r'"(?:[ !#-\[\]-~]|\\["\\])*"')
_ESCAPED: Final = re.compile(r'\\(["\\])')

R = TypeVar("R", bound=Submission | DecisionRequest)


def read_key(values: Sequence[str]) -> str:
    """Return the idempotency key from the values of the header: a string of RFC 8941, with or without its quotes.

    The header is that of draft-ietf-httpapi-idempotency-key-header-07. Many clients leave the quotes out.

    Raises:
        PostingError: `idempotency-key` if the header is missing, repeated or invalid.

    """
    text = values[0].strip() if len(values) == 1 else ""
    if _QUOTED.fullmatch(text):
        text = _ESCAPED.sub(r"\1", text[1:-1])
    elif not _BARE.fullmatch(text):
        text = ""
    if not is_key(text):
        raise PostingError(
            "idempotency-key",
            "the request needs one header Idempotency-Key with 1 to 128 printable ASCII characters, like "
            'Idempotency-Key: "8e03978e-40d5-43e8-bc93-6894a57f9324"',
        )
    return text


def read_authorization(values: Sequence[str]) -> tuple[str, str]:
    """Return the id and the secret of the token from the values of the header `Authorization`.

    Raises:
        PostingError: `token` if the header is missing or repeated, or its value isn't a token.

    """
    scheme, _, text = (values[0] if len(values) == 1 else "").partition(" ")
    parsed = parse_token(text.strip())
    if scheme.lower() != "bearer" or parsed is None:
        raise _unauthorized("the request needs a header Authorization with a token: Bearer ticker_…", is_missing=True)
    return parsed


def check_token(token: Token | None, secret: str, now: datetime) -> Token:
    """Return the token with this record and secret.

    Raises:
        PostingError: `token` if the record is missing, the secret is wrong, or the token has expired.

    """
    if token is None or not is_secret_of(token, secret):
        raise _unauthorized("the token isn't known: it may have been revoked")
    if now >= token.expires_at:
        raise _unauthorized(f"the token has expired at {token.expires_at:%Y-%m-%d %H:%M} UTC")
    return token


def check_edition(token: Token, edition: str) -> None:
    """Check that a token is for an edition.

    Raises:
        PostingError: `edition` if it isn't.

    """
    if edition not in token.editions:
        raise PostingError(
            "edition", f"the token isn't for the edition {edition[:40]!a}: it is for {', '.join(token.editions)}"
        )


def check_scope(token: Token, request: Submission | DecisionRequest) -> None:
    """Check that a token allows a request.

    Raises:
        PostingError: `scope` if it doesn't.

    """
    if isinstance(request, DecisionRequest):
        needed = [Scope.DECIDE]
    else:
        needed = [Scope.POST if request.change is Change.NEW else Scope.CHANGE]
    if request.break_glass is not None:
        needed.append(Scope.BREAK_GLASS)
    for scope in needed:
        check_has(token, scope)


def check_has(token: Token, scope: Scope) -> None:
    """Check that a token has a scope.

    Raises:
        PostingError: `scope` if it doesn't have it.

    """
    if scope not in token.scopes:
        raise PostingError(
            "scope",
            f"this needs a token with the scope {scope}: this one has {', '.join(token.scopes)}",
            headers={"WWW-Authenticate": f'Bearer realm="ticker", error="insufficient_scope", scope="{scope}"'},
        )


def read_request(kind: type[R], body: bytes, key: str, token: Token) -> R:
    """Return the request in a body, with its key, and with a fingerprint of everything that its client decided.

    Raises:
        PostingError: `malformed` if the body isn't of this kind. The detail has the path of the member.

    """
    try:
        given = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        for name in OWN_FIELDS:
            if name in given:
                raise PostingError("malformed", f"the body has a member {name}: remove it{_HINTS.get(name, '')}")
        own = {"key": key, "deadline_s": WAIT_S}
        request = msgspec.json.decode(msgspec.json.encode(own | given), type=kind)
        if request.deadline_s > WAIT_MAX_S:
            raise PostingError("malformed", f"deadline_s is {request.deadline_s:g}: {WAIT_MAX_S:g} at most")
        mark = fingerprint(request)
    except UNREADABLE as error:
        raise PostingError("malformed", f"the body can't be used: {error}") from error
    except SubmissionError as error:
        raise PostingError("malformed", str(error)) from error
    return msgspec.structs.replace(request, origin=f"ticker api, token {token.id}", fingerprint=mark)


_HINTS: Final = {"key": ", and send the header Idempotency-Key"}


def fingerprint(request: Request) -> str:
    """Return a hash of the content of a request. A retry may change the key and the deadline, so they don't count."""
    content = msgspec.structs.replace(
        request, key="", deadline_s=0.0, deadline_at_ms=None, origin=None, fingerprint=UNSET
    )
    return sha256(encode_request(content)).hexdigest()[:FINGERPRINT_DIGITS]


def check_same_request(request: Request, receipt: Receipt) -> None:
    """Check that a receipt belongs to this request, and not to another one with the same key.

    A receipt without a fingerprint was made for another client, or rebuilt from the log: it belongs to the key's owner.

    Raises:
        PostingError: `key-reused` if it doesn't.

    """
    if receipt.fingerprint is not UNSET and receipt.fingerprint != request.fingerprint:
        raise PostingError(
            "key-reused",
            f"the key {request.key!a} was used for another request of this editor: nothing was published by this one",
        )


def body_schemas(*kinds: type[Submission | DecisionRequest], place: str) -> dict[str, Schema]:
    """Return the JSON Schemas of these bodies and of all types in them, which refer to each other at `place`."""
    found = components(*kinds, place=place)
    for kind in kinds:
        schema = found[kind.__name__]
        for own in OWN_FIELDS:
            del schema["properties"][own]
        schema["required"] = [each for each in schema["required"] if each not in OWN_FIELDS]
        schema["properties"]["deadline_s"] |= {"default": WAIT_S, "maximum": WAIT_MAX_S}
    return found


def _unauthorized(detail: str, *, is_missing: bool = False) -> PostingError:
    """Return an error with the challenge of RFC 6750. Its error code is left out if the request lacks a token."""
    challenge = 'Bearer realm="ticker"' + ("" if is_missing else ', error="invalid_token"')
    return PostingError("token", detail, headers={"WWW-Authenticate": challenge})
