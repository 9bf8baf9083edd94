"""A running topology: a process per host, in network namespaces. Everything in it can be killed, restarted and cut off.

    network = Network()
    with RunningTopology(HA, folder, network, find_engine("valkey")) as system:
        system.kill("valkey1")
        system.cut_off("gateway1")

All methods block. `start` waits until each host is ready.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from scripts.programs import find_program
from scripts.redis70 import find_redis70
from scripts.topologies import hosts
from scripts.topologies.certificate import make_certificate
from scripts.topologies.cluster import command, form_cluster, is_whole, text_of
from scripts.topologies.hosts import Host, Kind, Topology, fill, levels
from scripts.topologies.http import get
from scripts.topologies.namespaces import Network, NetworkError
from scripts.topologies.processes import HostProcess, Launch, Process, launch
from scripts.topologies.proxy_files import CONNECTIONS, PROXIES, SITE, Place, adapted, proxy_words, replacements
from ticker.store.server_binary import find_binary

READY_S: Final = 60.0
"""How long hosts may take until they are ready. It must hold on a busy machine, too."""

ONE_TRY: Final[Mapping[str, Any]] = {"socket_timeout": 2, "socket_connect_timeout": 2, "retry": Retry(NoBackoff(), 0)}
NOT_READY: Final = (redis.ConnectionError, redis.TimeoutError, redis.ResponseError)
"""The errors of a command to a server that is down or not ready."""

_OURS: Final = ("TICKER_", "TICK_")
_TICKER: Final = "import sys; sys.argv[0] = 'ticker'; from ticker.cli import main; main()"


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """Changes to the data of a topology, for tests that must not wait.

    Attributes:
        settings: More lines for the configuration of each kind of host. A later line replaces an earlier one.
        environment: More variables for desks and gateways.
        desk_words: More arguments for desks.
        sentinel_period_ms: How often Sentinels poll and publish. None keeps their own seconds.
        connections: How many connections a proxy accepts.

    """

    settings: Mapping[Kind, tuple[str, ...]] = {}
    environment: Mapping[str, str] = {}
    desk_words: tuple[str, ...] = ()
    sentinel_period_ms: int | None = None
    connections: int = CONNECTIONS


NO_TUNING: Final = Tuning()


def find_engine(name: str) -> Path:
    """Return the server program: `valkey` (the one that Ticker uses) or `redis` (7.0).

    Raises:
        NetworkError: If it is missing.

    """
    if name == "valkey":
        return find_binary({"PATH": ""})
    found = find_redis70()
    if found is None:
        raise NetworkError("Redis 7.0 is missing: run `make redis70`")
    return found


def launch_ticker(words: Sequence[str], environ: Mapping[str, str], log: Path, namespace: int) -> Process:
    """Start one of our own commands."""
    return launch([str(Path(sys.executable).parent / words[0]), *words[1:]], environ, log, namespace)


class RunningTopology:
    """The processes of a topology. Use as a context manager.

    Args:
        topology: The hosts.
        folder: A folder for the files of all hosts.
        network: The network, to which the hosts are added.
        engine: The server program.
        launch_part: How to start `ticker`. Servers and proxies are always started with `processes.launch`.
        tuning: Changes to the data.

    """

    def __init__(
        self,
        topology: Topology,
        folder: Path,
        network: Network,
        engine: Path,
        *,
        launch_part: Launch | None = None,
        tuning: Tuning = NO_TUNING,
    ) -> None:
        self.topology = topology
        self.folder = folder
        self.password = secrets.token_hex(16)
        self.processes: dict[str, HostProcess] = {}
        self._network = network
        self._engine = engine
        self._launch = launch_ticker if launch_part is None else launch_part
        self._tuning = tuning
        self._trees: dict[str, Path] = {}
        self._places: dict[str, Place] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self.password_file = folder / "redis-password"
        self.password_file.write_text(self.password, encoding="ascii")

    # Start and end

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            process.kill()

    def start(self) -> None:
        """Start all hosts, and wait until all are ready."""
        for host in self.topology.hosts:
            self._network.add(host.number)
            self.processes[host.name] = self._prepare(host)
        for level in levels(self.topology):
            for host in level:
                self.processes[host.name].start()
            for host in level:
                self.wait_ready(host.name)
            if self.topology.name == "cluster" and any(host.kind is Kind.SERVER for host in level):
                servers = self.topology.of(Kind.SERVER)
                form_cluster([self.client(each.name) for each in servers], [each.address for each in servers])
                self._wait(self.is_whole, "the Cluster has all slots and replicas")

    def end_all(self) -> dict[str, int]:
        """End all processes with SIGTERM, the last started first. Return the exit codes."""
        names = [host.name for level in reversed(levels(self.topology)) for host in level]
        return {name: self.processes[name].end() for name in names if self.processes[name].is_running}

    # Faults

    def kill(self, name: str) -> None:
        """End a host with SIGKILL."""
        self.processes[name].kill()

    def start_host(self, name: str) -> None:
        """Start a host that was killed or ended, on its files. Do nothing if it runs."""
        if not self.processes[name].is_running:
            self.processes[name].start()

    def restart(self, name: str) -> int:
        """End a host with SIGTERM, start it again, and wait until it is ready. Return the exit code of its end."""
        code = self.processes[name].end()
        self.start_host(name)
        self.wait_ready(name)
        return code

    def set_tree(self, name: str, tree: Path | None) -> None:
        """Let the next start of a desk or a gateway use another source tree, with our libraries. None is our own."""
        if tree is None:
            self._trees.pop(name, None)
        else:
            self._trees[name] = tree

    def cut_off(self, name: str) -> None:
        """Unplug a host from the network. Its program goes on."""
        self._network.cut_off(self.topology.host(name).number)

    def rejoin(self, name: str) -> None:
        self._network.rejoin(self.topology.host(name).number)

    def cut(self, some: Sequence[str], others: Sequence[str]) -> None:
        """Drop everything between each of `some` and each of `others`. Readers and editors still reach all of them."""
        numbers = [[self.topology.host(name).number for name in names] for names in (some, others)]
        self._network.cut(*numbers)

    def heal(self) -> None:
        """End all cuts between hosts."""
        self._network.heal()

    # Readiness

    def wait_ready(self, name: str) -> None:
        self._wait(lambda: self.is_ready(name), f"{name} is ready")

    def is_ready(self, name: str) -> bool:
        """Return whether a host works.

        Raises:
            NetworkError: If its process has ended.

        """
        process = self.processes[name]
        if not process.is_running:
            raise NetworkError(f"{name} ended with {process.code}:\n{process.log[-2000:]}")
        host = self.topology.host(name)
        try:
            return self._answers(host)
        except (OSError, *NOT_READY):
            return False

    def _answers(self, host: Host) -> bool:
        match host.kind:
            case Kind.SERVER:
                client = self.client(host.name)
                return bool(client.ping()) and client.info("replication").get("master_link_status", "up") == "up"
            case Kind.SENTINEL:
                return self._is_informed(host)
            case Kind.DESK:
                return get(host.address, hosts.DESK_METRICS_PORT, "/readyz").status == 200
            case Kind.GATEWAY:
                return get(host.address, hosts.READERS_PORT, "/readyz").status == 200
            case Kind.PROXY:
                certificate = self.certificate_of(host.name)
                return (
                    get(host.address, hosts.TLS_PORT, "/v1/editions", site=SITE, certificate=certificate).status == 200
                )

    def _is_informed(self, host: Host) -> bool:
        """Return whether a Sentinel knows the others, and a replica with a live link."""
        client = self.client(host.name)
        if self._tuning.sentinel_period_ms is not None:
            periods = [
                (name, self._tuning.sentinel_period_ms) for name in ("info-period", "ask-period", "publish-period")
            ]
            command(client, "SENTINEL", "DEBUG", *(word for pair in periods for word in pair))
        master = command(client, "SENTINEL MASTERS")[hosts.SERVICE]
        linked = [each for each in client.sentinel_slaves(hosts.SERVICE) if each["master-link-status"] == "ok"]
        others = len(self.topology.of(Kind.SENTINEL)) - 1
        return int(master["num-other-sentinels"]) == others and len(linked) >= 1

    def is_whole(self) -> bool:
        """Return whether every running node of the Cluster knows all slots, and every replica follows its primary."""
        return is_whole(
            [self.client(each.name) for each in self.topology.of(Kind.SERVER) if self.processes[each.name].is_running]
        )

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + READY_S
        while not condition():
            if time.monotonic() > deadline:
                raise NetworkError(f"not within {READY_S:g} s: {what}")
            time.sleep(0.02)

    # Addresses and clients

    @property
    def url(self) -> str:
        """The URL of Redis, with the password."""
        scheme, _, rest = fill(self.topology.url, self.topology.addresses).partition("://")
        return f"{scheme}://:{quote(self.password)}@{rest}"

    @property
    def certificate(self) -> Path:
        """The certificate that clients of the first proxy must trust."""
        proxies = self.topology.of(Kind.PROXY)
        if not proxies:
            raise NetworkError(f"{self.topology.name} has no proxy")
        return self.certificate_of(proxies[0].name)

    def certificate_of(self, name: str) -> Path:
        """Return the certificate that clients of a proxy must trust."""
        return self._places[name].certificate

    def client(self, name: str) -> redis.Redis:
        """Return a client of one server or Sentinel."""
        host = self.topology.host(name)
        is_server = host.kind is Kind.SERVER
        port = hosts.REDIS_PORT if is_server else hosts.SENTINEL_PORT
        return redis.Redis(host=host.address, port=port, password=self.password if is_server else None, **ONE_TRY)

    def primary(self) -> str:
        """Return the name of the host that most of the running Sentinels report as the primary.

        Raises:
            NetworkError: If no Sentinel answers.

        """
        votes: list[str] = []
        for host in self.topology.of(Kind.SENTINEL):
            with suppress(OSError, *NOT_READY):
                found = command(self.client(host.name), "SENTINEL", "GET-MASTER-ADDR-BY-NAME", hosts.SERVICE)
                votes += [] if found is None else [text_of(found[0])]
        if not votes:
            raise NetworkError("no Sentinel answers")
        address = max(set(votes), key=votes.count)
        return next(host.name for host in self.topology.hosts if host.address == address)

    def metrics(self, name: str) -> str:
        """Return the metrics of a desk or a gateway."""
        host = self.topology.host(name)
        port = hosts.DESK_METRICS_PORT if host.kind is Kind.DESK else hosts.GATEWAY_METRICS_PORT
        return get(host.address, port, "/metrics").body.decode()

    def readiness(self, name: str) -> Any:
        """Return the document of `/readyz` of a desk or a gateway."""
        host = self.topology.host(name)
        port = hosts.DESK_METRICS_PORT if host.kind is Kind.DESK else hosts.READERS_PORT
        return json.loads(get(host.address, port, "/readyz").body)

    # Programs

    def _prepare(self, host: Host) -> HostProcess:
        """Write the files of a host, and return its process, which isn't started."""
        folder = self.folder / host.name
        folder.mkdir()
        values = {**self.topology.addresses, "password": self.password}
        return HostProcess(self._starter(host, folder, values), self._log(host))

    def _starter(self, host: Host, folder: Path, values: Mapping[str, str]) -> Callable[[], Process]:
        match host.kind:
            case Kind.SERVER | Kind.SENTINEL:
                return self._server(host, folder, values)
            case Kind.DESK | Kind.GATEWAY:
                return self._part(host, values)
            case Kind.PROXY:
                return self._proxy(host, folder)

    def _log(self, host: Host) -> Path:
        return self.folder / f"{host.name}.log"

    def _server(self, host: Host, folder: Path, values: Mapping[str, str]) -> Callable[[], Process]:
        """Write the file that a server or a Sentinel starts with. It changes the file when it changes its role."""
        more = self._tuning.settings.get(host.kind, ())
        lines = [f'dir "{folder}"', *(fill(line, values) for line in (*host.settings, *more))]
        if host.kind is Kind.SERVER:
            lines += [f"port {hosts.REDIS_PORT}", 'save ""']
        file = folder / "server.conf"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        words = [str(self._engine), str(file), *(["--sentinel"] if host.kind is Kind.SENTINEL else [])]
        return partial(launch, words, dict(os.environ), self._log(host), self._network.namespace(host.number))

    def _part(self, host: Host, values: Mapping[str, str]) -> Callable[[], Process]:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        environ |= {name: fill(value, values) for name, value in host.environment.items()}
        environ |= {"TICKER_REDIS_PASSWORD_FILE": str(self.password_file), "TICKER_CONFIG": str(self.folder / "config")}
        environ |= self._tuning.environment
        more = self._tuning.desk_words if host.kind is Kind.DESK else ()
        arguments, namespace = [*host.command, *more], self._network.namespace(host.number)

        def start() -> Process:
            tree = self._trees.get(host.name)
            if tree is None:
                return self._launch(["ticker", *arguments], environ, self._log(host), namespace)
            words = [sys.executable, "-P", "-c", _TICKER, *arguments]
            return launch(words, {**environ, "PYTHONPATH": str(tree)}, self._log(host), namespace)

        return start

    def _proxy(self, host: Host, folder: Path) -> Callable[[], Process]:
        (name,) = host.command
        program = find_program(name)
        if program is None:
            raise NetworkError(f"{name} is missing: run `make programs`")
        place = self._places[host.name] = make_certificate(folder, [SITE, "localhost"], [host.address])
        changes = replacements(name, place, connections=self._tuning.connections)
        if name == "nginx":
            # Root of a user namespace can become no other user.
            changes["user www-data;"] = "user root; daemon off;"
        (folder / PROXIES[name]).write_text(adapted(name, changes), encoding="utf-8")
        words = proxy_words(name, program, folder)
        return partial(launch, words, dict(os.environ), self._log(host), self._network.namespace(host.number))
