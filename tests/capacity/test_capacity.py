"""The measurement runs, its figures add up, and it leaves no process and no file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import is_alive
from tests.support.system import environment
from tests.support.waiting import WAIT_S, until
from ticker.capacity.measurement import Pace, measure

pytestmark = pytest.mark.usefixtures("short_temporary_folder")

FOLLOWERS = 120


async def test_a_measurement_counts_every_delivery_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = descendants(os.getpid())
    said: list[str] = []
    pace = Pace(lines=2, warm_up=1, interval_s=0.1)
    # A variable of the running system, which the measurement must not use.
    environ = environment(TICKER_REDIS_URL="redis://redis.example:6379", TICKER_FOLLOWERS="1")
    measured = await measure(environ, FOLLOWERS, said.append, pace)
    assert [step.followers for step in measured.steps] == [30, 60, 120]
    assert measured.costs.delivery_s > 0
    assert measured.costs.return_s > 0
    assert all(0 < step.first_s <= step.p99_s for step in measured.steps)
    assert measured.machine.files > FOLLOWERS
    assert measured.check.followers == FOLLOWERS
    assert len(said) == 5
    assert descendants(os.getpid()) == before


def test_ctrl_c_ends_everything_that_was_started(folder: Path) -> None:
    words = [sys.executable, "-m", "ticker", "capacity", "--followers", "200"]
    environ = environment(TMPDIR=str(folder))
    process = subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        until(lambda: any("ticker.capacity.crowd" in command(pid) for pid in descendants(process.pid)), "it measures")
        started = descendants(process.pid)
        assert len(started) >= 3
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=WAIT_S)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out) == (130, b"")
    assert not [pid for pid in started if is_alive(pid)]
    assert list(folder.iterdir()) == []


def descendants(pid: int) -> set[int]:
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += map(int, task.read_text(encoding="ascii").split())
            except OSError:  # it has ended
                continue
    return set(found[1:])


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").replace("\0", " ")
    except OSError:
        return ""
