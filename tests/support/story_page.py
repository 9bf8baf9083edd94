"""A gateway's page of one story, over a log that grows, at any time."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime

import httpx

from tests.support.publications import PUBLICATION
from tests.support.strategies import NONCE, START
from ticker.core.entry import Entry, Logged, encode_entry
from ticker.core.position import next_link
from ticker.gateway.channel import Channel
from ticker.gateway.hub import Hub
from ticker.settings import Settings
from ticker.web.app import make_app


class StoryPage:
    """The page of a story in the edition of `PUBLICATION`."""

    def __init__(self, story: str) -> None:
        settings = Settings(public_url=PUBLICATION.base)
        self._now = START
        self._channel = Channel(PUBLICATION.name, PUBLICATION.edition, NONCE, settings, lambda: self._now)
        self._seq, self._link = 0, NONCE
        self._address = PUBLICATION.story_page(story)
        hub = Hub(settings, 2000, lambda: self._now, lambda: 0.5)
        hub.channels[PUBLICATION.name] = self._channel
        hub.is_loading = False
        self._app = make_app(hub, "0.0")

    def append(self, entry: Entry) -> None:
        self._seq += 1
        self._link = next_link(self._link, encode_entry(entry))
        self._channel.history.append(Logged(self._seq, self._link, entry))

    def structured_data(self, now: datetime) -> bytes | None:
        """Return the JSON-LD of the page at `now`, or None if it has none."""
        self._now = now
        page = asyncio.run(self._fetch())
        found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
        return None if found is None else found[1].encode()

    async def _fetch(self) -> str:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app)) as client:
            return (await client.get(self._address)).text
