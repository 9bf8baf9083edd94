"""Hypothesis strategies for the values of the core: lines, entries, submissions, and complete logs.

`decide` makes the logs from drawn steps, so that they only have entries that a desk could have written. The strategies
`nasty_*` draw any value that decodes, however unlikely.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations
from math import prod
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec import UNSET, UnsetType

from ticker.core.board import Board
from ticker.core.edition import DEFAULT_EDITIONS, Edition, Effect
from ticker.core.entry import Entry, encode_entry
from ticker.core.line import Change, Direction, Facets, Line, Status
from ticker.core.outcome import Context, Outcome, Publish, decide
from ticker.core.position import next_link
from ticker.core.rules.effects import HOUSE_RULES
from ticker.core.selection import Selection
from ticker.core.submission import DEADLINE_MAX_S, KEY_MAX, Finding, Reach, Receipt, ReceiptStatus, Submission

T = TypeVar("T")

START: Final = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
NONCE: Final = "5e" * 32
WITHOUT_HOUSE_RULES: Final = dict.fromkeys(HOUSE_RULES, Effect.OFF)
"""With the rules for text off: tests of other things use short, repeated texts without attribution."""
ENGLISH: Final = msgspec.structs.replace(DEFAULT_EDITIONS["en"], rules=WITHOUT_HOUSE_RULES, terminal_undo_s=0.0)

# Few terms, so that lines often enter and leave selections.
SECTIONS: Final = ("politics", "economy", "sports")
REGIONS: Final = ("mena", "africa", "europe")
URGENCIES: Final = (1, 3, 4)

TEXTS: Final = (
    "Quake of magnitude 6.1 strikes off the coast",
    "Maduro: Caracas will not negotiate under threat",
    "عاجل: زلزال بقوة 6 درجات يضرب الساحل",
    "Última hora: el Gobierno aprueba los presupuestos",
    "مراسل الجزيرة: غارة على CNN Plaza وسط المدينة",
    "👩‍👩‍👧‍👦 Families return home 🇵🇸",
)


class Step(NamedTuple):
    """One drawn submission. `target` selects an earlier line (modulo the number of lines)."""

    change: Change
    target: int
    text: int
    section: str | None
    regions: tuple[str, ...]
    urgency: int
    minutes: int
    expires_in: int | None


def instants() -> SearchStrategy[datetime]:
    """Aware times in UTC, of realistic years."""
    return st.integers(-(10**8), 10**8).map(lambda seconds: START + timedelta(seconds=seconds))


def facets() -> SearchStrategy[Facets]:
    return st.builds(
        Facets,
        st.sampled_from(URGENCIES),
        st.none() | st.sampled_from(SECTIONS),
        st.lists(st.sampled_from(REGIONS), max_size=2, unique=True).map(tuple),
    )


def encodable_text(max_size: int = 40) -> SearchStrategy[str]:
    """Any text that UTF-8 can encode: all characters but lone surrogates."""
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=max_size)


def lines() -> SearchStrategy[Line]:
    """Any values that the type allows, including those that the rules would refuse."""
    return st.builds(
        Line,
        id=encodable_text(20),
        version=st.integers(1, 1000),
        number=st.integers(1, 2**53 - 1),
        change=st.sampled_from(Change),
        status=st.sampled_from(Status),
        text=encodable_text(),
        attribution=st.none() | encodable_text(),
        lang=st.sampled_from(["en", "ar", "es-MX"]),
        dir=st.sampled_from(Direction),
        urgency=st.integers(1, 9),
        section=st.none() | encodable_text(10),
        regions=st.lists(encodable_text(10), max_size=3).map(tuple),
        coverage=st.none() | encodable_text(),
        url=st.none() | encodable_text(),
        created_at=instants(),
        updated_at=instants(),
        expires_at=st.none() | instants(),
        correction=st.none() | encodable_text(),
        pinned_until=st.none() | instants(),
    )


def entries() -> SearchStrategy[Entry]:
    return st.builds(
        Entry,
        line=lines(),
        earlier_facets=st.lists(facets(), max_size=3).map(tuple),
        editor=encodable_text(10),
        key=encodable_text(10),
        submitted_at=instants(),
        note=st.none() | encodable_text(),
        hidden_version=st.none() | lines(),
    )


def findings() -> SearchStrategy[Finding]:
    return st.builds(Finding, encodable_text(10), encodable_text())


def receipts() -> SearchStrategy[Receipt]:
    return st.builds(
        Receipt,
        status=st.sampled_from(ReceiptStatus),
        edition=encodable_text(10),
        key=encodable_text(10),
        id=st.none() | encodable_text(10),
        version=st.none() | st.integers(1, 1000),
        position=st.none() | encodable_text(30),
        published_at=st.none() | instants(),
        warnings=st.lists(findings(), max_size=2).map(tuple),
        errors=st.lists(findings(), max_size=2).map(tuple),
        reach=st.none()
        | st.builds(Reach, st.integers(0, 9), st.integers(0, 10**6), st.floats(0, 1e6, allow_nan=False)),
    )


def selections() -> SearchStrategy[Selection]:
    def terms(of: Sequence[str]) -> SearchStrategy[tuple[str, ...]]:
        return st.lists(st.sampled_from(of), max_size=2, unique=True).map(lambda given: tuple(sorted(given)))

    return st.builds(Selection, terms(SECTIONS), terms(REGIONS), st.none() | st.sampled_from(URGENCIES))


_STEP_CHANGES: Final = (*([Change.NEW] * 4), Change.UPDATE, Change.UPDATE, *Change)
"""New lines often, so that logs have several lines that change."""
_STEP_SECTIONS: Final = (None, None, None, *SECTIONS)
_STEP_REGIONS: Final = ((), *((region,) for region in REGIONS), *permutations(REGIONS, 2))
_STEP_MINUTES: Final = range(-5, 31)
"""The desk's clock may step back."""
_STEP_EXPIRIES: Final = (*([None] * 90), *range(1, 91))
_STEP_PARTS: Final = (
    (_STEP_CHANGES, range(8), range(len(TEXTS)), _STEP_SECTIONS, _STEP_REGIONS, URGENCIES),
    (_STEP_MINUTES, _STEP_EXPIRIES),
)
"""The values of each field of a step. One number selects the values of all fields of a part."""


def steps() -> SearchStrategy[Step]:
    """Any step, from two drawn numbers: to draw each field takes five times as long.

    Hypothesis draws integers below 2^24 uniformly.
    """
    first, second = (st.integers(0, prod(map(len, part)) - 1) for part in _STEP_PARTS)
    return st.builds(_step, first, second)


def _step(*numbers: int) -> Step:
    fields: list[Any] = []
    for rest, part in zip(numbers, _STEP_PARTS, strict=True):
        number = rest
        for values in part:
            number, index = divmod(number, len(values))
            fields.append(values[index])
    return Step(*fields)


def histories(max_steps: int = 25) -> SearchStrategy[list[Entry]]:
    """The entries of a log in order, as the rules publish them."""
    # Lists are short on average. Only longer ones have lines that change, are withdrawn and leave selections.
    long = st.lists(steps(), min_size=max_steps // 2, max_size=max_steps)
    return (long | st.lists(steps(), max_size=4)).map(history)


def history(made_of: Sequence[Step]) -> list[Entry]:
    """Return the entries that a desk would log for these steps. Refused steps add nothing."""
    board, log, ids, now = Board(), list[Entry](), list[str](), START
    for number, step in enumerate(made_of):
        now += timedelta(minutes=step.minutes)
        line_id = f"line-{number}"
        target = ids[step.target % len(ids)] if ids else "none"
        outcome = decide(submission_of(step, number, target, now), context(board, len(log) + 1, now, line_id))
        if isinstance(outcome, Publish):
            board.apply(outcome.entry)
            log.append(outcome.entry)
            if step.change is Change.NEW:
                ids.append(line_id)
    return log


def submission_of(step: Step, number: int, target: str, now: datetime) -> Submission:
    change = step.change
    writes = change in (Change.NEW, Change.UPDATE, Change.REFILE, Change.CORRECT)
    expires = UNSET if step.expires_in is None else now + timedelta(minutes=step.expires_in)
    return Submission(
        key=f"key-{number}",
        change=change,
        id=None if change is Change.NEW else target,
        text=TEXTS[step.text] if writes else UNSET,
        section=step.section if writes else UNSET,
        regions=step.regions if writes else UNSET,
        urgency=step.urgency if writes else UNSET,
        expires_at=expires if writes else UNSET,
        pinned_until=now + timedelta(minutes=20) if change is Change.PIN else None,
        reason="An earlier version was wrong" if change in (Change.CORRECT, Change.WITHDRAW) else None,
    )


def context(board: Board, seq: int, now: datetime, line_id: str = "line-new", edition: Edition = ENGLISH) -> Context:
    return Context(edition=edition, board=board, editor="amal", submitted_at=now, now=now, seq=seq, new_id=line_id)


def post(board: Board, submission: Submission, now: datetime = START, edition: Edition = ENGLISH) -> Outcome:
    """Decide on a submission, and apply the entry to the board if it is published."""
    seq = 1 + sum(entry.line.version for entry in board.newest_first())
    outcome = decide(submission, context(board, seq, now, f"line-{seq}", edition))
    if isinstance(outcome, Publish):
        board.apply(outcome.entry)
    return outcome


def linked(entries: Sequence[Entry], nonce: str = NONCE) -> list[tuple[str, bytes]]:
    """Return the link and the bytes of each entry, as in a log."""
    chain, link = [], nonce
    for entry in entries:
        data = encode_entry(entry)
        link = next_link(link, data)
        chain.append((link, data))
    return chain


def fold(entries: Sequence[Entry]) -> Board:
    board = Board()
    for entry in entries:
        board.apply(entry)
    return board


def reader_entry(line: Line) -> Entry:
    """Return an entry as a reader sees it: only the line is known."""
    return Entry(line=line, editor="", key="", submitted_at=line.updated_at)


# Untrusted input

_NASTY_CHARACTERS: Final = st.sampled_from(
    "\x00\x07\n\r\t\x1b\x7f\x85\u00a0\u00ad\u0301\u034f\u061c\u064b\u115f\u1680\u180e\u200b\u200c\u200d\u200e\u200f"
    "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\u206a\u2800\u3164\ud800\udfff\ue000"
    "\ufe0f\ufeff\ufff9\ufffd\uffff\U0001f1f5\U0001f1f8\U0001f468\U000e0041\U0010ffff: éعא"
)
_OFFSETS: Final = st.sampled_from(
    [None, UTC, *(timezone(timedelta(minutes=minutes)) for minutes in (-1439, -330, 1, 180, 1439))]
)


def nasty_text(max_size: int = 30) -> SearchStrategy[str]:
    anything = st.text(_NASTY_CHARACTERS | st.characters(exclude_categories=[]), max_size=max_size)
    piles = st.builds(lambda base, mark, times: base + mark * times, anything, _NASTY_CHARACTERS, st.integers(0, 300))
    return anything | piles | st.sampled_from(TEXTS)


def nasty_instants() -> SearchStrategy[datetime]:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    whenever = st.sampled_from([first, last, START, START + timedelta(days=1)])
    return st.builds(lambda instant, zone: instant.replace(tzinfo=zone), whenever | st.datetimes(), _OFFSETS)


def nasty_integers() -> SearchStrategy[int]:
    return st.integers() | st.sampled_from([-(2**63), 2**63, 2**64, 10**4000, -(10**4000), 0, 1, 9, 10])


def nasty_urls() -> SearchStrategy[str]:
    return st.sampled_from(
        ["https://", "http://", "HTTPS://[", "javascript:", "//", "https://[::1", "http://a@", ""]
    ).flatmap(lambda scheme: nasty_text().map(lambda rest: scheme + rest)) | st.from_regex(
        r"https?://[a-z0-9.\[\]:@%-]{0,20}(/[!-~]{0,10})?", fullmatch=True
    )


def nasty_submissions(ids: Sequence[str] = ()) -> SearchStrategy[Submission]:
    """Any submission whose fields have the right types. Half of them change one of `ids`."""
    unset = st.just(UNSET)
    text = nasty_text()
    known = st.sampled_from(ids) if ids else st.nothing()
    languages = st.sampled_from(["ar", "iw", "x-a", "en_US", "zh-min", "i-klingon", "ur-Aran", "", "-", "en-"])
    tags = languages | nasty_text(8) | st.from_regex(r"[a-zA-Z]{1,8}([-_][a-zA-Z0-9]{0,8}){0,3}", fullmatch=True)
    terms = st.sampled_from([*SECTIONS, "Sports", " ECONOMY "]) | st.sampled_from(REGIONS)
    return st.builds(
        Submission,
        key=st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=KEY_MAX),
        change=st.sampled_from([*Change, *([Change.NEW] * 6)]),
        deadline_s=st.floats(0, DEADLINE_MAX_S),
        id=st.none() | known | text,
        version=st.none() | st.integers(1, 2) | nasty_integers(),
        text=unset | text,
        split_attribution=st.booleans(),
        attribution=unset | st.none() | text,
        lang=_or_unset(tags),
        dir=_or_unset(st.sampled_from(Direction)),
        urgency=_or_unset(st.integers(1, 9)) | nasty_integers(),
        section=_or_unset(st.none() | terms | text),
        regions=_or_unset(st.lists(terms | text, max_size=10).map(tuple)),
        coverage=_or_unset(st.none() | text),
        url=_or_unset(st.none() | nasty_urls() | st.just("https://example.com/a")),
        expires_at=_or_unset(st.none() | nasty_instants()),
        pinned_until=st.none() | nasty_instants() | st.just(START + timedelta(hours=1)),
        reason=st.none() | text,
        note=st.none() | text,
    )


def likely_submissions() -> SearchStrategy[Submission]:
    """New lines with unusual fields, of which many are valid and published."""
    texts = st.sampled_from(TEXTS) | encodable_text() | nasty_text(10).map(lambda odd: f"Word {odd} word")
    odd = st.fixed_dictionaries(
        {"text": texts},
        optional={
            "attribution": st.none() | encodable_text(10),
            "split_attribution": st.booleans(),
            "lang": st.sampled_from(["ar", "iw", "x-a", "en_US", "zh-min", "ur-Aran", "az_latn", "ES-mx"]),
            "dir": st.sampled_from(Direction),
            "urgency": st.integers(1, 9),
            "section": st.none() | st.sampled_from([*SECTIONS, "Sports", " ECONOMY ", ""]),
            "regions": st.lists(st.sampled_from([*REGIONS, "MENA", "Europe"]), max_size=3).map(tuple),
            "coverage": st.none() | encodable_text(10),
            "url": st.none() | nasty_urls(),
            "expires_at": st.none() | nasty_instants(),
            "pinned_until": st.none() | st.just(START + timedelta(hours=1)),
        },
    )
    return odd.map(lambda fields: msgspec.structs.replace(Submission(key="k", change=Change.NEW), **fields))


def _or_unset(strategy: SearchStrategy[T]) -> SearchStrategy[T | UnsetType]:
    return st.just(UNSET) | strategy
