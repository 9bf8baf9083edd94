"""Trials: what fails in a topology of several hosts, and after how many events of the load. Generated from a seed.

As in `tests.faults.schedule`, an event is one try of an editor that has ended, and a trial contains no times. The
trials of one run follow each other on the same system: each leaves it whole.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

PRIMARY: Final = "primary"
REPLICA: Final = "replica"
"""In place of a host's name: the server that has this role when the step begins."""


class Failure(StrEnum):
    """What fails in a trial."""

    PRIMARY_DIES = "primary-dies"
    PRIMARY_CUT_OFF = "primary-cut-off"
    PARTITION = "partition"  # the old primary stays writable for desk1 and some editors
    SENTINEL_LOST = "sentinel-lost"  # and then the primary dies
    REPLICA_LOST = "replica-lost"
    GATEWAY_LOST = "gateway-lost"
    SLOT_MOVES = "slot-moves"
    ROLLING_RESTART = "rolling-restart"
    UPGRADE = "upgrade"  # a desk and a gateway change their version


class Action(StrEnum):
    """The kind of a step."""

    KILL = "kill"
    START = "start"
    RESTART = "restart"  # SIGTERM, start, wait until it is ready
    CUT_OFF = "cut-off"  # from everybody
    REJOIN = "rejoin"
    PART = "part"  # the old primary, desk1 and gateway1 from the other hosts
    HEAL = "heal"
    AWAIT_FAILOVER = "await-failover"  # the Sentinels, or the Cluster, have promoted a replica
    MOVE_SLOT = "move-slot"  # of the edition, to another primary
    REPLACE = "replace"  # end a host, start it with the other version, wait until it is ready


class Step(msgspec.Struct, frozen=True):
    """An action on a host, once the load has had `event` events since the trial began."""

    event: int
    action: Action
    host: str = ""

    def __str__(self) -> str:
        return f"{self.event}: {self.action} {self.host}".rstrip()


class Trial(msgspec.Struct, frozen=True):
    """One failure of a topology, and its repair."""

    topology: str
    failure: Failure
    seed: int
    steps: tuple[Step, ...]

    @property
    def command(self) -> str:
        """The command that runs this trial again."""
        return f"make faults TOPOLOGY={self.topology} ONLY={self.failure} SEED={self.seed} N=1"

    def __str__(self) -> str:
        return f"{self.topology} {self.failure} (seed {self.seed})\n" + "\n".join(f"  {step}" for step in self.steps)


Maker = Callable[[random.Random], list[Step]]


def _lose(rng: random.Random, host: str, event: int) -> list[Step]:
    """Kill a host or cut it off, and bring it back some events later."""
    away, back = rng.choice([(Action.KILL, Action.START), (Action.CUT_OFF, Action.REJOIN)])
    return [Step(event, away, host), Step(event + rng.randint(3, 8), back, host)]


def _fail_over(rng: random.Random, away: Action, back: Action) -> list[Step]:
    event = rng.randint(2, 6)
    return [
        Step(event, away, PRIMARY),
        Step(event, Action.AWAIT_FAILOVER),
        Step(event + rng.randint(1, 6), back, PRIMARY),
    ]


def _sentinel_lost(rng: random.Random) -> list[Step]:
    sentinel = f"sentinel{rng.randint(1, 3)}"
    away, back = rng.choice([(Action.KILL, Action.START), (Action.CUT_OFF, Action.REJOIN)])
    return [
        Step(rng.randint(1, 3), away, sentinel),
        *_fail_over(rng, Action.KILL, Action.START),
        Step(14, back, sentinel),
    ]


def _slot_moves(rng: random.Random) -> list[Step]:
    first = rng.randint(2, 6)
    return [Step(first, Action.MOVE_SLOT), Step(first + rng.randint(2, 6), Action.MOVE_SLOT)]


def _in_turn(action: Action) -> Maker:
    def make(rng: random.Random) -> list[Step]:
        hosts = ["desk1", "desk2"]
        rng.shuffle(hosts)
        gateways = ["gateway1", "gateway2"]
        rng.shuffle(gateways)
        gap = rng.randint(1, 4)
        return [Step(2 + gap * index, action, host) for index, host in enumerate([*hosts, *gateways])]

    return make


def _upgrade(rng: random.Random) -> list[Step]:
    """Half of the hosts change their version. Until the next upgrade, two versions run side by side."""
    hosts = [f"desk{rng.randint(1, 2)}", f"gateway{rng.randint(1, 2)}"]
    rng.shuffle(hosts)
    first = rng.randint(2, 5)
    return [Step(first + 3 * index, Action.REPLACE, host) for index, host in enumerate(hosts)]


MAKERS: Final[Mapping[Failure, Maker]] = {
    Failure.PRIMARY_DIES: lambda rng: _fail_over(rng, Action.KILL, Action.START),
    Failure.PRIMARY_CUT_OFF: lambda rng: _fail_over(rng, Action.CUT_OFF, Action.REJOIN),
    Failure.PARTITION: lambda rng: _fail_over(rng, Action.PART, Action.HEAL),
    Failure.SENTINEL_LOST: _sentinel_lost,
    Failure.REPLICA_LOST: lambda rng: _lose(rng, REPLICA, rng.randint(2, 6)),
    Failure.GATEWAY_LOST: lambda rng: _lose(rng, f"gateway{rng.randint(1, 2)}", rng.randint(2, 6)),
    Failure.SLOT_MOVES: _slot_moves,
    Failure.ROLLING_RESTART: _in_turn(Action.RESTART),
    Failure.UPGRADE: _upgrade,
}

_OF_GATEWAYS: Final = (Failure.GATEWAY_LOST, Failure.ROLLING_RESTART)
FAILURES: Final[Mapping[str, Sequence[Failure]]] = {
    "ha": tuple(failure for failure in Failure if failure is not Failure.SLOT_MOVES),
    "cluster": (Failure.PRIMARY_DIES, Failure.PRIMARY_CUT_OFF, Failure.REPLICA_LOST, Failure.SLOT_MOVES),
    "caddy": _OF_GATEWAYS,
    "nginx": _OF_GATEWAYS,
    "haproxy": _OF_GATEWAYS,
}
"""The failures that each topology goes through."""

FAILS_OVER: Final = frozenset({Failure.PRIMARY_DIES, Failure.PRIMARY_CUT_OFF, Failure.PARTITION, Failure.SENTINEL_LOST})
"""Failures with a failover, which may lose what no replica has."""


def make_trial(topology: str, failure: Failure, seed: int) -> Trial:
    """Generate the trial of a seed. It is always the same, unless this module changes."""
    rng = random.Random(f"{failure}-{seed}")
    steps = [step for step in MAKERS[failure](rng) if _exists(topology, step.host)]
    return Trial(topology, failure, seed, tuple(sorted(steps, key=lambda step: step.event)))


def make_trials(topology: str, failures: Sequence[Failure], seeds: Sequence[int]) -> list[Trial]:
    """Return the trials of some failures, one per seed, in an order that mixes the failures."""
    return [make_trial(topology, failure, seed) for seed in seeds for failure in failures]


def _exists(topology: str, host: str) -> bool:
    """Topologies for proxies have one desk."""
    return not (host == "desk2" and topology in ("caddy", "nginx", "haproxy"))
