"""Measure what each gateway process costs Redis: a connection that waits for the next entry of a log."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Final

from benchmarks.log_writer import EDITION, LogWriter
from benchmarks.machine import Cores
from benchmarks.product import Store
from benchmarks.programs import BenchError
from benchmarks.scaling.results import LogReaders
from ticker.store.keys import Keys

FEW: Final = 10
MANY: Final = 500
LINES: Final = 20
ANSWER_S: Final = 10.0
SETTLE_S: Final = 0.05


def measure_log_readers(cores: Cores, log: Callable[[str], None]) -> LogReaders:
    """Append entries while few connections wait for them, and while many do. The difference is the cost of one."""
    log(f"{MANY} connections that read a log")
    few_s, _ = _cpu_per_line(cores, FEW)
    many_s, entry_bytes = _cpu_per_line(cores, MANY)
    reader_s = (many_s - few_s) / (MANY - FEW)
    return LogReaders(readers=MANY, line_s=few_s - FEW * reader_s, reader_s=reader_s, entry_bytes=entry_bytes)


def _cpu_per_line(cores: Cores, readers: int) -> tuple[float, float]:
    """Return the CPU time of Redis per entry, and the bytes that each reader gets."""
    writer = LogWriter()
    with Store(cores) as store, ExitStack() as stack:
        store.make_edition(writer)
        path = store.url.removeprefix("unix://")
        waiting = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(readers)]
        for each in waiting:
            each.settimeout(ANSWER_S)
            each.connect(path)
        total = _line(store, writer, waiting)
        before = store.process.cpu_s()
        total = sum(_line(store, writer, waiting) for _ in range(LINES))
        used = store.process.cpu_s() - before
    return used / LINES, total / LINES / readers


def _line(store: Store, writer: LogWriter, waiting: Sequence[socket.socket]) -> int:
    """Let all connections wait for the next entry, append it, and read all answers. Return their bytes."""
    words = [b"XREAD", b"BLOCK", b"0", b"STREAMS", Keys(EDITION).log.encode(), b"%d-0" % writer.head]
    request = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)
    for each in waiting:
        each.sendall(request)
    time.sleep(SETTLE_S)  # until Redis has read all requests
    posted = writer.write()
    store.append(posted)
    total = 0
    for each in waiting:
        answer = b""
        while posted.link.encode() not in answer:
            if not (more := each.recv(65_536)):
                raise BenchError("Redis closed a connection that reads a log")
            answer += more
        total += len(answer) + 2  # the end of the last line may come later
    return total
