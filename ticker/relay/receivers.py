"""What the command line says about receivers. Commands import it, so it imports nothing that takes time."""

from __future__ import annotations

from typing import Final

SERVICES: Final = ("telegram", "slack", "mastodon")


def service_of(address: str) -> str | None:
    """Return the service of an address such as `slack:C0123456789`, or None for the URL of a webhook."""
    kind = address.partition(":")[0].lower()
    return kind if kind in SERVICES else None
