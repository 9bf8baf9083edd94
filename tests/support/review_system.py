"""A system with a second person, roles and an undo window, and helpers for its held items."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.support.servers import short_folder
from tests.support.system import System
from ticker.core.edition import Role
from ticker.store.connection import connect
from ticker.store.editors import set_role
from ticker.store.held import read_held

SETTINGS: Final = """
[editions.en]
title = "Breaking news"
lang = "en"
dir = "ltr"
second_person = ["flash", "withdrawal", "reporter"]
zone = "Europe/Madrid"
rules = { attribution = "off", duplicate = "off", short = "off" }

[editions.es]
title = "Última hora"
lang = "es"
dir = "ltr"
undo_s = 60
rules = { attribution = "off", duplicate = "off", short = "off" }
"""


@contextmanager
def review_system() -> Iterator[System]:
    """Start a system whose edition `en` requires second persons. Its edition `es` has a long undo window.

    In `en`, rana is a reporter and carla a chief.
    """
    with short_folder() as folder:
        settings = folder / "ticker.toml"
        settings.write_text(SETTINGS, encoding="utf-8")
        with System(folder, "--settings", str(settings)) as running:
            asyncio.run(_set_roles(running.redis_url))
            yield running


async def _set_roles(url: str) -> None:
    redis = connect(url, role="ticker")
    await set_role(redis, "en", "rana", Role.REPORTER)
    await set_role(redis, "en", "carla", Role.CHIEF)
    await redis.aclose()


def held_in(system: System, edition: str = "en") -> set[str]:
    """Return the ids of the held items."""

    async def read() -> set[str]:
        redis = connect(system.redis_url, role="tick")
        try:
            return set(await read_held(redis, edition))
        finally:
            await redis.aclose()

    return asyncio.run(read())


def hold(system: System, text: str, *options: str, editor: str = "maha") -> str:
    """Post a line that is held, and return its id."""
    ran = system.tick("post", text, "-e", "en", "--json", *options, editor=editor)
    assert ran.code == 5, ran
    held: str = ran.json["held"]
    return held


def scheduled(system: System, edition: str = "en") -> list[Any]:
    """Return what `tick scheduled` lists."""
    found: list[Any] = system.tick("scheduled", "-e", edition, "--json").json["held"]
    return found
