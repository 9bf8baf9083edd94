"""One place prints: `Console`, which escapes control characters. Nothing else in the packages writes to a terminal."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]

PRINTING: Final = frozenset(
    """
    print input breakpoint
    click.echo click.secho click.echo_via_pager click.confirm click.prompt click.style click.progressbar click.pause
    click.clear click.edit
    sys.stdout.write sys.stderr.write sys.stdout.buffer sys.stderr.buffer sys.__stdout__ sys.__stderr__
    traceback.print_exc traceback.print_exception traceback.print_stack warnings.warn
    os.write rich.print
    """.split()  # noqa: SIM905 -- one name per line would fill the screen
)
"""Functions and attributes that write to a terminal."""

RICH: Final = frozenset({"rich.console.Console", "rich.live.Live", "rich.progress.Progress", "rich.prompt.Prompt"})
"""Classes of libraries that write to a terminal, and that modules may import all the same."""

STREAMS: Final = frozenset({"out", "err", "stdout", "stderr"})

ALLOWED: Final = {
    "ticker/console.py": PRINTING - {"print", "input"} | {"write"},
    "publisher_cli/output/terminal.py": {"rich.console.Console"},  # its subclass escapes
    "publisher_cli/output/live_screen.py": {"rich.live.Live"},  # on that subclass
    "publisher_cli/interrupt.py": {"os.write"},  # a constant sentence, before anything is imported
    "ticker/logs.py": {"logging.StreamHandler"},
    "ticker/gateway/send_all.py": {"os.write"},  # to sockets
    "ticker/gateway/socket_transport.py": {"os.write"},  # to a socket
    "ticker/capacity/followers.py": {"os.write"},  # JSON, to the pipe of the process that started it
}


def _dotted(node: ast.AST) -> str:
    """Return `sys.stdout.write` for the expression, or "" for one that isn't a name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (value := _dotted(node.value)):
        return f"{value}.{node.attr}"
    return ""


def _prints(source: str) -> Iterator[str]:
    """Yield everything in a module that writes to a terminal."""
    tree = ast.parse(source)
    only_for_types = {
        id(each)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and _dotted(node.test) == "TYPE_CHECKING"
        for each in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and id(node) not in only_for_types:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from names & (RICH | PRINTING)
        elif isinstance(node, (ast.Name, ast.Attribute)):
            name = _dotted(node)
            if name in PRINTING or name == "logging.StreamHandler":
                yield name
            *_, owner, method = ("", *name.split("."))
            if method in ("write", "writelines") and owner.lstrip("_") in STREAMS:
                yield "write"


def test_only_the_console_prints() -> None:
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for package in ("ticker", "publisher_cli")
        for path in (ROOT / package).rglob("*.py")
        for name in set(_prints(path.read_text(encoding="utf-8")))
        if name not in ALLOWED.get(str(path.relative_to(ROOT)), ())
    }
    assert wrong == set()


@pytest.mark.parametrize(
    "source",
    [
        "print('x')",
        "import click\nclick.echo('x')",
        "from click import echo",
        "import sys\nsys.stderr.write('x')",
        "self._console.err.write('x')",
        "console.out.write('x')",
        "from rich.console import Console",
        "import traceback\ntraceback.print_exception(error)",
        "import os\nos.write(1, b'x')",
    ],
)
def test_printing_is_found(source: str) -> None:
    assert list(_prints(source))


def test_import_for_types_and_writing_to_a_file_are_no_printing() -> None:
    assert not list(_prints("if TYPE_CHECKING:\n    from rich.console import Console\nfile.write('x')"))
