"""Run a topology of several hosts on this machine: `python -m scripts.topologies ha`, or `make topology NAME=ha`.

Each host is a process in a network namespace of its own. The networks touch no other network, and end with this
program. Without more words, it reads commands from standard input: `help` lists them. With a program after `--`, it
runs that program on the hosts' network, and ends with it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from signal import SIGKILL

from scripts.topologies.hosts import TOPOLOGIES, Host
from scripts.topologies.namespaces import Network, NetworkError
from scripts.topologies.proxy_files import SITE
from scripts.topologies.shell import Shell
from scripts.topologies.system import RunningTopology, find_engine
from ticker.store.child_process import tied_to_parent


def main(words: Sequence[str]) -> int:
    # argparse accepts no options before `--`.
    at = list(words).index("--") if "--" in words else len(words)
    options, program = _parser().parse_args(words[:at]), words[at + 1 :]
    topology = TOPOLOGIES[options.name]
    with ExitStack() as stack:
        # Short, because Redis listens on no path in it, but its files are named in errors.
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="topology-")))
        try:
            network = Network()
            engine = find_engine(options.engine)
            print(f"starting {topology.name}: {topology.summary} ...", file=sys.stderr)
            system = stack.enter_context(RunningTopology(topology, folder.resolve(), network, engine))
        except NetworkError as error:
            print(f"{topology.name}: {error}", file=sys.stderr)
            return 1
        for host in topology.hosts:
            print(_describe(host))
        if program:
            return _run(system, program)
        print("ready; type help", flush=True)
        return Shell(system, sys.stdin).run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.topologies", description=__doc__, usage="%(prog)s NAME [options] [-- PROGRAM ...]"
    )
    parser.add_argument("name", choices=TOPOLOGIES, help="the topology")
    parser.add_argument(
        "--engine", choices=["valkey", "redis"], default="valkey", help="the server: Valkey, or Redis 7.0"
    )
    parser.add_argument("--folder", type=Path, help="keep the files and logs of all hosts here")
    return parser


def _describe(host: Host) -> str:
    command = (
        f"ticker {' '.join(host.command)}" if host.environment else host.command[0] if host.command else host.kind.value
    )
    return f"{host.name:<10} {host.address:<10} {command}"


def _run(system: RunningTopology, program: Sequence[str]) -> int:
    """Run a program on the network. It finds Redis, and the proxy's address and certificate, in its environment."""
    environ = {
        **os.environ,
        "TICKER_REDIS_URL": system.url,
        "TOPOLOGY_FOLDER": str(system.folder),
        "TOPOLOGY_SITE": SITE,
    }
    environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), environ.get("PATH", os.defpath)))
    try:
        tie = tied_to_parent(SIGKILL)
        return subprocess.run(list(program), env=environ, check=False, preexec_fn=tie).returncode
    except OSError as error:
        print(f"{program[0]} does not start: {error.strerror}", file=sys.stderr)
        return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
