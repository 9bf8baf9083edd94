"""The undo window: it ends on air, or the editor takes the line back."""

from __future__ import annotations

import asyncio
import io
import re
import signal
import subprocess

from publisher_cli.session import Session
from publisher_cli.submit.event_loop import EventLoop
from publisher_cli.submit.undo_window import Window
from publisher_cli.submit.waiting import Answer
from tests.support.commands import on_board, one_line
from tests.support.prefork import SCRIPTS
from tests.support.review_system import held_in
from tests.support.system import Ran, System
from tests.support.terminal import Terminal
from tests.support.waiting import until
from ticker.client.pending_request import PendingRequest
from ticker.console import Console
from ticker.core.line import Change
from ticker.core.submission import ReceiptStatus, Submission


class Posting:
    """`tick post` in the background, without a terminal."""

    def __init__(self, system: System, *words: str, editor: str = "maha") -> None:
        self.process = subprocess.Popen(
            [SCRIPTS / "tick", "post", *words],
            env={**system.environ, "TICK_EDITOR": editor},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def until_held(self) -> None:
        """Wait until the command prints that its undo window is open."""
        assert self.process.stderr is not None
        assert self.process.stderr.readline().startswith("  will be published in 60 s: Ctrl-C or `tick undo`")

    def ended(self) -> Ran:
        out, err = self.process.communicate(timeout=60)
        return Ran(self.process.returncode, out, err)


def test_line_is_on_air_after_its_undo_window(review_system: System) -> None:
    ran = review_system.tick("post", "On second thoughts", "-e", "es", "--undo", "1s")
    assert ran.code == 0
    assert re.match(r'on air  es \d+  "On second thoughts"  \(id \w+\) · 1 gateway', ran.out), ran
    assert ran.err == "  will be published in 1 s: Ctrl-C or `tick undo` takes it back\n"
    document = review_system.tick("post", "On third thoughts", "-e", "es", "--undo", "1s", "--json")
    assert document.err == ""
    assert document.json["status"] == "on-air"


def test_undo_0_opens_no_window_and_no_wait_returns_when_it_opens(review_system: System) -> None:
    assert review_system.tick("post", "At once", "-e", "es", "--undo", "0").err == ""
    ran = review_system.tick("post", "By itself", "-e", "es", "--undo", "2s", "--no-wait", "--json")
    assert (ran.code, ran.json["status"]) == (5, "held")
    until(lambda: on_board(review_system, ran.json["held"], "es") is not None, "it is published")


def test_ctrl_c_in_the_window_takes_the_line_back(review_system: System) -> None:
    posting = Posting(review_system, "A slip of the hand", "-e", "es")
    posting.until_held()
    (held,) = held_in(review_system, "es")
    posting.process.send_signal(signal.SIGINT)
    ran = posting.ended()
    assert ran.code == 130
    assert ran.out == ""
    assert ran.err == 'taken back by maha  es  "A slip of the hand": it was not published\n'
    assert held_in(review_system, "es") == set()
    assert on_board(review_system, held, "es") is None


def test_terminal_shows_a_countdown_until_ctrl_c(review_system: System) -> None:
    terminal = Terminal("tick", "post", "Slip", "-e", "es", environ={**review_system.environ, "TICK_EDITOR": "maha"})
    until(lambda: "will be published in 59 s: Ctrl-C" in terminal.seen, "the seconds run down")
    assert "will be published in 60 s: Ctrl-C" in terminal.seen
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.wait() == 130
    assert "it was not published" in terminal.seen


async def test_ctrl_c_after_the_window_returns_the_on_air_receipt(review_system: System) -> None:
    session, console = Session(review_system.redis_url), Console({}, io.StringIO(), io.StringIO())
    submission = Submission(key="too-late", change=Change.NEW, text="Out already", undo_s=0.2)
    pending = PendingRequest(session.url, "es", "maha", submission)
    async with session.redis() as redis:
        held = await pending.run(redis)
        assert held.status is ReceiptStatus.HELD
        until(lambda: on_board(review_system, held.id or "", "es") is not None, "it is published")
        receipt = await Window(console, session, pending, held).take_back(redis)
    assert (receipt.status, receipt.id, receipt.key) == (ReceiptStatus.ON_AIR, held.id, "too-late")


async def test_ctrl_c_as_the_window_opens_takes_the_line_back(review_system: System) -> None:
    session, console = Session(review_system.redis_url), Console({}, io.StringIO(), io.StringIO())
    submission = Submission(key="at-once", change=Change.NEW, text="Taken back at once", undo_s=60.0)
    pending = PendingRequest(session.url, "es", "maha", submission)
    async with session.redis() as redis:
        held = Answer(await pending.run(redis), is_interrupted=False)
        task = asyncio.current_task()
        assert task is not None
        task.cancel()  # as asyncio does on Ctrl-C; it takes effect at the next wait
        receipt, is_interrupted = await EventLoop().wait_for_window(console, session, redis, pending, held)
    assert (receipt.status, receipt.key, is_interrupted) == (ReceiptStatus.DROPPED, "at-once", True)
    assert await asyncio.to_thread(held_in, review_system, "es") == set()


def test_undo_takes_back_the_editors_newest_line_in_any_edition(review_system: System) -> None:
    posting = Posting(review_system, "Wrong edition", "-e", "es", editor="noor")
    posting.until_held()
    assert review_system.tick("undo", editor="sami").code == 2
    ran = review_system.tick("undo", editor="noor")
    assert ran.code == 0
    assert ran.out == 'taken back by noor  es  "Wrong edition": it was not published\n'
    assert posting.ended().code == 3  # so that a script knows that the line isn't on air
    ran = review_system.tick("undo", editor="noor")
    assert ran.code == 2
    assert "no line of noor is in its undo window" in one_line(ran)
