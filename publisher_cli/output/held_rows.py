"""Show held items: as rows of a list, and in full before an approval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from publisher_cli.decisions import Decided
from publisher_cli.held_items import HeldItems
from publisher_cli.history import SHORT
from publisher_cli.output import bidi, messages
from publisher_cli.output.held_content import content_lines
from publisher_cli.output.rows import Row
from publisher_cli.times import find_zone, spell_duration, spell_length, spell_moment
from ticker.core.held import Held
from ticker.core.line import Direction
from ticker.store.editions import StoredEdition


def pending_row(items: HeldItems, held: Held, shown_id: str, now: datetime) -> Row:
    """Return the row of an item that waits for a person."""
    zone = find_zone(items.stored.edition.zone)
    text = messages.held_text(held, items.line_of(held))
    submitted = messages.clock(held.submitted_at, now, zone)
    cells = (shown_id, submitted, f"waits {spell_length(now - held.submitted_at)}", *_request_cells(items, held))
    direction = items.direction_of(held)
    return Row(cells, f"{text}{_in_brackets(_remarks(items, held, now), direction)}", direction)


def scheduled_row(items: HeldItems, held: Held, shown_id: str, now: datetime) -> Row:
    """Return the row of an item that waits for its time."""
    assert held.due_at is not None, "a scheduled item has a time"
    zone = find_zone(items.stored.edition.zone)
    due = (messages.clock(held.due_at, now, zone), f"on air {spell_duration(held.due_at - now)}")
    text = messages.held_text(held, items.line_of(held))
    remarks = [f"submitted {spell_length(now - held.submitted_at)} ago", *_why_not(items, held)]
    if held.waits_for_person:
        remarks.append("if it is approved: see tick pending")
    cells = (shown_id, *due, *_request_cells(items, held))
    direction = items.direction_of(held)
    return Row(cells, f"{text}{_in_brackets(remarks, direction)}", direction)


def decided_row(stored: StoredEdition, decided: Decided, now: datetime) -> Row:
    """Return the row of a decision about an item of the editor's own."""
    at = messages.clock(decided.at, now, find_zone(stored.edition.zone))
    reason = () if decided.reason is None else (decided.reason,)
    cells = (decided.held[:SHORT], at, f"{decided.decision} by {decided.decided_by}")
    return Row(
        cells, f"{decided.text or decided.action or ''}{_in_brackets(reason, stored.edition.dir)}", stored.edition.dir
    )


def review_lines(items: HeldItems, held: Held, now: datetime) -> Iterator[str]:
    """Yield what an editor has to see before they approve an item."""
    line, direction = items.line_of(held), items.direction_of(held)
    change, urgency, author = _request_cells(items, held)
    what = f"{change}  {urgency}" if urgency else change
    yield f"{messages.name_of(items.stored)}  {held.id}  {what}  {author}"
    yield f"  {bidi.isolated(messages.held_text(held, line), direction)}"
    if line is not None and held.submission.text != line.text and isinstance(held.submission.text, str):
        yield f"  instead of: {bidi.isolated(messages.line_text(line), direction)}"
    for remark in _remarks(items, held, now):
        yield f"  {remark}"


def _in_brackets(remarks: Iterable[str], direction: Direction) -> str:
    """Return the remarks behind a text of this direction. They are isolated from it: ours are English."""
    joined = "; ".join(remarks)
    return f"  [{bidi.isolated(joined, within=direction)}]" if joined else ""


def _remarks(items: HeldItems, held: Held, now: datetime) -> Iterator[str]:
    """Yield what else a person has to know who decides on an item."""
    edition = items.stored.edition
    yield from content_lines(held.submission, edition, now, find_zone(edition.zone))
    if held.submission.reason is not None:
        yield f"readers will see: {bidi.isolated(held.submission.reason)}"
    yield from _why_not(items, held)
    if held.approved_by is None:
        yield from (need.detail for need in held.needs)
    if held.overdue:
        yield "its time passed while no desk was running: is it still news?"
    elif held.due_at is not None:
        yield f"will be published {spell_moment(held.due_at, now, find_zone(items.stored.edition.zone))}"


def _why_not(items: HeldItems, held: Held) -> Iterator[str]:
    """Yield why the item can't be published as it is."""
    if items.is_outdated(held):
        yield "the line has changed since: it can't be published any more"


def _request_cells(items: HeldItems, held: Held) -> tuple[str, str, str]:
    """Return the change, the urgency, and the editor with their role."""
    submission = held.submission
    urgency = messages.URGENCIES.get(submission.urgency, "") if isinstance(submission.urgency, int) else ""
    return (str(submission.change), urgency, f"{held.editor} ({items.role_of(held)})")
