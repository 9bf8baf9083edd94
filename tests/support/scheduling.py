"""The order of the tests, and how they are shared out to several processes.

A process runs all tests of a file, because most files share servers or a browser. A long file that starts last would
keep one process busy while the others wait. So long ones come first, and a few are shared out test by test.
Files that open a browser are spread over the run. Those that share a Firefox and a WebKit run in one process.
"""

from __future__ import annotations

from typing import Final

import pytest
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

LONGEST_FIRST: Final = ("tests/faults/", "tests/publisher_cli/tui/", "tests/hostile/", "tests/desk/")
"""The beginnings of the paths of long files, in this order. All other files follow in the order of collection.

Files in `tests/faults/` wait most of the time, for Sentinels or Prometheus. Meanwhile, others use the processor.
"""

BROWSERS: Final = ("tests/browser/", "tests/engines/", "tests/recipes/")
"""Folders whose files open a browser."""

APART: Final = 3
"""Each file with a browser is this many files after the one before: several browsers together keep two cores busy."""

SHARED_OUT: Final = ("tests/faults/test_schedules.py",)
"""Files whose tests run for long and share nothing."""


TOGETHER: Final = ("tests/engines/", "tests/recipes/test_frameworks.py")
"""The beginnings of the paths of files that one process runs: it starts each of their browsers once."""


def arrange(files: list[str]) -> list[str]:
    """Return the files in the order in which they start.

    The files that are shared out test by test come first. Then every third file opens a browser, until no such file is
    left: first those that one process runs together. The others are in between, the longest first.
    """
    browsers = sorted(
        (file for file in files if file.startswith(BROWSERS)), key=lambda file: not file.startswith(TOGETHER)
    )
    arranged = sorted((file for file in files if not file.startswith((*BROWSERS, *SHARED_OUT))), key=_place)
    for number, file in enumerate(browsers):
        arranged.insert(number * APART, file)
    return [file for file in files if file in SHARED_OUT] + arranged


def _place(file: str) -> int:
    places = (index for index, path in enumerate(LONGEST_FIRST) if file.startswith(path))
    return next(places, len(LONGEST_FIRST))


def unit_of(nodeid: str) -> str:
    """Return the name of the unit that one process runs: the test's file, some files together, or the test itself."""
    file = _file_of(nodeid)
    if file.startswith(TOGETHER):
        return TOGETHER[0]
    return nodeid if file in SHARED_OUT else file


class LongestFirst(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Shares out files in the order of collection, and some tests one by one."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


def sort(items: list[pytest.Item]) -> None:
    """Sort collected tests by the place of their file. Within a file, their order stays."""
    files = list(dict.fromkeys(_file_of(item.nodeid) for item in items))
    places = {file: index for index, file in enumerate(arrange(files))}
    items.sort(key=lambda item: places[_file_of(item.nodeid)])


def _file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]
