"""Control the load generator `load.c`: open, count and close its followers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from benchmarks.process import Process
from benchmarks.programs import BenchError, compile_program

ANSWER_S: Final = 60.0
OPEN_S: Final = 90.0


class Histogram(msgspec.Struct, frozen=True):
    """Durations in nanoseconds, accurate to 1.6 %."""

    count: int
    p50: int
    p90: int
    p99: int
    max: int


class Opened(msgspec.Struct, frozen=True, tag_field="event", tag="open"):
    """Every requested follower is live or has failed."""

    ready: int
    refused: int
    refusal: str
    seconds: float
    opening: Histogram


class Reached(msgspec.Struct, frozen=True, tag_field="event", tag="reached"):
    """The expected number of deliveries was reached."""


class Failed(msgspec.Struct, frozen=True, tag_field="event", tag="failed"):
    detail: str


class Report(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="report"):
    """The counts since the last reset. Instants are nanoseconds of the monotonic clock."""

    seconds: float
    cpu_s: float
    live: int
    refused: int
    deliveries: int
    withdrawn: int
    lost: int
    repeated: int
    boards: int
    resets: int
    lives: int
    heartbeats: int
    byes: int
    others: int
    closed: int
    close_code: int
    bytes: int
    reads: int
    first_at: int
    last_at: int
    latency: Histogram
    opening: Histogram


class Checked(msgspec.Struct, frozen=True, tag_field="event", tag="checked"):
    count: int


Event = Opened | Reached | Report | Checked | Failed
E = TypeVar("E", Opened, Reached, Report, Checked)
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


class Load(Process):
    """The followers of one server, in a load generator process."""

    def __init__(self, port: int, dialect: str, cores: set[int], address: str = "127.0.0.1") -> None:
        super().__init__("load", [compile_program("load"), address, str(port), dialect], cores)

    def open(
        self,
        count: int,
        paths: Sequence[str],
        *,
        window: int = 256,
        stalled_percent: int = 0,
        next_seq: int = 0,
        selected: bool = False,
    ) -> Opened:
        """Open `count` more followers. Return when each is live or has failed. See `load.c` for the other arguments."""
        begun = self.opening(
            count, paths, window=window, stalled_percent=stalled_percent, next_seq=next_seq, selected=selected
        )
        with begun:
            return self.opened(OPEN_S)

    @contextmanager
    def opening(
        self,
        count: int,
        paths: Sequence[str],
        *,
        window: int,
        stalled_percent: int = 0,
        next_seq: int = 0,
        selected: bool = False,
    ) -> Iterator[None]:
        """Begin to open followers. `opened`, inside the `with` block, waits for them."""
        with tempfile.TemporaryDirectory() as folder:
            names = Path(folder) / "paths"
            names.write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
            self._command(
                f"open count={count} window={window} stalled={stalled_percent} next={next_seq} "
                f"selected={int(selected)} paths={names}"
            )
            yield

    def opened(self, timeout_s: float) -> Opened:
        """Wait until each of the followers is live or has failed.

        Raises:
            BenchError: On a timeout.

        """
        try:
            return self._await(Opened, timeout_s)
        except TimeoutError:
            live = self.report().live
            raise BenchError(f"only {live} followers were live after {timeout_s:.0f} s") from None

    def expect(self, deliveries: int) -> None:
        self._command(f"expect deliveries={deliveries}")

    def await_deliveries(self, timeout_s: float) -> bool:
        """Wait for the deliveries that were passed to `expect`. Return False on a timeout."""
        try:
            self._await(Reached, timeout_s)
        except TimeoutError:
            return False
        return True

    def reset(self) -> None:
        self._command("reset")
        self.report()  # the report arrives after the reset

    def report(self) -> Report:
        self._command("report")
        return self._await(Report, ANSWER_S)

    def wake(self) -> None:
        """Make the stalled followers read again."""
        self._command("wake")

    def up_to_date(self, next_seq: int) -> int:
        """Return how many followers are live and expect `next_seq` as their next line."""
        self._command(f"check next={next_seq}")
        return self._await(Checked, ANSWER_S).count

    def count_withdrawals(self) -> None:
        """From now on, also count the lines that are withdrawals. It costs time for each line."""
        self._command("withdrawals")

    def share_core(self, awake_ms: int) -> None:
        """Share the core with other load generators: poll for `awake_ms` after the last event, and let others run."""
        self._command(f"share awake_ms={awake_ms}")

    def begin_close(self) -> None:
        """Close all followers, without waiting."""
        self._command("close")

    def close_all(self) -> None:
        self.begin_close()
        self.report()  # the report arrives after that

    def _command(self, command: str) -> None:
        self.write_line(command.encode())

    def _await(self, kind: type[E], timeout_s: float) -> E:
        while True:
            line = self.lines.read(timeout_s)
            if line is None:
                raise BenchError("the load generator has ended")
            event = _decoder.decode(line)
            if isinstance(event, kind):
                return event
            if not isinstance(event, Reached):  # it may arrive after `await_deliveries` has timed out
                raise BenchError(f"the load generator sent {line!r} instead of {kind.__name__}")
