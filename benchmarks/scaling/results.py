"""The results of a run, as in benchmarks/results/scaling.json. Times are in seconds, memory is in bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from benchmarks.machine import Machine
from ticker.capacity.model import Costs

FILE: Final = Path(__file__).parents[1] / "results" / "scaling.json"


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """The costs of one gateway process.

    Attributes:
        followers: The most followers that were open.
        costs: Per follower, per delivery, and per return with `behind` missed lines.
        open_s: CPU time per new follower, which gets a board.
        burst_s: CPU time per delivery in a burst, in which lines are sent together.
        byte_s: CPU time per byte in the same burst.
        frame_bytes: Size of a line as a WebSocket frame.
        base_bytes: Memory of a process without followers.
        tail_bytes: Size of the tail, compressed.
        connections: Connections to Redis per process, with one edition.

    """

    followers: int
    behind: int
    costs: Costs
    open_s: float
    burst_s: float
    byte_s: float
    frame_bytes: float
    base_bytes: int
    tail_bytes: int
    connections: int


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """The needs of some gateway processes together, predicted or measured.

    Attributes:
        delivery_s: CPU time of all processes per delivery.
        last_s: Time from the posting of a line until it was written to the last follower.
        process_bytes: Memory of the processes.
        kernel_bytes: Memory of the kernel for the gateways' ends of the connections.
        within: How many followers get a line within `model.TARGET_S`.

    """

    delivery_s: float
    last_s: float
    process_bytes: float
    kernel_bytes: float
    within: int


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """The prediction for some workers beside the measurement."""

    workers: int
    cores: int
    followers: int
    predicted: Load
    measured: Load


class Sockets(msgspec.Struct, frozen=True, kw_only=True):
    """The kernel's memory for connections, per connection and for one of its ends.

    Attributes:
        idle_bytes: With empty buffers.
        caches: The slab caches that grew most, with their bytes.
        unread_bytes: With a peer that reads nothing: both ends, beyond `idle_bytes`.
        sent_bytes: Bytes of lines in the gateway's send buffer.
        received_bytes: Bytes of lines in the peer's receive buffer, which is small here.

    """

    connections: int
    idle_bytes: float
    caches: dict[str, float]
    unread_connections: int
    unread_bytes: float
    sent_bytes: float
    received_bytes: float


class ProxyCosts(msgspec.Struct, frozen=True, kw_only=True):
    """The costs of followers behind a proxy with TLS, or without a proxy.

    Attributes:
        gateway_delivery_s: CPU time of the gateway per delivery.
        proxy_delivery_s: CPU time of the proxy per delivery.
        gateway_open_s: CPU time of the gateway per new follower.
        proxy_open_s: CPU time of the proxy per new follower, with a full TLS handshake.
        proxy_idle_share: Share of a core that the proxy uses while no line is sent.
        proxy_bytes: Memory of the proxy per follower.
        proxy_base_bytes: Memory of the proxy without followers.
        proxy_byte_s: CPU time of the proxy per byte in a burst.

    """

    name: str
    version: str
    followers: int
    gateway_delivery_s: float
    proxy_delivery_s: float
    gateway_open_s: float
    proxy_open_s: float
    proxy_idle_share: float
    proxy_bytes: float
    proxy_base_bytes: int
    proxy_byte_s: float


class LogReaders(msgspec.Struct, frozen=True, kw_only=True):
    """The costs that each gateway process causes in Redis.

    Attributes:
        readers: How many connections waited for entries.
        line_s: CPU time of Redis per entry that doesn't depend on the readers, with `appendfsync always`.
        reader_s: CPU time of Redis per entry and reader.
        entry_bytes: Bytes that Redis sends per entry and reader.

    """

    readers: int
    line_s: float
    reader_s: float
    entry_bytes: float


class Results(msgspec.Struct, kw_only=True):
    """All parts. A part that wasn't measured is None or empty."""

    machines: dict[str, Machine] = {}
    """The machine of each part, with the date of its run."""
    unit: Unit | None = None
    fleets: list[Fleet] = []
    sockets: Sockets | None = None
    proxies: list[ProxyCosts] = []
    log_readers: LogReaders | None = None


def load_results(path: Path = FILE) -> Results:
    """Return the results of earlier runs, or empty results if the file is missing."""
    return msgspec.json.decode(path.read_bytes(), type=Results) if path.exists() else Results()


def save_results(results: Results, path: Path = FILE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
