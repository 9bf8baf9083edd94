"""Run trials of topologies: `make faults TOPOLOGY=ha`, `make faults TOPOLOGY=ha ONLY=partition SEED=17 N=1`.

Each topology runs in a process of its own, in a network of its own: `python -m tests.faults.topologies ha`. It prints a
line of JSON per trial.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from scripts.topologies.namespaces import Network
from tests.faults.topologies.run import TrialResult, run_trials
from tests.faults.topologies.trials import FAILURES, Failure, make_trial, make_trials
from tests.support.servers import short_folder
from tests.support.signals import stop_inheriting_ignored_signals

ROOT = Path(__file__).parents[3]


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.topologies", description=__doc__)
    parser.add_argument("topology", choices=[*FAILURES, "all"])
    parser.add_argument("--only", choices=[*map(str, Failure)], action="append", help="default: all of the topology")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--count", type=int, default=30, help="trials of each failure")
    parser.add_argument("--engine", choices=["valkey", "redis"], default="valkey")
    parser.add_argument("--before", type=Path, help="the source tree of the other version, for upgrades")
    parser.add_argument("--keep", type=Path, help="copy the logs of the hosts there")
    options = parser.parse_args(words)
    if options.topology == "all":
        return run_all(words)
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    stop_inheriting_ignored_signals()
    network = Network()
    failures = [Failure(each) for each in options.only or FAILURES[options.topology]]
    trials = make_trials(options.topology, failures, range(options.seed, options.seed + options.count))
    with short_folder() as folder:
        before = options.before
        if before is None and Failure.UPGRADE in failures:
            before = copy_as_other_version(folder / "before")
        running = run_trials(trials, folder, network, engine=options.engine, before=before, on_result=_print)
        results = asyncio.run(running)
        if options.keep is not None:
            options.keep.mkdir(parents=True, exist_ok=True)
            for log in (folder / "hosts").glob("*.log"):
                shutil.copy(log, options.keep / log.name)
    return 1 if any(result.violations for result in results) else 0


def run_all(words: Sequence[str]) -> int:
    """Run every topology with these words, each in a process of its own. Return 1 if one of them fails."""
    more = [word for word in words if word != "all"]
    commands = [[sys.executable, "-m", "tests.faults.topologies", name, *more] for name in FAILURES]
    return max(subprocess.run(command, cwd=ROOT, check=False).returncode for command in commands)


def copy_as_other_version(folder: Path) -> Path:
    """Copy our packages with another version number. It shows the procedure, and not a change of the formats."""
    for package in ("ticker", "publisher_cli"):
        shutil.copytree(ROOT / package, folder / package)
    file = folder / "ticker" / "__init__.py"
    text = file.read_text(encoding="utf-8")
    file.write_text(text + '\n__version__ = "0.0.0"\n', encoding="utf-8")
    return folder


def _print(result: TrialResult) -> None:
    if result.violations:
        trial = make_trial(result.topology, Failure(result.failure), result.seed)
        sys.stderr.write(f"FAILED {trial}\n  run it again: {trial.command}\n")
    sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
