"""Several gateways on one port: start, supervise, restart and stop their processes."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from tempfile import TemporaryDirectory
from typing import Final

import structlog
import uvloop

from ticker.backoff import Backoff
from ticker.core.errors import TickerError
from ticker.http_server import bind, url_of
from ticker.logs import set_up_logs
from ticker.signals import stop_on_signals
from ticker.store.child_process import tied_to_parent

RESTART_FIRST_S: Final = 0.4
RESTART_MOST_S: Final = 10.0
STABLE_S: Final = 30.0
"""After a worker lived this long, the delays start again with the first."""

_logger = structlog.get_logger("ticker.workers")


def run(workers: Workers, *, environ: Mapping[str, str], ready: Callable[[str], None]) -> None:
    """Run the workers until a signal ends them (see `Workers.run`)."""
    set_up_logs(environ)
    uvloop.run(workers.run(ready))


class Workers:
    """`count` workers on one port. `options` are further options of `ticker gateway` for each."""

    def __init__(self, host: str, port: int, count: int, options: Sequence[tuple[str, str]] = ()) -> None:
        self._host = host
        self._port = port
        self._count = count
        self._options = options
        self._processes: dict[int, Process] = {}
        self._stopping = asyncio.Event()
        self._serving: set[int] = set()

    async def run(self, ready: Callable[[str], None]) -> None:
        """Supervise the workers until a signal arrives. Send SIGTERM to them for each signal, and wait for their end.

        `ready` is called once, with the URL, when every worker serves.

        Raises:
            TickerError: If the port can't be bound, or if a worker ends before it has served once.

        """
        stop_on_signals(self._stop)
        with (
            # Bound but not listening: this socket gets no connections, and reserves the port while workers restart.
            bind(self._host, self._port, option="--port", shared=True) as reserved,
            TemporaryDirectory(prefix="ticker-") as folder,
        ):
            port, address = reserved.getsockname()[1], url_of(reserved)
            async with asyncio.TaskGroup() as group:
                for number in range(self._count):
                    supervised = self._supervise(
                        number, self._command(number, port, folder), lambda: self._is_serving(address, ready)
                    )
                    group.create_task(supervised, name=f"worker {number}")

    def _command(self, number: int, port: int, folder: str) -> list[str]:
        """Return the command line of one worker. The URL of Redis isn't in it: `ps` would show its password."""
        options = [
            ("--host", self._host),
            ("--port", str(port)),
            ("--worker", str(number), str(self._count), folder),
            *self._options,
        ]
        return [sys.executable, "-m", "ticker", "gateway", *(word for option in options for word in option)]

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
                raise TickerError(f"worker {number} ended with status {status} before it served: see its log")
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
            # Ctrl-C in the terminal must reach only this process, which sends each worker one signal.
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
