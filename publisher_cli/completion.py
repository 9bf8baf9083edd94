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
    return [CompletionItem(value, help=description) for value, description in offers if value.startswith(incomplete)]


async def _find_offers(kind: str, context: click.Context) -> list[Offer]:
    session = Session.find(context.find_object(Console) or Console(), context.params.get("data"))
    async with asyncio.timeout(TIMEOUT_S), session.redis() as redis:
        if kind == "editions":
            return [(stored.name, stored.edition.title) for stored in await readable_editions(redis)]
        stored = await find_edition(redis, context.params.get("edition"))
        match kind:
            case "sections":
                return list(stored.edition.sections.items())
            case "regions":
                return list(stored.edition.regions.items())
            case "lines":
                return await _find_lines(redis, stored)
            case _:
                return await _find_held(redis, stored)


async def _find_lines(redis: Redis, stored: StoredEdition) -> list[Offer]:
    """Return `last` and the newest lines, without those that are withdrawn."""
    latest = {entry.line.id: entry.line async for entry in latest_entries(redis, stored.name)}
    ids = short_ids(latest)
    lines = [line for line in latest.values() if line.status is not Status.CANCELED][:LINES_MAX]
    offers = [(ids[line.id], messages.line_text(line)) for line in lines]
    return [(LAST, "the line that you posted last"), *offers]


async def _find_held(redis: Redis, stored: StoredEdition) -> list[Offer]:
    """Return the held items, the newest first."""
    items = await load_held_items(redis, stored)
    ids = short_ids(items.held)
    return [
        (ids[held.id], f"{held.editor}: {messages.held_text(held, items.line_of(held)) or held.submission.change}")
        for held in reversed(items.held.values())
    ]
