"""Schedules of faults: what breaks, and after how many events of the load. Made from a seed, or by hand.

An event is one attempt of an editor that ended, in whatever way. So a fault lasts for as long as the load takes to
notice it, on a slow machine as on a quick one, and no schedule has a time in it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from tests.faults.proxy import Fault


class Part(StrEnum):
    """A process."""

    SERVER = "server"
    DESK = "desk"
    DESK2 = "desk2"
    GATEWAY = "gateway"
    GATEWAY2 = "gateway2"


class Link(StrEnum):
    """A connection between two parts, with a proxy in it."""

    DESK = "desk-redis"
    DESK2 = "desk2-redis"
    GATEWAY = "gateway-redis"
    GATEWAY2 = "gateway2-redis"
    FOLLOWERS = "followers-gateway"
    FOLLOWERS2 = "followers-gateway2"
    EDITORS = "tick-redis"


class Do(StrEnum):
    """What a step does."""

    KILL = "kill"  # SIGKILL
    START = "start"
    PAUSE = "pause"  # SIGSTOP
    RESUME = "resume"  # SIGCONT
    RESTART = "restart"  # SIGTERM, then again
    KILL_BEFORE = "kill-before"  # at the nth command of a desk from now, before Redis sees it
    KILL_AFTER = "kill-after"  # … after Redis has done it
    CUT_BEFORE = "cut-before"  # the desk lives, its connection doesn't
    CUT_AFTER = "cut-after"
    FAIL = "fail"  # a link gets a fault
    HEAL = "heal"
    SHORTEN = "shorten"  # the server dies, its append-only file loses its end, it starts
    FLUSH = "flush"  # FLUSHALL
    COPY = "copy"  # of the data folder
    RESTORE = "restore"  # the server dies, and starts on the copy
    FILL = "fill"  # the disk
    FREE = "free"
    CLOCK = "clock"  # of server and processes: by so many seconds from the true time
    FAIL_OVER = "fail-over"  # to a replica that lags
    FORGE = "forge"  # somebody changes an entry in the log, and puts it right on `mend`
    MEND = "mend"


LOSSY: Final = frozenset({Do.SHORTEN, Do.FLUSH, Do.RESTORE, Do.FAIL_OVER})
"""After these, what was acknowledged may be gone."""


class Step(msgspec.Struct, frozen=True):
    """What happens once the load has had `at` events."""

    at: int
    do: Do
    part: Part | None = None
    link: Link | None = None
    fault: Fault = Fault.NONE
    amount: int = 0
    command: str = ""

    def __str__(self) -> str:
        what = [self.part or self.link or "", "" if self.fault is Fault.NONE else self.fault]
        more = [self.command, str(self.amount) if self.amount else ""]
        return f"{self.at}: " + " ".join(word for word in (self.do, *what, *more) if word)


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What the schedule is played on."""

    desks: int = 1
    gateways: int = 1
    retained: int = 10_000
    sentinel: bool = False
    cluster: bool = False
    shifts_clocks: bool = False
    small_disk: bool = False
    fsync: str = "always"
    ticks: int = 2
    """How many submissions go through the real `tick`."""


class Schedule(msgspec.Struct, frozen=True):
    """One run: by its seed and name it can be played again."""

    name: str
    seed: int
    world: World
    steps: tuple[Step, ...]

    @property
    def is_lossy(self) -> bool:
        return any(step.do in LOSSY for step in self.steps) or (
            self.world.fsync != "always" and any(step.do in (Do.KILL, Do.FILL) for step in self.steps)
        )

    @property
    def again(self) -> str:
        """The command that plays it again."""
        is_made = self.name == f"seed-{self.seed}"
        return f"make faults SEED={self.seed} N=1" if is_made else f"make faults ONLY={self.name}"

    def __str__(self) -> str:
        world = {name: value for name, value in msgspec.to_builtins(self.world).items() if value != _DEFAULTS[name]}
        return f"{self.name} (seed {self.seed}) {world or ''}\n" + "\n".join(f"  {step}" for step in self.steps)


_DEFAULTS: Final = msgspec.to_builtins(World())

Ingredient = Callable[[random.Random, World, int], list[Step]]
"""Some steps that begin at an event, and put everything right again."""


def _part(chance: random.Random, world: World, *, servers: bool = True) -> Part:
    parts = [Part.SERVER] if servers else []
    parts += [Part.DESK, Part.DESK2][: world.desks] + [Part.GATEWAY, Part.GATEWAY2][: world.gateways]
    return chance.choice(parts)


def _desk(chance: random.Random, world: World) -> Part:
    return chance.choice([Part.DESK, Part.DESK2][: world.desks])


def _crash(chance: random.Random, world: World, at: int) -> list[Step]:
    part = _part(chance, world)
    return [Step(at, Do.KILL, part), Step(at + chance.randint(1, 12), Do.START, part)]


def _hang(chance: random.Random, world: World, at: int) -> list[Step]:
    part = _part(chance, world)
    return [Step(at, Do.PAUSE, part), Step(at + chance.randint(1, 12), Do.RESUME, part)]


def _crash_while_hanging(chance: random.Random, world: World, at: int) -> list[Step]:
    hanging, dying = _part(chance, world), _part(chance, world, servers=False)
    if hanging is dying:
        return _crash(chance, world, at)
    return [
        Step(at, Do.PAUSE, hanging),
        Step(at + 2, Do.KILL, dying),
        Step(at + 4, Do.START, dying),
        Step(at + chance.randint(4, 8), Do.RESUME, hanging),
    ]


def _step_of_desk(chance: random.Random, world: World, at: int) -> list[Step]:
    part = _desk(chance, world)
    do = chance.choice([Do.KILL_BEFORE, Do.KILL_AFTER])
    command = chance.choice(["", "", "EVALSHA", "EVALSHA", "XREAD"])
    nth = chance.randint(1, 12 if not command else 3)
    return [Step(at, do, part, amount=nth, command=command), Step(at + 12, Do.START, part)]


def _cut_of_desk(chance: random.Random, world: World, at: int) -> list[Step]:
    do = chance.choice([Do.CUT_BEFORE, Do.CUT_AFTER])
    return [Step(at, do, _desk(chance, world), amount=chance.randint(1, 3), command="EVALSHA")]


def _network(chance: random.Random, world: World, at: int) -> list[Step]:
    links = [Link.DESK, Link.GATEWAY, Link.FOLLOWERS, Link.EDITORS]
    links += [Link.DESK2] if world.desks > 1 else []
    links += [Link.GATEWAY2, Link.FOLLOWERS2] if world.gateways > 1 else []
    link = chance.choice(links)
    faults = [Fault.DROP_REPLIES, Fault.DELAY, Fault.CUT, Fault.TRUNCATE, Fault.HALF_OPEN]
    fault = chance.choice(faults)
    return [Step(at, Do.FAIL, link=link, fault=fault), Step(at + chance.randint(2, 12), Do.HEAL, link=link)]


def _loss(chance: random.Random, world: World, at: int) -> list[Step]:
    match chance.randrange(3):
        case 0:
            return [Step(at, Do.SHORTEN, amount=chance.choice([1, 7, 300, 1500, 6000]))]
        case 1:
            return [Step(at, Do.FLUSH)]
        case _:
            return [Step(at, Do.COPY), Step(at + chance.randint(2, 15), Do.RESTORE)]


def _rolling(chance: random.Random, world: World, at: int) -> list[Step]:
    parts = [Part.GATEWAY, Part.GATEWAY2][: world.gateways]
    return [Step(at + 4 * index, Do.RESTART, part) for index, part in enumerate(parts)]


_INGREDIENTS: Final[Sequence[tuple[Ingredient, int]]] = (
    (_crash, 5),
    (_hang, 3),
    (_crash_while_hanging, 2),
    (_step_of_desk, 4),
    (_cut_of_desk, 3),
    (_network, 6),
    (_loss, 3),
    (_rolling, 1),
)


def from_seed(seed: int) -> Schedule:
    """The schedule of a seed: the same one for ever, as long as this module isn't changed."""
    chance = random.Random(seed)
    world = World(
        desks=chance.choice([1, 1, 2]),
        gateways=chance.choice([1, 1, 2]),
        retained=chance.choice([10_000, 10_000, 10_000, 20]),
        ticks=chance.choice([0, 2]),
    )
    ingredients = [ingredient for ingredient, weight in _INGREDIENTS for _ in range(weight)]
    steps: list[Step] = []
    for _ in range(chance.randint(1, 3)):
        steps += chance.choice(ingredients)(chance, world, chance.randint(3, 30))
    return Schedule(f"seed-{seed}", seed, world, tuple(sorted(steps, key=lambda step: step.at)))


def _fixed(name: str, *steps: Step, **world: object) -> Schedule:
    seed = sum(name.encode())
    return Schedule(name, seed, msgspec.convert(world, World), steps)


def _every_step(do: Do) -> list[Step]:
    """A desk that dies at its first command, the next at its second, and so on."""
    steps = []
    for nth in range(1, 15):
        steps += [Step(3 * nth, do, Part.DESK, amount=nth), Step(3 * nth + 2, Do.START, Part.DESK)]
    return steps


FIXED: Final[tuple[Schedule, ...]] = (
    _fixed("nothing"),
    _fixed("desk-dies-before-each-command", *_every_step(Do.KILL_BEFORE), ticks=0),
    _fixed("desk-dies-after-each-command", *_every_step(Do.KILL_AFTER), ticks=0),
    _fixed(
        "two-desks-lose-replies",
        *(
            Step(3 + 5 * index, do, part, amount=1, command="EVALSHA")
            for index, (do, part) in enumerate(
                (do, part) for do in (Do.CUT_AFTER, Do.CUT_BEFORE) for part in (Part.DESK, Part.DESK2) for _ in range(3)
            )
        ),
        desks=2,
    ),
    _fixed(
        "two-desks-take-turns",
        Step(5, Do.KILL, Part.DESK),
        Step(15, Do.START, Part.DESK),
        Step(20, Do.PAUSE, Part.DESK2),
        Step(30, Do.RESUME, Part.DESK2),
        desks=2,
    ),
    _fixed("server-dies", Step(8, Do.KILL, Part.SERVER), Step(12, Do.START, Part.SERVER)),
    _fixed("server-hangs", Step(8, Do.PAUSE, Part.SERVER), Step(11, Do.RESUME, Part.SERVER)),
    _fixed(
        "everything-dies",
        *(Step(8, Do.KILL, part) for part in (Part.SERVER, Part.DESK, Part.GATEWAY)),
        *(Step(11, Do.START, part) for part in (Part.GATEWAY, Part.DESK, Part.SERVER)),
    ),
    _fixed("flush", Step(10, Do.FLUSH), Step(25, Do.FLUSH), gateways=2),
    _fixed("shortened-file", Step(15, Do.SHORTEN, amount=2500), gateways=2),
    _fixed("restored-copy", Step(10, Do.COPY), Step(30, Do.RESTORE), gateways=2),
    _fixed("trimmed", Step(10, Do.FAIL, link=Link.FOLLOWERS, fault=Fault.CUT), Step(70, Do.RESTART, Part.GATEWAY),
           Step(75, Do.HEAL, link=Link.FOLLOWERS), retained=20, ticks=0),
    _fixed(
        "rolling-restart",
        *(Step(5 + 25 * index, Do.RESTART, part) for index, part in enumerate((Part.GATEWAY, Part.GATEWAY2) * 2)),
        gateways=2,
    ),
    _fixed("disk-full", Step(8, Do.FILL), Step(20, Do.FREE), small_disk=True),
    _fixed("disk-full-everysec", Step(8, Do.FILL), Step(20, Do.FREE), small_disk=True, fsync="everysec"),
    _fixed("clock-ahead", Step(8, Do.CLOCK, amount=3600), Step(30, Do.KILL, Part.DESK), Step(33, Do.START, Part.DESK),
           shifts_clocks=True),
    _fixed("clock-back", Step(8, Do.CLOCK, amount=-3600), Step(30, Do.KILL, Part.SERVER),
           Step(33, Do.START, Part.SERVER), shifts_clocks=True),
    _fixed("clock-ahead-and-back", Step(8, Do.CLOCK, amount=600), Step(25, Do.CLOCK, amount=-2),
           Step(40, Do.CLOCK, amount=0), shifts_clocks=True),
    _fixed("forged-entry", Step(12, Do.FORGE), Step(12, Do.RESTART, Part.GATEWAY2), Step(14, Do.KILL, Part.DESK),
           Step(15, Do.START, Part.DESK), Step(24, Do.MEND), gateways=2, ticks=0),
    _fixed("fail-over-to-a-replica-that-lags", Step(12, Do.FAIL_OVER), sentinel=True, ticks=0),
    _fixed(
        "fail-over-through-a-bad-network",
        Step(4, Do.CUT_AFTER, Part.DESK, amount=1, command="EVALSHA"),
        Step(8, Do.FAIL, link=Link.EDITORS, fault=Fault.DROP_REPLIES),
        Step(10, Do.HEAL, link=Link.EDITORS),
        Step(12, Do.FAIL, link=Link.DESK, fault=Fault.DELAY),
        Step(12, Do.FAIL, link=Link.GATEWAY, fault=Fault.HALF_OPEN),
        Step(13, Do.FAIL_OVER),
        Step(14, Do.HEAL, link=Link.DESK),
        Step(15, Do.FAIL, link=Link.DESK, fault=Fault.CUT),
        Step(20, Do.HEAL, link=Link.DESK),
        Step(21, Do.HEAL, link=Link.GATEWAY),
        Step(25, Do.CUT_BEFORE, Part.DESK, amount=1, command="EVALSHA"),
        sentinel=True, gateways=2, ticks=0,
    ),
    _fixed("fail-over-in-a-cluster", Step(12, Do.FAIL_OVER), cluster=True, gateways=2, ticks=0),
)  # fmt: skip

SEEDS: Final = range(1, 21)
"""Of those that are played in the test command, besides the fixed ones."""


def by_name(name: str) -> Schedule:
    """A fixed schedule.

    Raises:
        KeyError: If there is none of this name.

    """
    return {schedule.name: schedule for schedule in FIXED}[name]
