"""The dashboard: Grafana's types have all of its fields, and Prometheus can evaluate each of its queries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from scripts.build_dashboard import TARGET, build
from tests.support.metric_families import series_names
from tests.support.prometheus import promtool, series_in


def dashboard() -> Any:
    return json.loads(TARGET.read_text(encoding="utf-8"))


def queries() -> Iterator[tuple[str, str]]:
    """Yield the title of each panel, and each of its queries as Grafana sends it."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"].replace("$__rate_interval", "1m").replace("$edition", "en|es")


def test_the_file_is_what_its_source_builds() -> None:
    assert TARGET.read_text(encoding="utf-8") == build()


def test_every_field_is_one_of_grafanas_types() -> None:
    """Reading it drops a field that the types lack, and adds one that they require."""
    read = Dashboard.from_json(dashboard())
    again = json.loads(JSONEncoder(sort_keys=True).encode(read))
    assert again == dashboard()


def test_prometheus_parses_every_query(tmp_path: Path) -> None:
    rules = [{"record": f"query:{number}", "expr": expr} for number, (_, expr) in enumerate(queries())]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    code, output = promtool("check", "rules", path)
    assert code == 0, output
    assert len(rules) > 30


def test_every_query_reads_metrics_that_exist() -> None:
    found = {title: series_in(expr) - series_names() for title, expr in queries()}
    assert {title: names for title, names in found.items() if names} == {}
    assert all(series_in(expr) for _, expr in queries())


def test_panels_neither_overlap_nor_lack_an_explanation() -> None:
    cells: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        own = {(place["x"] + right, place["y"] + down) for right in range(place["w"]) for down in range(place["h"])}
        assert not own & cells, panel["title"]
        assert place["x"] + place["w"] <= 24
        cells |= own
        assert panel["type"] == "row" or panel["description"]
