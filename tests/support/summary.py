"""The summary at the end of a test run: what the tests have counted, and how long each folder took."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

import pytest

COUNT_PREFIX: Final = "count: "
"""A test reports a count as a user property, for example `("count: faults injected", 7)`."""

FIRST_COUNTS: Final = (
    "schedules run",
    "faults injected",
    "submissions acknowledged",
    "deliveries checked",
    "hostile inputs tried",
    "violations",
)
"""These counts come first, in this order. The others follow on a line of their own."""


def count_properties(counts: Mapping[str, int]) -> list[tuple[str, object]]:
    """Return `counts` as properties to add to `request.node.user_properties`."""
    return [(COUNT_PREFIX + name, count) for name, count in counts.items()]


def summary_lines(reports: Iterable[pytest.TestReport]) -> Iterator[str]:
    """Yield the lines to print after a run that produced `reports`."""
    reports = list(reports)
    yield from _count_lines(reports)
    yield from _duration_lines(reports)


def _count_lines(reports: Iterable[pytest.TestReport]) -> Iterator[str]:
    counts: Counter[str] = Counter()
    for name, value in (each for report in reports if report.when == "call" for each in report.user_properties):
        if name.startswith(COUNT_PREFIX) and isinstance(value, int):
            counts[name.removeprefix(COUNT_PREFIX)] += value
    first = {name: counts.pop(name) for name in FIRST_COUNTS if name in counts}
    for line in (first, counts):
        if line:
            yield ", ".join(f"{name} {count:,}" for name, count in line.items())


def _duration_lines(reports: Iterable[pytest.TestReport]) -> Iterator[str]:
    """Yield the seconds and the number of tests per folder, the slowest first. Setup and teardown count too."""
    seconds: defaultdict[str, float] = defaultdict(float)
    tests: defaultdict[str, set[str]] = defaultdict(set)
    for report in reports:
        file = PurePosixPath(report.nodeid.partition("::")[0])
        folder = "/".join(file.parts[:2])
        seconds[folder] += report.duration
        tests[folder].add(report.nodeid)
    for folder in sorted(seconds, key=lambda each: -seconds[each]):
        yield f"{seconds[folder]:8.1f} s  {len(tests[folder]):5} tests  {folder}"
