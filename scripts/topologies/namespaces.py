"""Network namespaces: a network of hosts inside this machine, which touches no other network. Linux only.

`Network()` moves this process to a network of its own. Each host gets another network namespace, with its own address,
and a cable to a bridge in ours. Nothing has a name outside: when this process ends, even by SIGKILL, the kernel removes
everything. Without root, a user namespace gives the necessary rights, if the system allows that.

The programs of the hosts have our files and processes. Only their networks are separate.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from scripts.programs import find_program
from scripts.topologies.hosts import NETWORK, OUTSIDE

_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_OWN: Final = "/proc/self/ns/net"
_BRIDGE: Final = "bridge"
# Frames to this address reach no host.
_NOBODY: Final = "02:00:00:00:ff:ff"
_IP_S: Final = 20


class NetworkError(Exception):
    """The network can't be made. The text says why, and what to do."""


def enter(namespace: int) -> None:
    """Move the calling thread, and what it starts, to a namespace, given as an open file descriptor."""
    _call("setns", namespace, _CLONE_NEWNET)


class Network:
    """A private network with a bridge. This process is on it, at `10.0.0.1`. Make it once, before any thread.

    Raises:
        NetworkError: If this system doesn't allow it, or lacks the program `ip`.

    """

    def __init__(self) -> None:
        program = find_program("ip")
        if program is None:
            raise NetworkError("the program `ip` is missing: run `make programs`, or install iproute2")
        self._ip = program
        self._namespaces: dict[int, int] = {}
        self._cut: set[frozenset[int]] = set()
        _leave_network()
        self._run(
            [
                "link set lo up",
                f"link add {_BRIDGE} address {_mac(OUTSIDE)} type bridge stp_state 0 forward_delay 0",
                f"addr add {NETWORK}.{OUTSIDE}/24 dev {_BRIDGE}",
                f"link set {_BRIDGE} up",
            ]
        )

    def add(self, number: int) -> None:
        """Add a host with the address `10.0.0.NUMBER`."""
        own = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _call("unshare", _CLONE_NEWNET)
            self._namespaces[number] = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            enter(own)
        finally:
            os.close(own)
        path = f"/proc/{os.getpid()}/fd/{self._namespaces[number]}"
        self._run(
            [
                f"link add {_cable(number)} type veth peer name eth0 address {_mac(number)} netns {path}",
                f"link set {_cable(number)} master {_BRIDGE} up",
            ]
        )
        self._run(["link set lo up", f"addr add {NETWORK}.{number}/24 dev eth0", "link set eth0 up"], number)

    def add_own(self, numbers: Iterable[int]) -> None:
        """Give this process more addresses, `10.0.0.NUMBER`, to connect from."""
        self._run([f"addr add {NETWORK}.{number}/24 dev {_BRIDGE}" for number in numbers])

    def namespace(self, number: int) -> int:
        """Return the open file descriptor of a host's network namespace, for `enter`."""
        return self._namespaces[number]

    def cut_off(self, number: int) -> None:
        """Unplug a host's cable from the bridge. Connections stay open, and hear nothing more."""
        self._run([f"link set {_cable(number)} nomaster"])

    def rejoin(self, number: int) -> None:
        self._run([f"link set {_cable(number)} master {_BRIDGE}"])

    def cut(self, some: Sequence[int], others: Sequence[int]) -> None:
        """Drop everything between each of `some` and each of `others`. We still reach all of them."""
        for one in some:
            for other in others:
                self._cut.add(frozenset((one, other)))
        self._block(some, others)
        self._block(others, some)

    def heal(self) -> None:
        """End all cuts between hosts."""
        for pair in self._cut:
            one, other = pair
            for near, far in ((one, other), (other, one)):
                self._run([f"neigh del {NETWORK}.{far} dev eth0"], near)
        self._cut.clear()

    def _block(self, some: Sequence[int], others: Sequence[int]) -> None:
        for one in some:
            lines = [f"neigh replace {NETWORK}.{each} lladdr {_NOBODY} dev eth0 nud permanent" for each in others]
            self._run(lines, one)

    def _run(self, lines: Sequence[str], number: int | None = None) -> None:
        """Run commands of `ip` in our network, or in that of a host."""
        there = None if number is None else self._entrance(number)
        ran = subprocess.run(
            [self._ip, "-batch", "-"],
            input="\n".join(lines) + "\n",
            capture_output=True,
            text=True,
            timeout=_IP_S,
            check=False,
            preexec_fn=there,
        )
        if ran.returncode:
            raise NetworkError(f"`ip` failed: {ran.stderr.strip()}: {'; '.join(lines)}")

    def _entrance(self, number: int) -> Callable[[], None]:
        namespace = self._namespaces[number]
        return lambda: enter(namespace)


def _leave_network() -> None:
    """Move this process to an empty network namespace, with the right to make more."""
    if threading.active_count() > 1:
        raise NetworkError("this process already has threads: the network must be made first")
    user, group = os.geteuid(), os.getegid()
    try:
        if user == 0:
            with suppress(OSError):
                _call("unshare", _CLONE_NEWNET)
                return
        _call("unshare", _CLONE_NEWUSER | _CLONE_NEWNET)
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            Path("/proc/self", name).write_text(text, encoding="ascii")
    except OSError as error:
        raise NetworkError(
            f"this system allows no network namespaces ({error.strerror}): run this as root, or allow "
            "unprivileged user namespaces (on Debian and Ubuntu, kernel.apparmor_restrict_unprivileged_userns=0)"
        ) from error


def _call(name: str, *arguments: int) -> None:
    """Call a function of the C library that returns -1 on failure. Python has these two only from 3.12 on."""
    if getattr(_LIBC, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def _mac(number: int) -> str:
    return f"02:00:00:00:00:{number:02x}"


def _cable(number: int) -> str:
    return f"host{number}"
