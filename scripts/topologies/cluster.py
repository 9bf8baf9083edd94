"""Make a Redis Cluster of nodes that run, and move a slot while it is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import redis
from redis.crc import key_slot

SLOTS: Final = 16_384
PRIMARIES: Final = 3
KEYS_AT_ONCE: Final = 10
MIGRATE_MS: Final = 5_000


def command(client: redis.Redis, *words: str | int | bytes) -> Any:
    """Run one command. Raises the errors of redis-py."""
    return client.execute_command(*words)  # type: ignore[no-untyped-call]


def form_cluster(nodes: Sequence[redis.Redis], addresses: Sequence[str]) -> None:
    """Give each of the first three nodes a third of the slots, and each of the others one of them to follow.

    The nodes may need seconds until all know it: see `is_whole`.
    """
    share = SLOTS // PRIMARIES
    for number, node in enumerate(nodes):
        command(node, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        if number < PRIMARIES:
            last = SLOTS if number == PRIMARIES - 1 else share * (number + 1)
            command(node, "CLUSTER", "ADDSLOTSRANGE", share * number, last - 1)
    for address in addresses[1:]:
        command(nodes[0], "CLUSTER", "MEET", address, 6379)


def is_whole(nodes: Sequence[redis.Redis]) -> bool:
    """Return whether all nodes know all slots and each other, and each replica is linked. Make replicas if missing."""
    try:
        infos = [command(node, "CLUSTER INFO") for node in nodes]
        if not all(info["cluster_state"] == "ok" and int(info["cluster_known_nodes"]) >= len(nodes) for info in infos):
            return False
        primaries = [node for node in nodes if _owns_slots(node)]
        for number, node in enumerate(node for node in nodes if node not in primaries):
            role = command(node, "ROLE")[0]
            if role != b"slave":
                _follow(node, primaries[number % len(primaries)])
                return False
            if node.info("replication").get("master_link_status") != "up":
                return False
    except (redis.RedisError, OSError):
        return False
    return True


def _follow(node: redis.Redis, primary: redis.Redis) -> None:
    command(node, "CLUSTER", "REPLICATE", text_of(command(primary, "CLUSTER", "MYID")))


def _owns_slots(node: redis.Redis) -> bool:
    return bool(_own_ranges(node))


def _own_ranges(node: redis.Redis) -> list[tuple[int, int]]:
    """Return the ranges of slots of which a node says that it is the primary."""
    mine = text_of(command(node, "CLUSTER", "MYID"))
    found: Any = command(node, "CLUSTER", "SLOTS")
    return [(first, last) for first, last, primary, *_ in found if text_of(primary[2]) == mine]


def slot_of(edition: str) -> int:
    """Return the slot of an edition's keys."""
    return key_slot(f"{{{edition}}}".encode())


def owner(nodes: Sequence[redis.Redis], slot: int) -> int:
    """Return which of the nodes is the primary of a slot.

    Raises:
        LookupError: If none says that it is.

    """
    for number, node in enumerate(nodes):
        try:
            if command(node, "ROLE")[0] == b"master" and _has_slot(node, slot):
                return number
        except (redis.RedisError, OSError):
            continue
    raise LookupError(f"no node has slot {slot}")


def _has_slot(node: redis.Redis, slot: int) -> bool:
    return any(first <= slot <= last for first, last in _own_ranges(node))


def move_slot(nodes: Sequence[redis.Redis], addresses: Sequence[str], slot: int, target: int, password: str) -> None:
    """Move a slot with its keys to another primary, in steps, as `redis-cli --cluster reshard` does."""
    source = owner(nodes, slot)
    source_id, target_id = (text_of(command(nodes[each], "CLUSTER", "MYID")) for each in (source, target))
    command(nodes[target], "CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
    command(nodes[source], "CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
    while keys := command(nodes[source], "CLUSTER", "GETKEYSINSLOT", slot, KEYS_AT_ONCE):
        words = ["MIGRATE", addresses[target], 6379, "", 0, MIGRATE_MS, "AUTH", password, "KEYS", *keys]
        command(nodes[source], *words)
    for node in (nodes[target], nodes[source], *nodes):
        try:
            command(node, "CLUSTER", "SETSLOT", slot, "NODE", target_id)
        except redis.ResponseError:
            continue  # a replica


def text_of(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
