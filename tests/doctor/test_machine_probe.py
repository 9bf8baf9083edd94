from __future__ import annotations

import resource
from pathlib import Path

import pytest

from ticker.doctor.machine_probe import is_on_this_machine, machine_facts

KERNEL = {
    "proc/sys/fs/nr_open": "1048576\n",
    "proc/sys/fs/file-max": "9223372036854775807\n",
    "proc/sys/net/core/somaxconn": "128\n",
    "proc/sys/net/ipv4/tcp_max_syn_backlog": "512\n",
    "proc/sys/net/ipv4/tcp_syncookies": "2\n",
    "proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
    "proc/sys/net/ipv4/tcp_mem": "100\t200\t300\n",
    "proc/sys/net/netfilter/nf_conntrack_max": "65536\n",
    "proc/sys/vm/overcommit_memory": "0\n",
    "sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never\n",
}


def test_kernel_settings_are_read(tmp_path: Path) -> None:
    for name, text in KERNEL.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="ascii")
    facts = machine_facts(5, has_redis=True, root=tmp_path)
    assert (facts.files_per_process, facts.files_in_all) == (1_048_576, 2**63 - 1)
    assert (facts.backlog, facts.syn_backlog, facts.syn_cookies) == (128, 512, True)
    assert (facts.ports, facts.tcp_bytes) == (28_232, 300 * resource.getpagesize())
    assert (facts.tracked_connections, facts.overcommit, facts.huge_pages) == (65_536, 0, "always")


def test_a_system_without_these_settings_has_unknown_ones(tmp_path: Path) -> None:
    facts = machine_facts(5, has_redis=True, root=tmp_path)
    assert (facts.backlog, facts.ports, facts.tcp_bytes, facts.huge_pages) == (None, None, None, None)


def test_the_limit_of_open_files_is_this_process_s() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert machine_facts(5, has_redis=False).files == (None if hard == resource.RLIM_INFINITY else hard)


@pytest.mark.parametrize(
    ("url", "is_here"),
    [
        ("unix:///run/redis.sock", True),
        ("redis://127.0.0.1:6379", True),
        ("redis://localhost", True),
        ("redis://[::1]:6379", True),
        ("redis://redis.example", False),
        ("redis+sentinel://127.0.0.1:26379,redis.example:26379/main", False),
    ],
)
def test_a_loopback_address_is_on_this_machine(url: str, is_here: bool) -> None:
    assert is_on_this_machine(url) is is_here
