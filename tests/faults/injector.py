"""Inject the faults of a schedule into a running system, and repair them."""

from __future__ import annotations

import asyncio
import shutil
import signal
from contextlib import suppress
from time import monotonic
from typing import Any, Final

from tests.faults.proxy import Fault, Proxy, Trap
from tests.faults.schedule import Action, Part, Step
from tests.faults.servers import Server
from tests.faults.system import LOG_KEY, REDIS_LINKS, FaultySystem
from tests.support.servers import NOT_READY
from tests.support.waiting import eventually, until
from ticker.core.entry import RawEntry

REPLACE_ENTRY: Final = """
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
"""A Lua script that replaces the data of one entry (KEYS: the log; ARGV: stream id, data)."""

_READ_AND_FLUSH: Final = "local e = redis.call('XRANGE', KEYS[1], '-', '+') redis.call('FLUSHALL') return e"
_REPAIRS: Final = frozenset({Action.START, Action.RESUME, Action.HEAL, Action.FREE, Action.RESTORE_ENTRY, Action.COPY})

LAG: Final = 4
"""How many entries a replica lacks when it is promoted."""
LAG_S: Final = 10.0
"""After so many seconds, one entry is enough. Sentinels promote no replica that lost its primary 27 s before."""


class FaultInjector:
    """Carries out the steps of a schedule. `injected` counts the faults, without those of the proxies."""

    def __init__(self, system: FaultySystem) -> None:
        self.injected = 0
        self._system = system
        self._paused: set[Part] = set()
        self._original_entry: tuple[str, bytes] | None = None

    async def run(self, step: Step) -> None:
        """Carry out a step. A step that isn't possible, for example killing a dead process, does nothing."""
        self.injected += step.action not in _REPAIRS
        match step.action:
            case Action.KILL:
                await self._kill(_part_of(step))
            case Action.START:
                await self._start(_part_of(step))
            case Action.PAUSE:
                self._pause(_part_of(step))
            case Action.RESUME:
                self._resume(_part_of(step))
            case Action.RESTART:
                await self._restart(_part_of(step))
            case Action.KILL_BEFORE | Action.KILL_AFTER | Action.CUT_BEFORE | Action.CUT_AFTER:
                self._set_trap(step)
            case Action.FAIL:
                self._proxy(step).fail(step.fault)
            case Action.HEAL:
                self._proxy(step).heal()
            case _:
                await self._run_on_server(step)

    async def _run_on_server(self, step: Step) -> None:
        system = self._system
        match step.action:
            case Action.SHORTEN | Action.RESTORE:
                await self._lose_data(step)
            case Action.FLUSH:
                await self._flush()
            case Action.COPY:
                self._copy_data()
            case Action.FILL:
                assert system.disk is not None
                system.disk.fill(system.server)
            case Action.FREE:
                await self._free_disk()
            case Action.CLOCK:
                assert system.clock is not None
                system.clock.set(step.amount)
            case Action.FAIL_OVER:
                await self._fail_over()
            case Action.FORGE_ENTRY:
                await self._forge_entry()
            case Action.RESTORE_ENTRY:
                await self._restore_entry()
            case _:
                raise AssertionError(f"unknown action: {step}")

    async def repair_all(self) -> None:
        """Undo every fault. From here on the system must recover without help."""
        system = self._system
        for part in list(self._paused):
            self._resume(part)
        for proxy in system.proxies.values():
            proxy.trap(None)
            proxy.heal()
        if system.disk is not None:
            await self._free_disk()
        if system.pair is None:
            await self._start(Part.SERVER)
        for part in system.parts:
            await self._start(part)
        await self._restore_entry()

    # Processes

    async def _kill(self, part: Part) -> None:
        """Send SIGKILL."""
        system = self._system
        self._paused.discard(part)
        if part is Part.SERVER:
            if system.server.process is not None:
                if system.setup.fsync != "always":
                    await self._record_last_log()
                system.server.kill()
        elif system.programs[part].process is not None:
            system.programs[part].kill()

    async def _start(self, part: Part) -> None:
        """Start a process that isn't running, and remove the trap on its connection to Redis."""
        system = self._system
        if part in REDIS_LINKS:
            system.proxies[REDIS_LINKS[part]].trap(None)
        if system.is_alive(part):
            return
        if part is Part.SERVER:
            system.server.process = None
            await asyncio.to_thread(system.server.start)
            return
        if system.programs[part].process is not None:
            system.programs[part].wait()
        system.forget_open_files(part)
        system.programs[part].start(wait=False)

    def _pause(self, part: Part) -> None:
        if self._system.is_alive(part):
            self._paused.add(part)
            self._signal(part, signal.SIGSTOP)

    def _resume(self, part: Part) -> None:
        if part in self._paused:
            self._paused.discard(part)
            self._signal(part, signal.SIGCONT)

    def _signal(self, part: Part, number: signal.Signals) -> None:
        if part is Part.SERVER:
            server = self._system.server
            server.pause() if number is signal.SIGSTOP else server.resume()
        else:
            self._system.programs[part].signal(number)

    async def _restart(self, part: Part) -> None:
        """End a process with SIGTERM, as an operator does, and start it again."""
        system = self._system
        if system.is_alive(part):
            self._resume(part)
            await system.end_program(part)
        await self._start(part)
        if self._is_server_running() and system.proxies[REDIS_LINKS[part]].fault is Fault.NONE:
            await system.wait_ready(part)

    def _is_server_running(self) -> bool:
        return self._system.is_alive(Part.SERVER) and Part.SERVER not in self._paused

    # Connections

    def _proxy(self, step: Step) -> Proxy:
        assert step.link is not None
        return self._system.proxies[step.link]

    def _set_trap(self, step: Step) -> None:
        """Kill a desk, or cut its connection, at one of its next commands."""
        part = _part_of(step)
        program = self._system.programs[part]
        is_after = step.action in (Action.KILL_AFTER, Action.CUT_AFTER)
        kills = step.action in (Action.KILL_BEFORE, Action.KILL_AFTER)

        def on_trigger() -> None:
            if kills and program.process is not None:
                program.kill()

        self._system.proxies[REDIS_LINKS[part]].trap(Trap(step.amount, is_after, step.command, on_trigger))

    # Data

    async def _flush(self) -> None:
        """Delete all data with FLUSHALL. Read the log in the same step: a gateway may have seen the latest entries."""
        system = self._system
        await system.record_log()
        system.has_lost = True
        with suppress(*NOT_READY):
            entries = system.server.command("EVAL", _READ_AND_FLUSH, 1, LOG_KEY)
            if not system.has_forged_entry:
                system.histories.add(_raw_entry(stream_id, pairs) for stream_id, pairs in entries)

    async def _record_last_log(self) -> None:
        """Stop all writes to a server that is about to die, and record its log."""
        with suppress(*NOT_READY):
            self._system.server.command("CLIENT", "PAUSE", 5000, "WRITE")
        await self._system.record_log()

    async def _lose_data(self, step: Step) -> None:
        """Kill the server, and start it again with less data than it had acknowledged."""
        system = self._system
        assert isinstance(system.server, Server)
        self._resume(Part.SERVER)
        await self._record_last_log()
        system.has_lost = True
        await self._kill(Part.SERVER)
        copy = system.folder / "copy"
        if step.action is Action.SHORTEN:
            system.server.shorten(step.amount)
        elif copy.exists():
            shutil.rmtree(system.server.append_only_folder)
            shutil.copytree(copy, system.server.append_only_folder)
        system.server.process = None
        await asyncio.to_thread(system.server.start)

    def _copy_data(self) -> None:
        """Back up the append-only file."""
        server = self._system.server
        assert isinstance(server, Server)
        if self._is_server_running():
            server.pause()
        shutil.copytree(server.append_only_folder, self._system.folder / "copy", dirs_exist_ok=True)
        if self._is_server_running():
            server.resume()

    async def _free_disk(self) -> None:
        """Free disk space. Start the server if it has ended, as it does on a full disk with `appendfsync always`."""
        system = self._system
        assert system.disk is not None
        system.disk.free(system.server)
        if not system.is_alive(Part.SERVER):
            await self._start(Part.SERVER)

    async def _fail_over(self) -> None:
        """Cut the replica off, wait until the primary has more entries, and kill the primary."""
        system, pair = self._system, self._system.pair
        assert pair is not None
        pair.primary.command("ACL", "SETUSER", "replica", "off")
        pair.primary.command("CLIENT", "KILL", "USER", "replica")
        before, cut_at = (await system.head()).seq, monotonic()

        async def has_grown() -> bool:
            more = (await system.head()).seq - before
            return more >= LAG or (more > 0 and monotonic() - cut_at > LAG_S)

        await eventually(has_grown, "the primary has more entries than the replica")
        await self._record_last_log()
        system.has_lost = True
        pair.primary.kill()
        # Sentinels whose votes were split try again after 4 s, and a Sentinel that was delayed for 2 s pauses for 30 s.
        # On a busy machine both can happen more than once.
        await asyncio.to_thread(until, pair.is_promoted, "the replica is promoted", 400.0)

    async def _forge_entry(self) -> None:
        """Change the text of an entry in the middle of the log."""
        raws = await self._system.entries()
        raw = raws[len(raws) // 2]
        start = raw.data.index(b'"text":"') + len(b'"text":"')
        self._original_entry = (f"{raw.seq}-0", raw.data)
        self._system.has_forged_entry = self._system.was_damaged = True
        await self._replace_entry(f"{raw.seq}-0", raw.data[:start] + b"FORGED " + raw.data[start:])

    async def _restore_entry(self) -> None:
        original, self._original_entry = self._original_entry, None
        if original is not None:
            await self._replace_entry(*original)
            self._system.has_forged_entry = False

    async def _replace_entry(self, stream_id: str, data: bytes) -> None:
        call: Any = self._system.reader.eval(REPLACE_ENTRY, 1, LOG_KEY, stream_id, data)
        await call


def _raw_entry(stream_id: bytes, pairs: list[bytes]) -> RawEntry:
    fields = dict(zip(pairs[::2], pairs[1::2], strict=True))
    return RawEntry(int(stream_id.partition(b"-")[0]), fields[b"link"].decode(), fields[b"entry"])


def _part_of(step: Step) -> Part:
    assert step.part is not None
    return step.part
