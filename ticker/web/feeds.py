"""Feeds of an edition, for readers that poll: JSON Feed, Atom, RSS and a sitemap for news search.

The handlers read the hub. `ticker.formats` decides what a feed says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ticker.core.board import next_change_at
from ticker.formats import atom, json_feed, news_sitemap, ninjs, rss
from ticker.formats.publication import Publication, Snapshot, authority_of, take_snapshot
from ticker.gateway.channel import Channel
from ticker.gateway.hub import Hub
from ticker.web.cors import readable_channel
from ticker.web.http_cache import LINES, cacheable_response, last_modified
from ticker.web.words import format_words

RECENT_ENTRIES: Final = 1000
"""How many of the newest entries a feed looks at for lines that left the board."""
DISCOVERED: Final = {
    json_feed.FILE: json_feed.MEDIA_TYPE,
    atom.FILE: atom.MEDIA_TYPE,
    rss.FILE: rss.MEDIA_TYPE,
}
"""The feeds that pages link to."""
_HEADERS: Final = {
    "Cache-Control": LINES,
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def feed_routes(hub: Hub) -> list[BaseRoute]:
    """Return the routes of all feeds. They have to be before those of pages."""
    feeds = Feeds(hub)
    return [
        Route(f"/{{edition}}/{json_feed.FILE}", feeds.json_feed),
        Route(f"/{{edition}}/{atom.FILE}", feeds.atom),
        Route(f"/{{edition}}/{rss.FILE}", feeds.rss),
        Route(f"/{{edition}}/{news_sitemap.FILE}", feeds.news_sitemap),
        Route(f"/v1/{{edition}}/{ninjs.FILE}", feeds.ninjs),
    ]


def publication_of(hub: Hub, channel: Channel, base: str) -> Publication:
    """Return the edition as a publication. `base` is the public address of this server."""
    edition, settings = channel.edition, hub.settings
    return Publication(
        name=channel.name,
        edition=edition,
        base=base.rstrip("/"),
        authority=authority_of(edition, settings.public_url),  # never the host of the request
        words=format_words(edition.lang),
        hub=None if channel.is_private else settings.websub_hub,
    )


class Feeds:
    """The handlers."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def json_feed(self, request: Request) -> Response:
        """Return the edition as JSON Feed 1.1."""
        return self._feed(request, json_feed.json_feed, json_feed.FILE, json_feed.MEDIA_TYPE)

    async def atom(self, request: Request) -> Response:
        """Return the edition as Atom, with tombstones."""
        return self._feed(request, atom.atom_feed, atom.FILE, atom.MEDIA_TYPE)

    async def rss(self, request: Request) -> Response:
        """Return the edition as RSS 2.0."""
        return self._feed(request, rss.rss_feed, rss.FILE, rss.MEDIA_TYPE)

    async def ninjs(self, request: Request) -> Response:
        """Return the edition as an array of ninjs 3.1 objects."""
        channel, headers = self._channel(request)
        publication = publication_of(self._hub, channel, str(request.base_url))
        snapshot = take_snapshot(publication, channel.history.board, _recent_lines(channel), self._hub.clock())
        return cacheable_response(request, ninjs.ninjs_lines(snapshot), ninjs.MEDIA_TYPE, headers)

    async def news_sitemap(self, request: Request) -> Response:
        """Return the addresses of the lines of the last two days, for news search."""
        channel, headers = self._channel(request)
        publication = publication_of(self._hub, channel, str(request.base_url))
        lines = (entry.line for entry in channel.history.board.newest_first())
        content = news_sitemap.news_sitemap(publication, lines, self._hub.clock())
        return cacheable_response(request, content, news_sitemap.MEDIA_TYPE, headers)

    def _feed(self, request: Request, write: Callable[[Snapshot], bytes], file: str, media_type: str) -> Response:
        channel, headers = self._channel(request)
        publication = publication_of(self._hub, channel, str(request.base_url))
        history = channel.history
        now = self._hub.clock()
        snapshot = take_snapshot(publication, history.board, _recent_lines(channel), now)
        links = [f'<{publication.feed(file)}>; rel="self"', f'<{publication.page}>; rel="alternate"; type="text/html"']
        if publication.hub is not None:
            links.append(f'<{publication.hub}>; rel="hub"')
        headers["Link"] = ", ".join(links)
        # A feed with an expiry changes without an entry.
        depends_on_clock = next_change_at(list(snapshot.lines), now) is not None
        modified = None if depends_on_clock else last_modified(channel.modified_at, now)
        return cacheable_response(request, write(snapshot), media_type, headers, modified)

    def _channel(self, request: Request) -> tuple[Channel, dict[str, str]]:
        """Return the channel of the request's edition, and the headers of all its feeds.

        Raises:
            Refusal: As `readable_channel`.

        """
        channel, cors = readable_channel(self._hub, request)
        robots = {"X-Robots-Tag": "noindex"} if channel.edition.test else {}
        return channel, {**_HEADERS, **cors, **robots}


def _recent_lines(channel: Channel) -> Iterator[str]:
    """Return the ids of the lines of the newest entries, the newest first."""
    log = channel.history.log
    entries = log.items(max(log.head - RECENT_ENTRIES, log.first - 1), log.head)
    return (entry.line.id for entry in reversed(entries))
