"""The outcome of one request: publish an entry, hold the submission, drop a held item, or refuse the request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec
from msgspec import UNSET

from ticker.core import lifecycle
from ticker.core.edition import Edition, Role
from ticker.core.entry import Entry
from ticker.core.held import Held
from ticker.core.line import TEXT_CHANGES, URGENCY_FLASH, Change, Facets, Line
from ticker.core.rules import approval, fields, house_rules
from ticker.core.rules.findings import Findings, RuleFinding, refuse, warn
from ticker.core.rules.recent_lines import RecentLines
from ticker.core.submission import Decision, DecisionRequest, Finding, Submission


class Lines(Protocol):
    """The latest entry of every line: a board, or a board plus entries that are about to be appended."""

    def get(self, line_id: str, /) -> Entry | None: ...

    def newest_first(self) -> Iterator[Entry]:
        """Yield the latest entry of every line, including lines that aren't visible."""
        ...


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """The facts that an outcome depends on, in addition to the request.

    `recent`: the lines that a new text is compared with (None: read them from `board`). `held`: the held items, the
    newest first. `now`: the desk's clock. `earliest_now`: the earlier of the desk's and
    Redis's clocks (None: `now`), so that nothing is published early because a desk's clock is fast. `seq`: the number
    that the entry would get. `new_id`: an id that no line and no held item has.
    """

    edition: Edition
    board: Lines
    editor: str
    role: Role = Role.EDITOR
    submitted_at: datetime
    now: datetime
    earliest_now: datetime | None = None
    seq: int
    new_id: str
    recent: RecentLines | None = None
    held: Iterable[Held] = ()

    def recent_lines(self) -> RecentLines:
        """Return the lines that a new text is compared with."""
        return RecentLines(self.board.newest_first()) if self.recent is None else self.recent


class Publish(msgspec.Struct, frozen=True):
    """The request makes an entry, which is on air as soon as it is in the log."""

    entry: Entry
    warnings: tuple[Finding, ...]


class Hold(msgspec.Struct, frozen=True):
    """The submission waits as `held`. `latest` is the current version of the line that it would change.

    `attribution` is the source of the version that it would make.
    """

    held: Held
    warnings: tuple[Finding, ...] = ()
    latest: Line | None = None
    attribution: str | None = None


class Drop(msgspec.Struct, frozen=True):
    """The held item is rejected or cancelled, and never published."""

    reason: str | None = None


class Refuse(msgspec.Struct, frozen=True):
    """The request publishes nothing. `latest` is the current version of the line that it was about, if there is one.

    `ends_held` is set for an approval of a held item that the rules refuse: the item is not held any more.
    `retry_after_s` is set if the same request may be accepted after that time.
    """

    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...] = ()
    latest: Line | None = None
    ends_held: bool = False
    retry_after_s: float | None = None


Outcome = Publish | Hold | Refuse
"""The results of `decide` and `publish_held`."""

DecisionOutcome = Outcome | Drop


class _Draft(msgspec.Struct, frozen=True):
    """The version that a submission would make, and the findings on its fields.

    `latest` is the entry of the version before it (None: a new line).
    """

    line: Line
    latest: Entry | None
    earlier_facets: tuple[Facets, ...]
    found: tuple[RuleFinding, ...]


def decide(submission: Submission, context: Context) -> Outcome:
    """Apply the rules to a submission. The outcome depends on nothing but the arguments."""
    too_big = Findings.of(lifecycle.check_sizes(context.edition, submission)).errors
    if too_big:
        return Refuse(too_big, latest=_line_of(submission, context))
    removed = tuple(lifecycle.check_removed(submission))
    submission = _prepared(submission, context.edition)
    # Expiry and pin are checked against the time of publication, as they will be again when a held item is published.
    publication = _publication_time(submission, context.now)
    draft = _draft(submission, msgspec.structs.replace(context, now=publication))
    if isinstance(draft, Refuse):
        return draft
    findings = _find(submission, draft, removed, context)
    latest = None if draft.latest is None else draft.latest.line
    if findings.errors:
        return Refuse(findings.errors, findings.warnings, latest)
    if submission.break_glass is not None:
        findings = findings.without_needs()
    due_at = _due_at(submission, draft.line, context, has_needs=bool(findings.needs))
    if not findings.needs and due_at is None:
        return Publish(_entry(submission, draft, context, findings.overridden), findings.warnings)
    held = Held(
        id=context.new_id,
        editor=context.editor,
        submission=_pinned_to(latest, submission),
        submitted_at=context.submitted_at,
        due_at=due_at,
        needs=findings.needs,
        overridden=findings.overridden,
    )
    return Hold(held, findings.warnings, latest, draft.line.attribution)


def publish_held(held: Held, context: Context) -> Outcome:
    """Publish a held item that is due or approved, if the rules still allow it on the current board.

    The item is refused if the line has another version by now, or if a duplicate has been published. It waits for a
    second person if it needs one now, for example because its author has become a reporter, unless a second person has
    approved it. `context.now` is the time of publication, `context.role` the present role of the item's author.
    `context.editor` is ignored.
    """
    context = msgspec.structs.replace(context, editor=held.editor, submitted_at=held.submitted_at, new_id=held.id)
    submission = _prepared(held.submission, context.edition)
    if submission.change is Change.NEW and context.board.get(held.id) is not None:
        # A desk that didn't know the item yet has withdrawn its id as forgotten: readers would ignore the line.
        return Refuse((Finding("id", f"{held.id} was withdrawn while it was held: submit the line again"),))
    draft = _draft(submission, context)
    if isinstance(draft, Refuse):
        return draft
    second_person = None if held.approved_by == held.editor else held.approved_by
    findings = Findings.of(
        draft.found,
        house_rules.check_duplicate(context.edition, submission, draft.line, context.recent_lines(), context.now),
        approval.check_second_person(context.edition, context.role, held.editor, draft.line, draft.latest),
        approval.check_held_break_glass(held, context.role) if second_person is None else (),
    )
    if findings.errors:
        return Refuse(findings.errors, latest=None if draft.latest is None else draft.latest.line)
    needs = tuple({need.code: need for need in (*held.needs, *findings.needs)}.values())
    is_glass_broken = submission.break_glass is not None and (second_person is not None or context.role is Role.CHIEF)
    if needs and second_person is None and not is_glass_broken:
        return Hold(_without_break_glass(msgspec.structs.replace(held, needs=needs, approved_by=None)))
    overridden = (*findings.overridden, *held.overridden, *(need.code for need in needs if is_glass_broken))
    entry = _entry(submission, draft, context, overridden)
    return Publish(msgspec.structs.replace(entry, approved_by=second_person, due_at=held.due_at), ())


def decide_held(request: DecisionRequest, held: Held, context: Context, author_role: Role) -> DecisionOutcome:
    """Apply an editor's decision to a held item.

    `context.editor` made the decision, `context.role` is their role. `author_role` is the role of the item's author.
    An approval that the rules refuse ends the item. Other refusals leave it as it is.
    """
    findings = Findings.of(approval.check_decision(request, held, context.editor, context.role))
    if findings.errors:
        return Refuse(findings.errors)
    if request.decision is not Decision.APPROVE:
        return Drop(None if request.reason is None else fields.normal_text(request.reason))
    if held.submission.id is not None:
        latest = context.board.get(held.submission.id)
        if outdated := Findings.of(_check_target(held.submission, latest)).errors:
            return _ending(held, Refuse(outdated, latest=None if latest is None else latest.line))
    if changed := Findings.of(approval.check_seen(request, held)).errors:
        return Refuse(changed)
    if request.break_glass is not None:
        held = _with_break_glass(held, fields.normal_text(request.break_glass))
    # An editor who may not approve can only confirm that an overdue item is still news. That is not an approval.
    may_approve = context.editor != held.editor and context.role is not Role.REPORTER
    approved_by = context.editor if may_approve else held.approved_by
    held = msgspec.structs.replace(held, approved_by=approved_by, overdue=False)
    if held.due_at is not None and held.due_at > (context.earliest_now or context.now):
        return Hold(held)
    outcome = publish_held(held, msgspec.structs.replace(context, role=author_role))
    return _ending(held, outcome) if isinstance(outcome, Refuse) else outcome


def _ending(held: Held, refusal: Refuse) -> Refuse:
    """Return the refusal of an approval after which the item is not held any more.

    At its time, an item that the rules refuse ends in the same way.
    """
    ended = Finding("not-held", f"{held.id} is not held any more: its author can submit it again")
    return msgspec.structs.replace(refusal, warnings=(*refusal.warnings, ended), ends_held=True)


def _pinned_to(latest: Line | None, submission: Submission) -> Submission:
    """Return the submission as it is held: only a change of the `latest` version may be published."""
    return submission if latest is None else msgspec.structs.replace(submission, version=latest.version)


def _with_break_glass(held: Held, reason: str) -> Held:
    submission = msgspec.structs.replace(held.submission, break_glass=reason)
    overridden = (*held.overridden, *(need.code for need in held.needs))
    return msgspec.structs.replace(held, submission=submission, needs=(), overridden=overridden)


def _without_break_glass(held: Held) -> Held:
    """Return an item that needs a second person, because a break-glass of its author doesn't count any more."""
    if held.submission.break_glass is None:
        return held
    submission = msgspec.structs.replace(held.submission, break_glass=None)
    needs = {need.code for need in held.needs}
    overridden = tuple(code for code in held.overridden if code not in needs)
    return msgspec.structs.replace(held, submission=submission, overridden=overridden)


def _draft(submission: Submission, context: Context) -> _Draft | Refuse:
    """Build the version that the submission would make, and check its fields.

    Refuse a submission that makes no version: a new line without a text, or a change that can't be applied.
    """
    is_new = submission.change is Change.NEW
    latest = None if is_new or submission.id is None else context.board.get(submission.id)
    found = [
        *lifecycle.check_fields(submission),
        *fields.check_notice("note", submission.note),
        *fields.check_notice("origin", submission.origin),
        *_check_target(submission, latest),
    ]
    makes_no_version = submission.text is UNSET if is_new else bool(found)
    if makes_no_version:
        return Refuse(Findings.of(found).errors, latest=None if latest is None else latest.line)
    edition, now = context.edition, context.now
    earlier: tuple[Facets, ...] = ()
    if is_new:
        line = lifecycle.first_version(edition, submission, context.new_id, context.seq, now)
    elif latest is None:
        line = lifecycle.forgotten_version(edition, submission, context.seq, now)
    else:
        line = lifecycle.next_version(edition, submission, latest, now)
        earlier = lifecycle.earlier_facets(line, latest)
        found += lifecycle.check_differs(submission, line, latest.line)
    found += lifecycle.check_version(edition, submission, line, now)
    found += lifecycle.check_facets(line.id, earlier)
    findings = Findings.of(found)
    if any(error.code in fields.SIZE_CODES for error in findings.errors):
        return Refuse(findings.errors, findings.warnings, None if latest is None else latest.line)
    return _Draft(line, latest, earlier, tuple(found))


def _check_target(submission: Submission, latest: Entry | None) -> Iterator[RuleFinding]:
    """Refuse a new line that sets an id, and a change of an unknown line or of one whose status forbids the change."""
    if submission.change is Change.NEW:
        if submission.id is not None or submission.version is not None:
            yield refuse("field", "a new line gets its id from the desk: leave `id` and `version` out")
    elif latest is None:
        yield from lifecycle.check_unknown(submission)
    else:
        yield from lifecycle.check_may_follow(submission, latest.line)


def _entry(submission: Submission, draft: _Draft, context: Context, overridden: tuple[str, ...]) -> Entry:
    line, latest = draft.line, draft.latest
    posted_by = context.editor if latest is None else latest.posted_by
    return Entry(
        line=line,
        earlier_facets=draft.earlier_facets,
        editor=context.editor,
        key=submission.key,
        submitted_at=context.submitted_at,
        note=submission.note,
        hidden_version=latest.line if latest is not None and line.change is Change.HIDE else None,
        author=None if posted_by == context.editor else posted_by,
        break_glass=submission.break_glass,
        overridden=tuple(dict.fromkeys(overridden)),
        origin=submission.origin,
        is_for_everyone=latest is None and line.change is Change.WITHDRAW,
    )


def _find(submission: Submission, draft: _Draft, removed: Iterable[RuleFinding], context: Context) -> Findings:
    """Apply all rules to a draft. `removed` are the findings on characters that were left out of it."""
    edition, line = context.edition, draft.line
    return Findings.of(
        draft.found,
        removed,
        house_rules.check_house_rules(edition, submission, line, context.recent_lines(), context.now),
        house_rules.check_duplicate_of_held(edition, submission, line, context.held),
        approval.check_second_person(edition, context.role, context.editor, line, draft.latest),
        approval.check_break_glass(context.role, submission.break_glass),
        _check_schedule(submission, context),
    )


def _check_schedule(submission: Submission, context: Context) -> Iterator[RuleFinding]:
    publish_at, embargo_until = submission.publish_at, submission.embargo_until
    # A time that was in the future at submission stays valid, even if the desk was away until it had passed.
    now, found = min(context.submitted_at, context.now), list[RuleFinding]()
    if publish_at is not None:
        found += fields.check_schedule("publish_at", publish_at, now)
    if embargo_until is not None:
        found += fields.check_schedule("embargo_until", embargo_until, now)
    yield from found
    if found or publish_at is None or embargo_until is None:
        return
    if max(publish_at, context.earliest_now or context.now) < embargo_until:
        yield warn("embargo_until", "the publication time is before the end of the embargo: it waits for the embargo")


def _due_at(submission: Submission, line: Line, context: Context, *, has_needs: bool) -> datetime | None:
    """Return when to publish the submission, or None to publish it immediately.

    An item that a second person must approve doesn't need an undo window: its author can cancel it until the approval.
    """
    now = context.earliest_now or context.now
    times = [
        instant
        for instant in (submission.publish_at, submission.embargo_until)
        if instant is not None and instant > now
    ]
    if times:
        return max(times)
    undo_s = 0.0 if has_needs else _undo_s(submission, context.edition, line)
    # Counted from Redis's clock at submission, because Redis's clock also decides when the window has passed.
    return context.submitted_at + timedelta(seconds=undo_s) if undo_s > 0 else None


def _publication_time(submission: Submission, now: datetime) -> datetime:
    """Return the earliest time of publication. Times that the rules will refuse don't count."""
    times = [
        instant
        for instant in (submission.publish_at, submission.embargo_until)
        if instant is not None and instant.tzinfo
    ]
    return max([now, *(instant for instant in times if instant <= now + fields.SCHEDULE_MAX)]).astimezone(UTC)


def _undo_s(submission: Submission, edition: Edition, line: Line) -> float:
    """Return the length of the undo window. Flashes and changes that remove text aren't delayed by default."""
    if submission.undo_s is not None:
        return submission.undo_s
    if line.urgency <= URGENCY_FLASH or submission.change not in TEXT_CHANGES:
        return 0.0
    return edition.undo_s


def _line_of(submission: Submission, context: Context) -> Line | None:
    """Return the current version of the line that a submission would change, or None."""
    latest = None if submission.id is None else context.board.get(submission.id)
    return None if latest is None else latest.line


def _prepared(submission: Submission, edition: Edition) -> Submission:
    """Return the submission as the rules apply to it and as it is stored: in its normal form, with times in UTC."""
    return _in_utc(lifecycle.normal_form(edition, submission))


def _in_utc(submission: Submission) -> Submission:
    """Convert the submission's aware instants to UTC. Naive ones stay as they are, for the rules to refuse."""
    changes: dict[str, datetime] = {}
    for field in ("expires_at", "pinned_until", "publish_at", "embargo_until"):
        instant = getattr(submission, field)
        if isinstance(instant, datetime) and instant.tzinfo is not None:
            try:
                changes[field] = instant.astimezone(UTC)
            except OverflowError:  # year 1 or 9999 with an offset: the rules refuse it
                continue
    return msgspec.structs.replace(submission, **changes)
