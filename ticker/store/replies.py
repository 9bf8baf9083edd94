"""The values in Redis's replies. Our clients don't decode them, but redis-py's types allow both bytes and text."""

from __future__ import annotations

from typing import cast


def as_bytes(value: bytes | str | None) -> bytes:
    """Return a value of a reply from one of our clients."""
    return cast("bytes", value)


def as_text(value: object) -> str:
    """Return a value of a reply as text. Invalid UTF-8 becomes U+FFFD."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
