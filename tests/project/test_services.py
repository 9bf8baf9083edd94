"""The services of `compose.yaml` as plain processes: no container engine runs where these tests do.

What differs from a container: the program's place, the port, and the address of the server.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.servers import free_port, short_folder, until
from tests.system import Program, Ran, environment, run_program
from ticker.store.embedded import find_binary

COMPOSE = Path(__file__).parents[2] / "compose.yaml"
SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
PORT = "8080"


class Composed:
    """The three services, running."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.redis_port, self.gateway_port = free_port(), free_port()
        self.environ = environment(TICKER_REDIS_URL=f"redis://127.0.0.1:{self.redis_port}/0")
        self._start_server(folder, stack)
        self.desk = stack.enter_context(self._program("desk", folder))
        self.gateway = stack.enter_context(self._program("gateway", folder))

    def _start_server(self, folder: Path, stack: ExitStack) -> None:
        program, *words = SERVICES["valkey"]["command"]
        assert program == "valkey-server"
        place = ["--port", str(self.redis_port), "--bind", "127.0.0.1", "--dir", str(folder)]
        server = subprocess.Popen([str(find_binary(self.environ)), *words, *place], stdout=subprocess.DEVNULL)
        stack.callback(server.wait)
        stack.callback(server.terminate)
        until(lambda: self.probe("desk").returncode == 0, "the server answers the desk's health check")

    def _program(self, service: str, folder: Path) -> Program:
        program, *words = SERVICES[service]["command"]
        assert program == "ticker"
        moved = [str(self.gateway_port) if word == PORT else word for word in words]
        return Program(moved, self.environ, folder / f"{service}.log")

    def probe(self, service: str) -> subprocess.CompletedProcess[bytes]:
        """Run a service's health check."""
        kind, program, *words = SERVICES[service]["healthcheck"]["test"]
        assert (kind, program) == ("CMD", "python")
        moved = [word.replace(PORT, str(self.gateway_port)) for word in words]
        return subprocess.run([sys.executable, *moved], env=self.environ, capture_output=True, check=False)

    def tick(self, *words: str) -> Ran:
        return run_program("tick", *words, environ=self.environ)


@pytest.fixture(scope="module")
def composed() -> Iterator[Composed]:
    with short_folder() as folder, ExitStack() as stack:
        yield Composed(folder, stack)


def test_a_line_posted_to_the_services_is_on_the_gateways_board(composed: Composed) -> None:
    assert composed.tick("post", "Night trains return in March", "-e", "en").code == 0
    board = httpx.get(f"http://127.0.0.1:{composed.gateway_port}/v1/en/board").json()
    assert [line["text"] for line in board["lines"]] == ["Night trains return in March"]


@pytest.mark.parametrize("service", ["desk", "gateway"])
def test_a_running_service_is_healthy(composed: Composed, service: str) -> None:
    probed = composed.probe(service)
    assert probed.returncode == 0, probed.stderr


def test_a_stopped_gateway_is_not_healthy(composed: Composed) -> None:
    composed.gateway.stop()
    assert composed.probe("gateway").returncode != 0
