"""Real servers for tests: one alone, one behind Sentinels, a Cluster, one behind TLS.

Each is a process of its own on a Unix socket or a free port of 127.0.0.1, bounded in every wait, ended by its process
handle, and ended by the kernel when the tests are killed. They are started and ended synchronously (tens of
milliseconds), so that tests with and without an event loop can use them.

    with RedisServer(folder) as server:
        client = connect(server.url, role="desk")
        ...
        server.kill()       # kill -9
        server.start()      # again, on the same files and at the same address
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.retry import Retry

from ticker.store.child_process import tied_to_parent
from ticker.store.server_binary import find_binary

WAIT_S: Final = 15.0
"""No wait in here is longer; on an idle machine all of them together take about a second."""

HOST: Final = "127.0.0.1"

GIVEN_TO_NOBODY: Final = range(15_000, 32_000)
"""Ports that systems leave to whoever asks for them; Linux gives out those from 32,768 on, others from 49,152."""

ANSWERS: Final = (redis.ConnectionError, redis.TimeoutError, redis.ResponseError)
"""What a command raises when the server isn't there or not ready."""

_ONCE: Final[Mapping[str, Any]] = {"socket_timeout": 2, "retry": Retry(NoBackoff(), 0)}


@contextmanager
def short_folder() -> Iterator[Path]:
    """A new folder with a path short enough for a Unix socket, which pytest's `tmp_path` often isn't; then removed."""
    folder = Path(tempfile.mkdtemp(prefix="tk-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def until(condition: Callable[[], bool], what: str, within_s: float = WAIT_S) -> None:
    """Wait for `condition`, and fail with `what` when it doesn't come."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        time.sleep(0.005)


async def eventually(condition: Callable[[], Awaitable[bool]], what: str, within_s: float = WAIT_S) -> None:
    """`until`, for a condition that is awaited."""
    deadline = time.monotonic() + within_s
    while not await condition():
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        await asyncio.sleep(0.005)


def free_port() -> int:
    """A port that nobody has, and that the kernel gives to no connection before a server of ours takes it."""
    while True:
        port = secrets.choice(GIVEN_TO_NOBODY)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", port))
            return port


def is_alive(pid: int) -> bool:
    """Whether a process runs. One that ended, but wasn't waited for, doesn't (on Linux; elsewhere nobody tells)."""
    with suppress(FileNotFoundError, ProcessLookupError):
        if not Path("/proc/self/stat").exists():
            os.kill(pid, 0)
            return True
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    return False


class _Process:
    """One server process with a folder. Subclasses say how it is called and where it listens."""

    def __init__(self, dir: Path) -> None:  # noqa: A002 -- Redis's own name for it
        self.dir = dir
        self.process: subprocess.Popen[bytes] | None = None
        dir.mkdir(parents=True, exist_ok=True)

    @property
    def pid(self) -> int:
        assert self.process is not None, "the server isn't started"
        return self.process.pid

    @property
    def log(self) -> str:
        return (self.dir / "log").read_text(encoding="utf-8", errors="replace")

    def start(self) -> Self:
        """Start it, or start it again on the same files and at the same address; return when it answers."""
        assert self.process is None, "the server runs already"
        with (self.dir / "log").open("ab") as output:
            self.process = subprocess.Popen(
                self._words(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=tied_to_parent(signal.SIGKILL),  # noqa: PLW1509 -- written for it
            )
        until(self._is_ready, f"{self._words()} answers")
        return self

    def stop(self) -> None:
        """End it with SIGTERM (SIGKILL if that doesn't help). Does nothing when it doesn't run."""
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(WAIT_S)

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        assert self.process is not None, "the server isn't started"
        self.process.kill()
        self.process.wait(WAIT_S)
        self.process = None

    def pause(self) -> None:
        """Stop its work without closing anything, as a machine that hangs does."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def command(self, *words: str | int | bytes) -> Any:
        """One command on a connection of its own. Raises what redis-py raises."""
        client = self._client()
        try:
            return client.execute_command(*words)  # type: ignore[no-untyped-call]
        finally:
            client.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _words(self) -> list[str]:
        raise NotImplementedError

    def _client(self) -> redis.Redis:
        raise NotImplementedError

    def _is_ready(self) -> bool:
        assert self.process is not None
        status = self.process.poll()
        if status is not None:
            self.process = None
            raise AssertionError(f"the server ended with status {status} as it started:\n{self.log[-2000:]}")
        try:
            return bool(self.command("PING"))
        except redis.AuthenticationError:
            return True
        except ANSWERS:
            return False


class RedisServer(_Process):
    """A server with an append-only file, synced at each write.

    Args:
        dir: Its folder, which keeps its files.
        tcp: Listen on a port of 127.0.0.1 instead of a Unix socket in its folder.
        password: Of the default user.
        options: More settings, or other ones.

    """

    def __init__(
        self,
        dir: Path,  # noqa: A002
        *,
        tcp: bool = False,
        password: str | None = None,
        options: Mapping[str, str | int] | None = None,
    ) -> None:
        super().__init__(dir)
        self.socket = None if tcp else dir / "redis.sock"
        self.port = free_port() if tcp else 0
        self.password = password
        self.options = {
            "port": self.port,
            "bind": HOST,
            "dir": dir,
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always",
            "repl-diskless-sync-delay": 0,
            **({"unixsocket": self.socket} if self.socket is not None else {}),
            **({"requirepass": password, "masterauth": password} if password is not None else {}),
            **(options or {}),
        }

    @property
    def url(self) -> str:
        credentials = "" if self.password is None else f":{quote(self.password, safe='')}@"
        return f"unix://{credentials}{self.socket}" if self.socket else f"redis://{credentials}{HOST}:{self.port}"

    @property
    def address(self) -> tuple[str, int]:
        return (HOST, self.port)

    def _words(self) -> list[str]:
        pairs = [(f"--{name}", str(value)) for name, value in self.options.items()]
        return [str(find_binary(os.environ)), *(word for pair in pairs for word in pair)]

    def _client(self) -> redis.Redis:
        if self.socket is not None:
            return redis.Redis(unix_socket_path=str(self.socket), password=self.password, **_ONCE)
        return redis.Redis(host=HOST, port=self.port, password=self.password, **_ONCE)


class SentinelServer(_Process):
    """One Sentinel that watches `primary`: it sees a death within `down_after_ms` and a moment.

    `ping-period` stays as it is: of a dead master's replica it hears once a second, and promotes none that it heard of
    more than five such periods ago. With a shorter one it is by chance that it finds one.
    """

    PERIODS: Final = ("info-period", "ask-period", "publish-period")

    def __init__(self, dir: Path, primary: RedisServer, service: str, *, down_after_ms: int) -> None:  # noqa: A002
        super().__init__(dir)
        self.port = free_port()
        lines = [
            f"port {self.port}",
            f"bind {HOST}",
            f'dir "{dir}"',
            f"sentinel monitor {service} {HOST} {primary.port} 2",
            f"sentinel down-after-milliseconds {service} {down_after_ms}",
            f"sentinel failover-timeout {service} 2000",
        ]
        if primary.password is not None:
            lines.append(f"sentinel auth-pass {service} {primary.password}")
        (dir / "sentinel.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def start(self) -> Self:
        super().start()
        self.command("SENTINEL", "DEBUG", *(word for name in self.PERIODS for word in (name, 100)))
        return self

    def tell_every(self, milliseconds: int) -> None:
        """How often it tells the others what it knows; four times that, it lets a server be what it shouldn't be.

        So short for getting to know each other and for demoting the old master; long while a replica is promoted, as
        the one that promotes it looks only once a second, and the others would turn it back.
        """
        self.command("SENTINEL", "DEBUG", "publish-period", milliseconds)

    def _words(self) -> list[str]:
        return [str(find_binary(os.environ)), str(self.dir / "sentinel.conf"), "--sentinel"]

    def _client(self) -> redis.Redis:
        return redis.Redis(host=HOST, port=self.port, **_ONCE)


class SentinelTrio:
    """A primary, its replica, and three Sentinels that agree. `primary` stays the first one's name after a failover."""

    service: Final = "news"

    def __init__(self, dir: Path, *, password: str | None = None, down_after_ms: int = 300) -> None:  # noqa: A002
        self.primary = RedisServer(dir / "a", tcp=True, password=password)
        self.replica = RedisServer(
            dir / "b", tcp=True, password=password, options={"replicaof": f"{HOST} {self.primary.port}"}
        )
        self.servers = [self.primary, self.replica]
        self.sentinels = [
            SentinelServer(dir / f"s{number}", self.primary, self.service, down_after_ms=down_after_ms)
            for number in range(3)
        ]

    @property
    def url(self) -> str:
        hosts = ",".join(f"{HOST}:{sentinel.port}" for sentinel in self.sentinels)
        credentials = "" if self.primary.password is None else f":{quote(self.primary.password, safe='')}@"
        return f"redis+sentinel://{credentials}{hosts}/{self.service}"

    def master_port(self) -> int:
        """Where the first Sentinel that runs says the master is."""
        sentinel = next(sentinel for sentinel in self.sentinels if sentinel.process is not None)
        _, port = sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.service)
        return int(port)

    def is_promoted(self) -> bool:
        """Whether the Sentinels have taken the replica for the primary, which has died; then they all learn it soon."""
        is_promoted = self.master_port() == self.replica.port
        if is_promoted:
            for sentinel in self.sentinels:
                sentinel.tell_every(100)
        return is_promoted

    def fail_over(self) -> None:
        """Have the Sentinels promote the replica while the primary lives; return when all agree and that is demoted."""
        self.sentinels[0].command("SENTINEL", "FAILOVER", self.service)
        until(self._replica_is_master, "the replica is promoted and every Sentinel says so")
        for sentinel in self.sentinels:
            sentinel.tell_every(100)
        until(self._primary_is_replica, "the old primary is demoted")

    def __enter__(self) -> Self:
        try:
            for server in (self.primary, self.replica, *self.sentinels):
                server.start()
            until(self._agree, "the Sentinels know each other and a replica in step")
            for sentinel in self.sentinels:
                sentinel.tell_every(2000)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for server in (*self.sentinels, self.replica, self.primary):
            server.stop()

    def _replica_is_master(self) -> bool:
        said = [s.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.service) for s in self.sentinels]
        return all(int(port) == self.replica.port for _, port in said)

    def _primary_is_replica(self) -> bool:
        try:
            return bool(self.primary.command("ROLE")[0] == b"slave")
        except ANSWERS:
            return False  # a Sentinel cuts all connections to the server that it demotes, this one too

    def _agree(self) -> bool:
        return all(self._is_informed(sentinel) for sentinel in self.sentinels)

    def _is_informed(self, sentinel: SentinelServer) -> bool:
        primary = sentinel.command("SENTINEL MASTERS")[self.service]
        replicas = sentinel.command("SENTINEL SLAVES", self.service)
        # A replica whose link isn't known to be up is none that a Sentinel would promote.
        in_step = [replica for replica in replicas if replica["master-link-status"] == "ok"]
        return bool(primary["num-other-sentinels"] == 2 and len(in_step) == 1)


class Cluster:
    """Three primaries without replicas that share the slots between them."""

    SLOTS: Final = 16_384
    PRIMARIES: Final = 3

    def __init__(self, dir: Path, *, nodes: int = PRIMARIES) -> None:  # noqa: A002
        self.nodes = [
            RedisServer(
                dir / f"n{number}",
                tcp=True,
                options={"cluster-enabled": "yes", "cluster-port": free_port(), "cluster-node-timeout": 2000},
            )
            for number in range(nodes)
        ]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"{HOST}:{node.port}" for node in self.nodes)

    def __enter__(self) -> Self:
        try:
            for node in self.nodes:
                node.start()
            self._join()
            self.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for node in self.nodes:
            node.stop()

    def renew(self) -> None:
        """Start what was killed, and empty all."""
        for node in self.nodes:
            if node.process is None:
                node.start()
        self.wait()
        for node in self.nodes:
            node.command("FLUSHALL")

    def wait(self) -> None:
        """Until it takes writes. That is two seconds from a node's start, whatever its settings."""
        until(self._is_whole, "every node of the Cluster knows every slot")

    def _join(self) -> None:
        share = self.SLOTS // self.PRIMARIES
        for number, node in enumerate(self.nodes):
            node.command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if number < self.PRIMARIES:
                last = self.SLOTS if number == self.PRIMARIES - 1 else share * (number + 1)
                node.command("CLUSTER", "ADDSLOTSRANGE", share * number, last - 1)
        for node in self.nodes[1:]:
            self.nodes[0].command("CLUSTER", "MEET", HOST, node.port, str(node.options["cluster-port"]))

    def _is_whole(self) -> bool:
        infos = [node.command("CLUSTER INFO") for node in self.nodes]
        return all(
            info["cluster_state"] == "ok" and int(info["cluster_known_nodes"]) == len(self.nodes) for info in infos
        )


class ClusterWithReplica(Cluster):
    """Three primaries; the one that has the slot of `key`, the `primary`, has a replica."""

    def __init__(self, dir: Path, key: str) -> None:  # noqa: A002
        super().__init__(dir, nodes=self.PRIMARIES + 1)
        slot = key_slot(key.encode())
        self.primary = self.nodes[min(slot // (self.SLOTS // self.PRIMARIES), self.PRIMARIES - 1)]
        self.replica = self.nodes[-1]
        self.servers = self.nodes
        for node in self.nodes:
            # However long its link was down: it lags, and is promoted all the same.
            node.options |= {"cluster-replica-validity-factor": 0}

    def is_promoted(self) -> bool:
        """Whether the replica has taken over from the primary, which has died."""
        return bool(self.replica.command("ROLE")[0] == b"master")

    def wait(self) -> None:
        super().wait()
        name = self.primary.command("CLUSTER", "MYID")
        if not self.is_in_step():
            until(lambda: self._replicates(name), "the replica knows its primary")
        until(self.is_in_step, "the replica is in step")

    def is_in_step(self) -> bool:
        return bool(self.replica.command("INFO", "replication").get("master_link_status") == "up")

    def _replicates(self, name: bytes) -> bool:
        try:
            self.replica.command("CLUSTER", "REPLICATE", name)
        except redis.ResponseError:
            return False
        return True


@asynccontextmanager
async def tls_front(server: RedisServer, folder: Path) -> AsyncIterator[str]:
    """The server behind TLS: the URL of a front that takes TLS off and passes everything on, for `localhost`.

    The packaged server is built without TLS, so a front stands for one; to a client they are the same.
    """
    assert server.socket is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (folder / "key.pem").write_text(_KEY, encoding="ascii")
    certificate = tls_certificate(folder)
    context.load_cert_chain(certificate, folder / "key.pem")
    path = server.socket
    tasks: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        behind_reader, behind_writer = await asyncio.open_unix_connection(path)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pass_on(reader, behind_writer))
                group.create_task(_pass_on(behind_reader, writer))
        finally:
            writer.close()
            behind_writer.close()

    front = await asyncio.start_server(serve, "localhost", 0, family=socket.AF_INET, ssl=context)
    port = front.sockets[0].getsockname()[1]
    try:
        yield f"rediss://localhost:{port}?ssl_ca_certs={quote(str(certificate))}"
    finally:
        front.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await front.wait_closed()


def tls_certificate(folder: Path) -> Path:
    """The file of the throw-away certificate, which signs itself: what a client names in `ssl_ca_certs`."""
    path = folder / "certificate.pem"
    path.write_text(_CERTIFICATE, encoding="ascii")
    return path


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


# For localhost and 127.0.0.1, valid until 2126. It protects nothing: it is here because a bare machine has no program
# that makes one.
_KEY: Final = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgmg4EsxPifoshrOrf
xNit1u3lNgMKbMpS9ZTTwpJ6uP+hRANCAAS/wrzYmv8oWZzoEqOiuFZuKz7Ydt6m
TJNixqfg1By4XfHr5ob1f3A2Y6zMVzU0Dh59zBPx/552UDzjtiiBMNdm
-----END PRIVATE KEY-----
"""
_CERTIFICATE: Final = """\
-----BEGIN CERTIFICATE-----
MIIBrDCCAVGgAwIBAgIUHo1+7hCM08JQqnqanp3roSQS91MwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDAyMDgwOVoYDzIxMjYxMDMx
MDIwODA5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAS/wrzYmv8oWZzoEqOiuFZuKz7Ydt6mTJNixqfg1By4XfHr5ob1f3A2
Y6zMVzU0Dh59zBPx/552UDzjtiiBMNdmo38wfTAdBgNVHQ4EFgQUy7Ih/r2Y+57J
SDtfvxm+SPesU/EwHwYDVR0jBBgwFoAUy7Ih/r2Y+57JSDtfvxm+SPesU/EwGgYD
VR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0P
AQH/BAQDAgKEMAoGCCqGSM49BAMCA0kAMEYCIQDwBK9AUWWkKgzaFR/kypHz4I9d
0LHuiAl7Pva33btIbgIhAMhPhFnHhGjdwGS4Ep6FwzfsKqL0rVPB66Hz3CRsvRHF
-----END CERTIFICATE-----
"""
