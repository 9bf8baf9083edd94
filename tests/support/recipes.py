"""The recipes of docs/recipes.md, built with the real frameworks.

npm installs the frameworks once into the environment, in the versions of `tests/recipes/package-lock.json`. `make test`
does it before the tests, with `python -m tests.support.recipes`.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.build_package import build_modules, copy_sources
from scripts.build_widget import find_program, install_tools, tool_environment
from tests.support.doc_examples import examples

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "recipes.md"
SOURCES = ROOT / "tests" / "recipes"
FOLDER = Path(sys.prefix) / "recipes"
SERVER = "https://ticker.example"
"""The address in the recipes that stands for the gateway's."""

INSTALL_S = 480
BUILD_S = 240


def recipes(section: str, kind: str) -> list[str]:
    """Return the blocks of this language in a section of the page."""
    found = [each.text for each in examples(PAGE, kind) if heading_above(each.line) == section]
    assert found, f"docs/recipes.md has no {kind} block in the section {section}"
    return found


def heading_above(line: int) -> str:
    before = PAGE.read_text(encoding="utf-8").splitlines()[:line]
    return next(each.removeprefix("## ") for each in reversed(before) if each.startswith("## "))


def install_frameworks() -> None:
    """Install the frameworks in the versions of the lock, unless they are there."""
    lock = SOURCES / "package-lock.json"
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # other test processes may need them at the same time
        installed = FOLDER / "installed.json"
        if installed.exists() and installed.read_bytes() == lock.read_bytes():
            return
        installed.unlink(missing_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(SOURCES / name, FOLDER / name)
        run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", folder=FOLDER, limit_s=INSTALL_S)
        shutil.copyfile(lock, installed)


@contextmanager
def workplace() -> Iterator[Path]:
    """Make a folder for a build, in which Node finds the frameworks and the element's package. Remove it at the end."""
    install_frameworks()
    with tempfile.TemporaryDirectory(prefix="work-", dir=FOLDER) as name:
        folder = Path(name)
        shutil.copytree(SOURCES / "apps", folder, dirs_exist_ok=True)
        (folder / "node_modules").mkdir()
        element = folder / "node_modules" / "breaking-ticker"  # the tests of the package pack and install it
        copy_sources(element)
        build_modules(element)
        yield folder


def run(program: str, *arguments: str, folder: Path, limit_s: float = BUILD_S, **environment: str) -> str:
    """Run `node` or `npm` in a folder. Return what it printed, or fail with it."""
    ran = subprocess.run(
        [find_program(program), *arguments],
        cwd=folder,
        env=tool_environment() | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=limit_s,
        check=False,
    )
    assert ran.returncode == 0, f"{program} {' '.join(arguments)} failed: {ran.stdout[-2000:]}"
    return ran.stdout


if __name__ == "__main__":
    install_tools()
    install_frameworks()
