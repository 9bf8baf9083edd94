"""An edition: one ticker in one language, with its vocabulary, rules and limits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from ticker.core.errors import SettingsError
from ticker.core.line import Direction

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
TERM: Final = _NAME
"""The form of a term's id, which appears in queries and on the wire."""

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


NOTICES: Final = 3
"""How many notices of withdrawn lines a board shows at most, unless its edition sets another number."""

TERMS_MAX: Final = 200
"""Maximum number of sections, of regions, of origins and of placeholders."""
_Vocabulary = Annotated[dict[str, Annotated[str, Meta(max_length=100)]], Meta(max_length=TERMS_MAX)]
_LANG = r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*"
_WebAddress = Annotated[str, Meta(pattern=r"^https?://[^\s<>\"]+$", max_length=2000)]


class Access(StrEnum):
    """The readers of an edition."""

    OPEN = "open"  # everybody
    TOKEN = "token"  # noqa: S105 -- readers with a JSON Web Token for the edition: it is a private edition


class Role(StrEnum):
    """The role of an editor in an edition."""

    REPORTER = "reporter"  # may submit; the edition can require a second person for everything
    EDITOR = "editor"  # approves and rejects the submissions of others, too
    CHIEF = "chief"  # may publish without a second person, with a reason that everyone can see


class SecondPerson(StrEnum):
    """The submissions for which an edition requires a second person."""

    FLASH = "flash"  # posting a flash, or changing a line to one
    WITHDRAWAL = "withdrawal"  # withdrawing a line that another editor posted
    REPORTER = "reporter"  # every submission of a reporter


class Effect(StrEnum):
    """What happens if a house rule finds something."""

    OFF = "off"
    WARN = "warn"
    ASK = "ask"  # its editor must confirm it: `tick` asks on a terminal, programs set `confirmed`
    REVIEW = "review"  # a second person must approve it
    REFUSE = "refuse"


class Quotes(StrEnum):
    """The quotation marks that an edition uses."""

    CURLY = "curly"
    STRAIGHT = "straight"
    GUILLEMETS = "guillemets"


class Edition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of an edition: `[editions.<name>]` of `ticker.toml`, also stored in Redis.

    Attributes:
        sections: The sections of lines: a short id, for the wire and queries, and a name for people.
        regions: The regions of lines, in the same form.
        board_lines: The maximum number of lines with a text on a board.
        text_graphemes: The maximum number of graphemes of a text.
        text_warn_graphemes: The desk warns about a text with more graphemes than this.
        access: Whether all readers may read the edition, or only readers with a token.
        origins: The web origins whose pages may connect ("*": all).
        rules: The effects of house rules that differ from the defaults (see `effects`).
        placeholders: Words that must not be published, in addition to those of the language.
        quotes: The quotation marks to use (None: any).
        second_person: The submissions that require a second person.
        role: The role of editors without a role of their own.
        undo_s: The undo window in seconds.
        notice_s: How long the notice of a withdrawn line shows, in seconds; 0 for no notice.
        notices: The maximum number of notices on a board; 0 for none.
        submissions_per_minute: The rate limit per editor; 0 for none (None: as the desk's setting).
        submissions_burst: How many submissions an editor may make before the rate limit applies (None: as above).
        terminal_undo_s: The undo window of the terminal application in seconds, if it is longer than `undo_s`.
        zone: The time zone of the editors (IANA name; None: the machine's).
        test: This is a test edition. Its lines are marked as tests for life.
        publisher: The name of the publisher, for feeds and search engines (None: the title).
        logo: The address of the publisher's logo.
        image: The address of the picture for stories and for previews of links.
        id_authority: The domain and the year in the ids of lines in feeds, such as `news.example,2026` (RFC 4151). Set
            it before the first reader and never change it (None: the host of `public_url`).

    """

    title: Annotated[str, Meta(min_length=1, max_length=100)]
    lang: Annotated[str, Meta(pattern=f"^{_LANG}$")]
    dir: Direction
    sections: _Vocabulary = msgspec.field(default_factory=lambda: dict(SECTIONS))
    regions: _Vocabulary = msgspec.field(default_factory=lambda: dict(REGIONS))
    board_lines: Annotated[int, Meta(ge=1, le=100)] = 10
    text_graphemes: Annotated[int, Meta(ge=1, le=1000)] = 160
    text_warn_graphemes: Annotated[int, Meta(ge=1, le=1000)] = 100
    access: Access = Access.OPEN
    origins: Annotated[tuple[Annotated[str, Meta(max_length=300)], ...], Meta(max_length=TERMS_MAX)] = ("*",)
    rules: dict[str, Effect] = {}
    placeholders: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=100)], ...], Meta(max_length=TERMS_MAX)
    ] = ()
    quotes: Quotes | None = None
    second_person: tuple[SecondPerson, ...] = ()
    role: Role = Role.EDITOR
    undo_s: Annotated[float, Meta(ge=0, le=300)] = 0.0
    notice_s: Annotated[int, Meta(ge=0, le=31_536_000)] = 3600
    notices: Annotated[int, Meta(ge=0, le=100)] = NOTICES
    submissions_per_minute: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    submissions_burst: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    terminal_undo_s: Annotated[float, Meta(ge=0, le=300)] = 5.0
    zone: str | None = None
    test: bool = False
    publisher: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    logo: _WebAddress | None = None
    image: _WebAddress | None = None
    id_authority: (
        Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.-]*,[0-9]{4}(-[0-9]{2}){0,2}$", max_length=250)] | None
    ) = None

    @property
    def is_private(self) -> bool:
        """Whether readers need a token."""
        return self.access is Access.TOKEN


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


def in_order(names: Iterable[str]) -> list[str]:
    """Return the names of editions in the order of every list: those that come with Ticker, then the others by name."""
    own = list(DEFAULT_EDITIONS)
    return sorted(names, key=lambda name: (own.index(name) if name in own else len(own), name))


def is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """Return the name of an edition or an editor if it is valid. Redis keys contain these names.

    Raises:
        SettingsError: If it is not 1–32 of a–z, 0–9 and hyphen, beginning with a letter.

    """
    if not is_name(name):
        raise SettingsError(f"{name[:40]!a} is not a name: use 1–32 of a–z, 0–9 and -, beginning with a letter")
    return name


def find_term(vocabulary: dict[str, str], given: str) -> str | None:
    """Return the id of the term with this id or name, or None if the vocabulary lacks it.

    Case and accents make no difference: an editor in a hurry types `economia`.
    """
    if given in vocabulary:
        return given
    folded = _folded(given)
    for term, name in vocabulary.items():
        if folded in (term, _folded(name)):
            return term
    return None


def _folded(text: str) -> str:
    if text.isascii():
        return text.strip().casefold()
    decomposed = unicodedata.normalize("NFD", text.strip().casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))
