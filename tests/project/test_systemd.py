"""The units in `deploy/systemd/` are valid, and docs/operating.md installs exactly what they start."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from tests.support.programs import program, system_units
from ticker.cli import ticker
from ticker.console import Console

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
PAGE = ROOT / "docs" / "operating.md"
EXPOSURE_MAX = 20
"""The highest allowed score of `systemd-analyze security`, from 0 to 100. A unit without any hardening has 96."""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the root folder of a machine with the units, and with a program where the page installs Ticker."""
    root = tmp_path_factory.mktemp("machine")
    installed = root / "etc" / "systemd" / "system"
    installed.mkdir(parents=True)
    for unit in UNITS:
        shutil.copy(unit, installed)
    shutil.copytree(system_units(), root / "usr" / "lib" / "systemd" / "system", symlinks=True)
    ticker = root / "opt" / "ticker" / "bin" / "ticker"
    ticker.parent.mkdir(parents=True)
    ticker.write_text("#!/bin/sh\n", encoding="utf-8")
    ticker.chmod(0o755)
    return root


def instance(unit: Path) -> str:
    return unit.name.replace("@.", "@8080.")


def verify(machine: Path, *units: str) -> str:
    """Return what `systemd-analyze verify` finds. It prints findings even if it exits with 0."""
    command: list[str | Path] = [program("systemd-analyze"), "verify", "--man=no", f"--root={machine}", *units]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr or ("" if done.returncode == 0 else f"exit status {done.returncode}")


def test_every_unit_is_valid(machine: Path) -> None:
    assert len(UNITS) == 5
    assert verify(machine, *map(instance, UNITS)) == ""


def test_a_misspelt_setting_of_a_unit_is_found(machine: Path) -> None:
    broken = machine / "etc" / "systemd" / "system" / "broken.service"
    text = UNITS[0].read_text(encoding="utf-8").replace("TimeoutStopSec=", "TimeoutStop=")
    broken.write_text(text, encoding="utf-8")
    assert "TimeoutStop" in verify(machine, broken.name)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_may_do_little_else_than_its_work(machine: Path, unit: Path) -> None:
    options = ["--offline=true", f"--root={machine}", "--no-pager", f"--threshold={EXPOSURE_MAX}"]
    command: list[str | Path] = [program("systemd-analyze"), "security", *options, instance(unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_page_makes_the_user_and_the_folders_of_a_unit(unit: Path) -> None:
    text, page = unit.read_text(encoding="utf-8"), PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^User=(.+)$", text, re.MULTILINE) == ["ticker"]
    assert "useradd --system --home-dir /var/lib/ticker --shell /usr/sbin/nologin ticker" in page
    assert re.findall(r"^ExecStart=(\S+) ", text, re.MULTILINE) == ["/opt/ticker/bin/ticker"]
    assert "/opt/ticker/bin/pip install" in page
    for path in re.findall(r"^(?:EnvironmentFile=|LoadCredential=\S+?:)/etc/ticker/(\S+)$", text, re.MULTILINE):
        assert path in page
    assert "PrivateTmp=yes" in text


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_ticker_with_valid_options(unit: Path) -> None:
    (words,) = re.findall(r"^ExecStart=\S+ (.+)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
    name, *options = words.replace("%i", "8080").split()
    command = ticker.get_command(click.Context(ticker), name)
    assert command is not None
    command.make_context(name, options, obj=Console({}))


def test_no_unit_contains_a_password() -> None:
    for unit in UNITS:
        assert re.findall(r"PASSWORD(?!_FILE=%d)", unit.read_text(encoding="utf-8")) == []
