"""Read what processes and the kernel use, from Linux's `/proc`."""

from __future__ import annotations

import os
import resource
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process, user and system.

    It reads the process's CPU clock, in nanoseconds: `/proc` only counts hundredths of a second. The id of the clock is
    part of the Linux ABI; `clock_getcpuclockid(3)` computes the same.
    """
    return time.clock_gettime((~pid << 3) | 2)


def process_bytes(pid: int) -> int:
    """Return the proportional set size of a process, which counts shared pages once."""
    return _kilobytes(_PROC / str(pid) / "smaps_rollup", "Pss:") * 1024


def kernel_bytes() -> int:
    """Return the kernel's memory for its objects (slabs) and for the buffers of TCP. Other programs change it, too."""
    slab = _kilobytes(_PROC / "meminfo", "Slab:") * 1024
    pages = 0
    with suppress(OSError, ValueError):
        for line in (_PROC / "net" / "sockstat").read_text(encoding="ascii").splitlines():
            if line.startswith("TCP:"):
                words = line.split()
                pages = int(words[words.index("mem") + 1])
    return slab + pages * resource.getpagesize()


def available_bytes() -> int:
    """Return the memory that new programs can use."""
    return _kilobytes(_PROC / "meminfo", "MemAvailable:") * 1024


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def _kilobytes(path: Path, name: str) -> int:
    for line in path.read_text(encoding="ascii").splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0
