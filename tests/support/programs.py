"""Programs of the system that tests run."""

from __future__ import annotations

from pathlib import Path

from scripts.programs import find_program


def program(name: str) -> Path:
    """Return the path of zsh, fish or systemd-analyze."""
    path = find_program(name)
    assert path is not None, f"this test needs {name}: run `make programs`"
    return path
