"""The report of `benchmarks.many`, as JSON and as a table."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import msgspec

from benchmarks.kernel import KernelMemory
from benchmarks.machine import Machine


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line at every follower.

    Attributes:
        deliveries: The followers that got it.
        heartbeats: The heartbeats that followers got in the same time. `cpu_us` includes them.
        cpu_us: CPU time of the server per delivery.
        load_cpu_us: CPU time of the load generators per delivery, without polling.
        longest_s: From the post to the last delivery.

    """

    deliveries: int
    heartbeats: int
    cpu_us: float
    load_cpu_us: float
    longest_s: float


class Storm(msgspec.Struct, frozen=True, kw_only=True):
    """All followers reconnected together, each `behind` lines behind. `cpu_us`: of the server, per follower."""

    behind: int
    seconds: float
    cpu_us: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The costs of one server. Memory is per follower. The kernel's memory is the total of both ends."""

    name: str
    followers: int
    processes: int
    connect_s: float
    connect_cpu_us: float
    lines: list[Line]
    storm: Storm | None
    withdrawal: Line | None
    pss_bytes: float
    load_pss_bytes: float
    kernel: KernelMemory
    fault: str = ""
    """Why the run ended after the first lines: a follower that lacked a line, or the deadline."""

    @property
    def all_lines(self) -> list[Line]:
        return self.lines if self.withdrawal is None else [*self.lines, self.withdrawal]

    @property
    def cpu_us(self) -> float:
        return median(line.cpu_us for line in self.all_lines)


class Many(msgspec.Struct, frozen=True, kw_only=True):
    """A run. `hash_buckets`: size of the kernel's table of connections, which is negative if it is shared."""

    machine: Machine
    seconds: float
    hash_buckets: int
    results: list[Result]


def write(outcome: Many, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "many.json").write_bytes(msgspec.json.format(msgspec.json.encode(outcome), indent=2) + b"\n")
    (folder / "many.md").write_text(to_markdown(outcome), encoding="utf-8")


def to_markdown(outcome: Many) -> str:
    machine = outcome.machine
    head = (
        "server", "followers", "processes", "CPU per delivery, µs", "÷ fewest", "post to last delivery, s",
        "memory per follower, KB", "in the kernel, both ends, KB", "connect, µs", "storm, µs", "storm, s",
    )  # fmt: skip
    fewest: dict[str, float] = {}
    rows = []
    for result in outcome.results:
        base = fewest.setdefault(result.name, result.cpu_us)
        lines = result.all_lines
        costs = [line.cpu_us for line in lines]
        rows.append(
            (
                result.name,
                f"{result.followers:,}",
                str(result.processes),
                f"{result.cpu_us:.1f} ({min(costs):.1f}–{max(costs):.1f})",
                f"{result.cpu_us / base:.2f} ×",
                f"{max(line.longest_s for line in lines):.2f}",
                f"{result.pss_bytes / 1e3:.2f}",
                f"{result.kernel.total / result.followers / 1e3:.2f}",
                f"{result.connect_cpu_us:.0f}",
                f"{result.storm.cpu_us:.0f}" if result.storm else "–",
                f"{result.storm.seconds:.0f}" if result.storm else "–",
            )
        )
    table = [head, ("---",) * len(head), *rows]
    text = "\n".join(f"| {' | '.join(row)} |" for row in table)
    faults = " ".join(f"**{each.name}, {each.followers:,}: {each.fault}**" for each in outcome.results if each.fault)
    return (
        f"# Many followers on one machine\n\n{machine.date}: {machine.processor}, {machine.cores} cores, "
        f"{machine.memory_gib} GiB, {machine.system}, {machine.file_limit:,} files per process, "
        f"{abs(outcome.hash_buckets):,} buckets for connections, load average before {machine.load_average}; "
        f"{machine.python}. {faults or 'Every follower got every line exactly once.'}\n\n{text}\n"
    )
