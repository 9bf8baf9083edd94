"""One running system for all tests of the relay as a process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.system import Program, System, shared_system
from tests.support.webhook_receiver import SECRET, WebhookReceiver

Relays = Callable[..., Program]


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    with shared_system() as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as receiver:
        yield receiver
        assert receiver.invalid == []


@pytest.fixture
def relay(system: System, tmp_path: Path) -> Iterator[Relays]:
    """Start a relay of the English edition. `receivers` has URLs by name. Lines that show already aren't sent."""
    programs: list[Program] = []

    def start(*options: str, log_level: str = "info", secret: str = SECRET, **receivers: str) -> Program:
        words = ["relay", "-e", "en", "--gateway", system.url, "--state", str(tmp_path / "state"), "--allow-private"]
        for name, url in receivers.items():
            words += ["--to", f"{name}={url}"]
        variables = {f"TICKER_RELAY_SECRET_{name.upper()}": secret for name in receivers}
        environ = {
            **system.environ,
            **variables,
            "TICKER_RELAY_RETRY_S": "0.2",
            "TICKER_RELAY_TIMEOUT_S": "60",
            "TICKER_LOG_LEVEL": log_level,
        }
        program = Program([*words, "--no-board", *options], environ, tmp_path / "relay.log")
        programs.append(program)
        return program.start()

    yield start
    for program in programs:
        program.stop()


def post(system: System, text: str, *options: str) -> str:
    ran = system.tick("post", text, "-e", "en", "--json", *options)
    assert ran.code == 0, ran
    line: str = ran.json["id"]
    return line


def withdraw(system: System, line: str) -> None:
    ran = system.tick("withdraw", line, "-e", "en", "--reason", "It was wrong.")
    assert ran.code == 0, ran


def status(system: System, tmp_path: Path) -> list[dict[str, Any]]:
    ran = system.ticker("relay", "status", str(tmp_path / "state"), "--json")
    assert ran.code == 0, ran
    found: list[dict[str, Any]] = ran.json
    return found


def is_read(system: System, tmp_path: Path) -> bool:
    """Whether the relay has read the board, so that everything after it is sent."""
    return bool(status(system, tmp_path)[0]["position"])
