"""A publication for tests of formats."""

from __future__ import annotations

from typing import Final

from tests.support.strategies import ENGLISH
from ticker.formats.publication import Publication
from ticker.formats.texts import Words

WORDS: Final = Words(withdrawn="Withdrawn", correction="Correction", test="TEST")
PUBLICATION: Final = Publication(
    name="en", edition=ENGLISH, base="https://news.example", authority="news.example,2026", words=WORDS
)
