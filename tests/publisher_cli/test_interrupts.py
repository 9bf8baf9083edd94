"""Ctrl-C at any moment ends `tick` with one sentence that is true, and without a traceback."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from publisher_cli.session import Session
from publisher_cli.submit import waiting
from publisher_cli.submit.bulk_cancel import Selection, cancel
from tests.support.commands import on_board
from tests.support.in_process import Command, new
from tests.support.system import System, environment
from tests.support.terminal import Terminal
from tests.support.waiting import until
from ticker.client import pending_request
from ticker.client.pending_request import PendingRequest
from ticker.store.direct import waits_of
from ticker.store.inbox import submit

if TYPE_CHECKING:
    from ticker.store.direct import AnyRedis

NOTHING_SENT = "interrupted: nothing was sent\n"

INTERRUPT_AT = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
sys.argv[1:] = ["post", "A line", "-e", "en"]
from publisher_cli.__main__ import main
main()
"""


@pytest.fixture(params=["directly", "event-loop"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait without an event loop, and then with one, as for a Redis behind Sentinel."""
    if request.param == "event-loop":
        monkeypatch.setattr(Session, "is_direct", False)


def interrupt(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize(
    "module", ["publisher_cli.cli", "click", "ticker.console", "publisher_cli.commands.post", "msgspec", "hiredis"]
)
def test_ctrl_c_during_the_start_prints_one_sentence(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPT_AT.format(module=module)],
        env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", NOTHING_SENT)


@pytest.mark.usefixtures("either_way")
def test_ctrl_c_before_the_line_is_sent_sends_nothing(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted_register(*_: object) -> None:
        interrupt()
        await asyncio.sleep(60)

    monkeypatch.setattr(pending_request, "register", interrupted_register)
    command = Command(system)
    with pytest.raises(KeyboardInterrupt):  # the console prints the sentence for it
        command.send(new("Port: Never sent"))
    assert command.printed == ""
    assert "Never sent" not in system.tick("log", "-e", "en", "--json").out


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.usefixtures("either_way")
def test_ctrl_c_after_the_line_was_sent_prints_its_receipt(
    system: System, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    async def interrupted_submit(*words: Any) -> str:
        inbox_id = await submit(*words)
        interrupt()
        return inbox_id

    monkeypatch.setattr(pending_request, "submit", interrupted_submit)
    command = Command(system, json=as_json)
    assert command.send(new("Port: Sent, and known")) == 130
    assert command.out.getvalue().startswith('{"status":"on-air"' if as_json else "on air  en ")
    assert command.printed.count("Sent, and known") == (0 if as_json else 1)


@pytest.mark.usefixtures("either_way")
def test_ctrl_c_while_the_line_waits_for_its_undo_window_takes_it_back(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupted_submit(*words: Any) -> str:
        inbox_id = await submit(*words)
        interrupt()
        monkeypatch.setattr(pending_request, "submit", submit)
        return inbox_id

    monkeypatch.setattr(pending_request, "submit", interrupted_submit)
    command = Command(system)
    assert command.send(new("Port: Taken back at once", undo_s=60.0)) == 130
    assert command.err.getvalue().endswith('taken back by maha  en  "Port: Taken back at once": it was not published\n')


@pytest.mark.parametrize("presses", [1, 2])
@pytest.mark.usefixtures("either_way")
def test_ctrl_c_without_an_answer_is_unknown(system: System, monkeypatch: pytest.MonkeyPatch, presses: int) -> None:
    async def interrupted_wait(_self: PendingRequest, redis: AnyRedis, *_: object) -> None:
        interrupt()
        await waits_of(redis).sleep(0.1)
        if presses == 2:
            interrupt()
        await waits_of(redis).sleep(60)

    monkeypatch.setattr(waiting, "LOOKUP_S", 0.2 if presses == 1 else 60.0)
    monkeypatch.setattr(PendingRequest, "_await", interrupted_wait)
    command = Command(system)
    assert command.send(new(f"Port: Unknown {presses}")) == 130
    first, second = command.err.getvalue().splitlines()
    assert first == "UNKNOWN  en  interrupted after it was sent: it may be on air"
    assert second.startswith("  to find out, see `tick log -e en`, or repeat the command with --key k-")


def test_ctrl_c_while_reading_prints_one_sentence(system: System) -> None:
    code = INTERRUPT_AT.format(module="publisher_cli.output.tables").replace('"post", "A line"', '"board"')
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=system.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", NOTHING_SENT)


def test_line_that_was_interrupted_and_known_is_on_air_once(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted_submit(*words: Any) -> str:
        inbox_id = await submit(*words)
        interrupt()
        return inbox_id

    monkeypatch.setattr(pending_request, "submit", interrupted_submit)
    command = Command(system, json=True, key="interrupted-once")
    assert command.send(new("Port: Once")) == 130
    monkeypatch.undo()
    again = Command(system, json=True, key="interrupted-once")
    assert again.send(new("Port: Once")) == 0
    assert again.document["position"] == command.document["position"]
    assert on_board(system, again.document["id"]) is not None


def test_ctrl_c_at_a_prompt_does_nothing(system: System) -> None:
    held = system.tick("post", "Port: Later, perhaps", "-e", "es", "--at", "+3h", "--json", editor="ines").json["held"]
    words = ("cancel", "--all-mine", "-e", "es")
    terminal = Terminal("tick", *words, environ={**system.environ, "TICK_EDITOR": "ines"})
    until(lambda: "[y/N]" in terminal.seen, "it asks")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.wait() == 130
    assert terminal.seen.splitlines()[-1] == NOTHING_SENT.rstrip()
    assert system.tick("cancel", held, "-e", "es", editor="ines").code == 0


def test_second_ctrl_c_while_cancelling_many_is_unknown(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        assert system.tick("post", f"Port: Later {number}", "-e", "es", "--at", "+3h", editor="olga").code == 5

    async def interrupted_wait(_self: PendingRequest, *_: object) -> None:
        interrupt()
        await asyncio.sleep(0.1)
        interrupt()
        await asyncio.sleep(60)

    command = Command(system, edition="es", editor="olga")
    monkeypatch.setattr(PendingRequest, "_await", interrupted_wait)
    assert cancel(command.console, command.options, Selection(all_mine=True, is_sure=True)) == 130
    assert "interrupted: the item whose receipt is missing may be cancelled" in command.err.getvalue()
    monkeypatch.undo()
    system.tick("cancel", "--all-mine", "--yes", "-e", "es", editor="olga")


def test_ctrl_c_that_was_blocked_while_python_started_prints_one_sentence() -> None:
    def block_and_interrupt() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        os.kill(os.getpid(), signal.SIGINT)

    done = subprocess.run(
        [sys.executable, "-m", "publisher_cli", "post", "A line"],
        env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
        preexec_fn=block_and_interrupt,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", NOTHING_SENT)
