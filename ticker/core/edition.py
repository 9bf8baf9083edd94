"""An edition: one ordered ticker in one language, with its vocabulary and its limits."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from ticker.core.errors import SettingsError
from ticker.core.line import Direction

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
TERM: Final = _NAME
"""A term's id stands in queries and on the wire: it has the form of a name."""

SECTIONS: Final = {
    "politics": "Politics",
    "economy": "Economy",
    "sports": "Sports",
    "arts-culture": "Arts & Culture",
    "health": "Health",
    "technology": "Technology",
    "environment": "Environment",
    "miscellaneous": "Miscellaneous",
}
REGIONS: Final = {
    "africa": "Africa",
    "asia": "Asia",
    "asia-pacific": "Asia-Pacific",
    "europe": "Europe",
    "latin-america": "Latin America",
    "mena": "MENA",
    "palestine": "Palestine",
    "us-canada": "US & Canada",
}


_LANG = r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*"


class Role(StrEnum):
    """What an editor may do in an edition."""

    REPORTER = "reporter"  # asks; where the edition says so, everything waits for another person
    EDITOR = "editor"  # approves what others ask for
    CHIEF = "chief"  # may go without a second person, with a reason that everybody sees


class SecondPerson(StrEnum):
    """When an edition asks for a second person."""

    FLASH = "flash"  # a line that is or becomes a flash
    WITHDRAWAL = "withdrawal"  # withdrawing a line that somebody else posted
    REPORTER = "reporter"  # whatever a reporter asks for


class Effect(StrEnum):
    """What it means that a house rule finds something."""

    OFF = "off"
    WARN = "warn"
    REVIEW = "review"  # for a second person
    REFUSE = "refuse"


class Quotes(StrEnum):
    """An edition's habit in quotation marks."""

    CURLY = "curly"
    STRAIGHT = "straight"
    GUILLEMETS = "guillemets"


class Edition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of an edition, as `[editions.<name>]` of `ticker.toml` and as kept in Redis for everybody to read.

    `sections` and `regions` are its vocabulary: a short id (on the wire and in queries) and the name that people read.
    `origins` are the web origins whose pages may connect ("*" for every one). Lengths count graphemes.

    `rules` says what each house rule does, where that isn't its default (see `effects`); `placeholders` are words that
    must not go out, besides the language's own; `quotes` is the habit in quotation marks (None: none). `second_person`
    says what waits for another person; `role` is that of an editor who has been given none. `undo_s` is the window in
    which what was posted can be taken back unseen. `zone` is the desk's time zone (IANA; None: that of the machine).

    A `test` edition's lines carry that mark for life.
    """

    title: Annotated[str, Meta(min_length=1, max_length=100)]
    lang: Annotated[str, Meta(pattern=f"^{_LANG}$")]
    dir: Direction
    sections: dict[str, str] = msgspec.field(default_factory=lambda: dict(SECTIONS))
    regions: dict[str, str] = msgspec.field(default_factory=lambda: dict(REGIONS))
    board_lines: Annotated[int, Meta(ge=1, le=100)] = 10
    text_graphemes: Annotated[int, Meta(ge=1, le=1000)] = 160
    text_warn_graphemes: Annotated[int, Meta(ge=1, le=1000)] = 100
    origins: tuple[str, ...] = ("*",)
    rules: dict[str, Effect] = {}
    placeholders: tuple[Annotated[str, Meta(min_length=1, max_length=100)], ...] = ()
    quotes: Quotes | None = None
    second_person: tuple[SecondPerson, ...] = ()
    role: Role = Role.EDITOR
    undo_s: Annotated[float, Meta(ge=0, le=300)] = 0.0
    zone: str | None = None
    test: bool = False


DEFAULT_EDITIONS: Final = {
    "en": Edition(title="Breaking news", lang="en", dir=Direction.LTR),
    "ar": Edition(
        title="أخبار عاجلة",
        lang="ar",
        dir=Direction.RTL,
        sections={
            "politics": "سياسة",
            "economy": "اقتصاد",
            "sports": "رياضة",
            "arts-culture": "فن وثقافة",
            "health": "صحة",
            "technology": "تكنولوجيا",
            "environment": "بيئة",
            "miscellaneous": "منوعات",
        },
        regions={
            "africa": "أفريقيا",
            "asia": "آسيا",
            "asia-pacific": "آسيا والمحيط الهادئ",
            "europe": "أوروبا",
            "latin-america": "أميركا اللاتينية",
            "mena": "الشرق الأوسط وشمال أفريقيا",
            "palestine": "فلسطين",
            "us-canada": "الولايات المتحدة وكندا",
        },
    ),
    "es": Edition(
        title="Última hora",
        lang="es",
        dir=Direction.LTR,
        sections={
            "politics": "Política",
            "economy": "Economía",
            "sports": "Deportes",
            "arts-culture": "Arte y cultura",
            "health": "Salud",
            "technology": "Tecnología",
            "environment": "Medio ambiente",
            "miscellaneous": "Varios",
        },
        regions={
            "africa": "África",
            "asia": "Asia",
            "asia-pacific": "Asia-Pacífico",
            "europe": "Europa",
            "latin-america": "América Latina",
            "mena": "Oriente Medio y Norte de África",
            "palestine": "Palestina",
            "us-canada": "EE. UU. y Canadá",
        },
    ),
}


def is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """Give back a name of an edition or an editor that may stand in a key.

    Raises:
        SettingsError: If it is not 1–32 of a–z, 0–9 and hyphen, beginning with a letter.

    """
    if not is_name(name):
        raise SettingsError(f"{name[:40]!a} is not a name: use 1–32 of a–z, 0–9 and -, beginning with a letter")
    return name


def find_term(vocabulary: dict[str, str], given: str) -> str | None:
    """The id of the term that somebody gave as its id or its name, in any case; None where there is none."""
    folded = given.strip().casefold()
    for term, name in vocabulary.items():
        if folded in (term, name.casefold()):
            return term
    return None
