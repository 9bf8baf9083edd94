"""Handle the signals that end a process: SIGINT, SIGTERM and SIGHUP."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def stop_on_signals(stop: Callable[[], object]) -> None:
    """Call `stop` in the running event loop at each SIGINT and SIGTERM, and when the terminal is closed (SIGHUP).

    SIGHUP stays ignored under `nohup`.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGHUP, stop)


@contextmanager
def handle_signals(stop: Callable[[], object]) -> Iterator[None]:
    """Do what `stop_on_signals` does in a program without an event loop, until the end of the block."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: stop()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
