"""Prometheus and promtool, and the rules in `deploy/prometheus/`."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from tests.support.programs import program

ROOT: Final = Path(__file__).parents[2]
RULES: Final = ROOT / "deploy" / "prometheus" / "ticker.rules.yml"
CONFIG: Final = RULES.with_name("prometheus.yml")


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert of the rules."""

    name: str = msgspec.field(name="alert")
    expr: str
    labels: dict[str, str]
    annotations: dict[str, str]
    hold: str = msgspec.field(name="for", default="0s")


def alerts() -> list[Alert]:
    rules: Any = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return [msgspec.convert(rule, Alert) for group in rules["groups"] for rule in group["rules"]]


def promtool(*words: str | Path, text: str = "") -> tuple[int, str]:
    """Run promtool. Return its exit code and its output."""
    command = [program("prometheus").with_name("promtool"), *words]
    ran = subprocess.run(command, check=False, input=text, capture_output=True, text=True, timeout=120)
    return ran.returncode, ran.stdout + ran.stderr


def series_in(expr: str) -> set[str]:
    """Return the names of the series that an expression reads."""
    bare = re.sub(r'"[^"]*"|\b(?:by|on|ignoring|group_left|without)\s*\([^)]*\)', "", expr)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", bare)
    return set(re.findall(r"\b(?:ticker_\w+|process_\w+|up)\b", bare))
