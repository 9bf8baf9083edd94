"""Run `python -m benchmarks [--quick]`: measure, and print one table. See the package's docstring."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import click

from benchmarks import peers, yardsticks
from benchmarks.chart import draw
from benchmarks.compression import measure_compression
from benchmarks.editorial import Desk
from benchmarks.figures import QUESTIONS, answer
from benchmarks.machine import connections_within, describe_machine, find_cores, raise_file_limit
from benchmarks.plan import Maker, Plan
from benchmarks.product import LIFTED
from benchmarks.programs import BUILD, BenchError, compile_program
from benchmarks.report import Results, to_json, to_markdown
from benchmarks.samples import Samples
from benchmarks.scenarios import Effort

RESULTS: Final = Path(__file__).parent / "results"
QUICK_CONNECTIONS: Final = 3_000

RIVALS: Final[dict[str, Maker]] = {
    "c-loop": yardsticks.c_loop,
    "c-loop-joining": yardsticks.c_loop_joining,
    "starlette-loop": yardsticks.starlette_loop,
    "starlette-queues": yardsticks.starlette_queues,
}
SETTINGS: Final = {
    "gateway": "one process, all defaults except " + ", ".join(f"{name}={value}" for name, value in LIFTED.items()),
    "c-loop": "one thread, TCP_NODELAY, no buffer of its own",
    "c-loop-replaying": "the same; it computes the answer to each key, and sends it with the replay in one `sendmsg`",
    "starlette-loop": "uvicorn with uvloop and httptools, its defaults; the followers request no compression",
    "starlette-queues": "the same; unbounded queues",
}


@click.command()
@click.option("--quick", is_flag=True, help="Run one round with fewer followers, in less than a minute.")
@click.option("--rounds", type=click.IntRange(1, 20), help="Number of rounds; 3 by default.")
@click.option(
    "--connections", type=click.IntRange(100, 60_000), help="Number of followers, if the limit on open files allows it."
)
@click.option("--only", multiple=True, metavar="NAME", help="Measure only this subject (repeatable).")
@click.option(
    "--peers",
    "with_peers",
    is_flag=True,
    envvar="PEERS",
    help="Also measure servers of other projects (or set PEERS=1).",
)
@click.option("--results", type=click.Path(path_type=Path, file_okay=False), help="Folder for the report.")
def main(
    *,
    quick: bool,
    rounds: int | None,
    connections: int | None,
    only: tuple[str, ...],
    with_peers: bool,
    results: Path | None,
) -> None:
    """Measure the cost of fan-out, for our gateway and for other servers, and print one table."""
    begun = time.monotonic()
    # Empty is the same as unset. pip compiles the modules of a package; without this, each start compiles ours.
    os.environ["PYTHONDONTWRITEBYTECODE"] = ""
    files = raise_file_limit()
    most = connections_within(files)
    machine = describe_machine(files)
    effort = _effort(quick, rounds, min(connections or (QUICK_CONNECTIONS if quick else most), most))
    try:
        compile_program("load")
        compile_program("yardstick")
    except BenchError as error:
        raise click.ClickException(str(error)) from error
    with ExitStack() as stack:
        settings, rivals = dict(SETTINGS), dict(RIVALS)
        plan = Plan(effort, find_cores(), _print)
        if with_peers:
            found = stack.enter_context(peers.Peers(_print))
            rivals |= found.makers
            settings |= found.settings
            for note in found.notes:
                plan.samples.note(note)
        plan.run(rivals, stack.enter_context(Desk(plan.cores, effort)), only)
    samples = plan.samples
    outcome = Results(
        machine=machine,
        effort=effort,
        seconds=round(time.monotonic() - begun, 1),
        settings={name: text for name, text in settings.items() if name in samples.values},
        answers=[answer(question, samples, effort.connections) for question in QUESTIONS],
        samples={name: dict(measures) for name, measures in samples.values.items()},
        compression=measure_compression(),
        notes=samples.notes,
    )
    folder = results or (BUILD / "quick" if quick or only else RESULTS)
    _write(folder, outcome, samples)
    click.echo((folder / "results.md").read_text(encoding="utf-8"))
    _print(f"{outcome.seconds:.0f} s; the report is in {os.path.relpath(folder)}")
    sys.exit(0 if samples.values else 1)


def _effort(quick: bool, rounds: int | None, connections: int) -> Effort:
    if quick:
        return Effort(
            connections,
            rounds or 1,
            steady_entries=3,
            steady_every_s=0.7,
            burst_wait_s=2.0,
            idle_s=4.0,
            posts=3,
            submissions=40,
        )
    return Effort(connections, rounds or 3)


def _write(folder: Path, outcome: Results, samples: Samples) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    caption = f"{outcome.effort.connections:,} followers, one server process on one core, medians"
    (folder / "results.md").write_text(to_markdown(outcome, samples), encoding="utf-8")
    (folder / "results.json").write_bytes(to_json(outcome))
    (folder / "chart.svg").write_text(draw(samples, caption), encoding="utf-8")


def _print(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    main()
