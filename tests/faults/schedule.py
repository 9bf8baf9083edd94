"""Schedules of faults: what breaks, and after how many events of the load. Generated from a seed, or fixed.

An event is one try of an editor that has ended, with success or not. A schedule counts events and contains no times, so
that the load notices each fault on a slow machine as on a fast one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from tests.faults.proxy import Fault


class Part(StrEnum):
    """A process of the system."""

    SERVER = "server"
    DESK = "desk"
    DESK2 = "desk2"
    GATEWAY = "gateway"
    GATEWAY2 = "gateway2"


class Link(StrEnum):
    """A connection between two parts, through a proxy."""

    DESK = "desk-redis"
    DESK2 = "desk2-redis"
    GATEWAY = "gateway-redis"
    GATEWAY2 = "gateway2-redis"
    FOLLOWERS = "followers-gateway"
    FOLLOWERS2 = "followers-gateway2"
    EDITORS = "tick-redis"


class Action(StrEnum):
    """The kind of a step."""

    KILL = "kill"  # SIGKILL
    START = "start"
    PAUSE = "pause"  # SIGSTOP
    RESUME = "resume"  # SIGCONT
    RESTART = "restart"  # SIGTERM, then start
    KILL_BEFORE = "kill-before"  # kill a desk at its nth command from now, before Redis receives it
    KILL_AFTER = "kill-after"  # kill a desk after Redis has run its nth command
    CUT_BEFORE = "cut-before"  # like KILL_BEFORE, but only cut the desk's connection
    CUT_AFTER = "cut-after"
    FAIL = "fail"  # set the fault of a link
    HEAL = "heal"  # remove the fault of a link
    SHORTEN = "shorten"  # kill the server, cut the end off its append-only file, start it
    FLUSH = "flush"  # FLUSHALL
    COPY = "copy"  # back up the append-only file
    RESTORE = "restore"  # kill the server, and start it on the backup
    FILL = "fill"  # fill the disk
    FREE = "free"  # free the disk
    CLOCK = "clock"  # set the clock of all processes to `amount` seconds from the true time
    FAIL_OVER = "fail-over"  # promote a replica that lags
    FORGE_ENTRY = "forge-entry"  # change an entry in the log
    RESTORE_ENTRY = "restore-entry"  # undo FORGE_ENTRY


LOSSY: Final = frozenset({Action.SHORTEN, Action.FLUSH, Action.RESTORE, Action.FAIL_OVER})
"""Actions that may lose acknowledged submissions."""


class Step(msgspec.Struct, frozen=True):
    """An action, once the load has had `event` events."""

    event: int
    action: Action
    part: Part | None = None
    link: Link | None = None
    fault: Fault = Fault.NONE
    amount: int = 0
    command: str = ""

    def __str__(self) -> str:
        fault = "" if self.fault is Fault.NONE else self.fault
        amount = str(self.amount) if self.amount else ""
        words = (self.action, self.part or self.link or "", fault, self.command, amount)
        return f"{self.event}: " + " ".join(word for word in words if word)


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """The system that a schedule runs on."""

    desks: int = 1
    gateways: int = 1
    retained: int = 10_000
    sentinel: bool = False
    cluster: bool = False
    shifts_clocks: bool = False
    small_disk: bool = False
    fsync: str = "always"
    ticks: int = 2
    """Number of submissions through the real `tick`."""


class Schedule(msgspec.Struct, frozen=True):
    """A system and the faults that happen to it. The seed also controls the load."""

    name: str
    seed: int
    setup: Setup
    steps: tuple[Step, ...]

    @property
    def is_lossy(self) -> bool:
        return any(step.action in LOSSY for step in self.steps) or (
            self.setup.fsync != "always" and any(step.action in (Action.KILL, Action.FILL) for step in self.steps)
        )

    @property
    def command(self) -> str:
        """The command that runs this schedule again."""
        is_generated = self.name == f"seed-{self.seed}"
        return f"make faults SEED={self.seed} N=1" if is_generated else f"make faults ONLY={self.name}"

    def __str__(self) -> str:
        setup = {name: value for name, value in msgspec.to_builtins(self.setup).items() if value != _DEFAULTS[name]}
        return f"{self.name} (seed {self.seed}) {setup or ''}\n" + "\n".join(f"  {step}" for step in self.steps)


_DEFAULTS: Final = msgspec.to_builtins(Setup())

StepMaker = Callable[[random.Random, Setup, int], list[Step]]
"""Returns steps that start at an event. Most of them also undo the fault."""


def _part(rng: random.Random, setup: Setup, *, servers: bool = True) -> Part:
    parts = [Part.SERVER] if servers else []
    parts += [Part.DESK, Part.DESK2][: setup.desks] + [Part.GATEWAY, Part.GATEWAY2][: setup.gateways]
    return rng.choice(parts)


def _desk(rng: random.Random, setup: Setup) -> Part:
    return rng.choice([Part.DESK, Part.DESK2][: setup.desks])


def _crash(rng: random.Random, setup: Setup, event: int) -> list[Step]:
    part = _part(rng, setup)
    return [Step(event, Action.KILL, part), Step(event + rng.randint(1, 12), Action.START, part)]


def _hang(rng: random.Random, setup: Setup, event: int) -> list[Step]:
    part = _part(rng, setup)
    return [Step(event, Action.PAUSE, part), Step(event + rng.randint(1, 12), Action.RESUME, part)]


def _crash_while_hanging(rng: random.Random, setup: Setup, event: int) -> list[Step]:
    hanging, dying = _part(rng, setup), _part(rng, setup, servers=False)
    if hanging is dying:
        return _crash(rng, setup, event)
    return [
        Step(event, Action.PAUSE, hanging),
        Step(event + 2, Action.KILL, dying),
        Step(event + 4, Action.START, dying),
        Step(event + rng.randint(4, 8), Action.RESUME, hanging),
    ]


def _kill_desk_at_command(rng: random.Random, setup: Setup, event: int) -> list[Step]:
    part = _desk(rng, setup)
    action = rng.choice([Action.KILL_BEFORE, Action.KILL_AFTER])
    command = rng.choice(["", "", "EVALSHA", "EVALSHA", "XREAD"])
    nth = rng.randint(1, 12 if not command else 3)
    return [Step(event, action, part, amount=nth, command=command), Step(event + 12, Action.START, part)]


def _cut_desk_at_command(rng: random.Random, setup: Setup, event: int) -> list[Step]:
    action = rng.choice([Action.CUT_BEFORE, Action.CUT_AFTER])
    return [Step(event, action, _desk(rng, setup), amount=rng.randint(1, 3), command="EVALSHA")]


def _network_fault(rng: random.Random, setup: Setup, event: int) -> list[Step]:
    links = [Link.DESK, Link.GATEWAY, Link.FOLLOWERS, Link.EDITORS]
    links += [Link.DESK2] if setup.desks > 1 else []
    links += [Link.GATEWAY2, Link.FOLLOWERS2] if setup.gateways > 1 else []
    link = rng.choice(links)
    faults = [Fault.DROP_REPLIES, Fault.DELAY, Fault.CUT, Fault.TRUNCATE, Fault.HALF_OPEN]
    fault = rng.choice(faults)
    return [Step(event, Action.FAIL, link=link, fault=fault), Step(event + rng.randint(2, 12), Action.HEAL, link=link)]


def _data_loss(rng: random.Random, setup: Setup, event: int) -> list[Step]:
    match rng.randrange(3):
        case 0:
            return [Step(event, Action.SHORTEN, amount=rng.choice([1, 7, 300, 1500, 6000]))]
        case 1:
            return [Step(event, Action.FLUSH)]
        case _:
            return [Step(event, Action.COPY), Step(event + rng.randint(2, 15), Action.RESTORE)]


def _rolling_restart(rng: random.Random, setup: Setup, event: int) -> list[Step]:
    parts = [Part.GATEWAY, Part.GATEWAY2][: setup.gateways]
    return [Step(event + 4 * index, Action.RESTART, part) for index, part in enumerate(parts)]


_STEP_MAKERS: Final[Sequence[tuple[StepMaker, int]]] = (
    (_crash, 5),
    (_hang, 3),
    (_crash_while_hanging, 2),
    (_kill_desk_at_command, 4),
    (_cut_desk_at_command, 3),
    (_network_fault, 6),
    (_data_loss, 3),
    (_rolling_restart, 1),
)


def from_seed(seed: int) -> Schedule:
    """Generate the schedule of a seed. It is always the same, unless this module changes."""
    rng = random.Random(seed)
    setup = Setup(
        desks=rng.choice([1, 1, 2]),
        gateways=rng.choice([1, 1, 2]),
        retained=rng.choice([10_000, 20]),  # more than one script call appends: the harness must see every entry
        ticks=rng.choice([0, 2]),
    )
    makers = [make for make, weight in _STEP_MAKERS for _ in range(weight)]
    steps: list[Step] = []
    for _ in range(rng.randint(1, 3)):
        steps += rng.choice(makers)(rng, setup, rng.randint(3, 30))
    return Schedule(f"seed-{seed}", seed, setup, tuple(sorted(steps, key=lambda step: step.event)))


def _fixed(name: str, *steps: Step, **setup: object) -> Schedule:
    seed = sum(name.encode())
    return Schedule(name, seed, msgspec.convert(setup, Setup), steps)


def _kill_at_every_command(action: Action) -> list[Step]:
    """Kill the desk at its first command, then at its second, and so on."""
    steps = []
    for nth in range(1, 15):
        steps += [Step(3 * nth, action, Part.DESK, amount=nth), Step(3 * nth + 2, Action.START, Part.DESK)]
    return steps


FIXED: Final[tuple[Schedule, ...]] = (
    _fixed("nothing"),
    _fixed("desk-dies-before-each-command", *_kill_at_every_command(Action.KILL_BEFORE), ticks=0),
    _fixed("desk-dies-after-each-command", *_kill_at_every_command(Action.KILL_AFTER), ticks=0),
    _fixed(
        "two-desks-lose-replies",
        *(
            Step(3 + 5 * index, action, part, amount=1, command="EVALSHA")
            for index, (action, part) in enumerate(
                (action, part)
                for action in (Action.CUT_AFTER, Action.CUT_BEFORE)
                for part in (Part.DESK, Part.DESK2)
                for _ in range(3)
            )
        ),
        desks=2,
    ),
    _fixed(
        "two-desks-take-turns",
        Step(5, Action.KILL, Part.DESK),
        Step(15, Action.START, Part.DESK),
        Step(20, Action.PAUSE, Part.DESK2),
        Step(30, Action.RESUME, Part.DESK2),
        desks=2,
    ),
    _fixed("server-dies", Step(8, Action.KILL, Part.SERVER), Step(12, Action.START, Part.SERVER)),
    _fixed("server-hangs", Step(8, Action.PAUSE, Part.SERVER), Step(11, Action.RESUME, Part.SERVER)),
    _fixed(
        "everything-dies",
        *(Step(8, Action.KILL, part) for part in (Part.SERVER, Part.DESK, Part.GATEWAY)),
        *(Step(11, Action.START, part) for part in (Part.GATEWAY, Part.DESK, Part.SERVER)),
    ),
    _fixed("flush", Step(10, Action.FLUSH), Step(25, Action.FLUSH), gateways=2),
    _fixed("shortened-file", Step(15, Action.SHORTEN, amount=2500), gateways=2),
    _fixed("restored-copy", Step(10, Action.COPY), Step(30, Action.RESTORE), gateways=2),
    _fixed(
        "trimmed",
        Step(10, Action.FAIL, link=Link.FOLLOWERS, fault=Fault.CUT),
        Step(70, Action.RESTART, Part.GATEWAY),
        Step(75, Action.HEAL, link=Link.FOLLOWERS),
        retained=20,
        ticks=0,
    ),
    _fixed(
        "forgotten",
        Step(10, Action.KILL, Part.DESK),
        Step(13, Action.START, Part.DESK),
        Step(30, Action.FAIL, link=Link.FOLLOWERS, fault=Fault.CUT),
        Step(45, Action.HEAL, link=Link.FOLLOWERS),
        Step(60, Action.RESTART, Part.GATEWAY),
        desks=2,
        gateways=2,
        retained=5,
        ticks=0,
    ),
    _fixed(
        "rolling-restart",
        *(Step(5 + 25 * index, Action.RESTART, part) for index, part in enumerate((Part.GATEWAY, Part.GATEWAY2) * 2)),
        gateways=2,
    ),
    _fixed("disk-full", Step(8, Action.FILL), Step(20, Action.FREE), small_disk=True),
    _fixed("disk-full-everysec", Step(8, Action.FILL), Step(20, Action.FREE), small_disk=True, fsync="everysec"),
    _fixed(
        "clock-ahead",
        Step(8, Action.CLOCK, amount=3600),
        Step(30, Action.KILL, Part.DESK),
        Step(33, Action.START, Part.DESK),
        shifts_clocks=True,
    ),
    _fixed(
        "clock-back",
        Step(8, Action.CLOCK, amount=-3600),
        Step(30, Action.KILL, Part.SERVER),
        Step(33, Action.START, Part.SERVER),
        shifts_clocks=True,
    ),
    _fixed(
        "clock-ahead-and-back",
        Step(8, Action.CLOCK, amount=600),
        Step(25, Action.CLOCK, amount=-2),
        Step(40, Action.CLOCK, amount=0),
        shifts_clocks=True,
    ),
    _fixed(
        "forged-entry",
        Step(12, Action.FORGE_ENTRY),
        Step(12, Action.RESTART, Part.GATEWAY2),
        Step(14, Action.KILL, Part.DESK),
        Step(15, Action.START, Part.DESK),
        Step(24, Action.RESTORE_ENTRY),
        gateways=2,
        ticks=0,
    ),
    _fixed("fail-over-to-a-replica-that-lags", Step(12, Action.FAIL_OVER), sentinel=True, ticks=0),
    _fixed(
        "fail-over-through-a-bad-network",
        Step(4, Action.CUT_AFTER, Part.DESK, amount=1, command="EVALSHA"),
        Step(8, Action.FAIL, link=Link.EDITORS, fault=Fault.DROP_REPLIES),
        Step(10, Action.HEAL, link=Link.EDITORS),
        Step(12, Action.FAIL, link=Link.DESK, fault=Fault.DELAY),
        Step(12, Action.FAIL, link=Link.GATEWAY, fault=Fault.HALF_OPEN),
        Step(13, Action.FAIL_OVER),
        Step(14, Action.HEAL, link=Link.DESK),
        Step(15, Action.FAIL, link=Link.DESK, fault=Fault.CUT),
        Step(20, Action.HEAL, link=Link.DESK),
        Step(21, Action.HEAL, link=Link.GATEWAY),
        Step(25, Action.CUT_BEFORE, Part.DESK, amount=1, command="EVALSHA"),
        sentinel=True,
        gateways=2,
        ticks=0,
    ),
    _fixed("fail-over-in-a-cluster", Step(12, Action.FAIL_OVER), cluster=True, gateways=2, ticks=0),
)

SEEDS: Final = range(1, 21)
"""The seeds of the schedules that the test suite runs, in addition to the fixed ones."""


def by_name(name: str) -> Schedule:
    """Return a fixed schedule.

    Raises:
        KeyError: If no fixed schedule has this name.

    """
    return {schedule.name: schedule for schedule in FIXED}[name]
