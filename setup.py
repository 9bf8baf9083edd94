"""Compile `tick`, the program that starts the command line, and the gateway's loop. pyproject.toml has everything else.

`publisher_cli/launcher.c` and `ticker/gateway/send_all.c` explain why they are in C. Neither needs Python's headers. A
wheel works with each version of Python, but only on the kind of machine that built it.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from setuptools import setup  # before distutils, which it brings
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.errors import CompileError

from distutils.command.build_scripts import build_scripts  # isort: skip

OPTIONS = ("-std=c11", "-D_XOPEN_SOURCE=700", "-O2", "-Wall", "-Wextra")
LIBRARY = "ticker/gateway/libsend_all.so"
LIBRARY_SOURCE = "ticker/gateway/send_all.c"


def compile_c(sources: Sequence[str], target: Path, *options: str) -> None:
    compiler = os.environ.get("CC", "cc")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run([*shlex.split(compiler), *OPTIONS, *options, *sources, "-o", target], check=True)
    except FileNotFoundError:
        remedy = "Debian, Ubuntu: apt-get install gcc libc6-dev; macOS: xcode-select --install"
        raise CompileError(f"no C compiler {compiler!r}: install one ({remedy}), or name it with CC") from None


class CompilePrograms(build_scripts):
    """Compile the only one of the `script-files` instead of copying it, and the library among the packages."""

    def run(self) -> None:
        compile_c(self.scripts, Path(self.build_dir) / "tick")
        build_py = self.get_finalized_command("build_py")
        # An editable install uses the packages where they are.
        folder = Path() if getattr(build_py, "editable_mode", False) else Path(build_py.build_lib)
        compile_c([LIBRARY_SOURCE], folder / LIBRARY, "-shared", "-fPIC")


class PlatformWheel(bdist_wheel):  # type: ignore[misc] # setuptools has no types
    """Name the platform: without extension modules, setuptools would write "any"."""

    def initialize_options(self) -> None:
        super().initialize_options()
        self.plat_name = sysconfig.get_platform()


setup(cmdclass={"build_scripts": CompilePrograms, "bdist_wheel": PlatformWheel})
