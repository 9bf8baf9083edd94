"""What is held, as people and programs want to see it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from publisher_cli.history import newest_first, short_ids
from publisher_cli.output import bidi, messages
from publisher_cli.output.tables import Row, show_rows
from publisher_cli.session import Session, find_edition
from publisher_cli.times import find_zone, spell_duration
from ticker.console import Console
from ticker.core.edition import Role
from ticker.core.held import Held
from ticker.core.line import Direction, Line
from ticker.store.connection import Redis
from ticker.store.editions import StoredEdition
from ticker.store.editors import roles
from ticker.store.held import read_held


class Waiting(msgspec.Struct, frozen=True):
    """Everything that is held in an edition, by id in the order in which it was asked for.

    `lines` are those that something held would change; `roles` the editors' own, where they have one.
    """

    stored: StoredEdition
    held: dict[str, Held]
    lines: dict[str, Line]
    roles: dict[str, Role | None]

    def text(self, held: Held) -> str:
        """What it would put on air, or the text of the line that it would change."""
        was = None if held.submission.id is None else self.lines.get(held.submission.id)
        return messages.asked_text(held.submission, was) or ""

    def direction(self, held: Held) -> Direction:
        was = None if held.submission.id is None else self.lines.get(held.submission.id)
        return self.stored.edition.dir if was is None else was.dir

    def role(self, held: Held) -> Role:
        return self.roles.get(held.editor) or self.stored.edition.role


async def read_waiting(session: Session, given: str | None) -> Waiting:
    async with session.redis() as redis:
        return await waiting_in(redis, await find_edition(redis, given))


async def waiting_in(redis: Redis, stored: StoredEdition) -> Waiting:
    held = {held_id: item for held_id, (_, item) in (await read_held(redis, stored.name)).items()}
    wanted = {item.submission.id for item in held.values() if item.submission.id is not None}
    return Waiting(stored, held, await _lines(redis, stored.name, wanted), await roles(redis, stored.name))


async def _lines(redis: Redis, edition: str, wanted: set[str]) -> dict[str, Line]:
    found: dict[str, Line] = {}
    if not wanted:
        return found
    async for entry in newest_first(redis, edition):
        line = entry.entry.line
        if line.id in wanted:
            found.setdefault(line.id, line)
            if len(found) == len(wanted):
                break
    return found


def show_pending(console: Console, waiting: Waiting) -> None:
    """What waits for another person."""
    held = [item for item in waiting.held.values() if item.waits_for_person]
    if console.json:
        _give(console, waiting, held)
        return
    name, now = waiting.stored.name, datetime.now(UTC)
    waits = messages.count(len(held), "line waits", "lines wait")
    console.tell(
        f"{messages.name_of(waiting.stored)}  {waits} for another person"
        + (f": tick approve ID -e {name}, or tick reject ID -e {name} --reason …" if held else "")
    )
    ids = short_ids(waiting.held)
    show_rows(console, [_pending_row(waiting, item, ids[item.id], now) for item in held])


def _pending_row(waiting: Waiting, held: Held, shown_id: str, now: datetime) -> Row:
    zone = find_zone(waiting.stored.edition.zone)
    cells = (shown_id, messages.clock(held.submitted_at, now, zone), *_what(waiting, held))
    why = [] if held.submission.reason is None else [f"readers are told: {bidi.isolated(held.submission.reason)}"]
    why += [need.detail for need in held.needs if held.approved_by is None]
    if held.overdue:
        why.append("its time passed while no desk was there: is it still news?")
    if held.due_at is not None and not held.overdue:
        why.append(f"goes out {messages.clock(held.due_at, now, zone)}")
    return Row(cells, f"{waiting.text(held)}  [{'; '.join(why)}]", waiting.direction(held))


def show_scheduled(console: Console, waiting: Waiting) -> None:
    """What waits for its time, the next first."""
    held = [item for item in waiting.held.values() if item.due_at is not None and not item.overdue]
    held.sort(key=lambda item: item.due_at or item.submitted_at)
    if console.json:
        _give(console, waiting, held)
        return
    name, now = waiting.stored.name, datetime.now(UTC)
    waits = messages.count(len(held), "line waits for its time", "lines wait for their time")
    console.tell(
        f"{messages.name_of(waiting.stored)}  {waits}" + (f": tick cancel ID -e {name} calls one off" if held else "")
    )
    ids = short_ids(waiting.held)
    show_rows(console, [_scheduled_row(waiting, item, ids[item.id], now) for item in held])


def _scheduled_row(waiting: Waiting, held: Held, shown_id: str, now: datetime) -> Row:
    assert held.due_at is not None, "what is scheduled has its time"
    zone = find_zone(waiting.stored.edition.zone)
    cells = (shown_id, messages.clock(held.due_at, now, zone), spell_duration(held.due_at - now), *_what(waiting, held))
    needs = "  [if it is approved: see tick pending]" if held.waits_for_person else ""
    return Row(cells, f"{waiting.text(held)}{needs}", waiting.direction(held))


def _what(waiting: Waiting, held: Held) -> tuple[str, ...]:
    """Who asks for what, and how urgent it is."""
    submission = held.submission
    urgency = messages.URGENCIES.get(submission.urgency, "") if isinstance(submission.urgency, int) else ""
    return (str(submission.change), urgency, f"{held.editor} ({waiting.role(held)})")


def _give(console: Console, waiting: Waiting, held: Iterable[Held]) -> None:
    console.give({"edition": waiting.stored.name, "held": [_document(waiting, item) for item in held]})


def _document(waiting: Waiting, held: Held) -> dict[str, Any]:
    submission = held.submission
    return {
        "held": held.id,
        "action": submission.change,
        "id": submission.id,
        "editor": held.editor,
        "role": waiting.role(held),
        "text": waiting.text(held),
        "urgency": submission.urgency if isinstance(submission.urgency, int) else None,
        "readers_are_told": submission.reason,
        "submitted_at": held.submitted_at,
        "due_at": held.due_at,
        "reason": held.reason,
        "needs": held.needs if held.approved_by is None else (),
        "approved_by": held.approved_by,
    }
