"""docs/metrics.md explains each metric, with its labels and its type, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.metric_families import our_families
from ticker.desk.metrics import limit_hits as desk_limits
from ticker.desk.state import EditionState
from ticker.gateway.follower import Leave
from ticker.gateway.metrics import COUNTED
from ticker.settings import Settings

TEXT = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")


def test_the_page_has_every_metric_with_its_labels_and_type() -> None:
    rows = re.findall(r"^\| `(ticker_\w+)(?:\{([a-z,]+)\})?` \| (\w+) \|", TEXT, re.MULTILINE)
    shown = sorted((name, kind, tuple(labels.split(",")) if labels else ()) for name, labels, kind in rows)
    assert shown == sorted((name, kind, labels) for name, kind, labels in our_families())
    assert len(shown) > 50


def test_every_metric_that_the_page_names_exists() -> None:
    names = {name for name, _, _ in our_families()}
    named = {re.sub(r"_(bucket|count|sum)$", "", name) for name in re.findall(r"ticker_\w+", TEXT)}
    assert named <= names


def test_the_page_names_every_reason_for_which_a_follower_leaves() -> None:
    row = next(line for line in TEXT.splitlines() if line.startswith("| `ticker_followers_left"))
    assert {f"`{reason.value}`" for reason in Leave} <= set(re.findall(r"`[a-z-]+`", row))


def test_the_page_names_every_code_of_a_refusal() -> None:
    row = next(line for line in TEXT.splitlines() if line.startswith("| `ticker_refused_total"))
    assert {f"`{code}`" for code in COUNTED} <= set(re.findall(r"`[a-z-]+`", row))


def test_limits_are_named_by_their_settings() -> None:
    assert desk_limits(EditionState()).keys() <= set(Settings.__struct_fields__)
