"""The order of the tests, and how they are shared out to several processes.

A process runs all tests of a file, because most files share servers or a browser. A long file that starts last would
keep one process busy while the others wait. So the longest ones come first, and a few are shared out test by test.
"""

from __future__ import annotations

from typing import Final

import pytest
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

LONGEST_FIRST: Final = (
    "tests/faults/test_schedules.py",
    "tests/browser/",
    "tests/publisher_cli/tui/",
    "tests/hostile/",
    "tests/desk/",
)
"""The beginnings of the paths of long files, in this order. All other files follow in the order of collection."""

SHARED_OUT: Final = ("tests/faults/test_schedules.py",)
"""Files whose tests run for long and share nothing."""


def place(nodeid: str) -> int:
    """Return the place of a test among the others: the smaller, the earlier."""
    places = (index for index, path in enumerate(LONGEST_FIRST) if nodeid.startswith(path))
    return next(places, len(LONGEST_FIRST))


def unit_of(nodeid: str) -> str:
    """Return the name of the unit that one process runs: the test's file, or the test itself."""
    file = nodeid.partition("::")[0]
    return nodeid if file in SHARED_OUT else file


class LongestFirst(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Shares out files in the order of collection, and some tests one by one."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


def sort(items: list[pytest.Item]) -> None:
    """Sort collected tests by their place. Otherwise their order stays."""
    items.sort(key=lambda item: place(item.nodeid))
