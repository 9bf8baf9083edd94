"""A whole system of real processes with a proxy between any two of them, and the hands that break it."""

from __future__ import annotations

import asyncio
import resource
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

import httpx

from tests.faults.clock import Clock
from tests.faults.model import Ended, Histories
from tests.faults.proxy import HOST, Fault, Proxy, Trap
from tests.faults.schedule import Do, Link, Part, Step, World
from tests.support.servers import (
    ANSWERS,
    ClusterWithReplica,
    RedisServer,
    SentinelServer,
    SentinelTrio,
    eventually,
    free_port,
    until,
)
from tests.support.system import Program, environment
from ticker.core.position import Position
from ticker.store.connection import CLIENT_ERRORS, connect, is_cancelled
from ticker.store.editions import StoredEdition, load_edition
from ticker.store.log_reader import RawEntry, read_log

SENTINELS_MORE: Final = 6
"""Each of a part's three clients keeps a connection to every Sentinel that it had to ask: at first, that is one."""
CLUSTER_MORE: Final = 4
"""Each of a part's clients keeps a connection to every node of a Cluster that it had to ask: at first, that is one."""
DISK_BYTES: Final = 2 * 1024 * 1024
_PARTS: Final = {Link.DESK: Part.DESK, Link.DESK2: Part.DESK2, Link.GATEWAY: Part.GATEWAY, Link.GATEWAY2: Part.GATEWAY2}
_LOG: Final = "ticker:{en}:log"
FORGE: Final = """
local entries, seq = redis.call('XRANGE', KEYS[1], '-', '+'), ARGV[1]
local old = ''
redis.call('DEL', KEYS[1])
for _, entry in ipairs(entries) do
  local fields = entry[2]
  for i = 1, #fields, 2 do
    if entry[1] == seq and fields[i] == 'entry' then
      old, fields[i + 1] = fields[i + 1], ARGV[2]
    end
  end
  redis.call('XADD', KEYS[1], entry[1], unpack(fields))
end
return old
"""


FLUSH: Final = "local e = redis.call('XRANGE', KEYS[1], '-', '+') redis.call('FLUSHALL') return e"


class Server(RedisServer):
    """A server whose clock and disk may be in the tests' hands."""

    def __init__(self, folder: Path, *, before: Sequence[str], options: Mapping[str, str | int]) -> None:
        super().__init__(folder, tcp=True, options=options)
        self._before = list(before)

    def _words(self) -> list[str]:
        return [*self._before, *super()._words()]

    @property
    def append_only_folder(self) -> Path:
        return self.dir / "appendonlydir"

    def shorten(self, size: int) -> None:
        """Cut the end off the append-only file, as a machine does that dies before the disk has it."""
        newest = max(self.append_only_folder.glob("*.incr.aof"))
        with newest.open("r+b") as file:
            file.truncate(max(0, newest.stat().st_size - size))


class SmallDisk:
    """Where a server's files go, with little room: a tmpfs where we may mount one, else a limit on file sizes.

    On a tmpfs the server sees what a full disk says (ENOSPC). Without the right to mount, RLIMIT_FSIZE makes its next
    write past the present size fail (EFBIG); the server starts with SIGXFSZ ignored, or that would end it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_mounted = False
        self._ballast = folder / "ballast"

    @property
    def before(self) -> Sequence[str]:
        return () if self.is_mounted else ("env", "--ignore-signal=XFSZ")

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True)
        words = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(self.folder)]
        with suppress(OSError):
            self.is_mounted = subprocess.run(words, capture_output=True, check=False).returncode == 0
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=True, capture_output=True)

    def fill(self, server: RedisServer) -> None:
        if not self.is_mounted:
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
            return
        with self._ballast.open("ab", buffering=0) as file, suppress(OSError):
            while file.write(b"x" * 4096):
                pass

    def free(self, server: RedisServer) -> None:
        self._ballast.unlink(missing_ok=True)
        if not self.is_mounted and server.process is not None:
            with suppress(ProcessLookupError):
                resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class Rig:
    """The system. Use as an asynchronous context manager; `do` carries out a step."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder = folder
        self.world = world
        self.histories = Histories()
        self.proxies: dict[Link, Proxy] = {}
        self.programs: dict[Part, Program] = {}
        self.has_lost = False
        self.nonce = ""
        self.injected = 0
        self.ended: list[Ended] = []
        self._stack = AsyncExitStack()
        self._paused: set[Part] = set()
        self._clock = Clock(folder) if world.shifts_clocks else None
        self._disk = SmallDisk(folder / "disk") if world.small_disk else None
        self._pair: SentinelTrio | ClusterWithReplica | None = None  # a server that has a replica to fail over to
        self._urls: dict[Link, str] = {}
        self._forged: tuple[str, bytes] | None = None
        self._files: dict[Part, int] = {}
        self._ports = {Part.GATEWAY: free_port(), Part.GATEWAY2: free_port()}
        self.server: RedisServer

    # Its parts

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
        if self._clock is not None:
            await asyncio.to_thread(self._clock.build)
        if self.world.sentinel:
            await self._start_pair(self._make_trio())
        elif self.world.cluster:
            await self._start_pair(ClusterWithReplica(self.folder, _LOG))
        else:
            await self._start_server()
        self.reader = connect(self.direct_url, role="ticker", timeout_s=2.0)
        self._stack.push_async_callback(self.reader.aclose)
        for link in Link:
            await self._connect(link)
        for part in self._parts:
            self.programs[part] = self._program(part)
            self.programs[part].start(wait=False)
        for part in self._parts:
            await self._wait_ready(part)

    async def _start_server(self) -> None:
        place, before = self.folder / "redis", list[str]()
        # Streams are trimmed by whole nodes: small loads should see it, too.
        options: dict[str, str | int] = {"appendfsync": self.world.fsync, "stream-node-max-entries": 10}
        if self._disk is not None:
            self._stack.enter_context(self._disk)
            place, before = self._disk.folder, list(self._disk.before)
        if self._clock is not None:
            before = ["env", *(f"{name}={value}" for name, value in self._clock.environment.items())]
        self.server = self._stack.enter_context(Server(place, before=before, options=options))

    async def _start_pair(self, pair: SentinelTrio | ClusterWithReplica) -> None:
        """Two servers. The replica logs in as a user of its own, so that it alone can be cut off."""
        for server in pair.servers:
            users = server.dir / "users.acl"
            users.write_text("user default on nopass ~* &* +@all\nuser replica on >r +psync +replconf +ping\n")
            server.options |= {"aclfile": users, "masteruser": "replica", "masterauth": "r"}
        await asyncio.to_thread(self._stack.enter_context, pair)
        self._pair, self.server = pair, pair.primary

    def _make_trio(self) -> SentinelTrio:
        # A replica whose link was down for ten times as long isn't promoted: leave a busy machine some time.
        return SentinelTrio(self.folder, down_after_ms=1500)

    @property
    def _parts(self) -> list[Part]:
        desks = [Part.DESK, Part.DESK2][: self.world.desks]
        return desks + [Part.GATEWAY, Part.GATEWAY2][: self.world.gateways]

    async def _connect(self, link: Link) -> None:
        port = {Link.FOLLOWERS: self._ports[Part.GATEWAY], Link.FOLLOWERS2: self._ports[Part.GATEWAY2]}.get(link)
        target = (lambda: self.server.address) if port is None else (lambda: (HOST, port))
        proxy = self.proxies[link] = await self._stack.enter_async_context(Proxy(target, is_redis=port is None))
        if isinstance(self._pair, SentinelTrio) and port is None:
            self._urls[link] = await self._connect_through_sentinels(proxy, self._pair)

    async def _connect_through_sentinels(self, proxy: Proxy, trio: SentinelTrio) -> str:
        """Ports of the proxy for each server and each Sentinel, who names these ports in the place of the servers'."""
        ports = {server.port: await proxy.listen(partial(_address_of, server)) for server in trio.servers}
        named = {_named(port): _named(front) for port, front in ports.items()}

        def rename(reply: bytes) -> bytes:
            for port, front in named.items():
                reply = reply.replace(port, front)
            return reply

        fronts = [await proxy.listen(partial(_address_of, sentinel), rename) for sentinel in trio.sentinels]
        return f"redis+sentinel://{','.join(f'{HOST}:{front}' for front in fronts)}/{trio.service}"

    @property
    def direct_url(self) -> str:
        """Past all proxies."""
        return self.server.url if self._pair is None else self._pair.url

    def url(self, link: Link) -> str:
        """Of Redis, for one part. A Cluster's nodes name each other: there is no proxy before them."""
        if isinstance(self._pair, ClusterWithReplica):
            return self.direct_url
        return self._urls.get(link, f"redis://{HOST}:{self.proxies[link].port}")

    def environ(self, link: Link) -> dict[str, str]:
        clock = {} if self._clock is None else self._clock.environment
        bounds = {
            "TICKER_RETAINED": str(self.world.retained),
            "TICKER_HEARTBEAT_S": "1",
            "TICKER_DRAIN_S": "0.3",
            "PYTHONWARNINGS": "default::ResourceWarning",
        }
        return environment(TICKER_REDIS_URL=self.url(link), **bounds, **clock)

    def _program(self, part: Part) -> Program:
        link = next(link for link, of in _PARTS.items() if of is part)
        words = ["desk", "--settings", str(self._settings_file())]
        if part in self._ports:
            words = ["gateway", "--port", str(self._ports[part])]
        return Program(words, self.environ(link), self.folder / f"{part}.log")

    def _settings_file(self) -> Path:
        """One edition, in which a flash waits for a second person."""
        path = self.folder / "ticker.toml"
        if not path.exists():
            path.write_text(
                '[editions.en]\ntitle = "Breaking news"\nlang = "en"\ndir = "ltr"\nsecond_person = ["flash"]\n',
                encoding="utf-8",
            )
        return path

    async def _wait_ready(self, part: Part) -> None:
        await asyncio.to_thread(self.programs[part].wait_ready, 40.0)

    @property
    def gateways(self) -> dict[Part, str]:
        """Their addresses, past all proxies."""
        return {part: f"http://{HOST}:{self._ports[part]}" for part in self._parts if part in self._ports}

    # What breaks

    async def do(self, step: Step) -> None:
        """Carry out a step. Steps that can't be (a part that is dead already) do nothing."""
        self.injected += step.do not in (Do.START, Do.RESUME, Do.HEAL, Do.FREE, Do.MEND, Do.COPY)
        match step.do:
            case Do.KILL:
                await self.kill(_of(step))
            case Do.START:
                await self.start(_of(step))
            case Do.PAUSE:
                self.pause(_of(step))
            case Do.RESUME:
                self.resume(_of(step))
            case Do.RESTART:
                await self.restart(_of(step))
            case Do.KILL_BEFORE | Do.KILL_AFTER | Do.CUT_BEFORE | Do.CUT_AFTER:
                self.trap(step)
            case Do.FAIL:
                self._proxy(step).fail(step.fault)
            case Do.HEAL:
                self._proxy(step).heal()
            case _:
                await self._do_to_data(step)

    async def _do_to_data(self, step: Step) -> None:
        match step.do:
            case Do.SHORTEN | Do.RESTORE:
                await self.lose(step)
            case Do.FLUSH:
                await self.flush()
            case Do.COPY:
                self.copy()
            case Do.FILL:
                assert self._disk is not None
                self._disk.fill(self.server)
            case Do.FREE:
                await self.free_disk()
            case Do.CLOCK:
                assert self._clock is not None
                self._clock.set(step.amount)
            case Do.FAIL_OVER:
                await self.fail_over()
            case Do.FORGE:
                await self.forge()
            case Do.MEND:
                await self.mend()
            case _:
                raise AssertionError(f"nobody does {step}")

    def _proxy(self, step: Step) -> Proxy:
        assert step.link is not None
        return self.proxies[step.link]

    def is_alive(self, part: Part) -> bool:
        if part is Part.SERVER:
            return self.server.process is not None and self.server.process.poll() is None
        process = self.programs[part].process
        return process is not None and process.poll() is None

    async def kill(self, part: Part) -> None:
        """SIGKILL. What the process said by then is kept."""
        self._paused.discard(part)
        if part is Part.SERVER:
            if self.server.process is not None:
                if self.world.fsync != "always":
                    await self.look_last()
                self.server.kill()
        elif self.programs[part].process is not None:
            self.programs[part].kill()

    async def start(self, part: Part) -> None:
        """Start what is dead; return when it serves. A trap that hasn't sprung by now is taken away."""
        for link, of in _PARTS.items():
            if of is part:
                self.proxies[link].trap(None)
        if self.is_alive(part):
            return
        if part is Part.SERVER:
            self.server.process = None
            await asyncio.to_thread(self.server.start)
            return
        if self.programs[part].process is not None:
            self.programs[part].wait()
        self._files.pop(part, None)
        self.programs[part].start(wait=False)

    def pause(self, part: Part) -> None:
        if self.is_alive(part):
            self._paused.add(part)
            self._signal(part, signal.SIGSTOP)

    def resume(self, part: Part) -> None:
        if part in self._paused:
            self._paused.discard(part)
            self._signal(part, signal.SIGCONT)

    def _signal(self, part: Part, number: signal.Signals) -> None:
        if part is Part.SERVER:
            self.server.pause() if number is signal.SIGSTOP else self.server.resume()
        else:
            self.programs[part].signal(number)

    async def restart(self, part: Part) -> None:
        """End it as an operator does, and start it again."""
        if self.is_alive(part):
            self.resume(part)
            await self._end(part)
        await self.start(part)
        link = next(link for link, of in _PARTS.items() if of is part)
        if self.is_alive(Part.SERVER) and Part.SERVER not in self._paused and self.proxies[link].fault is Fault.NONE:
            await self._wait_ready(part)

    async def _end(self, part: Part, *, at_rest: bool = False) -> None:
        program, before = self.programs[part], self._files.pop(part, None)
        files = {"before": before, "after": files_of(program)} if at_rest and before is not None else {}
        program.signal(signal.SIGTERM)
        code = await asyncio.to_thread(program.wait)
        self.ended.append(Ended(part, code, program.log, files))

    def trap(self, step: Step) -> None:
        """Have a desk die, or be cut off, at a command that is still to come."""
        part = _of(step)
        link = next(link for link, of in _PARTS.items() if of is part)
        is_after = step.do in (Do.KILL_AFTER, Do.CUT_AFTER)
        dies = step.do in (Do.KILL_BEFORE, Do.KILL_AFTER)

        def spring() -> None:
            if dies and self.programs[part].process is not None:
                self.programs[part].kill()

        self.proxies[link].trap(Trap(step.amount, is_after, step.command, spring))

    async def flush(self) -> None:
        """FLUSHALL, and a look in the same step: a gateway may have seen what came just before it."""
        await self.look()
        self.has_lost = True
        with suppress(*ANSWERS):
            entries = self.server.command("EVAL", FLUSH, 1, _LOG)
            fields = [(stream_id, dict(zip(pairs[::2], pairs[1::2], strict=True))) for stream_id, pairs in entries]
            if self._forged is None:
                self.histories.see(
                    RawEntry(int(stream_id.partition(b"-")[0]), each[b"link"].decode(), each[b"entry"])
                    for stream_id, each in fields
                )

    async def look_last(self) -> None:
        """Look at a server that is about to die with what it has: nobody writes any more, so this is all there is."""
        with suppress(*ANSWERS):
            self.server.command("CLIENT", "PAUSE", 5000, "WRITE")
        await self.look()

    async def lose(self, step: Step) -> None:
        """The server dies, and comes back with less than it had acknowledged."""
        assert isinstance(self.server, Server)
        self.resume(Part.SERVER)
        await self.look_last()
        self.has_lost = True
        await self.kill(Part.SERVER)
        copy = self.folder / "copy"
        if step.do is Do.SHORTEN:
            self.server.shorten(step.amount)
        elif copy.exists():
            shutil.rmtree(self.server.append_only_folder)
            shutil.copytree(copy, self.server.append_only_folder)
        self.server.process = None
        await asyncio.to_thread(self.server.start)

    def copy(self) -> None:
        """A backup: the append-only file as it is at this moment."""
        assert isinstance(self.server, Server)
        if self.is_alive(Part.SERVER) and Part.SERVER not in self._paused:
            self.server.pause()
        shutil.copytree(self.server.append_only_folder, self.folder / "copy", dirs_exist_ok=True)
        if self.is_alive(Part.SERVER) and Part.SERVER not in self._paused:
            self.server.resume()

    async def free_disk(self) -> None:
        """Make room. A server that syncs at each write has ended itself by then."""
        assert self._disk is not None
        self._disk.free(self.server)
        if not self.is_alive(Part.SERVER):
            await self.start(Part.SERVER)

    async def fail_over(self) -> None:
        """The replica is cut off, the primary takes more, and dies: what is promoted lags behind."""
        pair = self._pair
        assert pair is not None
        pair.primary.command("ACL", "SETUSER", "replica", "off")
        pair.primary.command("CLIENT", "KILL", "USER", "replica")
        head = await self._head()
        await eventually(lambda: self._grown(head + 4), "the primary has more than the replica")
        await self.look_last()
        self.has_lost = True
        pair.primary.kill()
        # Sentinels whose votes were split try again after 4 s: on a busy machine, more than once.
        await asyncio.to_thread(until, pair.is_promoted, "the replica is promoted", 90.0)

    async def _head(self) -> int:
        raws = await self.entries()
        return raws[-1].seq if raws else 0

    async def _grown(self, seq: int) -> bool:
        return await self._head() >= seq

    async def forge(self) -> None:
        """Somebody who may write to the server changes the text of an entry, in one step."""
        raws = await self.entries()
        raw = raws[len(raws) // 2]
        place = raw.data.index(b'"text":"') + len(b'"text":"')
        await self._put(f"{raw.seq}-0", raw.data[:place] + b"FORGED " + raw.data[place:])
        self._forged = (f"{raw.seq}-0", raw.data)

    async def mend(self) -> None:
        forged, self._forged = self._forged, None
        if forged is not None:
            await self._put(*forged)

    async def _put(self, stream_id: str, data: bytes) -> None:
        call: Any = self.reader.eval(FORGE, 1, _LOG, stream_id, data)
        await call

    # What is looked at

    async def entries(self) -> list[RawEntry]:
        """The whole log, past all proxies."""
        raws: list[RawEntry] = []
        while page := await read_log(self.reader, "en", raws[-1].seq if raws else 0):
            raws += page
        return raws

    async def stored(self) -> StoredEdition | None:
        return await load_edition(self.reader, "en")

    async def look(self) -> None:
        """Take down what the log has, for comparing later; before what is about to be lost."""
        with suppress(*CLIENT_ERRORS, OSError):
            stored = await self.stored()
            if stored is not None:
                self.histories.begin(stored.nonce)
                if self._forged is None:
                    self.histories.see(await self.entries())

    async def keep_looking(self) -> None:
        """Until cancelled."""
        while not is_cancelled():
            await self.look()
            await asyncio.sleep(0.05)

    async def get(self, part: Part, path: str) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.gateways[part], timeout=10, trust_env=False) as client:
            return await client.get(path)

    async def is_ready(self, part: Part) -> bool:
        try:
            response = await self.get(part, "/readyz")
        except httpx.HTTPError:
            return False
        return response.status_code == 200 and response.json()["status"] == "ready"

    async def note_files(self) -> None:
        """Take down how many files each process has open while nobody uses it."""
        for part in self._parts:
            more = SENTINELS_MORE if self.world.sentinel else CLUSTER_MORE if self.world.cluster else 0
            self._files[part] = files_of(self.programs[part]) + more

    def open_files(self) -> list[tuple[int, int]]:
        """Of each process that has run from the beginning: how many files were open at rest, and how many now."""
        return [(files, files_of(self.programs[part])) for part, files in self._files.items()]

    def said_that_history_was_replaced(self) -> bool:
        """Whether a gateway has logged it, or has begun anew meanwhile and had nothing to compare.

        One that was away until the log was trimmed past its own head can't tell, and says that.
        """
        logs = [self.programs[part].log for part in self.gateways]
        return any("history-replaced" in log or "trimmed-past" in log for log in logs) or any(
            part not in self._files for part in self.gateways
        )

    async def metrics_say_so(self) -> bool:
        """Whether a gateway has counted resets of its followers, or has begun to count anew meanwhile."""
        for part in self.gateways:
            if part not in self._files:
                return True
            text = (await self.get(part, "/metrics")).text
            if any(line.startswith("ticker_resets_total{") for line in text.splitlines()):
                return True
        return False

    # The end

    async def mend_all(self) -> None:
        """Put everything right: what comes now has to come by itself."""
        for part in list(self._paused):
            self.resume(part)
        for proxy in self.proxies.values():
            proxy.trap(None)
            proxy.heal()
        if self._disk is not None:
            await self.free_disk()
        if self._pair is None:
            await self.start(Part.SERVER)
        for part in self._parts:
            await self.start(part)
        await self.mend()

    async def end(self) -> list[str]:
        """End every process as an operator does; the names of those whose connections the server still has."""
        for part in self._parts:
            await self._end(part, at_rest=True)
        self.injected += sum(proxy.injected for proxy in self.proxies.values())
        left: list[str] = []

        async def are_gone() -> bool:
            left[:] = await asyncio.to_thread(self._connected)
            return not left

        with suppress(AssertionError):  # a proxy between them has to hear of their end, and to pass it on
            await eventually(are_gone, "their connections are gone", 5.0)
        return left

    def _connected(self) -> list[str]:
        """The names of those of ours that have connections to a server. Not for the loop: the proxies run in it."""
        servers = [self.server] if self._pair is None else self._pair.servers
        living = [server for server in servers if server.process is not None]
        names = [str(client["name"]) for server in living for client in server.command("CLIENT LIST")]
        return [name for name in names if name.startswith("ticker-") and name != "ticker-ticker"]

    async def head(self) -> Position:
        stored, raws = await self.stored(), await self.entries()
        assert stored is not None
        self.nonce = stored.nonce
        return Position.of(raws[-1].seq, raws[-1].link) if raws else Position.of(0, stored.nonce)


def _named(port: int) -> bytes:
    """A port as a reply of Redis has it."""
    return b"$%d\r\n%d\r\n" % (len(str(port)), port)


def _address_of(server: RedisServer | SentinelServer) -> tuple[str, int]:
    return (HOST, server.port)


def files_of(program: Program) -> int:
    """How many files a process has open."""
    return len(list(Path(f"/proc/{program.pid}/fd").iterdir()))


def _of(step: Step) -> Part:
    assert step.part is not None
    return step.part
