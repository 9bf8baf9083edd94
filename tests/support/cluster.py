"""Redis Clusters."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

import redis
from redis.crc import key_slot

from tests.support.servers import HOST, RedisServer, free_port
from tests.support.waiting import until


class Cluster:
    """Three primaries without replicas. Each has a third of the slots."""

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
            node.discard()

    def reset(self) -> None:
        """Start the nodes that were killed, and delete all data."""
        for node in self.nodes:
            if node.process is None:
                node.start()
        self.wait()
        for node in self.nodes:
            node.command("FLUSHALL")

    def wait(self) -> None:
        """Wait until the Cluster accepts writes. That takes two seconds after a node's start, with any settings."""
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
    """Three primaries. `primary`, the one with the slot of `key`, has a replica."""

    def __init__(self, dir: Path, key: str) -> None:  # noqa: A002
        super().__init__(dir, nodes=self.PRIMARIES + 1)
        slot = key_slot(key.encode())
        self.primary = self.nodes[min(slot // (self.SLOTS // self.PRIMARIES), self.PRIMARIES - 1)]
        self.replica = self.nodes[-1]
        self.servers = self.nodes
        for node in self.nodes:
            # Promote the replica even if its link was down for long.
            node.options |= {"cluster-replica-validity-factor": 0}

    def is_promoted(self) -> bool:
        """Return whether the replica was promoted after the primary's death."""
        return bool(self.replica.command("ROLE")[0] == b"master")

    def wait(self) -> None:
        super().wait()
        name = self.primary.command("CLUSTER", "MYID")
        if not self.is_linked():
            until(lambda: self._replicates(name), "the replica knows its primary")
        until(self.is_linked, "the replica is linked to its primary")

    def is_linked(self) -> bool:
        return bool(self.replica.command("INFO", "replication").get("master_link_status") == "up")

    def _replicates(self, name: bytes) -> bool:
        try:
            self.replica.command("CLUSTER", "REPLICATE", name)
        except redis.ResponseError:
            return False
        return True
