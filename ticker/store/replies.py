"""Values in Redis's replies, as every client returns them."""

from __future__ import annotations


def as_text(value: object) -> str:
    """Return a value of a reply as text: our clients don't decode replies. Invalid UTF-8 becomes U+FFFD."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
