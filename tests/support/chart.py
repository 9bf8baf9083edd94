"""The chart in `deploy/helm`, rendered by Helm."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from scripts.helm import find_helm

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "helm"
CHART: Final = FOLDER / "ticker"
NEWSROOM: Final = FOLDER / "examples" / "newsroom.yaml"
Document = dict[str, Any]

LEAST: Final[Document] = {
    "redis": {"hosts": ["valkey.example:6379"]},
    "gateway": {"redis": {"passwordSecret": {"name": "ticker-gateway"}}},
    "desk": {"redis": {"passwordSecret": {"name": "ticker-desk"}}},
}
"""The values that have no default."""


@cache
def helm() -> str:
    """Return the path of Helm."""
    path = find_helm()
    assert path is not None, "this test needs Helm: run `make programs`"
    return str(path)


def run_helm(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([helm(), *words], capture_output=True, text=True, check=False)


def rendered(values: Path) -> list[Document]:
    """Return the objects that the chart makes of a file with values."""
    ran = run_helm("template", "news", str(CHART), "--namespace", "newsroom", "--values", str(values))
    assert ran.returncode == 0, ran.stderr
    return [document for document in yaml.safe_load_all(ran.stdout) if document]


def pods(objects: list[Document]) -> Iterator[tuple[Document, Document]]:
    """Return each object with pods, and the specification of its pods."""
    for each in objects:
        if "template" in each.get("spec", {}):
            yield each, each["spec"]["template"]["spec"]


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> Document:
    """Return `base` with `changes`, as Helm merges values: tables are merged, everything else is replaced."""
    result = dict(base)
    for name, value in changes.items():
        old = result.get(name)
        result[name] = merged(old, value) if isinstance(value, Mapping) and isinstance(old, Mapping) else value
    return result
