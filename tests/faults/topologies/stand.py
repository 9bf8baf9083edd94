"""A topology that trials can break: its hosts, its log, and what its gateways serve."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from scripts.topologies import hosts
from scripts.topologies.cluster import command, move_slot, owner, slot_of
from scripts.topologies.hosts import TOPOLOGIES, Host, Kind
from scripts.topologies.http import get
from scripts.topologies.namespaces import Network, NetworkError
from scripts.topologies.processes import Process
from scripts.topologies.system import NOT_READY, RunningTopology, Tuning, find_engine
from tests.faults.topologies.trials import PRIMARY, REPLICA, Action, Step
from tests.support.prefork import Child

FAULTS: Final = frozenset({Action.KILL, Action.CUT_OFF, Action.PART, Action.RESTART, Action.REPLACE, Action.MOVE_SLOT})
EDITION: Final = "en"
DOWN_MS: Final = 2000
"""After this time without an answer, a server counts as down."""
POLL_S: Final = 0.1
WAIT_S: Final = 90.0
"""Maximum time for one step. It only ends a trial that hangs."""


def launch_child(words: Sequence[str], environ: Mapping[str, str], log: Path, namespace: int) -> Process:
    """Start `ticker` from the fork server, in the network of a host."""
    with log.open("ab") as output, Path("/dev/null").open("rb") as nothing:
        files = {"stdin": nothing.fileno(), "stdout": output.fileno(), "stderr": output.fileno()}
        return Child(words, environ, **files, network=namespace)


def tuning(folder: Path) -> Tuning:
    """Return short waits, one edition without surprises, and small stream nodes, as in `tests.faults.system`."""
    settings = folder / "ticker.toml"
    settings.write_text(
        '[editions.en]\ntitle = "Breaking news"\nlang = "en"\ndir = "ltr"\nsecond_person = ["flash"]\n',
        encoding="utf-8",
    )
    return Tuning(
        settings={
            Kind.SERVER: (
                "stream-node-max-entries 10",
                f"cluster-node-timeout {2 * DOWN_MS}",
                "cluster-replica-validity-factor 0",
            ),
            Kind.SENTINEL: (
                f"sentinel down-after-milliseconds {hosts.SERVICE} {DOWN_MS}",
                f"sentinel failover-timeout {hosts.SERVICE} 3000",
            ),
        },
        environment={
            "TICKER_SUBMISSIONS_PER_MINUTE": "0",
            "TICKER_HEARTBEAT_S": "1",
            "TICKER_DRAIN_S": "0.3",
            "PYTHONWARNINGS": "default::ResourceWarning",
        },
        desk_words=("--settings", str(settings)),
        sentinel_period_ms=500,
    )


async def poll(condition: Callable[[], Awaitable[object]], what: str, within_s: float = WAIT_S) -> None:
    """Wait until a condition holds. Each look at it costs connections, so look less often than `eventually`.

    Raises:
        AssertionError: With `what`, if that takes longer than `within_s`.

    """
    deadline = time.monotonic() + within_s
    while not await condition():
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        await asyncio.sleep(POLL_S)


class Stand:
    """A running topology, with the actions of trials. All methods except `start` are coroutines."""

    def __init__(self, name: str, folder: Path, network: Network, engine: str, before: Path | None) -> None:
        self.topology = TOPOLOGIES[name]
        folder.mkdir(parents=True, exist_ok=True)
        self.system = RunningTopology(
            self.topology,
            folder / "hosts",
            network,
            find_engine(engine),
            launch_part=launch_child,
            tuning=tuning(folder),
        )
        self.injected = 0
        self.codes: list[tuple[str, int]] = []
        self.has_restarted_gateway = False
        self._before = before
        self._versions: dict[str, Path | None] = {}
        self._roles: dict[str, str] = {}

    @property
    def gateways(self) -> tuple[Host, ...]:
        return self.topology.of(Kind.GATEWAY)

    @property
    def servers(self) -> tuple[Host, ...]:
        return self.topology.of(Kind.SERVER)

    def server_urls(self) -> dict[str, str]:
        """Return the URL of each server whose log is to be recorded."""
        if self.topology.name == "cluster":
            return {"cluster": self.system.url}
        password = self.system.password
        return {each.name: f"redis://:{password}@{each.address}:{hosts.REDIS_PORT}" for each in self.servers}

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.system.certificate))

    # Actions

    async def run(self, step: Step) -> None:
        """Carry out a step of a trial."""
        self.injected += step.action in FAULTS
        name = await self._name(step.host)
        await asyncio.to_thread(self._act, step.action, name)
        if step.action is Action.AWAIT_FAILOVER:
            await poll(self._has_failed_over, "a replica is promoted")

    def _act(self, action: Action, name: str) -> None:
        system = self.system
        if action in (Action.KILL, Action.RESTART, Action.REPLACE):
            self.has_restarted_gateway |= name.startswith("gateway")
        actions: dict[Action, Callable[[], object]] = {
            Action.KILL: lambda: system.kill(name),
            Action.START: lambda: system.start_host(name),
            Action.RESTART: lambda: self.codes.append((name, system.restart(name))),
            Action.CUT_OFF: lambda: system.cut_off(name),
            Action.REJOIN: lambda: system.rejoin(name),
            Action.PART: lambda: system.cut(["desk1", "gateway1", name], self._others(name)),
            Action.HEAL: system.heal,
            Action.MOVE_SLOT: self._move_slot,
            Action.REPLACE: lambda: self._replace(name),
            Action.AWAIT_FAILOVER: lambda: None,
        }
        actions[action]()

    def _replace(self, name: str) -> None:
        """Restart a host with the other version."""
        self._versions[name] = None if self._versions.get(name) else self._before
        self.system.set_tree(name, self._versions[name])
        self.codes.append((name, self.system.restart(name)))

    def _others(self, primary: str) -> list[str]:
        """Return the hosts on the other side of a partition. The proxy reaches both sides, as readers do."""
        apart = {"desk1", "gateway1", primary, "proxy"}
        return [host.name for host in self.topology.hosts if host.name not in apart]

    async def _name(self, host: str) -> str:
        """Return the host that has a role. From then on, the trial means this host by it, until `settle`."""
        if host not in (PRIMARY, REPLICA):
            return host
        if host not in self._roles:
            primary = await asyncio.to_thread(self.primary)
            self._roles[PRIMARY] = primary
            self._roles[REPLICA] = await asyncio.to_thread(self._replica_of, primary)
        return self._roles[host]

    def primary(self) -> str:
        """Return the name of the primary that has the edition's log."""
        if self.topology.name != "cluster":
            return self.system.primary() if self.topology.of(Kind.SENTINEL) else self.servers[0].name
        clients = [self.system.client(each.name) for each in self.servers]
        return self.servers[owner(clients, slot_of(EDITION))].name

    def _replica_of(self, primary: str) -> str:
        address = self.topology.host(primary).address
        for each in self.servers:
            if each.name != primary and self.system.client(each.name).info("replication").get("master_host") == address:
                return each.name
        raise LookupError(f"{primary} has no replica")

    async def _has_failed_over(self) -> bool:
        with suppress(NetworkError, LookupError, OSError, *NOT_READY):
            return await asyncio.to_thread(self._promoted) not in (None, self._roles[PRIMARY])
        return False

    def _promoted(self) -> str | None:
        """Return the server that has been promoted, not counting the old primary, which may not know."""
        if self.topology.name != "cluster":
            name = self.system.primary()
            return name if self.system.client(name).info("replication")["role"] == "master" else None
        others = [each for each in self.servers if each.name != self._roles[PRIMARY]]
        return others[owner([self.system.client(each.name) for each in others], slot_of(EDITION))].name

    def _move_slot(self) -> None:
        slot = slot_of(EDITION)
        clients = [self.system.client(each.name) for each in self.servers]
        source = owner(clients, slot)
        primaries = [at for at, client in enumerate(clients) if command(client, "ROLE")[0] == b"master"]
        target = next(at for at in primaries if at != source)
        move_slot(clients, [each.address for each in self.servers], slot, target, self.system.password)

    async def settle(self) -> None:
        """Wait until every host is ready, and every server has its role: the system must get there without help."""
        for host in self.topology.hosts:
            await self._poll(partial(self.system.is_ready, host.name), f"{host.name} is ready")
        if self.topology.of(Kind.SENTINEL):
            await self._poll(self._has_roles, "there is one primary with its replica")
        if self.topology.name == "cluster":
            await self._poll(self.system.is_whole, "the Cluster is whole")
        for host in self.gateways:
            await self._poll(partial(self._is_following, host), f"{host.name} follows")
        self._roles.clear()

    async def _poll(self, condition: Callable[[], bool], what: str) -> None:
        await poll(lambda: asyncio.to_thread(condition), what)

    def failovers(self) -> int:
        """Return how often the Sentinels have promoted a server since the start."""
        logs = [self.system.processes[host.name].log for host in self.topology.of(Kind.SENTINEL)]
        return sum(log.count("+promoted-slave") for log in logs)  # only the Sentinel that leads a failover logs it

    def _has_roles(self) -> bool:
        with suppress(NetworkError, OSError, *NOT_READY):
            infos = [self.system.client(each.name).info("replication") for each in self.servers]
            roles = sorted(info["role"] for info in infos)
            linked = [info for info in infos if info.get("master_link_status") == "up"]
            return roles == ["master", "slave"] and len(linked) == 1
        return False

    def _is_following(self, host: Host) -> bool:
        with suppress(OSError, json.JSONDecodeError):
            return bool(self.system.readiness(host.name)["status"] == "ready")
        return False

    # What gateways serve

    async def get(self, host: Host, path: str) -> bytes:
        response = await asyncio.to_thread(get, host.address, hosts.READERS_PORT, path)
        assert response.status == 200, f"{host.name} answers {response.status} to {path}"
        return response.body

    async def has_reported_loss(self) -> bool:
        """Return whether a gateway has logged that history was replaced, and has counted resets.

        A gateway that was restarted has lost its count, and can't compare.
        """
        if self.has_restarted_gateway:
            return True
        logs = [self.system.processes[host.name].log for host in self.gateways]
        texts = [await asyncio.to_thread(self.system.metrics, host.name) for host in self.gateways]
        counted = any(line.startswith("ticker_resets_total{") for text in texts for line in text.splitlines())
        return counted and any("history-replaced" in log or "trimmed-past" in log for log in logs)
