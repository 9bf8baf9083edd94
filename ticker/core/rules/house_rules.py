"""The house rules: checks whose effect (off, warn, ask, review, refuse) each edition configures.

`effects` has their codes and default effects. `fields` has the rules that are the same for every edition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from msgspec import UNSET

from ticker.core.edition import Edition, Effect
from ticker.core.held import Held
from ticker.core.line import TEXT_CHANGES, Change, Line
from ticker.core.rules import fields
from ticker.core.rules.effects import effect_of
from ticker.core.rules.findings import RuleFinding, ask
from ticker.core.rules.labels import Label, find_label
from ticker.core.rules.placeholders import find_placeholder
from ticker.core.rules.recent_lines import DUPLICATE_LINES, RecentLines
from ticker.core.rules.similarity import most_similar
from ticker.core.rules.typography import is_shouted, loose_space, wrong_quotes
from ticker.core.rules.word_count import WORDS_LEAST, count_words
from ticker.core.rules.writing_system import foreign_script
from ticker.core.submission import Finding, Submission

DUPLICATE_WINDOW: Final = timedelta(hours=1)
"""A new text is compared with all lines that changed within this time, even if they have left the board."""

_ANYWAY: Final = "post yours anyway (`--again`)"

SHOWN: Final = 40
"""The maximum number of characters that a finding quotes."""


def check_house_rules(
    edition: Edition, submission: Submission, line: Line, recent: RecentLines, now: datetime
) -> Iterator[RuleFinding]:
    """Apply every house rule to `line`, the version that `submission` would make.

    A rule only checks the fields that the submission sets. It doesn't report faults of the version on air. Each rule
    makes at most one finding. `recent` are the newest lines of the edition.
    """
    if submission.change not in TEXT_CHANGES:
        return
    for finding in _findings(edition, submission, line):
        effect = effect_of(edition, finding.code)
        if effect is Effect.ASK:
            yield ask(finding.code, finding.detail, is_confirmed=submission.confirmed)
        elif effect is not Effect.OFF:
            yield RuleFinding(effect, finding)
    yield from check_duplicate(edition, submission, line, recent, now)


def check_duplicate(
    edition: Edition, submission: Submission, line: Line, recent: RecentLines, now: datetime
) -> Iterator[RuleFinding]:
    """Find a new line that looks like a line on the board or of the last hour. `again` overrides the finding."""
    effect = effect_of(edition, "duplicate")
    if submission.change is not Change.NEW or effect is Effect.OFF:
        return
    found = recent.find_similar(line.text, lambda other: _is_recent(edition, other, recent, now))
    if found is None:
        return
    detail = f"the text {_how_similar(found[1])} the line {found[0].id}: update that line, or {_ANYWAY}"
    yield _duplicate(effect, submission, detail)


def check_duplicate_of_held(
    edition: Edition, submission: Submission, line: Line, items: Iterable[Held]
) -> Iterator[RuleFinding]:
    """Find a new line that looks like one that waits for its time or for a second person."""
    effect = effect_of(edition, "duplicate")
    if submission.change is not Change.NEW or effect is Effect.OFF:
        return
    texts = {
        held.id: held.submission.text
        for held in islice(items, DUPLICATE_LINES)
        if held.submission.change is Change.NEW and isinstance(held.submission.text, str)
    }
    found = most_similar(line.text, list(texts.values())) if texts else None
    if found is None:
        return
    held_id = list(texts)[found[0]]
    detail = f"the text {_how_similar(found[1])} the held line {held_id}: cancel that one, or {_ANYWAY}"
    yield _duplicate(effect, submission, detail)


def _duplicate(effect: Effect, submission: Submission, detail: str) -> RuleFinding:
    asks = effect is Effect.ASK
    overridden = submission.again or (asks and submission.confirmed)
    return RuleFinding(effect, Finding("duplicate", detail, asks), overridden=overridden)


def _how_similar(percent: float) -> str:
    return "matches" if int(percent) == 100 else f"is {int(percent)} % similar to"


def _is_recent(edition: Edition, other: Line, recent: RecentLines, now: datetime) -> bool:
    """Return whether readers see a line or have just seen it: pins, the top of the board, changes of the last hour."""
    if other.updated_at > now - DUPLICATE_WINDOW or other.is_pinned(now):
        return True
    room = edition.board_lines
    return other.shows(now) and recent.count_newer(other, room, lambda newer: newer.shows(now)) < room


def _findings(edition: Edition, submission: Submission, line: Line) -> Iterator[Finding]:
    sets_text = submission.text is not UNSET
    if sets_text or submission.attribution is not UNSET:
        yield from _in_words(edition, line)
    if sets_text or submission.lang is not UNSET:
        yield from _in_script(line)
    if submission.dir is not UNSET:
        yield from _in_direction(edition, line)
    if sets_text:
        yield from _in_typography(edition, line)


def _in_words(edition: Edition, line: Line) -> Iterator[Finding]:
    if line.attribution is None:
        yield Finding(
            "attribution", "the line names no source: begin with it (“Weather office: …”), or use --attribution"
        )
    words = line.text if line.attribution is None else f"{line.attribution}: {line.text}"
    if (label := find_label(words)) is not None:
        yield Finding("label", _label_detail(label))
    count = count_words(words)
    if count is not None and count < WORDS_LEAST and not fields.is_blank(line.text):
        how_many = "1 word" if count == 1 else f"{count} words"
        yield Finding("short", f"the line has {how_many}: write at least {WORDS_LEAST}")
    found = find_placeholder(words, _language(line), edition.placeholders)
    if found is not None:
        yield Finding("placeholder", f"“{found[:SHOWN]}” is a placeholder or marks a test: replace it or take it out")


def _label_detail(label: Label) -> str:
    """Describe the fault of a label, and the option to use instead."""
    what = f"“{label.words[:SHOWN]}” is no source, and stays in the text"
    if label.urgency is not None:
        return f"{what}: take it out, and use --urgency {label.urgency} instead"
    if label.command is not None:
        return f"{what}: take it out, and use `tick {label.command}` to change a line"
    return f"{what}: take it out, or name the source"


def _in_script(line: Line) -> Iterator[Finding]:
    script = foreign_script(line.text, line.lang)
    if script is not None:
        what = f"the text is in {script[:SHOWN]} letters, and {line.lang[:SHOWN]} isn't written in them"
        yield Finding("script", f"{what}: post it to the right edition (-e), or set its language (--lang)")


def _in_direction(edition: Edition, line: Line) -> Iterator[Finding]:
    if not fields.is_lang(line.lang):
        return
    usual = fields.usual_direction(edition, line.lang)
    if line.dir is not usual:
        yield Finding("direction", f"the direction is set to {line.dir}, but {line.lang} is written {usual}")


def _in_typography(edition: Edition, line: Line) -> Iterator[Finding]:
    if is_shouted(line.text):
        yield Finding("capitals", "the text is all capitals: write it as a sentence")
    if (fault := loose_space(line.text, _language(line))) is not None:
        yield Finding("spaces", f"the text has {fault}")
    if edition.quotes is not None and (fault := wrong_quotes(line.text, edition.quotes)) is not None:
        yield Finding("quotes", f"the text has {fault}")


def _language(line: Line) -> str:
    return line.lang.partition("-")[0].casefold()
