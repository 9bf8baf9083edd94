"""The queries of the dashboard, and recorded answers to them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import msgspec

from scripts.build_dashboard import TARGET

RECORDING: Final = Path(__file__).with_name("recording.json")
SCRAPES_OF_A_RATE: Final = 4
"""The least number of scrapes in Grafana's `$__rate_interval`."""


class DashboardQuery(NamedTuple):
    """A query of a panel: the panel's id, the expression as the file has it, and whether it asks for one moment."""

    panel: int
    expr: str
    is_instant: bool


class Series(msgspec.Struct, frozen=True):
    """A series: its labels, and a value per step, or one value. None is a gap."""

    labels: dict[str, str]
    values: list[float | None]


class Answer(msgspec.Struct, frozen=True):
    """The answer to a query of a panel. `expr` is the expression as the file has it."""

    panel: int
    expr: str
    series: list[Series]


class Recording(msgspec.Struct, frozen=True):
    """The answers to all queries, from `start` to `end` (Unix times in seconds), with a value per `step` seconds."""

    start: int
    end: int
    step: int
    answers: list[Answer]

    @classmethod
    def read(cls, path: Path) -> Self:
        return msgspec.json.decode(path.read_bytes(), type=cls)

    def write(self, path: Path) -> None:
        """Write it with a line per answer, so that changes can be compared."""
        head, _, _ = msgspec.json.encode(msgspec.structs.replace(self, answers=[])).rpartition(b"]")
        lines = b",\n".join(map(msgspec.json.encode, self.answers))
        path.write_bytes(head + b"\n" + lines + b"\n]}\n")


def dashboard_queries() -> Iterator[DashboardQuery]:
    """Yield each query of `deploy/grafana/ticker.json`."""
    dashboard: Any = json.loads(TARGET.read_text(encoding="utf-8"))
    for number, panel in enumerate(dashboard["panels"]):
        for target in panel.get("targets", ()):
            yield DashboardQuery(number, target["expr"], target.get("instant", False))


def as_grafana_sends(expr: str, scrape_s: int) -> str:
    """Replace the variables, with all editions chosen, and with a step of one scrape."""
    return expr.replace("$__rate_interval", f"{SCRAPES_OF_A_RATE * scrape_s}s").replace("$edition", ".*")
