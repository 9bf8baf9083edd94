"""The whole system in one process: embedded server, desk, gateway, and made-up lines where they are wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path

from ticker import __version__
from ticker.core.errors import StoreError
from ticker.desk.desk import DeskState, run_desk
from ticker.desk.metrics import DeskCollector
from ticker.gateway.server import Address, Gateway
from ticker.settings import Settings
from ticker.signals import stop_on_signals
from ticker.store import data_folder
from ticker.store.connection import CLIENT_ERRORS, connect
from ticker.store.embedded import EmbeddedServer
from ticker.store.url import redact
from ticker.web.app import make_app


class System:
    """Runs until it is stopped by a signal: the first lets the readers go, a second ends everything at once.

    `url` names a Redis to use in place of the embedded server, which keeps its files in `data`.
    """

    def __init__(self, settings: Settings, address: Address, *, data: Path, url: str | None, demo: bool) -> None:
        self._settings = settings
        self._address = address
        self._data = data
        self._url = url
        self._demo = demo
        self._gateway: Gateway | None = None
        self._stopping = False

    async def run(self, ready: Callable[[str], None], stopping: Callable[[], None] = lambda: None) -> None:
        """Serve until stopped; `ready` is called with the gateway's address once lines can be posted and read.

        `stopping` is called when the first signal comes.

        Raises:
            TickerError: If a part can't start; nothing is left running then.

        """
        task = asyncio.current_task()
        assert task is not None
        stop_on_signals(partial(self._stop, task, stopping))
        try:
            async with AsyncExitStack() as stack:
                url = await stack.enter_async_context(self._redis())
                await self._run_parts(url, ready)
        except asyncio.CancelledError:
            if not self._stopping:
                raise

    def _stop(self, task: asyncio.Task[None], stopping: Callable[[], None]) -> None:
        if not self._stopping:
            stopping()
        if self._gateway is None or self._stopping:
            task.cancel()
        else:
            self._gateway.stop()
        self._stopping = True

    @asynccontextmanager
    async def _redis(self) -> AsyncIterator[str]:
        if self._url is None:
            async with EmbeddedServer(self._data) as server:
                yield server.url
        else:
            await _check_reachable(self._url)
            yield self._url

    async def _run_parts(self, url: str, ready: Callable[[str], None]) -> None:
        state = DeskState()
        async with asyncio.TaskGroup() as parts:
            desk = parts.create_task(
                run_desk(partial(connect, url, role="desk"), self._settings, state=state), name="desk"
            )
            # First the desk: it makes the editions that the gateway then finds.
            await state.ready.wait()
            collectors = [DeskCollector(state, self._settings.held)]
            app = partial(make_app, version=__version__, collectors=collectors)
            self._gateway = gateway = Gateway(url, self._settings, self._address, app)
            background = [desk]
            if self._demo:
                from ticker.demo import run_demo  # noqa: PLC0415 -- its texts are for those who ask for them

                background.append(parts.create_task(run_demo(url, self._settings), name="demo"))
            try:
                await gateway.run(lambda: self._is_ready(gateway, ready))
            finally:
                if self._url is None:
                    data_folder.gateway_file(self._data).unlink(missing_ok=True)
                for task in background:
                    task.cancel()

    def _is_ready(self, gateway: Gateway, ready: Callable[[str], None]) -> None:
        if self._url is None:
            data_folder.write_gateway_address(self._data, gateway.address)
        ready(gateway.address)


async def _check_reachable(url: str) -> None:
    """Refuse a Redis that isn't there: who starts the system by hand wants to know now.

    Raises:
        StoreError: With the address, without its password.

    """
    client = connect(url, role="ticker")
    try:
        await client.execute_command("PING")
    except (OSError, *CLIENT_ERRORS) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise StoreError(
            f"the Redis at {redact(url)} can't be used ({reason}): start it, or unset TICKER_REDIS_URL to use the "
            "embedded server"
        ) from error
    finally:
        with suppress(OSError, *CLIENT_ERRORS):
            await client.aclose()
