"""A whole system of real processes, with a proxy in each connection, that schedules can break."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Final, Self

import httpx

from tests.faults.clock import Clock
from tests.faults.invariants.histories import Histories
from tests.faults.invariants.processes import ProcessEnd
from tests.faults.proxy import HOST, Proxy
from tests.faults.schedule import Link, Part, Setup
from tests.faults.servers import Server, SmallDisk
from tests.support.cluster import ClusterWithReplica
from tests.support.sentinel import SentinelServer, SentinelTrio
from tests.support.servers import RedisServer, free_port
from tests.support.system import Program, environment
from tests.support.waiting import eventually
from ticker.core.entry import RawEntry
from ticker.core.position import Position
from ticker.store.connection import CLIENT_ERRORS, connect, is_cancelled
from ticker.store.editions import StoredEdition, load_edition
from ticker.store.log_reader import read_log

LOG_KEY: Final = "ticker:{en}:log"
REDIS_LINKS: Final = {
    Part.DESK: Link.DESK,
    Part.DESK2: Link.DESK2,
    Part.GATEWAY: Link.GATEWAY,
    Part.GATEWAY2: Link.GATEWAY2,
}
"""The link between each process and Redis."""

SENTINEL_FILES: Final = 6
"""A process has three clients. Each begins with one connection to a Sentinel, and may open two more."""
CLUSTER_FILES: Final = 4
"""A process's clients begin with one connection to a Cluster each, and may open connections to more nodes."""


class FaultySystem:
    """The system of one schedule: Redis, desks and gateways. Use as an asynchronous context manager.

    `has_lost` is set once the server may have lost entries that it had acknowledged. `was_damaged` is set
    once an entry of the log was changed. `ended` lists the processes that were ended with SIGTERM.
    """

    def __init__(self, folder: Path, setup: Setup) -> None:
        self.folder = folder
        self.setup = setup
        self.histories = Histories()
        self.proxies: dict[Link, Proxy] = {}
        self.programs: dict[Part, Program] = {}
        self.has_lost = False
        self.has_forged_entry = False
        self.was_damaged = False
        self.nonce = ""
        self.ended: list[ProcessEnd] = []
        self.server: RedisServer
        self.pair: SentinelTrio | ClusterWithReplica | None = None  # the server has a replica to fail over to
        self.clock = Clock(folder) if setup.shifts_clocks else None
        self.disk = SmallDisk(folder / "disk") if setup.small_disk else None
        self._stack = AsyncExitStack()
        self._urls: dict[Link, str] = {}
        self._files_at_start: dict[Part, int] = {}
        self._ports = {Part.GATEWAY: free_port(), Part.GATEWAY2: free_port()}

    # Start and end

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for program in self.programs.values():
            if program.process is not None:
                program.kill()
        await self._stack.aclose()

    async def _start(self) -> None:
        if self.clock is not None:
            await asyncio.to_thread(self.clock.build)
        if self.setup.sentinel:
            # Sentinels promote no replica whose link was down ten times as long: leave a busy machine some time.
            await self._start_pair(SentinelTrio(self.folder, down_after_ms=3000))
        elif self.setup.cluster:
            await self._start_pair(ClusterWithReplica(self.folder, LOG_KEY))
        else:
            self._start_server()
        self.reader = connect(self.direct_url, role="ticker", timeout_s=2.0)
        self._stack.push_async_callback(self.reader.aclose)
        # One client for all requests, because each client makes a TLS context. It keeps no connection open.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._http = await self._stack.enter_async_context(
            httpx.AsyncClient(verify=False, timeout=60, trust_env=False, limits=limits)
        )
        for link in Link:
            await self._add_proxy(link)
        for part in self.parts:
            self.programs[part] = self._program(part)
            self.programs[part].start(wait=False)
        for part in self.parts:
            await self.wait_ready(part)

    def _start_server(self) -> None:
        folder, prefix = self.folder / "redis", list[str]()
        # Redis trims streams by whole nodes. Small nodes make it trim under small loads, too.
        options: dict[str, str | int] = {"appendfsync": self.setup.fsync, "stream-node-max-entries": 10}
        if self.disk is not None:
            self._stack.enter_context(self.disk)
            folder, prefix = self.disk.folder, list(self.disk.command_prefix)
        if self.clock is not None:
            prefix = ["env", *(f"{name}={value}" for name, value in self.clock.environment.items())]
        self.server = self._stack.enter_context(Server(folder, prefix=prefix, options=options))

    async def _start_pair(self, pair: SentinelTrio | ClusterWithReplica) -> None:
        """Start a primary and its replica. The replica has a user of its own, so that it alone can be cut off."""
        for server in pair.servers:
            users = server.dir / "users.acl"
            users.write_text("user default on nopass ~* &* +@all\nuser replica on >r +psync +replconf +ping\n")
            server.options |= {"aclfile": users, "masteruser": "replica", "masterauth": "r"}
        await asyncio.to_thread(self._stack.enter_context, pair)
        self.pair, self.server = pair, pair.primary

    @property
    def parts(self) -> list[Part]:
        """The desks and the gateways."""
        desks = [Part.DESK, Part.DESK2][: self.setup.desks]
        return desks + [Part.GATEWAY, Part.GATEWAY2][: self.setup.gateways]

    @property
    def gateways(self) -> dict[Part, str]:
        """The base URL of each gateway, past all proxies."""
        return {part: f"http://{HOST}:{self._ports[part]}" for part in self.parts if part in self._ports}

    async def end(self) -> list[str]:
        """End each process with SIGTERM. Return the names of our connections that the server still has."""
        for part in self.parts:
            await self.end_program(part, at_rest=True)
        left: list[str] = []

        async def are_gone() -> bool:
            left[:] = await asyncio.to_thread(self._connection_names)
            return not left

        with suppress(AssertionError):  # the proxies need a moment to pass the end of a connection on
            await eventually(are_gone, "the server has no connection of ours", 30.0)
        return left

    async def end_program(self, part: Part, *, at_rest: bool = False) -> None:
        """End a process with SIGTERM. With `at_rest`, record how many files it has open just before."""
        program, before = self.programs[part], self._files_at_start.pop(part, None)
        files = {"before": before, "after": open_file_count(program)} if at_rest and before is not None else {}
        is_starting = not program.has_logged
        program.signal(signal.SIGTERM)
        code = await asyncio.to_thread(program.wait)
        if is_starting and code == -signal.SIGTERM:
            return  # it didn't handle signals yet: Python ended it
        self.ended.append(ProcessEnd(part, code, program.log, files))

    def _connection_names(self) -> list[str]:
        """Return the names of our connections to Redis. Blocks: run it in a thread, as the proxies need the loop."""
        servers = [self.server] if self.pair is None else self.pair.servers
        running = [server for server in servers if server.process is not None]
        names = [str(client["name"]) for server in running for client in server.command("CLIENT LIST")]
        return [name for name in names if name.startswith("ticker-") and name != "ticker-ticker"]

    def is_alive(self, part: Part) -> bool:
        if part is Part.SERVER:
            return self.server.process is not None and self.server.process.poll() is None
        process = self.programs[part].process
        return process is not None and process.poll() is None

    async def wait_ready(self, part: Part) -> None:
        await asyncio.to_thread(self.programs[part].wait_ready, 40.0)

    # Addresses and settings

    async def _add_proxy(self, link: Link) -> None:
        port = {Link.FOLLOWERS: self._ports[Part.GATEWAY], Link.FOLLOWERS2: self._ports[Part.GATEWAY2]}.get(link)
        target = (lambda: self.server.address) if port is None else (lambda: (HOST, port))
        proxy = self.proxies[link] = await self._stack.enter_async_context(Proxy(target, is_redis=port is None))
        if isinstance(self.pair, SentinelTrio) and port is None:
            self._urls[link] = await self._proxy_sentinels(proxy, self.pair)

    async def _proxy_sentinels(self, proxy: Proxy, trio: SentinelTrio) -> str:
        """Open a port of the proxy for each server and each Sentinel, and return the URL.

        The Sentinels' replies are rewritten: they name the proxy's ports instead of the servers'.
        """
        ports = {server.port: await proxy.listen(partial(_address_of, server)) for server in trio.servers}
        replacements = {_bulk_string(port): _bulk_string(front) for port, front in ports.items()}

        def rewrite(reply: bytes) -> bytes:
            for port, front in replacements.items():
                reply = reply.replace(port, front)
            return reply

        fronts = [await proxy.listen(partial(_address_of, sentinel), rewrite) for sentinel in trio.sentinels]
        return f"redis+sentinel://{','.join(f'{HOST}:{front}' for front in fronts)}/{trio.service}"

    @property
    def direct_url(self) -> str:
        """The URL of Redis, past all proxies."""
        return self.server.url if self.pair is None else self.pair.url

    def url(self, link: Link) -> str:
        """Return the URL of Redis through a link's proxy. A Cluster's nodes name each other, so it is used directly."""
        if isinstance(self.pair, ClusterWithReplica):
            return self.direct_url
        return self._urls.get(link, f"redis://{HOST}:{self.proxies[link].port}")

    def environ(self, link: Link) -> dict[str, str]:
        """Return the environment of a process that reaches Redis through `link`."""
        clock = {} if self.clock is None else self.clock.environment
        settings = {
            "TICKER_RETAINED": str(self.setup.retained),
            "TICKER_SUBMISSIONS_PER_MINUTE": "0",
            "TICKER_HEARTBEAT_S": "1",
            "TICKER_DRAIN_S": "0.3",
            "PYTHONWARNINGS": "default::ResourceWarning",
        }
        return environment(TICKER_REDIS_URL=self.url(link), **settings, **clock)

    def _program(self, part: Part) -> Program:
        words: Sequence[str] = ["desk", "--settings", str(self._settings_file())]
        if part in self._ports:
            words = ["gateway", "--port", str(self._ports[part])]
        return Program(words, self.environ(REDIS_LINKS[part]), self.folder / f"{part}.log")

    def _settings_file(self) -> Path:
        """Write settings with one edition, in which a flash needs a second person. Return the path."""
        path = self.folder / "ticker.toml"
        if not path.exists():
            path.write_text(
                '[editions.en]\ntitle = "Breaking news"\nlang = "en"\ndir = "ltr"\nsecond_person = ["flash"]\n'
                "notice_s = 86400\n",  # longer than a clock is shifted
                encoding="utf-8",
            )
        return path

    # The log

    async def entries(self) -> list[RawEntry]:
        """Read the whole log, past all proxies."""
        raws: list[RawEntry] = []
        while page := await read_log(self.reader, "en", raws[-1].seq if raws else 0):
            raws += page
        return raws

    async def _load_edition(self) -> StoredEdition | None:
        return await load_edition(self.reader, "en")

    async def head(self) -> Position:
        stored, raws = await self._load_edition(), await self.entries()
        assert stored is not None
        self.nonce = stored.nonce
        return Position.of(raws[-1].seq, raws[-1].link) if raws else Position.of(0, stored.nonce)

    async def record_log(self) -> None:
        """Add the log's entries to `histories`, so that they can be compared after the server has lost them."""
        with suppress(*CLIENT_ERRORS, OSError):
            stored = await self._load_edition()
            if stored is not None:
                self.histories.add_nonce(stored.nonce)
                if not self.has_forged_entry:
                    self.histories.add(await self.entries())

    async def keep_recording_log(self) -> None:
        """Record the log every 50 ms, until cancelled."""
        while not is_cancelled():
            await self.record_log()
            await asyncio.sleep(0.05)

    # The gateways' responses

    async def get(self, part: Part, path: str) -> httpx.Response:
        return await self._http.get(self.gateways[part] + path)

    async def is_ready(self, part: Part) -> bool:
        try:
            response = await self.get(part, "/readyz")
        except httpx.HTTPError:
            return False
        return response.status_code == 200 and response.json()["status"] == "ready"

    def has_logged_replacement(self) -> bool:
        """Return whether a gateway has logged that history was replaced.

        A restarted gateway can't compare, so it counts as well. A gateway that was away until the log was
        trimmed past its own head can't know, and logs that instead.
        """
        logs = [self.programs[part].log for part in self.gateways]
        return any("history-replaced" in log or "trimmed-past" in log for log in logs) or any(
            part not in self._files_at_start for part in self.gateways
        )

    async def has_counted_resets(self) -> bool:
        """Return whether a gateway's metrics count resets, or a gateway was restarted and has lost its count."""
        for part in self.gateways:
            if part not in self._files_at_start:
                return True
            text = (await self.get(part, "/metrics")).text
            if any(line.startswith("ticker_resets_total{") for line in text.splitlines()):
                return True
        return False

    # Open files

    def record_open_files(self) -> None:
        """Record how many files each process has open before the load, plus those that it may open later."""
        more = SENTINEL_FILES if self.setup.sentinel else CLUSTER_FILES if self.setup.cluster else 0
        for part in self.parts:
            self._files_at_start[part] = open_file_count(self.programs[part]) + more

    def forget_open_files(self, part: Part) -> None:
        """Don't compare the open files of a process that was restarted."""
        self._files_at_start.pop(part, None)

    def open_files(self) -> list[tuple[int, int]]:
        """Return the numbers of open files, before the load and now, of each process that was never restarted."""
        return [(files, open_file_count(self.programs[part])) for part, files in self._files_at_start.items()]


def open_file_count(program: Program) -> int:
    return len(os.listdir(f"/proc/{program.pid}/fd"))  # noqa: PTH208 -- pathlib takes five times as long


def _bulk_string(port: int) -> bytes:
    """Encode a port as in a reply of Redis."""
    return b"$%d\r\n%d\r\n" % (len(str(port)), port)


def _address_of(server: RedisServer | SentinelServer) -> tuple[str, int]:
    return (HOST, server.port)
