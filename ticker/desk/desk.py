"""The desk: the one writer of logs, one task for each edition. Two desks may run at once: one of them is first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from ticker.core.errors import SettingsError
from ticker.desk.worker import Connector, EditionDesk, EditionState, utc_now
from ticker.settings import Settings

__all__ = ["Connector", "DeskState", "EditionState", "run_desk"]


class DeskState:
    """What `run_desk` tells whoever started it. `ready` is set once every edition has taken submissions."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.editions: dict[str, EditionState] = {}

    @property
    def takes(self) -> bool:
        """Whether every edition takes submissions now and could put them on air."""
        return bool(self.editions) and all(state.takes and state.fault is None for state in self.editions.values())


async def run_desk(
    connector: Connector,
    settings: Settings,
    *,
    editions: Sequence[str] | None = None,
    state: DeskState | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> None:
    """Take submissions for `editions` (None: all of the settings), until cancelled.

    Makes the editions that don't exist yet, and changes those whose settings have changed. Goes on through every
    failure of Redis, also when there is none at the start. Cancelled at any moment, nothing is lost and nothing is
    settled twice.

    Raises:
        SettingsError: If an edition has no settings; or is in use as a test where they say it is none, or the other way
            round.

    """
    names = list(settings.editions) if editions is None else list(dict.fromkeys(editions))
    for name in names:
        if name not in settings.editions:
            raise SettingsError(f"edition {name[:40]!a} has no settings: there are {', '.join(settings.editions)}")
    state = DeskState() if state is None else state
    starting = set(names)

    def make_ready(name: str) -> None:
        starting.discard(name)
        if not starting:
            state.ready.set()

    async with asyncio.TaskGroup() as group:
        for name in names:
            state.editions[name] = EditionState()
            desk = EditionDesk(
                name,
                connector,
                settings,
                state.editions[name],
                clock=clock,
                on_ready=lambda name=name: make_ready(name),  # type: ignore[misc]
            )
            group.create_task(desk.run(), name=f"desk {name}")
