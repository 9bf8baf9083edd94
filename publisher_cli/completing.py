"""What the shell offers after Tab: editions, sections, regions, recent lines, what is held.

Without a Redis that answers at once, nothing is offered, and nothing is said: somebody is typing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

    from ticker.core.line import Line
    from ticker.store.connection import Redis
    from ticker.store.editions import StoredEdition

PATIENCE_S: Final = 0.7
LINES_MOST: Final = 30

Offer = tuple[str, str]
"""What can be typed, and what it means."""

_Look = Callable[["Redis", "click.Context"], Awaitable[list[Offer]]]
Completer = Callable[["click.Context", "click.Parameter", str], "list[CompletionItem]"]


def _completer(look: _Look) -> Completer:
    def complete(context: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem  # noqa: PLC0415 -- here and below: only a shell asks for it

        try:
            offers = asyncio.run(_offers(look, context))
        except Exception:  # noqa: BLE001 - whatever it is, it must not get between somebody and their line
            return []
        return [CompletionItem(value, help=meaning) for value, meaning in offers if value.startswith(begun)]

    return complete


async def _offers(look: _Look, context: click.Context) -> list[Offer]:
    from publisher_cli.session import Session  # noqa: PLC0415
    from ticker.console import Console  # noqa: PLC0415

    session = Session.find(context.find_object(Console) or Console(), context.params.get("data"))
    async with asyncio.timeout(PATIENCE_S), session.redis() as redis:
        return await look(redis, context)


async def _editions(redis: Redis, _: click.Context) -> list[Offer]:
    from publisher_cli.session import readable_editions  # noqa: PLC0415

    return [(stored.name, stored.edition.title) for stored in await readable_editions(redis)]


async def _sections(redis: Redis, context: click.Context) -> list[Offer]:
    return list((await _edition(redis, context)).edition.sections.items())


async def _regions(redis: Redis, context: click.Context) -> list[Offer]:
    return list((await _edition(redis, context)).edition.regions.items())


async def _lines(redis: Redis, context: click.Context) -> list[Offer]:
    from publisher_cli.history import LAST, short_ids  # noqa: PLC0415
    from publisher_cli.output import messages  # noqa: PLC0415
    from ticker.core.line import Status  # noqa: PLC0415

    stored = await _edition(redis, context)
    latest: dict[str, str] = {}
    gone: set[str] = set()
    async for line_id, line in _newest_lines(redis, stored.name):
        if line.status is Status.CANCELED:
            gone.add(line_id)
        latest[line_id] = messages.composed(line)
    ids = short_ids(latest)
    offers = [(ids[line_id], text) for line_id, text in latest.items() if line_id not in gone][:LINES_MOST]
    return [(LAST, "the line that you posted last"), *offers]


async def _newest_lines(redis: Redis, edition: str) -> AsyncIterator[tuple[str, Line]]:
    from publisher_cli.history import newest_first  # noqa: PLC0415

    seen: set[str] = set()
    async for found in newest_first(redis, edition):
        line = found.entry.line
        if line.id not in seen:
            seen.add(line.id)
            yield line.id, line


async def _held(redis: Redis, context: click.Context) -> list[Offer]:
    from publisher_cli.history import short_ids  # noqa: PLC0415
    from publisher_cli.output import messages  # noqa: PLC0415
    from ticker.store.held import read_held  # noqa: PLC0415

    stored = await _edition(redis, context)
    held = [held for _, held in (await read_held(redis, stored.name)).values()]
    ids = short_ids(each.id for each in held)
    return [
        (ids[each.id], f"{each.editor}: {messages.asked_text(each.submission, None) or each.submission.change}")
        for each in reversed(held)
    ]


async def _edition(redis: Redis, context: click.Context) -> StoredEdition:
    from publisher_cli.session import find_edition  # noqa: PLC0415

    return await find_edition(redis, context.params.get("edition"))


editions = _completer(_editions)
sections = _completer(_sections)
regions = _completer(_regions)
lines = _completer(_lines)
held = _completer(_held)
