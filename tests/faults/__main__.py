"""Play schedules of faults: `make faults N=1000`, `make faults SEED=17 N=1`, `make faults ONLY=flush`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Sequence

from tests.faults.play import ReceiptStatus, play
from tests.faults.schedule import FIXED, Schedule, by_name, from_seed
from tests.faults.tally import Tally


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, help="the first seed; default: the time, so that each run is another")
    parser.add_argument("--count", type=int, default=1000, help="how many seeds")
    parser.add_argument("--only", choices=[schedule.name for schedule in FIXED], help="play this one, written by hand")
    parser.add_argument("--at-once", type=int, default=3, help="how many systems at the same time")
    given = parser.parse_args(words)
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    if given.only:
        schedules = [by_name(given.only)] * (given.count if given.count != 1000 else 1)
    else:
        first = int(time.time()) if given.seed is None else given.seed
        schedules = [from_seed(seed) for seed in range(first, first + given.count)]
    tally = asyncio.run(play_all(schedules, given.at_once))
    say(str(tally))
    return 1 if tally.violations else 0


async def play_all(schedules: Sequence[Schedule], at_once: int, *, quietly: bool = False) -> Tally:
    """Play them, some at the same time: each waits most of the time."""
    tally, room = Tally(), asyncio.Semaphore(at_once)

    async def play_one(schedule: Schedule) -> None:
        async with room:
            outcome = await play(schedule)
        tally.take(outcome)
        if not quietly:
            say(_told(outcome))

    async with asyncio.TaskGroup() as group:
        for schedule in schedules:
            group.create_task(play_one(schedule))
    return tally


def _told(outcome: ReceiptStatus) -> str:
    if outcome.violations:
        return f"FAILED {outcome}"
    return (
        f"held   {outcome.schedule.name}: {outcome.injected} faults, {outcome.acknowledged} acknowledged, "
        f"{outcome.deliveries} deliveries, {outcome.boards} boards, {outcome.resets} resets, {outcome.unseen} unseen, "
        f"{outcome.seconds:.1f} s"
    )


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
