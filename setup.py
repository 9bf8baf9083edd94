"""Compile `tick`, the program that starts the command line. pyproject.toml has everything else.

`publisher_cli/launcher.c` explains why it is a program. A wheel works with each version of Python, but only on the kind
of machine that built it.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sysconfig
from pathlib import Path

from setuptools import setup  # before distutils, which it brings
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.errors import CompileError

from distutils.command.build_scripts import build_scripts  # isort: skip

OPTIONS = ("-std=c11", "-D_XOPEN_SOURCE=700", "-O2", "-Wall", "-Wextra")


class CompileLauncher(build_scripts):
    """Compile the only one of the `script-files`, instead of copying it."""

    def run(self) -> None:
        compiler = os.environ.get("CC", "cc")
        folder = Path(self.build_dir)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            subprocess.run([*shlex.split(compiler), *OPTIONS, *self.scripts, "-o", folder / "tick"], check=True)
        except FileNotFoundError:
            remedy = "Debian, Ubuntu: apt-get install gcc libc6-dev; macOS: xcode-select --install"
            raise CompileError(f"no C compiler {compiler!r}: install one ({remedy}), or name it with CC") from None


class PlatformWheel(bdist_wheel):  # type: ignore[misc] # setuptools has no types
    """Name the platform: without extension modules, setuptools would write "any"."""

    def initialize_options(self) -> None:
        super().initialize_options()
        self.plat_name = sysconfig.get_platform()


setup(cmdclass={"build_scripts": CompileLauncher, "bdist_wheel": PlatformWheel})
