"""The desk: the only writer of logs, with one task per edition.

Two desks may run at the same time. The faster one settles a request, and Redis rejects the other's settlement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import structlog

from ticker import __version__
from ticker.core.errors import SettingsError
from ticker.core.parts import Condition, EditionReport, Kind, Report
from ticker.desk.state import EditionState
from ticker.desk.worker import Connector, EditionDesk, utc_now
from ticker.outages import Outages
from ticker.settings import Settings
from ticker.store.parts import reporting
from ticker.tracing import Tracer

_logger = structlog.stdlib.get_logger("ticker.desk")

__all__ = ["Connector", "DeskState", "EditionState", "run_desk"]


class DeskState:
    """The condition of a desk. `ready` is set once every edition has started to accept requests.

    `outages` are those of the process. `ticker up` passes them to its gateway, too.
    """

    def __init__(self, outages: Outages | None = None) -> None:
        self.outages = Outages() if outages is None else outages
        self.ready = asyncio.Event()
        self.editions: dict[str, EditionState] = {}

    @property
    def is_ready(self) -> bool:
        """Return True if every edition accepts requests now and can publish them."""
        return bool(self.editions) and all(state.accepting and state.fault is None for state in self.editions.values())

    def report(self) -> Report:
        """Return the desk's report for the status page."""
        return Report(editions={name: EditionReport(_condition(state)) for name, state in self.editions.items()})


def _condition(state: EditionState) -> Condition:
    if state.fault is not None:
        return Condition.FAULT
    return Condition.OK if state.accepting else Condition.WAITING


async def run_desk(
    connector: Connector,
    settings: Settings,
    *,
    editions: Sequence[str] | None = None,
    state: DeskState | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> None:
    """Run the desk of `editions` (None: all editions of the settings) until cancelled.

    Creates the editions that don't exist, and updates those whose settings have changed. Retries after every failure of
    Redis, even if Redis isn't there at the start. Cancellation at any moment loses nothing, and no request is settled
    twice.

    Raises:
        SettingsError: If an edition lacks settings, or if the settings turn an edition in use into a test edition or
            the reverse.

    """
    names = _names(settings, editions)
    state = DeskState() if state is None else state
    starting = set(names)

    def make_ready(name: str) -> None:
        starting.discard(name)
        if not starting:
            state.ready.set()

    tracer = None if settings.otlp_endpoint is None else Tracer(settings.otlp_endpoint, "desk")
    _logger.info("desk-started", editions=names, version=__version__)
    async with reporting(partial(connector, blocking=False), Kind.DESK, state.report), asyncio.TaskGroup() as group:
        if tracer is not None:
            group.create_task(tracer.run(), name="tracer")
        for name in names:
            state.editions[name] = EditionState(outages=state.outages)
            desk = EditionDesk(
                name,
                connector,
                settings,
                state.editions[name],
                clock=clock,
                on_ready=lambda name=name: make_ready(name),  # type: ignore[misc]
            )
            desk.tracer = tracer
            group.create_task(desk.run(), name=f"desk {name}")


def _names(settings: Settings, editions: Sequence[str] | None) -> list[str]:
    names = list(settings.editions) if editions is None else list(dict.fromkeys(editions))
    for name in names:
        if name not in settings.editions:
            raise SettingsError(f"edition {name[:40]!a} has no settings: there are {', '.join(settings.editions)}")
    return names
