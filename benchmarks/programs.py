"""Compile the C programs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

SOURCES: Final = Path(__file__).parent
BUILD: Final = SOURCES.parent / "build" / "benchmarks"
FLAGS: Final = ("-std=c11", "-O2", "-Wall", "-Wextra")


class BenchError(Exception):
    """The benchmark can't run, or a server failed in it. The message has the reason."""


def compile_program(name: str, folder: Path = BUILD, *, flags: tuple[str, ...] = ()) -> Path:
    """Compile `<name>.c` if its program is missing or older, and return the path of the program.

    Raises:
        BenchError: If the machine lacks a C compiler, or the compilation fails.

    """
    source, program = SOURCES / f"{name}.c", folder / name
    if program.exists() and program.stat().st_mtime >= source.stat().st_mtime:
        return program
    if (compiler := shutil.which("cc")) is None:
        raise BenchError("there is no C compiler: install one as `cc` (Debian: apt-get install gcc libc6-dev)")
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f"{name}.{os.getpid()}"  # another process may compile it, or run it, at the same time
    done = subprocess.run(
        [compiler, *FLAGS, *flags, str(source), "-o", str(new)], capture_output=True, text=True, check=False
    )
    if done.returncode or ("-Werror" in flags and done.stderr):
        raise BenchError(f"{source.name} doesn't compile:\n{done.stderr}")
    new.replace(program)
    return program
