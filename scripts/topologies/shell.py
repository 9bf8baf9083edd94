"""Commands for a running topology, one per line: post, kill, start, restart, cut, join, part, heal, status."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from scripts.topologies.hosts import Kind
from scripts.topologies.namespaces import NetworkError
from scripts.topologies.system import NOT_READY, RunningTopology

HELP: Final = """\
post TEXT              post a line to the edition en
kill HOST              end a host with SIGKILL
start HOST             start it again
restart HOST           end it with SIGTERM, and start it again
cut HOST               unplug a host from the network
join HOST              plug it in again
part HOST … | HOST …   drop everything between these hosts and those
heal                   end all parts
wait HOST              wait until a host is ready
status                 show which hosts work, and which server is the primary
quit                   end all hosts"""


class Shell:
    """Reads commands and prints results. `run` returns 0, or 1 if a command failed and no person reads along."""

    def __init__(self, system: RunningTopology, lines: Iterable[str], write: Callable[[str], object] = print) -> None:
        self._system = system
        self._lines = lines
        self._write = write
        self._failed = False

    def run(self) -> int:
        """Run commands until `quit`, the end of the input or Ctrl-C."""
        try:
            for line in self._lines:
                command, _, rest = line.strip().partition(" ")
                if command == "quit":
                    break
                if command:
                    self._do(command, rest.strip())
        except KeyboardInterrupt:
            pass
        return 1 if self._failed else 0

    def _do(self, command: str, rest: str) -> None:
        try:
            text = self._result(command, rest)
        except KeyError as error:
            text, self._failed = f"there is no host {error}: status lists them", True
        except (NetworkError, RuntimeError, OSError, *NOT_READY) as error:
            text, self._failed = str(error), True
        self._write(text)
        sys.stdout.flush()

    def _result(self, command: str, rest: str) -> str:
        system = self._system
        hosts = {
            "kill": system.kill,
            "start": system.start_host,
            "restart": system.restart,
            "cut": system.cut_off,
            "join": system.rejoin,
            "wait": system.wait_ready,
        }
        if command in hosts:
            system.topology.host(rest)
            hosts[command](rest)
            return f"{command} {rest}: done"
        match command:
            case "help":
                return HELP
            case "status":
                return self._status()
            case "post":
                return self._post(rest)
            case "part":
                some, _, others = rest.partition("|")
                system.cut(some.split(), others.split())
                return "part: done"
            case "heal":
                system.heal()
                return "heal: done"
            case _:
                self._failed = True
                return f"unknown command {command}: type help"

    def _status(self) -> str:
        system = self._system
        lines = []
        for host in system.topology.hosts:
            try:
                state = "ready" if system.is_ready(host.name) else "not ready"
            except NetworkError:
                state = "ended"
            lines.append(f"{host.name:<10} {host.address:<10} {state}")
        if system.topology.of(Kind.SENTINEL):
            lines.append(f"primary: {system.primary()}")
        return "\n".join(lines)

    def _post(self, text: str) -> str:
        words: Sequence[str] = ["post", text, "-e", "en", "--yes", "--again", "--no-reach"]
        environ = {**os.environ, "TICKER_REDIS_URL": self._system.url, "TICK_EDITOR": "maha"}
        environ["TICKER_CONFIG"] = str(self._system.folder / "config")
        tick = str(Path(sys.executable).parent / "tick")
        ran = subprocess.run([tick, *words], env=environ, capture_output=True, text=True, check=False)
        self._failed = self._failed or ran.returncode != 0
        return (ran.stdout + ran.stderr).strip()
