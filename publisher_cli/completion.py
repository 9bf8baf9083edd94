"""Find what the shell offers after Tab: editions, sections, regions, recent lines and held items.

If Redis doesn't answer quickly, or fails, nothing is offered: an error message would disturb the person who is typing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import click
from click.shell_completion import CompletionItem

from publisher_cli.held_items import load_held_items
from publisher_cli.history import LAST, newest_first, short_ids
from publisher_cli.output import messages
from publisher_cli.session import Session, find_edition, readable_editions
from ticker.console import Console
from ticker.core.line import Line, Status
from ticker.store.connection import Redis
from ticker.store.editions import StoredEdition

TIMEOUT_S: Final = 0.7
LINES_MAX: Final = 30

Offer = tuple[str, str]
"""A value, and the description that the shell shows beside it."""


def complete_value(kind: str, context: click.Context, incomplete: str) -> list[CompletionItem]:
    """Return the values of a kind in `FINDERS` that start with `incomplete`."""
    try:
        offers = asyncio.run(_find_offers(kind, context))
    except Exception:  # noqa: BLE001 -- no error may disturb the person who is typing
        return []
    return [CompletionItem(value, help=description) for value, description in offers if value.startswith(incomplete)]


async def _find_offers(kind: str, context: click.Context) -> list[Offer]:
    session = Session.find(context.find_object(Console) or Console(), context.params.get("data"))
    async with asyncio.timeout(TIMEOUT_S), session.redis() as redis:
        return await FINDERS[kind](redis, context)


async def _find_editions(redis: Redis, _: click.Context) -> list[Offer]:
    return [(stored.name, stored.edition.title) for stored in await readable_editions(redis)]


async def _find_sections(redis: Redis, context: click.Context) -> list[Offer]:
    return list((await _edition(redis, context)).edition.sections.items())


async def _find_regions(redis: Redis, context: click.Context) -> list[Offer]:
    return list((await _edition(redis, context)).edition.regions.items())


async def _find_lines(redis: Redis, context: click.Context) -> list[Offer]:
    """Return `last` and the newest lines, without those that are withdrawn."""
    stored = await _edition(redis, context)
    latest: dict[str, Line] = {}
    async for found in newest_first(redis, stored.name):
        latest.setdefault(found.entry.line.id, found.entry.line)
    ids = short_ids(latest)
    lines = [line for line in latest.values() if line.status is not Status.CANCELED][:LINES_MAX]
    offers = [(ids[line.id], messages.line_text(line)) for line in lines]
    return [(LAST, "the line that you posted last"), *offers]


async def _find_held(redis: Redis, context: click.Context) -> list[Offer]:
    """Return the held items, the newest first."""
    items = await load_held_items(redis, await _edition(redis, context))
    ids = short_ids(items.held)
    return [
        (ids[held.id], f"{held.editor}: {messages.held_text(held, items.line_of(held)) or held.submission.change}")
        for held in reversed(items.held.values())
    ]


async def _edition(redis: Redis, context: click.Context) -> StoredEdition:
    return await find_edition(redis, context.params.get("edition"))


FINDERS: Final[dict[str, Callable[[Redis, click.Context], Awaitable[list[Offer]]]]] = {
    "editions": _find_editions,
    "sections": _find_sections,
    "regions": _find_regions,
    "lines": _find_lines,
    "held": _find_held,
}
