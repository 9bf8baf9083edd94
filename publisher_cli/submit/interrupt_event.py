"""Ctrl-C as an event of asyncio."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def catch_interrupt() -> Iterator[asyncio.Event]:
    """Yield an event that the first Ctrl-C inside the context sets. A second Ctrl-C raises as usual."""
    loop, earlier_handler = asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)
    interrupted = asyncio.Event()

    def restore() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, earlier_handler)

    def interrupt() -> None:
        interrupted.set()
        restore()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        yield interrupted
    finally:
        restore()
