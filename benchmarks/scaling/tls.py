"""Measure followers behind Caddy, nginx and HAProxy with TLS, with the files of `deploy/proxy/`, and without any."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.machine import Cores
from benchmarks.process import Process
from benchmarks.product import Stage
from benchmarks.programs import BenchError
from benchmarks.scaling.results import ProxyCosts
from benchmarks.subject import free_port
from scripts.programs import PACKAGES, find_program
from scripts.topologies.certificate import make_certificate
from scripts.topologies.proxy_files import PROXIES, SITE, Place, adapted, proxy_words, replacements

NONE: Final = "no proxy"
SUBJECTS: Final = (NONE, "nginx", "haproxy", "caddy")
FOLLOWERS_MOST: Final = 2_500
LINES: Final = 5
INTERVAL_S: Final = 1.0
IDLE_S: Final = 3.0
BURST: Final = 100
BURST_S: Final = 0.2
START_S: Final = 20.0
ANSWER_S: Final = 150.0
SPARE_FILES: Final = 500


def followers_within(files: int) -> int:
    """Return how many followers to open. Each uses two files in the proxy."""
    return min(FOLLOWERS_MOST, (files - SPARE_FILES) // 2)


class Client(Process):
    """The followers, in a process of their own."""

    def __init__(self, port: int, path: str, cores: Cores, *, tls: bool) -> None:
        words = [sys.executable, "-m", "benchmarks.scaling.tls_followers", str(port), path, "tls" if tls else "plain"]
        super().__init__("tls_followers", words, {cores.load})

    def open(self, count: int) -> None:
        opened = self.ask(f"open {count}")
        if opened["open"] != count:
            raise BenchError(f"{opened['failed']} of {count} followers failed")

    def ask(self, command: str) -> dict[str, int]:
        self.write_line(command.encode())
        try:
            line = self.lines.read(ANSWER_S)
        except TimeoutError:
            line = None
        if line is None:
            raise BenchError(f"the followers didn't answer {command!r}")
        answer: dict[str, int] = json.loads(line)
        return answer


class Meter:
    """The CPU time of gateway and proxy since the last reading."""

    def __init__(self, gateway: Process, proxy: Process | None) -> None:
        self._processes = (gateway, proxy)
        self._before = self._now()

    def read(self) -> tuple[float, float]:
        now, before = self._now(), self._before
        self._before = now
        return now[0] - before[0], now[1] - before[1]

    def _now(self) -> tuple[float, float]:
        gateway, proxy = (each.cpu_s() if each else 0.0 for each in self._processes)
        return gateway, proxy


def measure_proxy(name: str, cores: Cores, followers: int, log: Callable[[str], None]) -> ProxyCosts:
    """Measure what followers cost behind a proxy.

    Raises:
        BenchError: If the proxy is missing or doesn't start, or if followers are lost.

    """
    log(f"{name}: {followers:,} followers")
    with Stage(cores) as stage, _proxy(name, stage.gateway.port, cores) as (proxy, port):
        gateway = stage.gateway.process
        with Client(port, stage.gateway.path, cores, tls=proxy is not None) as client:
            base = proxy.memory_bytes() if proxy else 0
            meter = Meter(gateway, proxy)
            client.open(followers)
            _settle(gateway, proxy)
            opening = meter.read()
            time.sleep(IDLE_S)
            idle = meter.read()
            _post(stage, LINES, INTERVAL_S)
            _delivered(client, LINES * followers)
            steady = meter.read()
            memory = (proxy.memory_bytes() if proxy else 0) - base
            meter.read()
            _post(stage, BURST, BURST_S / BURST)
            burst_bytes = _delivered(client, BURST * followers)["bytes"]
            burst = meter.read()
    return ProxyCosts(
        name=name,
        version=_version(name),
        followers=followers,
        gateway_delivery_s=steady[0] / LINES / followers,
        proxy_delivery_s=steady[1] / LINES / followers,
        gateway_open_s=opening[0] / followers,
        proxy_open_s=opening[1] / followers,
        proxy_idle_share=idle[1] / IDLE_S,
        proxy_bytes=memory / followers,
        proxy_base_bytes=base,
        proxy_byte_s=burst[1] / burst_bytes,
    )


def _settle(gateway: Process, proxy: Process | None) -> None:
    gateway.settle()
    if proxy:
        proxy.settle()


def _post(stage: Stage, lines: int, interval_s: float) -> None:
    begun = time.monotonic()
    for number in range(1, lines + 1):
        stage.gateway.post(stage.writer.write())
        time.sleep(max(0.0, begun + number * interval_s - time.monotonic()))


def _delivered(client: Client, due: int) -> dict[str, int]:
    report = client.ask(f"await {due}")
    if report["deliveries"] != due or report["closed"]:
        raise BenchError(f"{report['deliveries']} of {due} lines arrived, {report['closed']} followers were closed")
    return report


@contextmanager
def _proxy(name: str, gateway: int, cores: Cores) -> Iterator[tuple[Process | None, int]]:
    """Start a proxy on the gateway's core. Yield it with its port, or None with the gateway's port."""
    if name == NONE:
        yield None, gateway
        return
    program = find_program(name)
    if program is None:
        raise BenchError(f"{name} is missing: run `python -m scripts.programs`")
    with tempfile.TemporaryDirectory(prefix="ticker-bench-") as path:
        folder = Path(path)
        with socket.socket() as taken:
            plain = free_port()
            taken.bind(("127.0.0.1", plain))
            port = free_port()
        place = make_certificate(folder, [SITE], ["127.0.0.1"])
        text = adapted(name, _changes(name, place, gateway, plain, port))
        (folder / PROXIES[name]).write_text(text, encoding="utf-8")
        log = folder / "log"
        with Process(name, proxy_words(name, program, folder), {cores.server}, log=log) as process:
            _await_port(process, port, log)
            yield process, port


def _changes(name: str, place: Place, gateway: int, plain: int, port: int) -> dict[str, str]:
    """Return what differs from the file in `deploy/proxy/`: ports, one gateway, one process, and limits of files."""
    files = followers_within(1 << 30) * 2 + SPARE_FILES
    changes = replacements(name, place)
    match name:
        case "nginx":
            changes |= {
                "worker_connections 100000;": f"worker_connections {files};",
                "        server 10.0.0.12:8080 max_fails=0;\n": "",
                "listen 80;": f"listen 127.0.0.1:{plain};",
                "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            }
        case "caddy":
            ports = f"\thttp_port {plain}\n\thttps_port {port}\n\tdefault_bind 127.0.0.1\n"
            changes = replacements(name, place, options=ports) | {" 10.0.0.12:8080": ""}
        case _:
            changes |= {
                "maxconn 100000": f"maxconn {files // 2}",
                "    server gateway2 10.0.0.12:8080\n": "",
                "bind :80\n": f"bind 127.0.0.1:{plain}\n",
                "bind :443 ssl": f"bind 127.0.0.1:{port} ssl",
            }
    return changes | {"10.0.0.11:8080": f"127.0.0.1:{gateway}"}


def _await_port(process: Process, port: int, log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise BenchError(f"{process.name} didn't start: {log.read_text(encoding='utf-8', errors='replace')[-2000:]}")


def _version(name: str) -> str:
    """Return the version of a proxy, e.g. `2.6.12`."""
    if name == NONE:
        return ""
    words: list[Any] = [find_program(name), PACKAGES[name][2]]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found[0] if found else "unknown"
