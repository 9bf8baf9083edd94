"""Find what the shell offers after Tab: editions, sections, regions, recent lines and held items.

If Redis doesn't answer quickly, or fails, nothing is offered: an error message would disturb the person who is typing.
"""

from __future__ import annotations

import asyncio
from typing import Final

import click
from click.shell_completion import CompletionItem

from publisher_cli.held_items import load_held_items
from publisher_cli.history import LAST, latest_entries, short_ids
from publisher_cli.output import messages
from publisher_cli.session import Session, find_edition, readable_editions
from publisher_cli.shells import edition_on_the_line
from ticker.console import Console
from ticker.core.line import Status
from ticker.store.connection import Redis
from ticker.store.editions import StoredEdition

TIMEOUT_S: Final = 0.7
LINES_MAX: Final = 30

Offer = tuple[str, str]
"""A value, and the description that the shell shows beside it."""


def complete_value(kind: str, context: click.Context, incomplete: str) -> list[CompletionItem]:
    """Return the editions, sections, regions, lines or held items (`held`) that start with `incomplete`."""
    try:
        offers = asyncio.run(_find_offers(kind, context))
    except Exception:  # noqa: BLE001 -- no error may disturb the person who is typing
        return []
    unique: dict[str, str] = {}
    for value, description in offers:  # several editions may have the same section
        unique.setdefault(value, description)
    return [CompletionItem(value, help=about) for value, about in unique.items() if value.startswith(incomplete)]


async def _find_offers(kind: str, context: click.Context) -> list[Offer]:
    session = Session.find(context.find_object(Console) or Console(), context.params.get("data"))
    async with asyncio.timeout(TIMEOUT_S), session.redis() as redis:
        if kind == "editions":
            return [(stored.name, stored.edition.title) for stored in await readable_editions(redis)]
        editions = await _find_editions(redis, context)
        match kind:
            case "sections":
                return [term for stored in editions for term in stored.edition.sections.items()]
            case "regions":
                return [term for stored in editions for term in stored.edition.regions.items()]
            case "lines":
                find = _find_lines
            case _:
                find = _find_held
        found = [offer for stored in editions for offer in await find(redis, stored, len(editions) > 1)]
        return [(LAST, "the line that you posted last"), *found] if kind == "lines" else found


async def _find_editions(redis: Redis, context: click.Context) -> list[StoredEdition]:
    """Return the typed edition, even if it is behind the cursor, or else all that this user may read."""
    given = context.params.get("edition") or edition_on_the_line()
    return await readable_editions(redis) if given is None else [await find_edition(redis, given)]


async def _find_lines(redis: Redis, stored: StoredEdition, is_one_of_several: bool) -> list[Offer]:
    """Return the newest lines, without those that are withdrawn."""
    latest = {entry.line.id: entry.line async for entry in latest_entries(redis, stored.name)}
    ids = short_ids(latest)
    lines = [line for line in latest.values() if line.status is not Status.CANCELED][:LINES_MAX]
    prefix = f"{stored.name}  " if is_one_of_several else ""
    return [(ids[line.id], f"{prefix}{messages.line_text(line)}") for line in lines]


async def _find_held(redis: Redis, stored: StoredEdition, is_one_of_several: bool) -> list[Offer]:
    """Return the held items, the newest first."""
    items = await load_held_items(redis, stored)
    ids = short_ids(items.held)
    prefix = f"{stored.name}  " if is_one_of_several else ""
    return [
        (
            ids[held.id],
            f"{prefix}{held.editor}: {messages.held_text(held, items.line_of(held)) or held.submission.change}",
        )
        for held in reversed(items.held.values())
    ]
