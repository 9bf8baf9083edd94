"""Tell a WebSub hub when the feeds of an edition have changed (w3.org/TR/websub).

The standard leaves open how a publisher does that. In use is a POST with `hub.mode=publish` and `hub.url`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from http.client import HTTPException
from typing import Final
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

import structlog

from ticker.backoff import Backoff
from ticker.gateway.hub import Hub
from ticker.web.feeds import DISCOVERED

INTERVAL_S: Final = 1.0
"""Seconds between two checks for changes. One ping announces all changes since the last check."""
TIMEOUT_S: Final = 5.0
RETRY_S: Final = 60.0
"""Longest pause after a failure. A hub that is down gets what it missed with the next ping: feeds have the state."""

_logger = structlog.get_logger("ticker.web.websub")


class WebSubPublisher:
    """Pings the hub about each edition whose log has grown. It only reads the channels: fan-out never waits for it.

    Each gateway pings for itself. The hub fetches the feed again for each ping, and sees that nothing changed.
    """

    def __init__(self, hub: Hub, address: str, public_url: str, chance: Callable[[], float] = random.random) -> None:
        """Create a publisher. `address` is the hub's, `public_url` that of the feeds."""
        self._hub = hub
        self._address = address
        self._public_url = public_url
        self._backoff = Backoff(INTERVAL_S, RETRY_S, chance=chance)
        self._told: dict[str, str] = {}

    async def run(self) -> None:
        """Ping until cancelled. After a failure, wait longer each time."""
        while True:
            try:
                await self._tell_changes()
                self._backoff.reset()
                await asyncio.sleep(INTERVAL_S)
            except (OSError, HTTPException, ValueError) as error:
                _logger.warning("websub-failed", reason=f"{type(error).__name__}: {error}")
                await asyncio.sleep(self._backoff.next_s())

    async def _tell_changes(self) -> None:
        for name, channel in list(self._hub.channels.items()):
            if channel.is_private:
                continue  # the hub could not fetch the feed, and must not learn that it exists
            position = str(channel.position)
            if self._told.get(name) != position:
                for file in DISCOVERED:
                    await asyncio.to_thread(_ping, self._address, f"{self._public_url}/{name}/{file}")
                self._told[name] = position


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow no redirect: only the address in the settings is trusted."""


def _ping(address: str, topic: str) -> None:
    """Tell the hub that a feed has changed.

    Raises:
        OSError: If the hub can't be reached, or its answer isn't 2xx.

    """
    data = urlencode({"hub.mode": "publish", "hub.url": topic}).encode()
    request = Request(address, data)  # noqa: S310 -- the settings allow only http and https
    with build_opener(_NoRedirects).open(request, timeout=TIMEOUT_S):
        pass
