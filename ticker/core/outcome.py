"""The desk's decision on one request: the entry that it makes, what is held, or why it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec
from msgspec import UNSET

from ticker.core import lifecycle
from ticker.core.edition import Edition, Role
from ticker.core.entry import Entry
from ticker.core.held import Held
from ticker.core.line import URGENCY_FLASH, Change, Facets, Line
from ticker.core.rules import approval, fields, house_rules
from ticker.core.rules.fields import Findings
from ticker.core.submission import Decision, DecisionRequest, Finding, Submission


class Lines(Protocol):
    """The latest entry of every line: a board, or a board with entries on top that are about to be appended."""

    def get(self, line_id: str, /) -> Entry | None: ...

    def newest_first(self) -> Iterator[Entry]:
        """Every line's latest entry, also of those that don't show."""
        ...


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision depends on besides the request: who, when, on which board; and the chance for a new line.

    `passed` is an instant that has certainly passed, also by Redis's clock (None: `now`): nothing goes out before its
    time because a desk's clock is ahead. `seq` is the number that the entry would have, `new_id` an id that no line and
    nothing held has.
    """

    edition: Edition
    board: Lines
    editor: str
    role: Role = Role.EDITOR
    submitted_at: datetime
    now: datetime
    passed: datetime | None = None
    seq: int
    new_id: str


class Publish(msgspec.Struct, frozen=True):
    """On air, once `entry` is in the log."""

    entry: Entry
    warnings: tuple[Finding, ...]


class Hold(msgspec.Struct, frozen=True):
    """Not on air yet: it waits as `held`. `latest` is the version in force of the line that it would change."""

    held: Held
    warnings: tuple[Finding, ...] = ()
    latest: Line | None = None


class Drop(msgspec.Struct, frozen=True):
    """What was held never goes on air."""

    reason: str | None = None


class Refuse(msgspec.Struct, frozen=True):
    """Not on air. `latest` is the version in force of the line that the submission was about, where there is one."""

    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...] = ()
    latest: Line | None = None


Outcome = Publish | Hold | Refuse


class _Prepared(msgspec.Struct, frozen=True):
    """A submission in its normal form, the version that it makes, and what it is made of (None: a new line)."""

    submission: Submission
    line: Line
    latest: Entry | None
    earlier_facets: tuple[Facets, ...] = ()


def decide(submission: Submission, at: Circumstances) -> Outcome:
    """Apply the rules. The same submission in the same circumstances always gets the same verdict."""
    checked = Findings()
    # How long a line may stay or be pinned is counted from when it goes out, as it will be when it is published.
    prepared = _prepare(checked, submission, msgspec.structs.replace(at, now=_goes_out(submission, at.now)))
    if prepared is None:
        return Refuse(tuple(checked.errors), tuple(checked.warnings), _latest_line(submission, at))
    submission, line, latest = prepared.submission, prepared.line, prepared.latest
    house_rules.check_house(checked, at.edition, submission, line, at.board.newest_first(), at.now)
    approval.check_second_person(checked, at.edition, at.role, at.editor, line, latest)
    approval.check_break_glass(checked, at.role, submission.break_glass)
    due = _due(checked, submission, line, at)
    if checked.errors:
        return Refuse(tuple(checked.errors), tuple(checked.warnings), None if latest is None else latest.line)
    if not checked.needs and due is None:
        return Publish(_entry(checked, prepared, at), tuple(checked.warnings))
    held = Held(
        id=at.new_id,
        editor=at.editor,
        submission=submission,
        submitted_at=at.submitted_at,
        due_at=due,
        needs=tuple(checked.needs),
        overridden=tuple(checked.overridden),
    )
    return Hold(held, tuple(checked.warnings), None if latest is None else latest.line)


def publish_held(held: Held, at: Circumstances) -> Publish | Hold | Refuse:
    """What becomes of something held that is due, or was approved: nothing was left to wait for.

    The board may have changed since: the rules of a line's life hold as it is now, and what somebody else has put on
    air meanwhile isn't repeated, or waits for a second person now, if none has approved it. `at.now` decides what is
    past; `at.editor` and `at.role` don't matter.
    """
    checked = Findings()
    at = msgspec.structs.replace(at, editor=held.editor, submitted_at=held.submitted_at, new_id=held.id)
    submission = held.submission
    prepared = _prepare(checked, submission, at)
    if prepared is not None:
        house_rules.check_repetition(checked, at.edition, submission, prepared.line, at.board.newest_first(), at.now)
    if prepared is None or checked.errors:
        return Refuse(tuple(checked.errors), (), _latest_line(submission, at))
    needs = (*held.needs, *checked.needs)
    has_second = held.approved_by not in (None, held.editor)
    if checked.needs and not has_second and submission.break_glass is None:
        return Hold(msgspec.structs.replace(held, needs=needs, approved_by=None))
    checked.overridden.extend(held.overridden)
    checked.overridden.extend(finding.code for finding in needs if submission.break_glass is not None)
    entry = _entry(checked, prepared, at)
    approved_by = None if held.approved_by == held.editor else held.approved_by
    return Publish(msgspec.structs.replace(entry, approved_by=approved_by, due_at=held.due_at), ())


def rule(ruling: DecisionRequest, held: Held, at: Circumstances) -> Publish | Hold | Drop | Refuse:
    """Decide on what an editor says of something held: `at.editor` is who rules, `at.role` their role."""
    checked = Findings()
    approval.check_ruling(checked, ruling, held, at.editor, at.role)
    if checked.errors:
        return Refuse(tuple(checked.errors))
    if ruling.decision is not Decision.APPROVE:
        return Drop(None if ruling.reason is None else fields.normal_text(ruling.reason))
    if ruling.break_glass is not None:
        glass = msgspec.structs.replace(held.submission, break_glass=fields.normal_text(ruling.break_glass))
        held = msgspec.structs.replace(held, submission=glass)
    # Who may be no second person can only say that it is still news: that takes the place of nobody's approval.
    may_approve = at.editor != held.editor and at.role is not Role.REPORTER
    approved_by = at.editor if may_approve else held.approved_by or at.editor
    held = msgspec.structs.replace(held, approved_by=approved_by, overdue=False)
    if held.due_at is not None and held.due_at > (at.passed or at.now):
        return Hold(held)
    return publish_held(held, at)


def _prepare(checked: Findings, submission: Submission, at: Circumstances) -> _Prepared | None:
    """The version that the submission makes, only of use where `checked` has no errors; None where it makes none."""
    submission = _in_utc(submission)
    lifecycle.check_fields(checked, submission)
    fields.check_notice(checked, "note", submission.note)
    fields.check_notice(checked, "origin", submission.origin)
    if submission.change is Change.NEW:
        return _prepare_new(checked, submission, at)
    return _prepare_next(checked, submission, at)


def _prepare_new(checked: Findings, submission: Submission, at: Circumstances) -> _Prepared | None:
    if submission.id is not None or submission.version is not None:
        checked.refuse("field", "a new line gets its id from the desk: leave `id` and `version` out")
    if submission.text is UNSET:
        return None
    line = lifecycle.first_version(checked, at.edition, submission, at.new_id, at.seq, at.now)
    return _Prepared(submission, line, None)


def _prepare_next(checked: Findings, submission: Submission, at: Circumstances) -> _Prepared | None:
    latest = None if submission.id is None else at.board.get(submission.id)
    if latest is None:
        named = "no line is named" if submission.id is None else f"there is no line {submission.id[:40]!a}"
        checked.refuse("unknown", f"{named} in this edition's log: `tick log` shows the ids")
        return None
    lifecycle.check_may_follow(checked, submission, latest.line)
    if checked.errors:
        return None
    line = lifecycle.next_version(checked, at.edition, submission, latest, at.now)
    return _Prepared(submission, line, latest, lifecycle.earlier_facets(checked, line, latest))


def _latest_line(submission: Submission, at: Circumstances) -> Line | None:
    latest = None if submission.id is None else at.board.get(submission.id)
    return None if latest is None or submission.change is Change.NEW else latest.line


def _entry(checked: Findings, prepared: _Prepared, at: Circumstances) -> Entry:
    submission, line, latest = prepared.submission, prepared.line, prepared.latest
    posted_by = at.editor if latest is None else latest.posted_by
    return Entry(
        line=line,
        earlier_facets=prepared.earlier_facets,
        editor=at.editor,
        key=submission.key,
        submitted_at=at.submitted_at,
        note=submission.note,
        hidden_version=latest.line if latest is not None and line.change is Change.HIDE else None,
        author=None if posted_by == at.editor else posted_by,
        break_glass=submission.break_glass,
        overridden=tuple(dict.fromkeys(checked.overridden)),
        origin=submission.origin,
    )


def _due(checked: Findings, submission: Submission, line: Line, at: Circumstances) -> datetime | None:
    """Until when it is held; None for what goes on air at once."""
    for what in ("publish_at", "embargo_until"):
        instant = getattr(submission, what)
        if instant is not None:
            # By when it was handed in: a desk that was away for a moment is no reason to refuse what was in time.
            fields.check_schedule(checked, what, instant, min(at.submitted_at, at.now))
    if checked.errors:
        return None
    passed = at.passed or at.now
    times = [
        instant
        for instant in (submission.publish_at, submission.embargo_until)
        if instant is not None and instant > passed
    ]
    if times:
        if (
            submission.publish_at is not None
            and submission.embargo_until is not None
            and submission.publish_at < submission.embargo_until
        ):
            checked.warn("embargo_until", "its time is before the end of its embargo: it waits for the embargo")
        return max(times)
    undo_s = _undo_s(submission, at.edition, line)
    # From when it was handed in, by Redis's clock, which is the one that it is released by.
    return at.submitted_at + timedelta(seconds=undo_s) if undo_s > 0 else None


def _goes_out(submission: Submission, now: datetime) -> datetime:
    """When it goes out at the earliest; `now` for what isn't scheduled, or has a time that is refused."""
    times = [
        instant
        for instant in (submission.publish_at, submission.embargo_until)
        if instant is not None and instant.tzinfo
    ]
    return max([now, *(instant for instant in times if instant <= now + fields.SCHEDULE_MAX)]).astimezone(UTC)


def _undo_s(submission: Submission, edition: Edition, line: Line) -> float:
    """The window in which it can be taken back unseen: none for a flash, or for what takes words off the screens."""
    if submission.undo_s is not None:
        return submission.undo_s
    if line.urgency <= URGENCY_FLASH or submission.change not in lifecycle.PUTS_WORDS:
        return 0.0
    return edition.undo_s


def _in_utc(submission: Submission) -> Submission:
    """The submission with its instants in UTC; naive ones stay as they are, to be refused by the rules."""
    changes: dict[str, datetime] = {}
    for field in ("expires_at", "pinned_until", "publish_at", "embargo_until"):
        instant = getattr(submission, field)
        if isinstance(instant, datetime) and instant.tzinfo is not None:
            try:
                changes[field] = instant.astimezone(UTC)
            except OverflowError:  # year 1 or 9999 with an offset: the rules refuse it as it stands
                continue
    return msgspec.structs.replace(submission, **changes)
