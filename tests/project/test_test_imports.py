"""Test helpers are in tests/support/, or in the harness of their own folder."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
SHARED: Final = frozenset({"support", "broken", "faults", "hostile"})
"""Folders of `tests` with helpers that any test may import. `support` itself imports only from `support`."""


def forbidden_imports(path: str, source: str) -> set[str]:
    """Return the imports of a test file that it should get from tests/support/ instead."""
    own = path.split("/")[1]
    found = set()
    for node in ast.walk(ast.parse(source)):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            parts = name.split(".")
            if parts[0] == "tests" and not _is_allowed(own, parts[1:]):
                found.add(f"{path} imports {name}")
    return found


def _is_allowed(own: str, parts: list[str]) -> bool:
    if not parts or any(part.startswith("test_") for part in parts):
        return False
    return parts[0] == own or (parts[0] in SHARED and own != "support")


def test_tests_import_helpers_only_from_support_and_their_own_folder() -> None:
    found: set[str] = set()
    for path in sorted((ROOT / "tests").rglob("*.py")):
        found |= forbidden_imports(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    assert found == set()


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("tests/gateway/test_limits.py", "from tests.web.conftest import metrics"),
        ("tests/gateway/test_limits.py", "from tests.gateway.test_frames import frame"),
        ("tests/gateway/test_limits.py", "def f():\n    import tests.web.harness"),
        ("tests/support/readers.py", "from tests.gateway.conftest import Start"),
        ("tests/support/readers.py", "from tests.faults.proxy import Proxy"),
    ],
)
def test_an_import_from_another_folder_or_a_test_file_is_found(path: str, source: str) -> None:
    assert len(forbidden_imports(path, source)) == 1


@pytest.mark.parametrize(
    "source",
    ["from tests.support.servers import RedisServer", "from tests.gateway.conftest import Start", "import pytest"],
)
def test_an_import_from_support_or_the_own_folder_is_allowed(source: str) -> None:
    assert forbidden_imports("tests/gateway/test_limits.py", source) == set()
