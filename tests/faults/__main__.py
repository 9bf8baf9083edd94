"""Run schedules of faults: `make faults N=1000`, `make faults SEED=17 N=1`, `make faults ONLY=flush`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Sequence

from tests.faults.result import ScheduleResult
from tests.faults.run import run_schedules
from tests.faults.schedule import FIXED, by_name, from_seed
from tests.support.signals import stop_inheriting_ignored_signals

DEFAULT_COUNT = 1000


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, help="the first seed (default: the current time)")
    parser.add_argument("--count", type=int, default=DEFAULT_COUNT, help="number of seeds, one schedule each")
    parser.add_argument("--only", choices=[schedule.name for schedule in FIXED], help="run one fixed schedule")
    parser.add_argument("--at-once", type=int, default=3, help="number of systems that run at the same time")
    options = parser.parse_args(words)
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    stop_inheriting_ignored_signals()
    if options.only:
        schedules = [by_name(options.only)] * (options.count if options.count != DEFAULT_COUNT else 1)
    else:
        first = int(time.time()) if options.seed is None else options.seed
        schedules = [from_seed(seed) for seed in range(first, first + options.count)]
    totals = asyncio.run(run_schedules(schedules, options.at_once, lambda result: write_line(_describe(result))))
    write_line(str(totals))
    return 1 if totals.failed else 0


def _describe(result: ScheduleResult) -> str:
    if result.violations:
        return f"FAILED {result}"
    return (
        f"passed {result.schedule.name}: {result.injected} faults, {result.acknowledged} acknowledged, "
        f"{result.deliveries} deliveries, {result.boards} boards, {result.resets} resets, "
        f"{result.unknown} unknown positions, {result.seconds:.1f} s"
    )


def write_line(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
