"""Topologies as processes: their networks are their own, and nothing of them is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.support.servers import is_alive
from tests.support.waiting import until

ROOT: Final = Path(__file__).resolve().parents[2]
COMMAND: Final = [sys.executable, "-m", "scripts.topologies"]


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*COMMAND, *words], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def links() -> str:
    return Path("/proc/net/dev").read_text(encoding="ascii")


def processes_in(folder: Path) -> list[int]:
    """Return the processes whose command line or environment names a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in text:
                found.append(int(entry.name))
    return found


def children_of(parent: int) -> list[int]:
    stats = [path.read_text(encoding="ascii", errors="replace") for path in Path("/proc").glob("[0-9]*/stat")]
    return [int(stat.split()[0]) for stat in stats if stat.rpartition(")")[2].split()[1] == str(parent)]


def test_one_command_starts_a_topology_that_accepts_lines_and_ends_with_it(tmp_path: Path) -> None:
    before = links()
    with start("single", "--folder", str(tmp_path / "hosts")) as process:
        out, _ = process.communicate("post Harbour: The ferries sail again\nstatus\ncut gateway\ncut nobody\nquit\n")
    assert "on air  en 1" in out
    assert "gateway    10.0.0.11  ready" in out
    assert "there is no host 'nobody'" in out
    assert process.returncode == 1  # because of the unknown host
    assert {line.split(":")[0] for line in links().splitlines()} == {line.split(":")[0] for line in before.splitlines()}
    assert processes_in(tmp_path) == []


def test_a_topology_whose_script_is_killed_leaves_no_process(tmp_path: Path) -> None:
    """The program after `--` reaches the hosts, and ends with the script, too."""
    code = "import urllib.request as r; print(r.urlopen('http://10.0.0.11:8080/readyz', timeout=9).status); input()"
    words = ["--folder", str(tmp_path / "hosts"), "--", sys.executable, "-c", code]
    with start("single", *words) as process:
        assert process.stdout is not None
        while (line := process.stdout.readline()) != "200\n":
            assert line, "it ended at its start"
        pids = children_of(process.pid)
        assert len(pids) == 4
        process.send_signal(signal.SIGKILL)
        process.wait()
        until(lambda: not any(map(is_alive, pids)), "the hosts' processes are gone")
