"""Judge a machine that runs gateways: file limits, kernel settings and its clock. Pure.

Sources of the settings: the kernel's `Documentation/admin-guide/sysctl/` and `Documentation/networking/ip-sysctl.rst`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from ticker.doctor.finding import Check, Finding, Severity, codes_of, judge_all

BACKLOG: Final = 2048
"""The gateway's listen backlog (`ticker.gateway.server`)."""
SPARE_FILES: Final = 1000
"""Files beside the followers': Redis, logs, plain requests, and connections that aren't followers yet."""
BUFFER_BYTES: Final = 4096
"""Kernel memory per follower while a line is on its way: one small packet takes 2.3 KB until it is acknowledged."""
TRACKED_PER_FOLLOWER: Final = 2
"""Entries in the table of the firewall: an ended connection stays in it for a while."""


class MachineFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about this machine. None means unknown, or that the system lacks the setting."""

    followers: int
    """How many followers its gateways should carry."""
    has_redis: bool = False
    """Whether Redis runs here, too."""
    files: int | None = None
    """The hard limit of this process on open files."""
    files_per_process: int | None = None
    """`fs.nr_open`: no process can have a higher limit."""
    files_in_all: int | None = None
    """`fs.file-max`."""
    backlog: int | None = None
    """`net.core.somaxconn`."""
    syn_backlog: int | None = None
    syn_cookies: bool | None = None
    ports: int | None = None
    """The size of `net.ipv4.ip_local_port_range`."""
    tcp_bytes: int | None = None
    """The largest value of `net.ipv4.tcp_mem`."""
    tracked_connections: int | None = None
    """`net.netfilter.nf_conntrack_max`: the firewall's table."""
    overcommit: int | None = None
    """`vm.overcommit_memory`."""
    huge_pages: str | None = None
    """The mode of transparent huge pages: `always`, `madvise` or `never`."""
    is_clock_synchronized: bool | None = None

    @property
    def files_needed(self) -> int:
        return self.followers + SPARE_FILES

    @property
    def tcp_pages_needed(self) -> int:
        """The largest value of `tcp_mem`, in pages of 4 KiB."""
        return max(self.followers * BUFFER_BYTES // 4096, 1)

    @property
    def tracked_needed(self) -> int:
        return self.followers * TRACKED_PER_FOLLOWER


def machine_findings(facts: MachineFacts) -> list[Finding]:
    """Return what keeps this machine from carrying its followers."""
    return judge_all(_CHECKS, facts)


def _is_below(value: int | None, needed: int) -> bool:
    return value is not None and value < needed


def _kernel_check(
    *,
    code: str,
    applies: Callable[[MachineFacts], bool | None],
    sentence: str,
    meaning: str,
    setting: str,
    severity: Severity = Severity.WARNING,
) -> Check[MachineFacts]:
    """Return a check whose fix keeps a setting of the kernel in a file."""
    fix = f"echo '{setting}' | sudo tee /etc/sysctl.d/90-ticker-{code}.conf\nsudo sysctl --system"
    return Check(code=code, severity=severity, applies=applies, sentence=sentence, meaning=meaning, fix=fix)


_BEYOND: Final = "when many readers return together, those beyond it wait for a second or more"

_CHECKS: Final[Sequence[Check[MachineFacts]]] = (
    Check(
        code="files",
        severity=Severity.WARNING,
        applies=lambda facts: _is_below(facts.files, facts.files_needed),
        sentence="a process may open {facts.files} files: {facts.followers} followers need {facts.files_needed}",
        meaning="readers above the limit are refused. A service has a limit of its own: the same command raises it",
        fix=(
            "sudo install -d /etc/systemd/system/ticker-gateway@.service.d\n"
            "printf '[Service]\\nLimitNOFILE={facts.files_needed}\\n' | "
            "sudo tee /etc/systemd/system/ticker-gateway@.service.d/files.conf\n"
            "sudo systemctl daemon-reload"
        ),
    ),
    _kernel_check(
        code="files-per-process",
        applies=lambda facts: _is_below(facts.files_per_process, facts.files_needed),
        sentence=(
            "no process can open more than {facts.files_per_process} files (`fs.nr_open`): {facts.followers} "
            "followers need {facts.files_needed}"
        ),
        meaning="readers above the limit are refused",
        setting="fs.nr_open = {facts.files_needed}",
    ),
    _kernel_check(
        code="files-in-all",
        applies=lambda facts: _is_below(facts.files_in_all, facts.files_needed),
        sentence=(
            "all processes together can open {facts.files_in_all} files (`fs.file-max`): {facts.followers} "
            "followers need {facts.files_needed}"
        ),
        meaning="readers are refused, and other programs of the machine fail",
        setting="fs.file-max = {facts.files_needed}",
    ),
    _kernel_check(
        code="backlog",
        applies=lambda facts: _is_below(facts.backlog, BACKLOG),
        sentence="only {facts.backlog} connections may wait to be accepted (`net.core.somaxconn`)",
        meaning=_BEYOND,
        setting="net.core.somaxconn = 4096",
    ),
    _kernel_check(
        code="syn-backlog",
        severity=Severity.HINT,
        applies=lambda facts: _is_below(facts.syn_backlog, BACKLOG),
        sentence="only {facts.syn_backlog} connections may be half open (`net.ipv4.tcp_max_syn_backlog`)",
        meaning=_BEYOND,
        setting="net.ipv4.tcp_max_syn_backlog = 4096",
    ),
    _kernel_check(
        code="syn-cookies",
        applies=lambda facts: facts.syn_cookies is False,
        sentence="the kernel uses no SYN cookies (`net.ipv4.tcp_syncookies`)",
        meaning="a flood of half-open connections keeps all readers out",
        setting="net.ipv4.tcp_syncookies = 1",
    ),
    _kernel_check(
        code="ports",
        severity=Severity.HINT,
        applies=lambda facts: _is_below(facts.ports, facts.followers),
        sentence="one address has {facts.ports} ports for outgoing connections (`net.ipv4.ip_local_port_range`)",
        meaning="a proxy on this machine opens no more connections than that to one gateway",
        setting="net.ipv4.ip_local_port_range = 1025 65535",
    ),
    _kernel_check(
        code="tcp-memory",
        applies=lambda facts: _is_below(facts.tcp_bytes, facts.followers * BUFFER_BYTES),
        sentence="all connections together may use {facts.tcp_bytes} bytes of buffers (`net.ipv4.tcp_mem`)",
        meaning="while a line goes to {facts.followers} readers, the kernel drops packets, and lines arrive late",
        setting="net.ipv4.tcp_mem = {facts.tcp_pages_needed} {facts.tcp_pages_needed} {facts.tcp_pages_needed}",
    ),
    _kernel_check(
        code="tracked-connections",
        applies=lambda facts: _is_below(facts.tracked_connections, facts.tracked_needed),
        sentence="the firewall's table has room for {facts.tracked_connections} connections (`nf_conntrack_max`)",
        meaning="when it is full, the kernel drops the packets of new readers, without a message to them",
        setting="net.netfilter.nf_conntrack_max = {facts.tracked_needed}",
    ),
    _kernel_check(
        code="overcommit",
        applies=lambda facts: facts.has_redis and facts.overcommit is not None and facts.overcommit != 1,
        sentence="Redis runs here, and `vm.overcommit_memory` is {facts.overcommit}",
        meaning="a rewrite of the append-only file or a new replica can fail for lack of memory",
        setting="vm.overcommit_memory = 1",
    ),
    Check(
        code="huge-pages",
        severity=Severity.WARNING,
        applies=lambda facts: facts.has_redis and facts.huge_pages == "always",
        sentence="Redis runs here, and transparent huge pages are always used",
        meaning="Redis stalls while it saves: lines are published late",
        fix="echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
    ),
    Check(
        code="clock-sync",
        severity=Severity.WARNING,
        applies=lambda facts: facts.is_clock_synchronized is False,
        sentence="the kernel reports that nothing synchronizes this machine's clock",
        meaning="times of lines and of logs drift. If Redis runs here, embargoes end at the wrong time",
        fix="sudo apt-get install chrony",
    ),
)

CODES: Final = tuple(codes_of(_CHECKS))
"""The codes of all findings."""
