"""The files in requirements/ pin and hash every requirement of pyproject.toml, and contain no URLs."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("run", "build", "dev")
PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[^\s;]+)( ; [^;]+?)?(?P<hashes>( --hash=\S+)*)")
HASH = re.compile(r" --hash=sha256:[0-9a-f]{64}")


def pins(lock: str) -> dict[str, re.Match[str]]:
    """Return the pins of requirements/<lock>.txt by name. Raises AssertionError on any other line."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    found = {}
    for line in re.sub(r" *\\\n *", " ", text).splitlines():
        if line and not line.startswith("#"):
            match = PIN.fullmatch(line)
            assert match, f"not a pin: {line[:80]}"
            found[match["name"]] = match
    assert found, f"requirements/{lock}.txt pins nothing"
    return found


def requirements() -> dict[str, list[Requirement]]:
    """Return the requirements in pyproject.toml, by lock file."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    run = [*project["project"]["dependencies"], *extras["embedded"]]
    build = project["build-system"]["requires"]
    dev = [item for item in project["dependency-groups"]["dev"] if isinstance(item, str)]
    wanted = {"run": run, "build": build, "dev": [*run, *build, *dev, *extras["keyring"]]}
    return {lock: [Requirement(item) for item in items] for lock, items in wanted.items()}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(lock: str) -> None:
    unhashed = [name for name, pin in pins(lock).items() if not HASH.match(pin["hashes"])]
    assert unhashed == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_hash_is_complete(lock: str) -> None:
    for pin in pins(lock).values():
        assert HASH.sub("", pin["hashes"]) == ""


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_contains_no_url(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    assert "//" not in text
    assert " @ " not in text


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_pinned_within_its_bounds(lock: str) -> None:
    pinned = pins(lock)
    for requirement in requirements()[lock]:
        pin = pinned.get(canonicalize_name(requirement.name))
        assert pin, f"{requirement} is not locked: run `make lock`"
        assert requirement.specifier.contains(pin["version"]), f"{requirement} is not {pin[0][:60]}"


def test_dev_has_the_same_pins_as_run_and_build() -> None:
    dev = pins("dev")
    for lock in ("run", "build"):
        for name, pin in pins(lock).items():
            assert dev[name]["version"] == pin["version"]
            assert dev[name]["hashes"] == pin["hashes"]


def test_the_build_group_equals_the_build_requirements() -> None:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["dependency-groups"]["build"] == project["build-system"]["requires"]
