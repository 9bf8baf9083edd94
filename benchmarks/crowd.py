"""Several load generators that act as one, because the limit on open files applies to each process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Self

import msgspec

from benchmarks.load import Load, Opened
from benchmarks.programs import BenchError

AWAKE_MS = 20


class Deadline:
    """The end of a run, `seconds` from now."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.monotonic() + seconds

    def left_s(self, doing: str) -> float:
        """Return the time that is left.

        Raises:
            BenchError: If there is no time left. The message contains `doing`.

        """
        if (left := self._at - time.monotonic()) <= 0:
            raise BenchError(f"{doing} was not done within {self.seconds:g} s: set --within, or use fewer --followers")
        return left


class Counts(msgspec.Struct, frozen=True):
    """The counts of the followers of all load generators since the last reset. `last_at` is monotonic, in ns."""

    deliveries: int
    withdrawn: int
    heartbeats: int
    lost: int
    repeated: int
    boards: int
    resets: int
    closed: int
    last_at: int
    cpu_s: float

    @property
    def faults(self) -> int:
        """The number of lines that were lost or repeated, and of followers that were closed or had to start over."""
        return self.lost + self.repeated + self.resets + self.closed


class Crowd(ExitStack):
    """`followers` followers of one server, evenly in `processes` load generators on `cores`."""

    def __init__(
        self, port: int, dialect: str, followers: int, processes: int, cores: set[int], deadline: Deadline
    ) -> None:
        super().__init__()
        self._address = port, dialect, cores
        self._shares = [followers * (i + 1) // processes - followers * i // processes for i in range(processes)]
        self._followers = followers
        self._deadline = deadline
        self.loads: list[Load] = []

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self.loads = [self.enter_context(Load(*self._address)) for _ in self._shares]
            self.callback(self._begin_stop)
        except BaseException:
            self.close()
            raise
        if len(self.loads) > 1:
            for load in self.loads:
                load.share_core(AWAKE_MS)
        return self

    def open(self, paths: Sequence[str], *, window: int, next_seq: int = 0) -> None:
        """Open all followers, `window` at a time, and return when all are live.

        Raises:
            BenchError: If the server refuses some, or at the deadline.

        """
        each = max(1, window // len(self.loads))
        with ExitStack() as stack:
            for load, share in zip(self.loads, self._shares, strict=True):
                stack.enter_context(load.opening(share, paths, window=each, next_seq=next_seq))
            opened: list[Opened] = [load.opened(self._left_s("connecting the followers")) for load in self.loads]
        ready = sum(each.ready for each in opened)
        if ready != self._followers:
            refusal = next((each.refusal for each in opened if each.refusal), "")
            raise BenchError(f"only {ready:,} of {self._followers:,} followers are live: {refusal!r}")

    def close_all(self) -> None:
        for load in self.loads:
            load.begin_close()
        for load in self.loads:
            load.report()

    def reset(self, *, expect_lines: int) -> None:
        """Reset the counters. `await_lines` waits until each follower has that many lines."""
        for load, share in zip(self.loads, self._shares, strict=True):
            load.reset()
            load.expect(expect_lines * share)

    def await_lines(self) -> None:
        """Wait until each follower has the lines that were passed to `reset`, or until the deadline.

        Raises:
            BenchError: At the deadline.

        """
        for load in self.loads:
            if not load.await_deliveries(self._left_s("delivering to every follower")):
                self._left_s("delivering to every follower")

    def _begin_stop(self) -> None:
        """End all load generators together. One after the other, they would take minutes to close their sockets."""
        for load in self.loads:
            load.begin_stop()

    def counts(self) -> Counts:
        reports = [load.report() for load in self.loads]
        names = [name for name in Counts.__struct_fields__ if name != "last_at"]
        sums = {name: sum(getattr(report, name) for report in reports) for name in names}
        return Counts(**sums, last_at=max(report.last_at for report in reports))

    def count_withdrawals(self) -> None:
        for load in self.loads:
            load.count_withdrawals()

    def up_to_date(self, next_seq: int) -> int:
        """Return how many followers are live and expect `next_seq` next: they have all lines before it, each once."""
        return sum(load.up_to_date(next_seq) for load in self.loads)

    def _left_s(self, doing: str) -> float:
        return self._deadline.left_s(doing)
