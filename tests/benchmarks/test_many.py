"""The measurement of many followers, on a small scale."""

from __future__ import annotations

import pytest

from benchmarks import many
from benchmarks.crowd import Crowd, Deadline
from benchmarks.kernel import KernelMemory, kernel_memory
from benchmarks.machine import find_cores
from benchmarks.many import Runner, missing
from benchmarks.programs import BenchError
from benchmarks.yardsticks import SharedLoop

PATIENCE_S = 60.0


def test_every_follower_of_several_processes_gets_every_line_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "REST_S", 0.0)
    result = Runner(find_cores(), Deadline(PATIENCE_S), lines=2).c_loop(101, 3)
    assert [line.deliveries for line in result.all_lines] == [101, 101, 101]
    assert (result.followers, result.processes, result.fault) == (101, 3, "")


def test_run_ends_at_its_deadline() -> None:
    cores = find_cores()
    with SharedLoop(cores, 1) as subject:
        crowd = Crowd(subject.port, subject.dialect, 10, 2, {cores.load}, Deadline(2.0))
        with crowd:
            crowd.open([subject.path], window=2)
            crowd.reset(expect_lines=1)
            with pytest.raises(BenchError, match="delivering to every follower was not done within 2 s"):
                crowd.await_lines()


def test_what_the_machine_lacks_is_named_before_the_start() -> None:
    (files,) = missing(followers=1_000, processes=1, files=1_000)
    assert "use --workers 2" in files
    assert any("GiB of memory are needed" in text for text in missing(10**9, 10**6, 10**4))
    assert missing(followers=1_000, processes=1, files=2_000) == []


def test_kernel_memory_grows_by_the_difference() -> None:
    before = KernelMemory(slabs=1, tables=2, tcp=3, available=100, caches={"TCP": 5})
    after = KernelMemory(slabs=11, tables=22, tcp=33, available=40, caches={"TCP": 55, "filp": 6})
    growth = after.since(before)
    assert (growth.total, growth.available, growth.caches) == (60, 60, {"TCP": 50, "filp": 6})
    assert kernel_memory().slabs > 0
