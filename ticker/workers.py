"""Several gateways on one port: processes that are started, supervised, restarted, and ended together."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from ticker.backoff import Backoff
from ticker.core.errors import TickerError
from ticker.http_server import bind, url_of
from ticker.signals import stop_on_signals
from ticker.store.child_process import tied_to_parent

RESTART_FIRST_S: Final = 0.4
RESTART_MOST_S: Final = 10.0
STABLE_S: Final = 30.0
"""A worker that lived this long starts the delays anew."""

_logger = structlog.get_logger("ticker.workers")


def worker_command(host: str, port: int, data: Path | None, settings: Path | None) -> list[str]:
    """How one worker is called. The address of Redis isn't in it: `ps` would show its password."""
    words = [sys.executable, "-m", "ticker", "gateway", "--shared", "--host", host, "--port", str(port)]
    if data is not None:
        words += ["--data", str(data)]
    if settings is not None:
        words += ["--settings", str(settings)]
    return words


class Workers:
    """`count` workers on one port. `command` gives a worker's words for the port that was chosen."""

    def __init__(self, host: str, port: int, count: int, command: Callable[[int], Sequence[str]]) -> None:
        self._host = host
        self._port = port
        self._count = count
        self._command = command
        self._processes: dict[int, Process] = {}
        self._stopping = asyncio.Event()
        self._serving: set[int] = set()

    async def run(self, ready: Callable[[str], None]) -> int:
        """Supervise until a signal comes, then pass it on and wait; each further one is passed on, too.

        `ready` is called once, with the address, when every worker serves. Returns 0.

        Raises:
            TickerError: If the port can't be had, or a first worker ends before it serves.

        """
        stop_on_signals(self._stop)
        # Bound but never listening: it gets no connections, and keeps the port ours while workers come and go.
        with bind(self._host, self._port, option="--port", shared=True) as reserved:
            port, address = reserved.getsockname()[1], url_of(reserved)
            async with asyncio.TaskGroup() as group:
                for number in range(self._count):
                    group.create_task(
                        self._supervise(number, self._command(port), lambda: self._is_serving(address, ready)),
                        name=f"worker {number}",
                    )
        return 0

    def _is_serving(self, address: str, ready: Callable[[str], None]) -> None:
        if len(self._serving) == self._count:
            ready(address)

    def _stop(self) -> None:
        self._stopping.set()
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)

    async def _supervise(self, number: int, words: Sequence[str], serving: Callable[[], None]) -> None:
        loop, backoff = asyncio.get_running_loop(), Backoff(RESTART_FIRST_S, RESTART_MOST_S)
        while not self._stopping.is_set():
            since = loop.time()
            status = await self._run_once(number, words, serving)
            if self._stopping.is_set():
                return
            if number not in self._serving:
                raise TickerError(f"worker {number} ended with status {status} before it served: its log says why")
            if loop.time() - since >= STABLE_S:
                backoff.reset()
            delay_s = backoff.next_s()
            _logger.warning("worker-died", worker=number, status=status, restart_s=round(delay_s, 1))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay_s)

    async def _run_once(self, number: int, words: Sequence[str], serving: Callable[[], None]) -> int:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdout=PIPE,
            # Ctrl-C in the terminal is for us, and we pass it on once.
            start_new_session=True,
            preexec_fn=tied_to_parent(),
        )
        self._processes[number] = process
        try:
            if self._stopping.is_set():
                process.terminate()
            assert process.stdout is not None
            async for line in process.stdout:
                if line.startswith(b"ready") and number not in self._serving:
                    self._serving.add(number)
                    serving()
            return await process.wait()
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
            raise
        finally:
            del self._processes[number]
