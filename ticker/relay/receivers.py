"""The words of the command line about receivers. Commands import this module, so it imports nothing that is slow."""

from __future__ import annotations

from typing import Final

SERVICES: Final = ("telegram", "slack", "mastodon")


def service_of(address: str) -> str | None:
    """Return the service of an address such as `slack:C0123456789`, or None for the URL of a webhook."""
    kind = address.partition(":")[0].lower()
    return kind if kind in SERVICES else None
