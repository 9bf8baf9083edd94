"""Run the services of `compose.yaml` as plain processes, because the tests run without a container engine.

Only the programs' paths, the ports, the server's address and the path of the password differ from a container.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
import yaml

from scripts.redis70 import find_redis_cli
from tests.support.servers import free_port, short_folder
from tests.support.system import Program, Ran, environment, run_program
from tests.support.waiting import until
from ticker.store.server_binary import find_binary

COMPOSE = Path(__file__).parents[2] / "compose.yaml"
SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
GATEWAY_PORT, DESK_PORT, METRICS_PORT = "8080", "9100", "9101"
PASSWORD = "a password of a test"  # with spaces, which a file may have


class Composed:
    """The three running services."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.redis_port, self.gateway_port, self.desk_port, self.metrics_port = (free_port() for _ in range(4))
        self.password_file = folder / "redis-password"
        self.password_file.write_text(f"{PASSWORD}\n", encoding="ascii")
        self.environ = environment(
            TICKER_REDIS_URL=f"redis://127.0.0.1:{self.redis_port}/0",
            TICKER_REDIS_PASSWORD_FILE=str(self.password_file),
        )
        self._start_server(folder, stack)
        self.desk = stack.enter_context(self._program("desk", folder))
        self.gateway = stack.enter_context(self._program("gateway", folder))

    def _start_server(self, folder: Path, stack: ExitStack) -> None:
        shell, option, script = SERVICES["valkey"]["command"]
        assert (shell, option) == ("sh", "-c")
        place = f"--port {self.redis_port} --bind 127.0.0.1 --dir {folder}"
        script = self._script(script).replace("valkey-server -", f"{find_binary(self.environ)} - {place}")
        server = subprocess.Popen([shell, option, script], stdout=subprocess.DEVNULL)
        stack.callback(server.wait)
        stack.callback(server.terminate)
        until(self._answers, "the server answers")

    def _script(self, script: str) -> str:
        """Return a script as Compose passes it on, with the path of our password."""
        return script.replace("$$", "$").replace("/run/secrets/redis-password", str(self.password_file))

    def _answers(self) -> bool:
        with redis.Redis(port=self.redis_port, password=PASSWORD) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False

    def _with_free_ports(self, words: list[str]) -> list[str]:
        ports = (
            (GATEWAY_PORT, self.gateway_port),
            (DESK_PORT, self.desk_port),
            (METRICS_PORT, self.metrics_port),
        )
        for port, ours in ports:
            words = [word.replace(port, str(ours)) for word in words]
        return words

    def _program(self, service: str, folder: Path) -> Program:
        program, *words = SERVICES[service]["command"]
        assert program == "ticker"
        return Program(self._with_free_ports(words), self.environ, folder / f"{service}.log")

    def probe(self, service: str) -> subprocess.CompletedProcess[bytes]:
        """Run a service's health check."""
        kind, program, *words = SERVICES[service]["healthcheck"]["test"]
        assert (kind, program) == ("CMD", "python")
        return subprocess.run(
            [sys.executable, *self._with_free_ports(words)], env=self.environ, capture_output=True, check=False
        )

    def probe_server(self, folder: Path) -> int:
        """Run the server's health check with Debian's client, which has the options of `valkey-cli`."""
        kind, *words, script = SERVICES["valkey"]["healthcheck"]["test"]
        assert kind == "CMD"
        cli = find_redis_cli()
        assert cli is not None, "redis-cli is missing: run `make redis70`"
        start = folder / "valkey-cli"
        start.write_text(f'#!/bin/sh\nexec {cli} -p {self.redis_port} "$@"\n', encoding="utf-8")
        start.chmod(0o755)
        environ = {"PATH": f"{folder}:{os.defpath}"}
        return subprocess.run([*words, self._script(script)], env=environ, capture_output=True, check=False).returncode

    def tick(self, *words: str) -> Ran:
        return run_program("tick", *words, environ=self.environ)


@pytest.fixture(scope="module")
def composed() -> Iterator[Composed]:
    with short_folder() as folder, ExitStack() as stack:
        yield Composed(folder, stack)


def test_a_posted_line_is_on_the_gateways_board(composed: Composed) -> None:
    assert composed.tick("post", "Night trains return in March", "-e", "en").code == 0
    board = httpx.get(f"http://127.0.0.1:{composed.gateway_port}/v1/en/board").json()
    assert [line["text"] for line in board["lines"]] == ["Night trains return in March"]


@pytest.mark.parametrize("service", ["desk", "gateway"])
def test_a_running_service_is_healthy(composed: Composed, service: str) -> None:
    probed = composed.probe(service)
    assert probed.returncode == 0, probed.stderr


def test_the_desk_serves_its_metrics(composed: Composed) -> None:
    text = httpx.get(f"http://127.0.0.1:{composed.desk_port}/metrics").text
    assert 'ticker_desk_accepting{edition="en"} 1.0' in text


def test_the_server_rejects_clients_without_the_password(composed: Composed) -> None:
    with redis.Redis(port=composed.redis_port) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_the_server_is_healthy_only_if_it_accepts_the_password(composed: Composed, tmp_path: Path) -> None:
    assert composed.probe_server(tmp_path) == 0
    composed.password_file.write_text("another", encoding="ascii")
    assert composed.probe_server(tmp_path) != 0
    composed.password_file.write_text(PASSWORD, encoding="ascii")


def test_the_server_has_no_unsafe_settings(composed: Composed) -> None:
    ran = run_program("ticker", "doctor", "redis", "--json", environ=composed.environ)
    assert [finding["code"] for finding in ran.json["findings"]] == ["one-server"]


def test_the_password_is_on_no_command_line(composed: Composed) -> None:
    seen = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # the process has ended
            assert PASSWORD.encode() not in path.read_bytes()
            seen += 1
    assert seen > 3


def test_the_gateways_metrics_have_a_port_of_their_own(composed: Composed) -> None:
    text = httpx.get(f"http://127.0.0.1:{composed.metrics_port}/metrics").text
    assert "ticker_followers_max" in text
    assert httpx.get(f"http://127.0.0.1:{composed.gateway_port}/metrics").status_code == 404


@pytest.mark.parametrize("service", ["desk", "gateway"])
def test_a_stopped_service_is_not_healthy(composed: Composed, service: str) -> None:
    (composed.desk if service == "desk" else composed.gateway).stop()
    assert composed.probe(service).returncode != 0
