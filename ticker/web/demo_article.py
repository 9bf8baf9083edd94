"""The made-up article that shows the ticker on the page of a news site: its texts in three languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from ticker.core.edition import Edition

LANGUAGES: Final = {"en": "English", "ar": "العربية", "es": "Español"}
"""The languages of the article, with their own names."""
VIEWS: Final = ("spray", "boat", "clouds", "light")
"""The parts of the picture that show beside related stories."""


class Part(msgspec.Struct, frozen=True):
    """A part of the article. The heading of the first one is empty."""

    heading: str
    paragraphs: tuple[str, ...]


class Article(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All texts of the page in one language. `stories` has the title and the age of each related story."""

    site: str
    made_up: str
    back: str
    skip: str
    languages: str
    sections: tuple[str, ...]
    live: str
    kicker: str
    headline: str
    standfirst: str
    byline: str
    published: str
    picture: str
    caption: str
    latest: str
    related: str
    stories: tuple[tuple[str, str], ...]
    footer: str
    parts: tuple[Part, ...]


@cache
def load_articles() -> Mapping[str, Article]:
    """Return the article in each language."""
    source = (files("ticker.web") / "templates" / "article.toml").read_bytes()
    return msgspec.toml.decode(source, type=dict[str, Article])


def editions_by_language(editions: Iterable[tuple[str, Edition]]) -> dict[str, str]:
    """Return the first edition in each language of the article, in the order of `LANGUAGES`."""
    found: dict[str, str] = {}
    for name, edition in editions:
        found.setdefault(edition.lang.partition("-")[0], name)
    return {lang: found[lang] for lang in LANGUAGES if lang in found}
