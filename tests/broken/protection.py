"""Protections of the system, and a check that a test fails without each of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from scripts.build_widget import build, install_tools

ROOT: Final = Path(__file__).parents[2]
TABLES: Final = Path(__file__).with_name("protections")
WIDGET: Final = Path("ticker/widget")
TIMEOUT_S: Final = 300
_NOT_COPIED: Final = shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache", ".hypothesis", "node_modules")


class Protection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Code that protects something: `code` in `file` becomes `without`, and then `seen_by` must fail.

    `seen_by` has arguments for pytest: files, and ` -k EXPRESSION`.
    """

    name: str
    file: str
    code: str
    without: str
    seen_by: str


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    protection: list[Protection]


def load_protections() -> list[Protection]:
    tables = [msgspec.toml.decode(path.read_bytes(), type=_Table) for path in sorted(TABLES.glob("*.toml"))]
    return [each for table in tables for each in table.protection]


def result_without(protection: Protection) -> str:
    """Return "seen" if the test fails without the protection, "STALE" if its code has changed, else "UNSEEN …"."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, ignore=_NOT_COPIED)
        file = copy / protection.file
        text = file.read_text(encoding="utf-8")
        if text.count(protection.code) != 1:
            return "STALE"
        file.write_text(text.replace(protection.code, protection.without), encoding="utf-8")
        if WIDGET in file.relative_to(copy).parents:
            build_widget(copy)
        environ = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, *_arguments(protection.seen_by)]
        try:
            ran = subprocess.run(command, cwd=copy, env=environ, capture_output=True, timeout=TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            return "seen"  # the test waits for an event that never happens
    # pytest exits with 1 if a test failed, and with a higher status if it ran none.
    return "seen" if ran.returncode == 1 else f"UNSEEN {ran.stdout.decode()[-600:]}"


def build_widget(copy: Path) -> None:
    """Build the element in a copy of the tree: pages load the built module, and some tests bundle its sources."""
    (copy / "node_modules").symlink_to(install_tools(), target_is_directory=True)
    build(copy / WIDGET)


def _arguments(seen_by: str) -> list[str]:
    files, has_expression, expression = seen_by.partition(" -k ")
    selection = ["-k", expression] if has_expression else []
    return ["-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *files.split(), *selection]
