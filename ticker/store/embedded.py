"""The embedded server: a Valkey or Redis that `ticker up` starts, supervises and stops. Its data is kept on disk.

It listens only on a Unix socket in a private folder, and answers a write after it is on disk (`appendfsync always`).
`ticker.store.data_folder` lists its files. One of them records the program that wrote the data: a server can't read the
files of a newer one, and PATH may get an older one at any time.

Two servers must never write to the same append-only file. A second `ticker up` doesn't get the lock of the folder. If
`ticker up` is killed, the kernel sends its server SIGTERM (on Linux). A server that survives all the same still holds a
lock that it inherited; the next start sees that lock and shuts the server down.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog

from ticker.backoff import Backoff
from ticker.core.errors import StoreError
from ticker.store import data_folder
from ticker.store.child_process import tied_to_parent
from ticker.store.data_folder import embedded_url
from ticker.store.file_lock import FileLock
from ticker.store.server_binary import ServerProgram, Software, encode_record, find_program, read_record, read_version

START_S: Final = 10.0
"""How long a starting server may stay silent."""
LOADING_S: Final = 600.0
"""Maximum total loading time while the server keeps answering LOADING."""
STOP_S: Final = 10.0
ORPHAN_S: Final = 10.0
PING_S: Final = 1.0
POLL_S: Final = 0.003

RESTART_FIRST_S: Final = 0.1
RESTART_MOST_S: Final = 5.0
STABLE_S: Final = 30.0
"""After a server lived this long, the delays start again with the first."""

LOG_BYTES: Final = 1024 * 1024
"""A longer log is renamed to `redis.log.1` at the next start."""

VALKEY_9: Final = ServerProgram("", Software.VALKEY, (9, 0, 0))
"""The first server whose files begin with VALKEY. Other servers report a bad file format."""

_STAMP = re.compile(r"^\d+:[A-Z] [^*#.-]*\.\d+ [*#.-] ")
"""The beginning of each line of the server's log: `18736:M 24 Nov 2026 02:24:47.515 # `."""

log = structlog.stdlib.get_logger(__name__)


class EmbeddedServer:
    """One server and its data folder. `async with` starts, supervises and stops it.

    The thread that starts the server must live as long as the process: the kernel ends the server with that thread.

    Attributes:
        data: The data folder, as an absolute path.
        restarts: How often the server died and was restarted.

    """

    def __init__(self, data: Path, *, binary: Path | None = None) -> None:
        """Change nothing yet. Without `binary`, `start` looks for a program that can read the data."""
        self.data = data.absolute()
        self.restarts = 0
        self._binary = binary
        self._lock = FileLock(data_folder.lock_file(self.data))
        self._sockets: Path | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._changing = asyncio.Lock()

    @property
    def url(self) -> str:
        """The server's URL. It stays the same after restarts. Available once the server is started."""
        return data_folder.socket_url(self._socket)

    @property
    def pid(self) -> int | None:
        """The id of the server's process, or None if it isn't running."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        """Start the server, and return when it answers. After a failure, no process is left running.

        Raises:
            StoreError: If the data folder is in use or can't be written, if no server program is found, or if the
                server doesn't start. The message has the reason and the remedy.

        """
        self._stopping.clear()
        _make_folders(self.data)
        self._take_lock()
        try:
            program = await asyncio.to_thread(self._find_program)
            await _end_orphan(self.data)
            _rotate_log(data_folder.server_log(self.data))
            self._sockets = data_folder.make_socket_folder()
            # Written before the server starts: otherwise a crash could leave a server whose address nobody knows.
            data_folder.write_address(self.data, self._socket)
            await self._launch()
            if program is not None:
                data_folder.write_program(self.data, encode_record(program))
        except BaseException:
            await self.stop()
            raise

    async def supervise(self) -> None:
        """Restart the server whenever it dies, without limit. Return after `stop`.

        If this is cancelled, the server keeps running until `stop`.
        """
        backoff = Backoff(RESTART_FIRST_S, RESTART_MOST_S)
        loop = asyncio.get_running_loop()
        while self._process is not None:
            since = loop.time()
            status = await self._process.wait()
            if self._stopping.is_set():
                return
            log.warning("embedded-server-died", status=status, data=str(self.data))
            if loop.time() - since >= STABLE_S:
                backoff.reset()
            while not await self._restart(after_s=backoff.next_s()):
                pass

    async def stop(self) -> None:
        """Stop the server, so that its file is closed, and release the folder. Do nothing if it isn't running."""
        self._stopping.set()
        async with self._changing:
            await self._end_process()
            if self._sockets is not None:
                data_folder.address_file(self.data).unlink(missing_ok=True)
                data_folder.remove_socket_folder(self._sockets)
                self._sockets = None
            self._lock.release()

    async def __aenter__(self) -> Self:
        await self.start()
        self._supervisor = asyncio.create_task(self.supervise(), name="embedded-server")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        supervisor, self._supervisor = self._supervisor, None
        try:
            if supervisor is not None:
                supervisor.cancel()
                await asyncio.wait([supervisor])
                if not supervisor.cancelled():
                    supervisor.result()
        finally:
            await self.stop()

    @property
    def _socket(self) -> Path:
        assert self._sockets is not None, "the server isn't started"
        return data_folder.socket_in(self._sockets)

    def _find_program(self) -> ServerProgram | None:
        """Choose the server program, and return it with its version, or None if it doesn't print one."""
        if self._binary is not None:
            return read_version(self._binary)
        program = find_program(os.environ, read_record(data_folder.program_file(self.data)))
        self._binary = Path(program.path)
        return program

    def _take_lock(self) -> None:
        if not self._lock.acquire():
            raise StoreError(
                f"the data folder {self.data} is in use by process {self._lock.holder()}: "
                "stop that `ticker up`, or name another folder with --data"
            )
        self._lock.sign()

    async def _restart(self, *, after_s: float) -> bool:
        """Wait, then try to restart the server. Return True if it runs, or if it is being stopped."""
        await asyncio.sleep(after_s)
        async with self._changing:
            if self._stopping.is_set():
                return True
            try:
                await self._launch()
            except StoreError as error:
                log.warning("embedded-server-restart-failed", reason=str(error), data=str(self.data))
                return self._stopping.is_set()
        self.restarts += 1
        log.info("embedded-server-restarted", pid=self.pid, restarts=self.restarts, data=str(self.data))
        return True

    async def _launch(self) -> None:
        """Start the process and wait until it answers. Stop it if it doesn't."""
        assert self._binary is not None
        try:
            self._process = await self._spawn(self._binary)
            await self._until_ready(self._process)
        except BaseException:
            await self._end_process()
            raise

    async def _spawn(self, binary: Path) -> asyncio.subprocess.Process:
        lock = FileLock(data_folder.server_lock_file(self.data))
        await _acquire_within(lock, ORPHAN_S, self.data)
        try:
            with data_folder.server_log(self.data).open("ab") as output:
                return await asyncio.create_subprocess_exec(
                    binary,
                    *_options(self.data, self._socket),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    # The server inherits the descriptor, so the lock is held until the server's process ends.
                    pass_fds=(lock.fileno(),),
                    # Ctrl-C in the terminal must not stop the server before the parts that use it.
                    start_new_session=True,
                    preexec_fn=tied_to_parent(),
                )
        except OSError as error:
            raise StoreError(f"{binary} can't be started: {error.strerror}") from error
        finally:
            lock.release()

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        loop = asyncio.get_running_loop()
        begun = heard = loop.time()
        while not (reply := await _send(self._socket, b"PING")).startswith(b"+"):
            now = loop.time()
            heard = now if reply.startswith(b"-LOADING") else heard
            if process.returncode is not None:
                raise self._failure(f"ended with status {process.returncode} during its start")
            if self._stopping.is_set():
                raise self._failure("was stopped during its start")
            if now - heard > START_S or now - begun > LOADING_S:
                raise self._failure(f"didn't answer within {now - begun:.0f} s")
            await asyncio.sleep(POLL_S)

    def _failure(self, event: str) -> StoreError:
        path, folder = data_folder.server_log(self.data), data_folder.server_folder(self.data)
        lines = _last_lines(path)
        if _is_too_new(lines, folder, self._binary):
            # Without the output: an older server takes the file for damaged, and recommends to cut it off.
            return StoreError(
                f"the embedded server {event}: {self._binary} can't read what a newer server wrote to {folder}. The "
                "data isn't damaged: put that server, or a newer one, on PATH, and start again"
            )
        # The last two lines: an error about an option has one line with the option and one with the reason.
        output, remedy = " ".join(lines[-2:]), f"see {path}"
        if "append only file" in output.lower():
            remedy += (
                f". First copy {folder} to a safe place. Then restore the file from a backup. Without a backup, "
                "`valkey-check-aof --fix` makes the file readable, but it DELETES everything after the damage"
            )
        return StoreError(f"the embedded server {event}; its last output was {output!r}: {remedy}")

    async def _end_process(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            log.warning("embedded-server-killed", pid=process.pid, after_s=STOP_S, data=str(self.data))
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _options(data: Path, socket: Path) -> list[str]:
    """Return the server's options. They are passed on the command line: none is secret, and no file can get stale."""
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(data_folder.server_folder(data)),
        "appendonly": "yes",
        "appendfsync": "always",
        # After a crash during a write, the file ends with half a command, which was never acknowledged.
        "aof-load-truncated": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        # The smallest possible limit. Our values are less than a hundredth of it, but an editor can send any value.
        "proto-max-bulk-len": "1mb",
        "daemonize": "no",
        # Standard output, which is our log file: errors about options also go there.
        "logfile": "",
    }
    return [word for name, value in options.items() for word in (f"--{name}", value)]


def _make_folders(data: Path) -> None:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        data_folder.server_folder(data).mkdir(mode=0o700, exist_ok=True)
        # The folder may come from an older umask or a backup. Logs contain withdrawn texts, so nobody else may read it.
        data_folder.server_folder(data).chmod(0o700)
    except OSError as error:
        raise StoreError(
            f"the data folder {data} can't be used: {error.strerror}; name another one with --data"
        ) from error


def _rotate_log(path: Path) -> None:
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_name(path.name + ".1"))


def _last_lines(path: Path) -> list[str]:
    """Return the last lines of the server's log, without their stamps."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 2_000))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return []
    return [_STAMP.sub("", line.strip()) for line in lines if line.strip()]


def _is_too_new(lines: list[str], folder: Path, binary: Path | None) -> bool:
    """Return whether a server failed to load files because a newer one wrote them."""
    if any("Can't handle RDB format version" in line for line in lines):
        return True
    base = next(folder.glob("appendonlydir/*.base.rdb"), None)
    if base is None or binary is None or not any(base.name in line for line in lines):
        return False
    with base.open("rb") as file:
        is_of_valkey_9 = file.read(6) == b"VALKEY"
    program = read_version(binary)
    return is_of_valkey_9 and program is not None and not program.can_read(VALKEY_9)


async def _end_orphan(data: Path) -> None:
    """Shut down a server that survived the `ticker up` that started it, and wait until it has ended.

    Raises:
        StoreError: If it doesn't end.

    """
    lock = FileLock(data_folder.server_lock_file(data))
    if not lock.acquire():
        log.warning("embedded-server-orphan", data=str(data))
        with contextlib.suppress(StoreError):
            # NOSAVE: with `appendfsync always`, everything that was acknowledged is on disk.
            await _send(data_folder.socket_path(embedded_url(data)), b"SHUTDOWN NOSAVE")
        await _acquire_within(lock, ORPHAN_S, data)
    lock.release()
    with contextlib.suppress(StoreError):
        data_folder.remove_socket_folder(data_folder.socket_path(embedded_url(data)).parent)


async def _acquire_within(lock: FileLock, seconds: float, data: Path) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not lock.acquire():
        if loop.time() > deadline:
            raise StoreError(
                f"an earlier server still writes to {data_folder.server_folder(data)} "
                f"and didn't end within {seconds:g} s: "
                f"find it with `fuser {data_folder.server_lock_file(data)}`, stop it, and try again"
            )
        await asyncio.sleep(POLL_S)


async def _send(socket: Path, command: bytes) -> bytes:
    """Send one command on a new connection. Return the first line of the reply, or b"" without a reply.

    The client library would be too slow: this runs every few milliseconds.
    """
    try:
        async with asyncio.timeout(PING_S):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                writer.write(command + b"\r\n")
                return await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return b""
