"""Run `python -m benchmarks.scaling`: measure what growth costs. See the package's docstring."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import click

from benchmarks.machine import (
    CONNECTIONS_MOST,
    Cores,
    connections_within,
    describe_machine,
    find_cores,
    raise_file_limit,
)
from benchmarks.programs import BenchError, compile_program
from benchmarks.scaling import page
from benchmarks.scaling.fleet import WORKERS, measure_fleet, measure_unit
from benchmarks.scaling.kernel import measure_sockets
from benchmarks.scaling.log_readers import measure_log_readers
from benchmarks.scaling.results import FILE, Results, load_results, save_results
from benchmarks.scaling.tls import SUBJECTS, followers_within, measure_proxy
from benchmarks.scenarios import Effort

ERRORS: Final = (BenchError, OSError, TimeoutError)
ATTEMPTS: Final = 2
"""How often a measurement begins if it fails, because the machine was busy."""


T = TypeVar("T")


class Run:
    """A run. Each part replaces its results."""

    def __init__(self, results: Results, followers: int, files: int, cores: Cores) -> None:
        self.results = results
        self._behind_proxy = min(followers, followers_within(files))
        self._cores = cores
        self._effort = Effort(min(followers, connections_within(files)), 1, steady_entries=8)

    def unit(self) -> None:
        self.results.unit = _attempt(lambda: measure_unit(self._cores, self._effort, _print))

    def fleets(self) -> None:
        unit = self.results.unit
        if unit is None:
            raise click.UsageError("the costs of one process come first: measure the part `unit`")
        self.results.fleets = [
            _attempt(partial(measure_fleet, unit, count, self._cores, self._effort, _print)) for count in WORKERS
        ]

    def sockets(self) -> None:
        self.results.sockets = _attempt(lambda: measure_sockets(self._cores, self._effort, _print))

    def proxies(self) -> None:
        count = self._behind_proxy
        self.results.proxies = [_attempt(partial(measure_proxy, name, self._cores, count, _print)) for name in SUBJECTS]

    def log_readers(self) -> None:
        self.results.log_readers = _attempt(lambda: measure_log_readers(self._cores, _print))

    @property
    def parts(self) -> Mapping[str, Callable[[], None]]:
        return {name: getattr(self, name) for name in PARTS}


PARTS: Final = ("unit", "log_readers", "fleets", "proxies", "sockets")


@click.command()
@click.option("--only", multiple=True, type=click.Choice(PARTS), help="Measure only this part (repeatable).")
@click.option("--tables", is_flag=True, help="Measure nothing: print all tables from the results of earlier runs.")
@click.option("--sizes", is_flag=True, help="Measure nothing: print sizes, limits and the choice of spread.")
@click.option("--followers", type=click.IntRange(min=100), default=CONNECTIONS_MOST, help="Open at most so many.")
@click.option("--results", "path", type=click.Path(path_type=Path, dir_okay=False), default=FILE, help="The file.")
def main(*, only: tuple[str, ...], tables: bool, sizes: bool, followers: int, path: Path) -> None:
    """Measure what growth costs, in about five minutes, and write the results and the tables of docs/scaling.md.

    Parts that aren't measured keep their results. With another file of results, the page stays as it is.
    """
    results = load_results(path)
    if tables or sizes:
        names = ("sizes", "limits", "spread") if sizes else tuple(page.TABLES)
        try:
            click.echo("\n".join(page.TABLES[name](results) for name in names))
        except ValueError as error:
            raise click.ClickException(str(error)) from error
        return
    begun = time.monotonic()
    files = raise_file_limit()
    run = Run(results, followers, files, find_cores())
    failed = [name for name in only or PARTS if not _measure(run, name, path)]
    if path == FILE and results.machines.keys() >= set(PARTS):
        page.PAGE.write_text(page.update(page.PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    _print(f"{time.monotonic() - begun:.0f} s")
    if failed:
        raise click.ClickException(f"not measured: {', '.join(failed)}. These parts keep their earlier results")


def _measure(run: Run, name: str, path: Path) -> bool:
    """Measure a part, and save the results. Return whether it succeeded."""
    machine = describe_machine(raise_file_limit())
    try:
        compile_program("load")
        run.parts[name]()
    except ERRORS as error:
        _print(f"{name}: {error}")
        return False
    run.results.machines[name] = machine
    save_results(run.results, path)
    return True


def _attempt(measure: Callable[[], T]) -> T:
    for _ in range(ATTEMPTS - 1):
        try:
            return measure()
        except ERRORS as error:
            _print(f"{error}\nonce more")
    return measure()


def _print(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    main()
