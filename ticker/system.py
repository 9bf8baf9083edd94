"""`ticker up`: embedded server, desk, gateway and, if requested, invented lines in one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import uvloop

from ticker import __version__
from ticker.activity import show_activity
from ticker.core.errors import StoreError
from ticker.demo import run_demo
from ticker.desk.desk import DeskState, run_desk
from ticker.desk.metrics import DeskCollector
from ticker.gateway.server import Address, Gateway
from ticker.logs import LogFormat, set_up_logs
from ticker.outages import Outages
from ticker.settings import Settings
from ticker.signals import stop_on_signals
from ticker.store import data_folder
from ticker.store.connection import connect, open_redis
from ticker.store.embedded import EmbeddedServer
from ticker.store.url import password_from
from ticker.web.app import make_app
from ticker.web.status_access import TOKEN_VARIABLE


def run(
    system: System,
    *,
    environ: Mapping[str, str],
    ready: Callable[[str], None],
    stopping: Callable[[], None],
    show: Callable[[str], None],
) -> None:
    """Run the system until a signal ends it (see `System.run`). On a terminal, `show` each published line."""
    log_format = set_up_logs(environ, hides_published=True)
    system.status_token = password_from(environ, TOKEN_VARIABLE)
    uvloop.run(system.run(ready, stopping, show if log_format is LogFormat.TEXT else None))


class System:
    """The whole system. It runs until a signal: the first closes the readers' connections gradually, a second ends it.

    Args:
        settings: The limits and the editions.
        host: The address that the gateway listens on.
        port: The gateway's port. 0 chooses a free port.
        data: The data folder of the embedded server.
        url: The URL of a Redis to use in place of the embedded server.
        demo: Whether to post invented lines.

    Attributes:
        status_token: Opens the status page, if it is set before `run`.

    """

    def __init__(self, settings: Settings, host: str, port: int, *, data: Path, url: str | None, demo: bool) -> None:
        self._settings = settings
        self._address = Address(host, port)
        self._data = data
        self._url = url
        self._demo = demo
        self._show: Callable[[str], None] | None = None
        self._gateway: Gateway | None = None
        self._stopping = False
        self.status_token: str | None = None

    async def run(
        self,
        ready: Callable[[str], None],
        stopping: Callable[[], None] = lambda: None,
        show: Callable[[str], None] | None = None,
    ) -> None:
        """Serve until stopped.

        `ready` is called with the gateway's URL once lines can be posted and read, `stopping` at the first signal, and
        `show` with a line of text for each published entry.

        Raises:
            TickerError: If a part can't start. Nothing is left running then.

        """
        task = asyncio.current_task()
        assert task is not None
        self._show = show
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
        state = DeskState(Outages(is_reported=self._url is None))
        async with asyncio.TaskGroup() as parts:
            desk = parts.create_task(
                run_desk(partial(connect, url, role="desk"), self._settings, state=state), name="desk"
            )
            # The desk starts first: it creates the editions that the gateway looks for.
            await state.ready.wait()
            collectors = [DeskCollector(state, self._settings.held)]
            app = partial(
                make_app,
                version=__version__,
                collectors=collectors,
                demo=self._demo,
                status_token=self.status_token,
            )
            self._gateway = gateway = Gateway(url, self._settings, self._address, app)
            gateway.hub.outages = state.outages
            background = [desk]
            if self._show is not None:
                activity = show_activity(url, self._settings.editions, self._show)
                background.append(parts.create_task(activity, name="activity"))
            if self._demo:
                background.append(parts.create_task(run_demo(url, self._settings, state.outages), name="demo"))
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
    """Fail immediately if Redis can't be reached: a person who starts the system by hand must not wait for retries.

    Raises:
        StoreError: If Redis doesn't answer. The message has the URL without its password.

    """
    try:
        async with open_redis(url, role="ticker") as redis:
            await redis.execute_command("PING")
    except StoreError as error:
        raise StoreError(f"{error}; to use the embedded server, unset TICKER_REDIS_URL") from error
