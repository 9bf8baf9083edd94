"""Run the rounds. Each measures every subject once, forwards or backwards in turn, so that drift affects all alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Final

import msgspec

from benchmarks import scenarios
from benchmarks.editorial import Desk
from benchmarks.load import Load
from benchmarks.log_writer import REGION, SECTION, LogWriter
from benchmarks.machine import Cores
from benchmarks.product import Gateway, Stage
from benchmarks.programs import BenchError
from benchmarks.samples import Samples
from benchmarks.scenarios import Effort, Measured, check_order
from benchmarks.subject import Subject
from ticker.core.edition import SECTIONS

SELECTIONS: Final = 200
STALLED_PERCENT: Final = 10
JOINED_MOST: Final = 0.05
TRANSPORT_CONNECTIONS: Final = 5_000
"""Followers over events, beside as many over sockets."""
TRANSPORT_ENTRIES: Final = 4

Maker = Callable[[Cores], AbstractContextManager[Subject]]


class Plan:
    """The order of measurements. Their results are in `samples`."""

    def __init__(self, effort: Effort, cores: Cores, log: Callable[[str], None]) -> None:
        self.effort = effort
        self.cores = cores
        self.samples = Samples()
        self._log = log

    def run(self, rivals: dict[str, Maker], desk: Desk, only: Sequence[str] = ()) -> None:
        """Run all rounds. A subject that can't be measured leaves a note and no figure."""
        for number in range(self.effort.rounds):
            steps = [(name, step) for name, step in self._steps(rivals, desk) if not only or name in only]
            for name, step in steps if number % 2 == 0 else reversed(steps):
                self._log(f"round {number + 1} of {self.effort.rounds}: {name}")
                try:
                    step()
                except (BenchError, OSError, TimeoutError) as error:
                    self.samples.note(f"{name}: {error}")

    def _steps(self, rivals: dict[str, Maker], desk: Desk) -> Iterator[tuple[str, Callable[[], None]]]:
        for name, make in rivals.items():
            yield name, partial(self._rival, make)
            if name == "c-loop":
                yield "gateway", self._gateway
        yield "two-workers", self._workers
        yield "sockets", partial(self._transport, "gateway, sockets", over_events=False)
        yield "events", partial(self._transport, "gateway, events", over_events=True)
        yield "desk", partial(self._desk, desk)

    def _rival(self, make: Maker) -> None:
        writer = LogWriter()
        with make(self.cores) as subject:
            before = subject.process.memory_bytes()
            with self._load(subject) as load:
                self.samples.add(subject.name, scenarios.connect(subject, load, self.effort))
                self._steady(subject, load, writer)
                self.samples.add(subject.name, scenarios.memory(subject, before, self.effort))
                self._burst(subject, load, writer)

    def _gateway(self) -> None:
        with Stage(self.cores) as stage:
            gateway, writer = stage.gateway, stage.writer
            before = gateway.process.memory_bytes()
            with self._load(gateway) as load:
                self.samples.add(gateway.name, scenarios.connect(gateway, load, self.effort))
                idle, rates = scenarios.idle(stage, load, self.effort)
                self._add(gateway.name, idle)
                self._steady(gateway, load, writer)
                self._burst(gateway, load, writer)
                self.samples.add(gateway.name, scenarios.memory(gateway, before, self.effort))
                stalls, reset_stalls = _Stalls(gateway), _Stalls(gateway)
                stalls.add()
                self._disconnect(gateway, load, reset_stalls)
                self._add(gateway.name, scenarios.storm(stage, load, self.effort, rates))
                stalls.add()
                self._disconnect(gateway, load, reset_stalls)
                self.samples.add("c-loop-replaying", scenarios.storm_yardstick(stage, self.cores, self.effort))
                self._selections(stage, load)
                stalls.add()
                self._disconnect(gateway, load, reset_stalls)
                self._stalled(stage, load)
                stalls.add()
            self.samples.add(gateway.name, {"stall_ms": stalls.longest_ms, "reset_stall_ms": reset_stalls.longest_ms})

    def _disconnect(self, gateway: Gateway, load: Load, stalls: _Stalls) -> None:
        """Close all followers.

        The load generator resets all connections together to free its ports. That isn't part of a scenario, so its
        stall counts separately.
        """
        cpu_s = gateway.process.cpu_s()
        scenarios.disconnect(gateway, load)
        stalls.add()
        cpu_us = (gateway.process.cpu_s() - cpu_s) / self.effort.connections * 1e6
        self.samples.add(gateway.name, {"reset_cpu_us": cpu_us})

    def _selections(self, stage: Stage, load: Load) -> None:
        """Measure 200 selections. Each matches every entry, so the work per delivery is the same for all followers."""
        load.open(self.effort.connections, [f"{stage.gateway.path}?{query}" for query in selections(SELECTIONS)])
        stage.gateway.process.settle()
        measured = scenarios.steady(stage.gateway, load, stage.writer, self.effort, self.effort.connections)
        self._add("gateway, 200 selections", measured)

    def _stalled(self, stage: Stage, load: Load) -> None:
        """Measure with one in ten followers stalled: a burst fills their buffers; in the end they read it all."""
        gateway, effort = stage.gateway, self.effort
        load.open(effort.connections, [gateway.path], stalled_percent=STALLED_PERCENT)
        stalled = sum(number * STALLED_PERCENT % 100 < STALLED_PERCENT for number in range(effort.connections))
        readers = effort.connections - stalled
        load.reset()
        load.expect(effort.burst_entries * readers)
        for _ in range(effort.burst_entries):
            gateway.post(stage.writer.write())
        if not load.await_deliveries(effort.patience_s):
            raise BenchError("with stalled followers, a burst didn't reach the other followers")
        gateway.process.settle()
        self._add("gateway, stalled", scenarios.steady(gateway, load, stage.writer, effort, readers))
        load.reset()
        load.expect((effort.burst_entries + effort.steady_entries) * stalled)
        load.wake()
        if not load.await_deliveries(effort.patience_s):
            raise BenchError("followers that had stalled didn't get everything that they had missed")
        check_order(Measured({}, load.report()), "followers that had stalled")

    def _workers(self) -> None:
        with Stage(self.cores, workers=2) as stage, self._load(stage.gateway) as load:
            scenarios.connect(stage.gateway, load, self.effort)
            measured = scenarios.steady(stage.gateway, load, stage.writer, self.effort, self.effort.connections)
            self._add("gateway, two workers", measured)

    def _transport(self, name: str, *, over_events: bool) -> None:
        """Measure one transport, with a gateway of its own: its memory must not contain earlier followers."""
        effort = msgspec.structs.replace(
            self.effort,
            connections=min(self.effort.connections, TRANSPORT_CONNECTIONS),
            steady_entries=min(self.effort.steady_entries, TRANSPORT_ENTRIES),
        )
        with Stage(self.cores, over_events=over_events) as stage, self._load(stage.gateway) as load:
            before = stage.gateway.process.memory_bytes()
            self.samples.add(name, scenarios.connect(stage.gateway, load, effort))
            self._add(name, scenarios.steady(stage.gateway, load, stage.writer, effort, effort.connections))
            self._add(name, scenarios.burst(stage.gateway, load, stage.writer, effort))
            self.samples.add(name, scenarios.memory(stage.gateway, before, effort))

    def _desk(self, desk: Desk) -> None:
        ours, yards = desk.measure()
        self.samples.add("desk", ours)
        self.samples.add("desk yardsticks", yards)

    def _steady(self, subject: Subject, load: Load, writer: LogWriter) -> None:
        self._add(subject.name, scenarios.steady(subject, load, writer, self.effort, self.effort.connections))

    def _burst(self, subject: Subject, load: Load, writer: LogWriter) -> None:
        self._add(subject.name, scenarios.burst(subject, load, writer, self.effort))

    def _add(self, name: str, measured: Measured) -> None:
        check_order(measured, name)
        self.samples.add(name, measured.measures)
        if (joined := measured.measures.get("steady_joined_share", 0.0)) > JOINED_MOST:
            self.samples.note(
                f"{name}, steady: {joined:.0%} of the deliveries arrived together with another one, so the cost per "
                "delivery is too low: the machine was too busy for one entry per second"
            )

    def _load(self, subject: Subject) -> Load:
        return Load(subject.port, subject.dialect, {self.cores.load})


class _Stalls:
    """The longest of some stalls of a gateway's event loop."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.longest_ms = 0.0

    def add(self) -> None:
        """Add the stalls since the last call for this gateway, of this object or another one."""
        self.longest_ms = max(self.longest_ms, self._gateway.longest_stall_ms())


def selections(count: int) -> list[str]:
    """Return `count` queries with different selections, all of which match the writer's entries."""
    others = [name for name in SECTIONS if name != SECTION]
    queries = []
    for number in range(count):
        chosen = [SECTION, *(name for bit, name in enumerate(others) if number >> bit & 1)]
        query = "&".join(f"section={name}" for name in chosen)
        queries.append(query + (f"&region={REGION}" if number >> len(others) else ""))
    return queries
