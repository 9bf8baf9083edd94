"""Load the held items of an edition, and print them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from publisher_cli.exit_codes import Status
from publisher_cli.held_items import HeldItems, load_held_items
from publisher_cli.output.held_table import print_pending, print_scheduled
from publisher_cli.session import Session, find_edition
from ticker.console import Console


def show_pending(console: Console, data: Path | None, edition: str | None) -> Status:
    print_pending(console, asyncio.run(_load(Session.find(console, data), edition)))
    return Status.DONE


def show_scheduled(console: Console, data: Path | None, edition: str | None) -> Status:
    print_scheduled(console, asyncio.run(_load(Session.find(console, data), edition)))
    return Status.DONE


async def _load(session: Session, given: str | None) -> HeldItems:
    async with session.redis() as redis:
        return await load_held_items(redis, await find_edition(redis, given))
