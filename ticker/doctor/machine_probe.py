"""Read the facts of this machine, from `/proc`, `/sys` and the kernel's clock. It changes nothing."""

from __future__ import annotations

import ctypes
import re
import resource
import sys
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from ticker.doctor.machine_findings import MachineFacts
from ticker.store.url import Kind, parse_url

_TIMEX_BYTES: Final = 208
"""The size of `struct timex` on 64-bit Linux (adjtimex(2)). With `modes` 0, the call only reads."""
_TIME_ERROR: Final = 5
"""The return value of adjtimex if the clock isn't synchronized."""


def machine_facts(followers: int, *, has_redis: bool, root: Path = Path("/")) -> MachineFacts:
    """Read the facts. `root` has `proc` and `sys`: tests have others than the machine's own.

    Args:
        followers: How many followers the machine should carry.
        has_redis: Whether Redis runs on this machine.
        root: The root of the file system.

    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    ports = _numbers(root, "net/ipv4/ip_local_port_range")
    tcp_pages = _numbers(root, "net/ipv4/tcp_mem")
    cookies = _number(root, "net/ipv4/tcp_syncookies")
    return MachineFacts(
        followers=followers,
        has_redis=has_redis,
        files=None if hard == resource.RLIM_INFINITY else hard,
        files_per_process=_number(root, "fs/nr_open"),
        files_in_all=_number(root, "fs/file-max"),
        backlog=_number(root, "net/core/somaxconn"),
        syn_backlog=_number(root, "net/ipv4/tcp_max_syn_backlog"),
        syn_cookies=None if cookies is None else cookies != 0,
        ports=ports[1] - ports[0] + 1 if len(ports) == 2 else None,
        tcp_bytes=tcp_pages[2] * resource.getpagesize() if len(tcp_pages) == 3 else None,
        tracked_connections=_number(root, "net/netfilter/nf_conntrack_max"),
        overcommit=_number(root, "vm/overcommit_memory"),
        huge_pages=_huge_pages(root),
        is_clock_synchronized=_is_clock_synchronized(),
    )


def is_on_this_machine(url: str) -> bool:
    """Return whether a Redis URL names a Unix socket or a loopback address.

    Raises:
        SettingsError: If the URL can't be used.

    """
    target = parse_url(url)
    if target.kind is Kind.UNIX:
        return True
    return all(_is_loopback(host) for host, _ in target.nodes)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return False


def _numbers(root: Path, name: str) -> list[int]:
    try:
        words = (root / "proc" / "sys" / name).read_text(encoding="ascii").split()
    except OSError:  # another system, or a setting that a container doesn't show
        return []
    return [int(word) for word in words if word.isdecimal()]


def _number(root: Path, name: str) -> int | None:
    numbers = _numbers(root, name)
    return numbers[0] if numbers else None


def _huge_pages(root: Path) -> str | None:
    try:
        text = (root / "sys" / "kernel" / "mm" / "transparent_hugepage" / "enabled").read_text(encoding="ascii")
    except OSError:
        return None
    match = re.search(r"\[(\w+)\]", text)
    return None if match is None else match[1]


def _is_clock_synchronized() -> bool | None:
    if sys.platform != "linux" or sys.maxsize < 2**32:
        return None
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is None:
        return None
    state = adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return None if state < 0 else state != _TIME_ERROR
