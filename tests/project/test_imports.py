"""Imports follow the contracts in pyproject.toml. The core uses no I/O, no clock and no random numbers.

`make check` runs the contracts with import-linter. The tests here check that each contract can fail, and they limit the
core's imports to a list of modules, which import-linter can't express.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import grimp
import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
LINT_IMPORTS: Final = Path(sys.executable).with_name("lint-imports")

CORE_IMPORTS: Final = frozenset(
    """
    __future__ bisect collections dataclasses datetime difflib enum functools hashlib ipaddress itertools math operator
    re string types typing unicodedata urllib
    babel langcodes msgspec rapidfuzz regex
    """.split()  # noqa: SIM905 -- one name per line would fill the screen
)
"""Modules without I/O, clock and random numbers. Ruff bans `urllib.request` and `datetime.now` (pyproject.toml)."""

BANNED_BUILTINS: Final = frozenset({"__import__", "breakpoint", "compile", "eval", "exec", "input", "open", "print"})

WRONG_IMPORTS: Final = (
    ("ticker.core.line", "ticker.store.keys"),
    ("ticker.core.line", "ticker.settings"),
    ("ticker.core.rules.fields", "ticker.core.outcome"),
    ("ticker.settings", "ticker.store.keys"),
    ("ticker.store.keys", "ticker.desk.desk"),
    ("ticker.desk.desk", "ticker.gateway.feed"),
    ("ticker.gateway.feed", "ticker.web.app"),
    ("ticker.gateway.hub", "ticker.cli"),
    ("ticker.client.follow", "publisher_cli.cli"),
    ("publisher_cli.session", "ticker.gateway.feed"),
    ("publisher_cli.session", "publisher_cli.output.tables"),
    ("publisher_cli.output.messages", "publisher_cli.submit.runner"),
    ("publisher_cli.submit.runner", "publisher_cli.commands.show"),
    ("publisher_cli.tui.app", "publisher_cli.commands.show"),
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return import-linter's report on a copy of our packages whose modules hold only the wrong imports."""
    copy = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in ("ticker", "publisher_cli"):
        for module in (ROOT / package).rglob("*.py"):
            empty = copy / module.relative_to(ROOT)
            empty.parent.mkdir(parents=True, exist_ok=True)
            empty.touch()
    for importer, imported in WRONG_IMPORTS:
        with _file(copy, importer).open("a", encoding="utf-8") as file:
            file.write(f"import {imported}\n")
    only_for_types = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import ticker.store.{}\n"
    _file(copy, "ticker.store.held").write_text(only_for_types.format("inbox"), encoding="utf-8")
    _file(copy, "ticker.store.inbox").write_text(only_for_types.format("held"), encoding="utf-8")
    _file(copy, "ticker.not_in_any_layer").touch()
    ran = _lint_imports(copy)
    assert ran.returncode == 1
    return ran.stdout


def _file(folder: Path, module: str) -> Path:
    return folder.joinpath(*module.split(".")).with_suffix(".py")


def _lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(LINT_IMPORTS), "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_our_imports_keep_every_contract() -> None:
    ran = _lint_imports(ROOT)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize(("importer", "imported"), WRONG_IMPORTS)
def test_a_contract_forbids_the_import(report: str, importer: str, imported: str) -> None:
    assert f"{importer} -> {imported}" in report


def test_a_circle_is_found_under_type_checking(report: str) -> None:
    assert "No cycles are allowed in ticker.store." in report


def test_a_module_in_no_layer_is_found(report: str) -> None:
    assert "ticker.not_in_any_layer" in report


def test_the_core_imports_only_pure_modules() -> None:
    graph = grimp.build_graph("ticker", include_external_packages=True)
    core = {"ticker.core", *graph.find_descendants("ticker.core")}
    assert {"ticker.core", "ticker.core.board"} <= core
    imported = {each for module in core for each in graph.find_modules_directly_imported_by(module)}
    assert {each for each in imported if each.split(".")[0] != "ticker"} <= CORE_IMPORTS


def test_the_core_uses_no_builtin_function_with_io() -> None:
    used = {
        f"{path.name}: {node.id}"
        for path in (ROOT / "ticker" / "core").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name) and node.id in BANNED_BUILTINS
    }
    assert used == set()


@pytest.mark.parametrize(
    "source",
    [
        "import urllib.request",
        "from urllib import request",
        "from datetime import datetime\ndatetime.now()",
        "import datetime\ndatetime.datetime.utcnow()",
        "from datetime import date\nclock = date.today",
    ],
)
def test_ruff_bans_clocks_and_requests_in_the_core(source: str) -> None:
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--select",
        "TID251",
        "--stdin-filename",
        "ticker/core/line.py",
        "-",
    ]
    ran = subprocess.run(command, cwd=ROOT, input=source, capture_output=True, text=True, check=False)
    assert "TID251" in ran.stdout
