"""The Linux kernel's memory for connections (objects and buffers), and its limits."""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

_PROC: Final = Path("/proc")
CACHES: Final = ("TCP", "sock_inode_cache", "filp", "dentry", "eventpoll_epi", "eventpoll_pwq", "tw_sock_TCP")
"""The caches of `/proc/slabinfo` that grow with connections. Only root can read them."""


class KernelMemory(msgspec.Struct, frozen=True, kw_only=True):
    """The kernel's memory in bytes.

    Attributes:
        slabs: All objects of the kernel, including sockets and files (`Slab` of `/proc/meminfo`).
        tables: Page tables, stacks, and memory per core.
        tcp: The buffers of TCP (`mem` of `/proc/net/sockstat`).
        available: Memory that programs can still use. Its decline should be about the growth of all others.
        caches: The objects in some caches, by name. Without root, it is empty.

    """

    slabs: int
    tables: int
    tcp: int
    available: int
    caches: dict[str, int]

    @property
    def total(self) -> int:
        return self.slabs + self.tables + self.tcp

    def since(self, before: KernelMemory) -> KernelMemory:
        """Return the growth since `before`. `available` has the decline instead."""
        return KernelMemory(
            slabs=self.slabs - before.slabs,
            tables=self.tables - before.tables,
            tcp=self.tcp - before.tcp,
            available=before.available - self.available,
            caches={name: size - before.caches.get(name, 0) for name, size in self.caches.items()},
        )


def kernel_memory() -> KernelMemory:
    """Read the kernel's memory. Other programs on the machine change it, too."""
    values = meminfo()
    return KernelMemory(
        slabs=values["Slab"],
        tables=values["PageTables"] + values["KernelStack"] + values["Percpu"],
        tcp=_tcp_pages() * resource.getpagesize(),
        available=values["MemAvailable"],
        caches=_caches(),
    )


def meminfo() -> dict[str, int]:
    """Return the sizes in `/proc/meminfo`, in bytes."""
    lines = (line.split() for line in (_PROC / "meminfo").read_text(encoding="ascii").splitlines())
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if words[-1] == "kB"}


def kernel_setting(name: str) -> int:
    """Return a setting of the kernel by its name in `sysctl`: its last number, or 0 if this kernel lacks it."""
    with suppress(OSError):
        return int((_PROC / "sys" / name.replace(".", "/")).read_text(encoding="ascii").split()[-1])
    return 0


def _tcp_pages() -> int:
    for line in (_PROC / "net" / "sockstat").read_text(encoding="ascii").splitlines():
        if line.startswith("TCP:"):
            words = line.split()
            return int(words[words.index("mem") + 1])
    return 0


def _caches() -> dict[str, int]:
    found: dict[str, int] = {}
    with suppress(OSError):
        for line in (_PROC / "slabinfo").read_text(encoding="ascii").splitlines()[2:]:
            name, _, objects, size = line.split()[:4]
            if name in CACHES:
                found[name] = int(objects) * int(size)
    return found
