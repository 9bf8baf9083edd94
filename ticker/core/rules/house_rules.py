"""The house rules applied: what an edition may see otherwise, found in a version of a line and given its effect.

`effects` has the table of them, with their codes. What no edition may see otherwise is in `rules`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from msgspec import UNSET

from ticker.core import lifecycle
from ticker.core.edition import Edition, Effect
from ticker.core.entry import Entry
from ticker.core.line import Change, Line
from ticker.core.rules import fields
from ticker.core.rules.effects import effect_of
from ticker.core.rules.fields import Findings
from ticker.core.rules.placeholders import find_placeholder
from ticker.core.rules.similarity import most_alike
from ticker.core.rules.typography import is_shouted, loose_space, wrong_quotes
from ticker.core.rules.writing_system import foreign_script
from ticker.core.submission import Submission

REPETITION: Final = timedelta(hours=1)
"""How long a line's words count as said, when it has left the board too."""

REPETITION_LINES: Final = 200
"""So many of the newest lines are looked at, whatever an hour brought: the desk stays quick in a flood."""

SHOWN: Final = 40
"""How many characters of a text a finding repeats."""


def check_house(
    checked: Findings,
    edition: Edition,
    submission: Submission,
    line: Line,
    latest_first: Iterable[Entry],
    now: datetime,
) -> None:
    """Apply every house rule to `line`, the version that `submission` makes. `latest_first` are the edition's lines.

    A rule looks at what the submission sets: what is on air already isn't held against who changes something else.
    `line` may have what `rules` refuses; each rule finds at most one thing.
    """
    if submission.change not in lifecycle.PUTS_WORDS:
        return
    for code, detail in _findings(edition, submission, line):
        _apply(checked, effect_of(edition, code), code, detail)
    check_repetition(checked, edition, submission, line, latest_first, now)


def check_repetition(
    checked: Findings,
    edition: Edition,
    submission: Submission,
    line: Line,
    latest_first: Iterable[Entry],
    now: datetime,
) -> None:
    """Find a new line that says the same as one on the board or of the last hour, unless it is meant to (`again`)."""
    effect = effect_of(edition, "duplicate")
    if submission.change is not Change.NEW or effect is Effect.OFF:
        return
    others = list(_said_lately(edition, latest_first, now))
    found = most_alike(line.text, [other.text for other in others])
    if found is None:
        return
    if submission.again:
        checked.overridden.append("duplicate")
        return
    other, alike = others[found[0]], int(found[1])
    how = "it says the same as" if alike == 100 else f"its text is {alike} % that of"
    _apply(
        checked,
        effect,
        "duplicate",
        f"{how} the line {other.id}: update that one, or say that it is meant (`--again`)",
    )


def _said_lately(edition: Edition, latest_first: Iterable[Entry], now: datetime) -> Iterator[Line]:
    """The lines whose words readers have or have just had: pins, the board's newest, what the last hour brought."""
    room, since = edition.board_lines, now - REPETITION
    for entry in islice(latest_first, REPETITION_LINES):
        other = entry.line
        if not other.text:
            continue
        is_on_board = room > 0 and other.shows(now)
        room -= is_on_board
        if is_on_board or other.updated_at > since or other.is_pinned(now):
            yield other


def _apply(checked: Findings, effect: Effect, code: str, detail: str) -> None:
    match effect:
        case Effect.OFF:
            pass
        case Effect.WARN:
            checked.warn(code, detail)
        case Effect.REVIEW:
            checked.review(code, detail)
        case Effect.REFUSE:
            checked.refuse(code, detail)


def _findings(edition: Edition, submission: Submission, line: Line) -> Iterator[tuple[str, str]]:
    sets_text = submission.text is not UNSET
    sets_attribution = submission.attribution is not UNSET
    if sets_text or sets_attribution:
        yield from _in_what_is_said(edition, line)
    if sets_text or submission.lang is not UNSET:
        yield from _in_script(line)
    if submission.dir is not UNSET:
        yield from _in_direction(edition, line)
    if sets_text:
        yield from _in_setting(edition, line)


def _in_what_is_said(edition: Edition, line: Line) -> Iterator[tuple[str, str]]:
    if line.attribution is None:
        yield "attribution", "it doesn't say who says it: begin with it (“Weather office: …”), or use --attribution"
    said = line.text if line.attribution is None else f"{line.attribution}: {line.text}"
    found = find_placeholder(said, _language(line), edition.placeholders)
    if found is not None:
        yield "placeholder", f"“{found[:SHOWN]}” holds a place or marks a test: put what is meant, or take it out"


def _in_script(line: Line) -> Iterator[tuple[str, str]]:
    script = foreign_script(line.text, line.lang)
    if script is not None:
        what = f"the text is in {script[:SHOWN]} letters, and {line.lang[:SHOWN]} isn't written in them"
        yield "script", f"{what}: post it to the edition that it is for (-e), or say its language (--lang)"


def _in_direction(edition: Edition, line: Line) -> Iterator[tuple[str, str]]:
    if not fields.is_lang(line.lang):
        return
    usual = fields.usual_direction(edition, line.lang)
    if line.dir is not usual:
        yield "direction", f"its direction is stated as {line.dir}, but {line.lang} is written {usual}: leave it out"


def _in_setting(edition: Edition, line: Line) -> Iterator[tuple[str, str]]:
    if is_shouted(line.text):
        yield "capitals", "the text is all capitals: write it as a sentence"
    if (fault := loose_space(line.text, _language(line))) is not None:
        yield "spaces", f"the text has {fault}"
    if edition.quotes is not None and (fault := wrong_quotes(line.text, edition.quotes)) is not None:
        yield "quotes", f"the text has {fault}"


def _language(line: Line) -> str:
    return line.lang.partition("-")[0].casefold()
