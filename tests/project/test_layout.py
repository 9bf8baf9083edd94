"""Imports go one way: core ← store ← desk, gateway ← the commands; and the core decides without touching the world."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]

# A part may import from itself and from parts of a lower rank. What is not named here (the commands, and what starts
# several parts in one process) stands above all. The bare package `ticker` (its version) is anybody's.
RANKS: Final = {"": 0, "core": 1, "widget": 1, "settings": 2, "console": 2, "store": 3, "desk": 4, "gateway": 4}
ABOVE_ALL: Final = 5
FOR_PUBLISHERS: Final = frozenset({"", "core", "store", "settings", "console"})

CORE_MAY_USE: Final = frozenset({"babel", "langcodes", "msgspec", "rapidfuzz", "regex", "ticker"})
# Of the standard library: input and output, clocks, chance, logs, the process, other threads, ways around this test.
CORE_MAY_NOT_USE: Final = frozenset(
    """
    asyncio builtins concurrent contextlib ctypes fileinput ftplib getpass glob http imaplib importlib io locale logging
    mmap multiprocessing os pathlib pickle platform poplib pty queue random runpy sched secrets select selectors shelve
    shutil signal smtplib socket socketserver sqlite3 ssl subprocess sys syslog tempfile threading time urllib.request
    uuid warnings webbrowser zoneinfo
    """.split()  # noqa: SIM905 - one name a line would fill two screens
)
CORE_MAY_NOT_CALL: Final = frozenset({"__import__", "breakpoint", "compile", "eval", "exec", "input", "open", "print"})
CORE_MAY_NOT_ASK: Final = frozenset({"now", "utcnow", "today"})  # of datetime and date
CLOCKS: Final = frozenset({"datetime", "date"})


def modules() -> dict[str, str]:
    """The source of every module, by its dotted name."""
    found = {}
    for package in ("ticker", "publisher_cli"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return found


def imported(name: str, source: str, is_package: bool) -> Iterator[str]:
    """Every module that `source` imports, at any depth; of `from a import b` both a and a.b: b may be a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                steps = node.level - 1 if is_package else node.level
                parts = name.split(".")
                base = ".".join([*parts[: len(parts) - steps], *([base] if base else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def part_of(module: str, known: Mapping[str, str]) -> str | None:
    """The part of Ticker that a module belongs to, "" for the bare package; None for anything else."""
    parts = module.split(".")
    if parts[0] != "ticker":
        return None
    is_module = len(parts) > 1 and any(name == module or f"{name}.".startswith(f"ticker.{parts[1]}.") for name in known)
    return parts[1] if is_module else ""


def may_import(own: str | None, other: str) -> bool:
    if own is None:
        return other in FOR_PUBLISHERS
    return own == other or RANKS.get(other, ABOVE_ALL) < RANKS.get(own, ABOVE_ALL) or (own not in RANKS)


def wrong_ways(sources: Mapping[str, str]) -> list[str]:
    """Each import that goes against the one way, as `module imports module`."""
    wrong = set()
    for name, source in sources.items():
        own = part_of(name, sources)
        is_package = any(other.startswith(f"{name}.") for other in sources)
        for target in imported(name, source, is_package):
            other = part_of(target, sources)
            if other is not None and not may_import(own, other):
                wrong.add(f"{name} imports ticker.{other}")
            elif own is not None and target.split(".")[0] == "publisher_cli":
                wrong.add(f"{name} imports publisher_cli")
    return sorted(wrong)


def touches(name: str, source: str) -> list[str]:
    """What a module of the core uses and may not."""
    found = set()
    for target in imported(name, source, is_package=False):
        first = target.split(".")[0]
        if first not in CORE_MAY_USE and first not in sys.stdlib_module_names:
            found.add(f"imports {first}")
        elif first in CORE_MAY_NOT_USE or any(f"{target}.".startswith(f"{each}.") for each in CORE_MAY_NOT_USE):
            found.add(f"imports {target}")
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=called) if called in CORE_MAY_NOT_CALL:
                found.add(f"uses {called}")
            case ast.Attribute(value=ast.Name(id=clock) | ast.Attribute(attr=clock), attr=asked):
                if clock in CLOCKS and asked in CORE_MAY_NOT_ASK:
                    found.add(f"asks {clock}.{asked}")
            case _:
                pass
    return sorted(found)


def test_imports_go_one_way() -> None:
    assert wrong_ways(modules()) == []


def test_the_core_touches_nothing_of_the_world() -> None:
    core = {name: source for name, source in modules().items() if f"{name}.".startswith("ticker.core.")}
    assert {"ticker.core", "ticker.core.board", "ticker.core.outcome"} <= core.keys()
    assert {name: found for name, source in core.items() if (found := touches(name, source))} == {}


# The checks themselves: each sees what it is for.

TREE: Final = {
    "ticker": "",
    "ticker.core": "",
    "ticker.core.line": "",
    "ticker.settings": "",
    "ticker.store": "",
    "ticker.store.keys": "",
    "ticker.desk": "",
    "ticker.desk.loop": "",
    "ticker.gateway": "",
    "ticker.gateway.feed": "",
    "ticker.cli": "",
    "ticker.up": "",
    "publisher_cli": "",
    "publisher_cli.cli": "",
}


@pytest.mark.parametrize(
    ("name", "source", "way"),
    [
        ("ticker.core.line", "import ticker.store.keys", "ticker.core.line imports ticker.store"),
        ("ticker.core.line", "from ticker import store", "ticker.core.line imports ticker.store"),
        ("ticker.core.line", "from ticker.settings import Settings", "ticker.core.line imports ticker.settings"),
        ("ticker.core.line", "from ..store import keys", "ticker.core.line imports ticker.store"),
        ("ticker.core", "from .. import store", "ticker.core imports ticker.store"),
        ("ticker.settings", "from ticker.store import keys", "ticker.settings imports ticker.store"),
        ("ticker.store.keys", "def f():\n    from ticker.desk import loop", "ticker.store.keys imports ticker.desk"),
        ("ticker.desk.loop", "import ticker.gateway.feed", "ticker.desk.loop imports ticker.gateway"),
        ("ticker.gateway.feed", "import ticker.desk", "ticker.gateway.feed imports ticker.desk"),
        ("ticker.gateway.feed", "import ticker.cli", "ticker.gateway.feed imports ticker.cli"),
        ("ticker.gateway.feed", "if True:\n    import ticker.up", "ticker.gateway.feed imports ticker.up"),
        ("ticker.cli", "import publisher_cli.cli", "ticker.cli imports publisher_cli"),
        ("publisher_cli.cli", "from ticker.gateway.feed import x", "publisher_cli.cli imports ticker.gateway"),
        ("publisher_cli.cli", "def f():\n    import ticker.desk", "publisher_cli.cli imports ticker.desk"),
        ("publisher_cli.cli", "from ticker import cli", "publisher_cli.cli imports ticker.cli"),
    ],
)
def test_an_import_against_the_one_way_is_seen(name: str, source: str, way: str) -> None:
    assert wrong_ways({**TREE, name: source}) == [way]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("ticker.core.line", "from ticker.core import errors\nfrom . import errors"),
        ("ticker.core.line", "from ticker import __version__"),
        ("ticker.store.keys", "from ticker.core.line import Line\nfrom ticker.settings import Settings"),
        ("ticker.desk.loop", "from ticker.store import keys\nfrom ticker.core.line import Line"),
        ("ticker.cli", "import ticker.desk.loop, ticker.gateway.feed, ticker.up"),
        ("ticker.up", "from ticker import cli"),
        ("publisher_cli.cli", "import ticker.core.line, ticker.store.keys, ticker.settings, publisher_cli.other"),
    ],
)
def test_an_import_that_goes_the_one_way_passes(name: str, source: str) -> None:
    assert wrong_ways({**TREE, name: source}) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import logging", "imports logging"),
        ("import os.path", "imports os.path"),
        ("def f():\n    import random", "imports random"),
        ("from time import monotonic", "imports time"),
        ("from urllib import request", "imports urllib.request"),
        ("import redis", "imports redis"),
        ("import structlog", "imports structlog"),
        ("open('x')", "uses open"),
        ("print()", "uses print"),
        ("datetime.now(UTC)", "asks datetime.now"),
        ("datetime.datetime.utcnow()", "asks datetime.utcnow"),
        ("clock = date.today", "asks date.today"),
    ],
)
def test_what_the_core_may_not_touch_is_seen(source: str, found: str) -> None:
    assert found in touches("ticker.core.line", source)


@pytest.mark.parametrize(
    "source",
    ["import re, msgspec", "from urllib.parse import urlsplit", "now = at.now", "from ticker.core import board"],
)
def test_what_the_core_may_use_passes(source: str) -> None:
    assert touches("ticker.core.line", source) == []
