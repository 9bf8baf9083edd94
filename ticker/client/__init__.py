"""The Python client: follow an edition, and publish to it.

    from ticker.client import Publisher, follow

`docs/python.md` has complete examples.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ticker.client.follower import follow
    from ticker.client.publisher import Publisher
    from ticker.client.reading import RefusedError
    from ticker.client.tail import poll
    from ticker.core.held import Held
    from ticker.core.messages import BoardMessage, ForgetMessage, LineMessage, LiveMessage
    from ticker.core.submission import Receipt, ReceiptStatus

__all__ = [
    "BoardMessage",
    "ForgetMessage",
    "Held",
    "LineMessage",
    "LiveMessage",
    "Publisher",
    "Receipt",
    "ReceiptStatus",
    "RefusedError",
    "follow",
    "poll",
]

_PLACES: Final = {
    "BoardMessage": "ticker.core.messages",
    "ForgetMessage": "ticker.core.messages",
    "Held": "ticker.core.held",
    "LineMessage": "ticker.core.messages",
    "LiveMessage": "ticker.core.messages",
    "Publisher": "ticker.client.publisher",
    "Receipt": "ticker.core.submission",
    "ReceiptStatus": "ticker.core.submission",
    "RefusedError": "ticker.client.reading",
    "follow": "ticker.client.follower",
    "poll": "ticker.client.tail",
}


def __getattr__(name: str) -> object:
    # Imported on first use: a program that only follows doesn't wait for the Redis client, and one that only publishes
    # doesn't wait for websockets.
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
