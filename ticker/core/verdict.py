"""The desk's decision on one submission: the entry that it makes, or why it is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

import msgspec
from msgspec import UNSET

from ticker.core import lifecycle, rules
from ticker.core.edition import Edition
from ticker.core.entry import Entry
from ticker.core.line import Change, Line
from ticker.core.rules import Checked
from ticker.core.submission import Finding, Submission


class Lines(Protocol):
    """The latest entry of every line: a board, or a board with entries on top that are about to be appended."""

    def get(self, line_id: str, /) -> Entry | None: ...


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision depends on besides the submission: who, when, on which board; and the chance for a new line.

    `seq` is the number that the entry would have, `line_id` an id that no line has.
    """

    edition: Edition
    board: Lines
    editor: str
    submitted: datetime
    now: datetime
    seq: int
    line_id: str


class Publish(msgspec.Struct, frozen=True):
    """On air, once `entry` is in the log."""

    entry: Entry
    warnings: tuple[Finding, ...]


class Refuse(msgspec.Struct, frozen=True):
    """Not on air. `latest` is the version in force of the line that the submission was about, where there is one."""

    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...] = ()
    latest: Line | None = None


Verdict = Publish | Refuse


def decide(submission: Submission, at: Circumstances) -> Verdict:
    """Apply the rules. The same submission in the same circumstances always gets the same verdict."""
    submission = _in_utc(submission)
    checked = Checked()
    lifecycle.check_fields(checked, submission)
    rules.check_notice(checked, "note", submission.note)
    if submission.change is Change.NEW:
        return _decide_new(checked, submission, at)
    return _decide_next(checked, submission, at)


def _decide_new(checked: Checked, submission: Submission, at: Circumstances) -> Verdict:
    if submission.id is not None or submission.version is not None:
        checked.refuse("field", "a new line gets its id from the desk: leave `id` and `version` out")
    if submission.text is UNSET:
        return Refuse(tuple(checked.errors))
    line = lifecycle.first_version(checked, at.edition, submission, at.line_id, at.seq, at.now)
    return _verdict(checked, submission, at, line, None)


def _decide_next(checked: Checked, submission: Submission, at: Circumstances) -> Verdict:
    latest = None if submission.id is None else at.board.get(submission.id)
    if latest is None:
        named = "no line is named" if submission.id is None else f"there is no line {submission.id[:40]!a}"
        checked.refuse("unknown", f"{named} in this edition's log: `tick log` shows the ids")
        return Refuse(tuple(checked.errors))
    lifecycle.check_may_follow(checked, submission, latest.line)
    if checked.errors:
        return Refuse(tuple(checked.errors), tuple(checked.warnings), latest.line)
    line = lifecycle.next_version(checked, at.edition, submission, latest, at.now)
    return _verdict(checked, submission, at, line, latest)


def _verdict(checked: Checked, submission: Submission, at: Circumstances, line: Line, latest: Entry | None) -> Verdict:
    was = () if latest is None else lifecycle.earlier_facets(checked, line, latest)
    if checked.errors:
        return Refuse(tuple(checked.errors), tuple(checked.warnings), None if latest is None else latest.line)
    entry = Entry(
        line=line,
        was=was,
        editor=at.editor,
        key=submission.key,
        submitted=at.submitted,
        note=submission.note,
        kept=latest.line if latest is not None and line.change is Change.HOLD else None,
    )
    return Publish(entry, tuple(checked.warnings))


def _in_utc(submission: Submission) -> Submission:
    """The submission with its instants in UTC; naive ones stay as they are, to be refused by the rules."""
    changes: dict[str, datetime] = {}
    for field in ("expires", "pinned"):
        instant = getattr(submission, field)
        if isinstance(instant, datetime) and instant.tzinfo is not None:
            try:
                changes[field] = instant.astimezone(UTC)
            except OverflowError:  # year 1 or 9999 with an offset: the rules refuse it as it stands
                continue
    return msgspec.structs.replace(submission, **changes)
