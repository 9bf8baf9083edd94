"""A sitemap of the newest lines for news search (Google News sitemaps, sitemaps.org 0.9)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import Final
from xml.etree import ElementTree as ET

from ticker.core.line import Line, Status
from ticker.core.messages import rfc3339
from ticker.formats.publication import Publication
from ticker.formats.texts import headline
from ticker.formats.xml import add, document

MEDIA_TYPE: Final = "application/xml"
FILE: Final = "news-sitemap.xml"
NEWS_FOR: Final = timedelta(days=2)
"""How long after its publication a line stays in the sitemap: search engines refuse older addresses."""
ADDRESSES_MAX: Final = 1000


def news_sitemap(publication: Publication, lines: Iterable[Line], now: datetime) -> bytes:
    """Return the sitemap of the lines that show. `lines` begins with the newest.

    The sitemap of a test edition is empty: its lines aren't news.
    """
    root = ET.Element(
        "urlset",
        {
            "xmlns": "http://www.sitemaps.org/schemas/sitemap/0.9",
            "xmlns:news": "http://www.google.com/schemas/sitemap-news/0.9",
        },
    )
    news = (line for line in lines if _is_news(line, now))
    for line in islice(news, 0 if publication.edition.test else ADDRESSES_MAX):
        _add_address(root, publication, line)
    return document(root)


def _is_news(line: Line, now: datetime) -> bool:
    return line.status is Status.USABLE and line.shows(now) and now - line.created_at < NEWS_FOR


def _add_address(root: ET.Element, publication: Publication, line: Line) -> None:
    address = add(root, "url")
    add(address, "loc", publication.page_of(line.id))
    add(address, "lastmod", rfc3339(line.updated_at))
    news = add(address, "news:news")
    source = add(news, "news:publication")
    add(source, "news:name", publication.publisher)
    add(source, "news:language", publication.edition.lang.partition("-")[0])
    add(news, "news:publication_date", rfc3339(line.created_at))
    add(news, "news:title", headline(line, publication.words))
