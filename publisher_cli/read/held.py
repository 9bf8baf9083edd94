"""Load the held items of an edition, and print them as a table or as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from redis.exceptions import NoPermissionError

from publisher_cli.decisions import Decided, load_decisions
from publisher_cli.held_items import HeldItems, load_held_items
from publisher_cli.history import short_ids
from publisher_cli.output import messages
from publisher_cli.output.held_content import set_fields
from publisher_cli.output.held_rows import decided_row, pending_row, scheduled_row
from publisher_cli.output.rows import Row
from publisher_cli.output.tables import show_rows
from publisher_cli.session import Session, find_edition
from ticker.console import Console
from ticker.core.held import Held

RowOf = Callable[[HeldItems, Held, str, datetime], Row]
"""Returns the row of an item, from its shown id and the present time."""


def show_pending(console: Console, data: Path | None, edition: str | None, editor: str | None) -> None:
    session = Session.find(console, data)
    print_pending(console, *asyncio.run(_load_with_decisions(session, edition, session.editor(editor))))


def show_scheduled(console: Console, data: Path | None, edition: str | None) -> None:
    print_scheduled(console, asyncio.run(_load(Session.find(console, data), edition)))


async def _load(session: Session, given: str | None) -> HeldItems:
    async with session.redis() as redis:
        return await load_held_items(redis, await find_edition(redis, given))


async def _load_with_decisions(session: Session, given: str | None, editor: str) -> tuple[HeldItems, list[Decided]]:
    async with session.redis() as redis:
        stored = await find_edition(redis, given)
        items = await load_held_items(redis, stored)
        try:
            return items, await load_decisions(redis, stored.name, editor, datetime.now(UTC))
        except NoPermissionError:  # a Redis user may read only its own receipts
            return items, []


def print_pending(console: Console, items: HeldItems, decided: Sequence[Decided] = ()) -> None:
    """Print the items that wait for a second person, the newest last, and the decisions about the editor's own."""
    held = [item for item in items.held.values() if item.waits_for_person]
    name = items.stored.name
    # An overdue item needs no second person: its author, too, may say that it is still news.
    needs_second = not held or any(item.needs and item.approved_by is None for item in held)
    whom = "a second person" if needs_second else "a person"
    title = messages.count(len(held), f"line waits for {whom}", f"lines wait for {whom}")
    hint = f": tick approve ID -e {name}, or tick reject ID -e {name} --reason …" if held else ""
    _print(console, items, held, f"{title}{hint}", pending_row, decided=decided)
    if decided and not console.json:
        console.tell("decided lately about your items:")
        show_rows(console, [decided_row(items.stored, each, datetime.now(UTC)) for each in decided])


def print_scheduled(console: Console, items: HeldItems) -> None:
    """Print the items that wait for their time, the next one first."""
    held = [item for item in items.held.values() if item.due_at is not None and not item.overdue]
    held.sort(key=lambda item: item.due_at or item.submitted_at)
    title = messages.count(len(held), "line waits for its time", "lines wait for their time")
    hint = f": tick cancel ID -e {items.stored.name} cancels one" if held else ""
    _print(console, items, held, f"{title}{hint}", scheduled_row)


def _print(console: Console, items: HeldItems, held: Sequence[Held], title: str, row: RowOf, **more: object) -> None:
    """Print the title and the rows, or with --json a document with the fields `more`."""
    if console.json:
        console.give({"edition": items.stored.name, "held": [_document(items, item) for item in held], **more})
        return
    console.tell(f"{messages.name_of(items.stored)}  {title}")
    ids, now = short_ids(items.held), datetime.now(UTC)
    show_rows(console, [row(items, item, ids[item.id], now) for item in held])


def _document(items: HeldItems, held: Held) -> dict[str, object]:
    submission = held.submission
    return {
        "held": held.id,
        "action": submission.change,
        "id": submission.id,
        "editor": held.editor,
        "role": items.role_of(held),
        "text": messages.held_text(held, items.line_of(held)),
        "urgency": submission.urgency if isinstance(submission.urgency, int) else None,
        "correction": submission.reason,
        "fields": set_fields(submission),
        "submitted_at": held.submitted_at,
        "waited_s": round((datetime.now(UTC) - held.submitted_at).total_seconds()),
        "due_at": held.due_at,
        "reason": held.reason,
        "needs": held.needs if held.approved_by is None else (),
        "approved_by": held.approved_by,
        "outdated": items.is_outdated(held),
        "seen": items.mark_of(held),
    }
