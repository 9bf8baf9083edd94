"""Programs of the system that tests run."""

from __future__ import annotations

from pathlib import Path

from scripts.programs import find_program


def program(name: str) -> Path:
    """Return the path of one of the programs of `scripts.programs`."""
    path = find_program(name)
    assert path is not None, f"this test needs {name}: run `make programs`"
    return path


def system_units() -> Path:
    """Return the folder with the units of systemd itself, such as `sysinit.target`."""
    unpacked = program("systemd-analyze").parent
    places = [root / folder / "systemd/system" for root in (unpacked, Path("/")) for folder in ("usr/lib", "lib")]
    found = next((place for place in places if (place / "sysinit.target").exists()), None)
    assert found is not None, "this test needs the units of systemd: run `make programs`"
    return found
