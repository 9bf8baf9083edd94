"""The process that runs the page of a tab, in any engine. For Linux, which lists processes in /proc."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.engine_browser import Tab

COMPUTE = "() => { const end = performance.now() + 300; while (performance.now() < end); }"
PROC = Path("/proc")
# https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html, counted after the name of the program
PARENT, USER_TIME, SYSTEM_TIME = 1, 11, 12


def process_of(tab: Tab) -> int:
    """Return the id of the process that runs a page: the child of ours that works while the page computes."""
    before = _cpu_times()
    tab.evaluate(COMPUTE)
    after = _cpu_times()
    return max(after, key=lambda pid: after[pid] - before.get(pid, 0))


def _cpu_times() -> dict[int, int]:
    """Return the CPU time of each child process of ours and of their children, by id, in clock ticks."""
    parents, times = {}, {}
    for folder in PROC.glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        pid = int(folder.name)
        parents[pid] = int(fields[PARENT])
        times[pid] = int(fields[USER_TIME]) + int(fields[SYSTEM_TIME])
    return {pid: time for pid, time in times.items() if _is_ours(parents[pid], parents)}


def _is_ours(parent: int, parents: dict[int, int]) -> bool:
    while parent not in (0, os.getpid()):
        parent = parents.get(parent, 0)
    return parent != 0
