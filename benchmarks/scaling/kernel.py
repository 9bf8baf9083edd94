"""Measure the kernel's memory for connections: with empty buffers, and with a peer that reads nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks import scenarios
from benchmarks.load import Load
from benchmarks.machine import Cores
from benchmarks.product import Stage
from benchmarks.programs import BenchError
from benchmarks.scaling.results import Sockets
from benchmarks.scenarios import Effort
from ticker.capacity import counters

UNREADING: Final = 2_000
LINES: Final = 200
"""More than a socket accepts from the gateway: 16 KiB unsent, and what its peer accepts."""
SHOWN: Final = 8
"""How many slab caches are shown."""

_SLABS: Final = Path("/proc/slabinfo")
_CONNECTIONS: Final = Path("/proc/net/tcp")


def measure_sockets(cores: Cores, effort: Effort, log: Callable[[str], None]) -> Sockets:
    """Measure idle followers, and then followers that read nothing. Only root can read the slab caches."""
    log(f"the kernel's memory for {effort.connections:,} connections, and for {UNREADING:,} with unread lines")
    with Stage(cores) as stage, Load(stage.gateway.port, stage.gateway.dialect, {cores.load}) as followers:
        before, caches = counters.kernel_bytes(), slab_bytes(_read_slabs())
        scenarios.connect(stage.gateway, followers, effort)
        idle = (counters.kernel_bytes() - before) / effort.connections / 2
        after = slab_bytes(_read_slabs())
    grown = {name: (size - caches.get(name, 0)) / effort.connections / 2 for name, size in after.items()}
    if idle < grown.get("TCP", 1.0):
        raise BenchError("other programs freed more of the kernel's memory than the connections needed")
    largest = sorted(grown, key=lambda name: -grown[name])[:SHOWN]
    unread, sent, received = _unread(cores)
    return Sockets(
        connections=effort.connections,
        idle_bytes=idle,
        caches={name: grown[name] for name in largest if grown[name] >= 1},
        unread_connections=UNREADING,
        unread_bytes=unread,
        sent_bytes=sent,
        received_bytes=received,
    )


def _unread(cores: Cores) -> tuple[float, float, float]:
    """Return the kernel's memory and the bytes in both buffers, per connection whose peer reads nothing."""
    with Stage(cores) as stage, Load(stage.gateway.port, stage.gateway.dialect, {cores.load}) as followers:
        opened = followers.open(UNREADING, [stage.gateway.path], stalled_percent=100)
        if opened.ready != UNREADING:
            raise BenchError(f"only {opened.ready} of {UNREADING} followers were open")
        stage.gateway.process.settle()
        before = counters.kernel_bytes()
        for _ in range(LINES):
            stage.gateway.post(stage.writer.write())
        time.sleep(0.5)  # nothing announces the end: these followers report no deliveries
        stage.gateway.process.settle()
        grown = counters.kernel_bytes() - before
        sent, received = queued_bytes(_CONNECTIONS.read_text(encoding="ascii"), stage.gateway.port)
    return grown / UNREADING, sent / UNREADING, received / UNREADING


def slab_bytes(text: str) -> dict[str, int]:
    """Return the bytes of the active objects per slab cache, from the text of /proc/slabinfo. Pure."""
    sizes = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) > 4 and words[1].isdigit():
            sizes[words[0]] = int(words[1]) * int(words[3])
    return sizes


def queued_bytes(text: str, port: int) -> tuple[int, int]:
    """Return the bytes in the send buffers at a server's port, and in the receive buffers of its peers. Pure.

    Args:
        text: The text of /proc/net/tcp.
        port: The server's port.

    """
    sent = received = 0
    for line in text.splitlines()[1:]:
        words = line.split()
        local, remote = (int(address.partition(":")[2], 16) for address in words[1:3])
        sending, receiving = (int(count, 16) for count in words[4].split(":"))
        if local == port:
            sent += sending
        elif remote == port:
            received += receiving
    return sent, received


def _read_slabs() -> str:
    try:
        return _SLABS.read_text(encoding="ascii")
    except OSError:
        return ""
