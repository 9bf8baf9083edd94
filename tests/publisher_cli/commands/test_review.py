"""What waits for its time, for another person, or in its undo window: as editors see it."""

from __future__ import annotations

import asyncio
import io
import re
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from publisher_cli.session import Session
from publisher_cli.submit.undo_window import Window
from tests.support.commands import on_board, one_line
from tests.support.prefork import SCRIPTS
from tests.support.servers import short_folder
from tests.support.system import Ran, System
from tests.support.terminal import Terminal
from tests.support.waiting import until
from ticker.client.pending_request import PendingRequest
from ticker.console import Console
from ticker.core.edition import Role
from ticker.core.line import Change
from ticker.core.submission import ReceiptStatus, Submission
from ticker.store.connection import connect
from ticker.store.editors import set_role
from ticker.store.held import read_held

SETTINGS = """
[editions.en]
title = "Breaking news"
lang = "en"
dir = "ltr"
second_person = ["flash", "withdrawal", "reporter"]
zone = "Europe/Madrid"
rules = { attribution = "off", duplicate = "off" }

[editions.es]
title = "Última hora"
lang = "es"
dir = "ltr"
undo_s = 60
rules = { attribution = "off", duplicate = "off" }
"""


@pytest.fixture(scope="module")
def careful() -> Iterator[System]:
    """An edition that asks for second persons, with a reporter and a chief; and one with a long undo window."""
    with short_folder() as folder:
        settings = folder / "ticker.toml"
        settings.write_text(SETTINGS, encoding="utf-8")
        with System(folder, "--settings", str(settings)) as running:
            asyncio.run(_set_roles(running.redis_url))
            yield running


async def _set_roles(url: str) -> None:
    redis = connect(url, role="ticker")
    await set_role(redis, "en", "rana", Role.REPORTER)
    await set_role(redis, "en", "carla", Role.CHIEF)
    await redis.aclose()


def held_in(system: System, edition: str = "en") -> set[str]:
    """The ids of what is held."""

    async def read() -> set[str]:
        redis = connect(system.redis_url, role="tick")
        try:
            return set(await read_held(redis, edition))
        finally:
            await redis.aclose()

    return asyncio.run(read())


def hold(system: System, text: str, *options: str, editor: str = "maha") -> str:
    """Post what is held; its id."""
    ran = system.tick("post", text, "-e", "en", "--json", *options, editor=editor)
    assert ran.code == 5, ran
    held: str = ran.json["held"]
    return held


def scheduled(system: System, edition: str = "en") -> list[Any]:
    found: list[Any] = system.tick("scheduled", "-e", edition, "--json").json["held"]
    return found


# Time


def test_a_scheduled_line_says_when_it_goes_out_and_how_to_call_it_off(careful: System) -> None:
    ran = careful.tick("post", "Polls close in Valmora", "-e", "en", "--at", "+30m", "--pin", "2h")
    assert ran.code == 5
    assert ran.err == ""
    first, due, pinned, cancel = ran.out.splitlines()
    match = re.fullmatch(r'held  en  "Polls close in Valmora"  \(id ([0-9a-z]{10})\): not on air yet', first)
    assert match, ran
    assert re.fullmatch(r"  will be published .*\d\d:\d\d CES?T = .*\d\d:\d\d UTC \(in 30 min\)", due), ran
    assert re.fullmatch(r"  pinned until .* \(in 2 h 30 min\)", pinned), ran
    assert cancel == f"  to cancel it: tick cancel {match[1]} -e en"
    held = next(item for item in scheduled(careful) if item["held"] == match[1])
    assert (held["reason"], held["editor"], held["role"]) == ("scheduled", "maha", "editor")
    assert careful.tick("cancel", match[1][:5], "-e", "en").code == 0
    assert match[1] not in held_in(careful)


def test_a_line_goes_on_air_at_its_time(careful: System) -> None:
    held = hold(careful, "The doors open", "--at", "+2s")
    until(lambda: on_board(careful, held) is not None, "it is on air")
    line = on_board(careful, held)
    assert line is not None
    assert line.text == "The doors open"


def test_what_is_scheduled_is_listed_with_its_time_the_next_first(careful: System) -> None:
    late, soon = hold(careful, "Later on", "--at", "+3h"), hold(careful, "Sooner", "--embargo", "+1h")
    listed = [item["held"] for item in scheduled(careful)]
    assert listed.index(soon) < listed.index(late)
    ran = careful.tick("scheduled", "-e", "en")
    rows = [line for line in ran.out.splitlines() if "Sooner" in line or "Later on" in line]
    assert re.search(r"\d\d:\d\d.*  in 1 h  new  maha \(editor\)  Sooner$", rows[0]), ran
    assert "wait for their time: tick cancel ID -e en" in ran.err
    assert scheduled(careful)[0].keys() >= {"due_at", "text", "editor", "role", "needs", "reason", "submitted_at"}
    for held in (late, soon):
        assert careful.tick("cancel", held, "-e", "en").code == 0


def test_cancelling_last_calls_off_the_newest_of_ones_own(careful: System) -> None:
    mine = hold(careful, "Mine", "--at", "+1h", editor="noor")
    others = hold(careful, "Another's", "--at", "+1h", editor="sami")
    ran = careful.tick("cancel", "last", "-e", "en", editor="noor")
    assert ran.out == 'taken back by noor  en  "Mine": it was not published\n'
    assert {mine, others} & held_in(careful) == {others}
    assert careful.tick("cancel", "last", "-e", "en", editor="noor").code == 2
    assert careful.tick("cancel", others, "-e", "en", "--json").json["status"] == "dropped"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--at", "03/04 9:00"), "could be two days"),
        (("--at", "yesterday 9:00"), "has passed"),
        (("--embargo", "friday"), "no time of day"),
        (("--undo", "1h"), "The longest is 300 s"),
        (("--undo", "soon"), "isn't an undo window"),
    ],
)
def test_a_time_that_is_none_is_a_usage_error_and_nothing_is_sent(
    careful: System, options: tuple[str, ...], why: str
) -> None:
    ran = careful.tick("post", "When", "-e", "en", *options)
    assert ran.code == 2
    assert why in one_line(ran)


def test_a_time_is_by_the_clock_of_the_edition(careful: System) -> None:
    ran = careful.tick("post", "Tomorrow", "-e", "en", "--at", "tomorrow 9:00", "--json", TZ="America/New_York")
    due = datetime.fromisoformat(ran.json["due_at"])
    assert due.astimezone(UTC).hour in (7, 8)  # 9 in Madrid, summer or winter
    assert timedelta(0) < due - datetime.now(UTC) < timedelta(hours=48)
    assert careful.tick("cancel", ran.json["held"], "-e", "en").code == 0


# The second person


def test_a_flash_waits_and_the_receipt_says_for_whom_and_what_to_do(careful: System) -> None:
    ran = careful.tick("post", "Earthquake hits Port Isel", "-e", "en", "--urgency", "1")
    assert ran.code == 5
    held = re.search(r"\(id ([0-9a-z]{10})\): not on air yet", ran.out)
    assert held
    assert "  waits: a flash needs a second person in this edition\n" in ran.out
    assert f"  to approve it (another editor): tick approve {held[1]} -e en\n" in ran.out
    pending = careful.tick("pending", "-e", "en")
    assert re.search(
        rf"^{held[1][:4]}\w*  .*  new  FLASH  maha \(editor\)  Earthquake hits Port Isel  \[a flash needs", pending.out
    ), pending
    own = careful.tick("approve", held[1], "-e", "en")
    assert own.code == 3
    assert "another person has to approve it" in one_line(own)
    approved = careful.tick("approve", "last", "-e", "en", editor="karim")
    assert approved.code == 0
    assert re.match(r'on air  en \d+  "Earthquake hits Port Isel"  \(id \w+\) · 1 gateway', approved.out), approved
    line = on_board(careful, held[1])
    assert line is not None
    entry = careful.tick("log", "-e", "en", "-n", "1", "--json").json["entries"][0]
    assert (entry["editor"], entry["approved_by"]) == ("maha", "karim")
    assert re.fullmatch(r"tick [0-9.]+ on [\w.?-]+", entry["origin"])
    assert careful.tick("pending", "-e", "en").out == ""


def test_last_is_ambiguous_where_several_wait_for_another_person(careful: System) -> None:
    first, second = (hold(careful, text, "--urgency", "1") for text in ("One flash", "Two flashes"))
    ran = careful.tick("approve", "last", "-e", "en", editor="karim")
    assert ran.code == 2
    assert "2 lines wait for a second person: choose one" in one_line(ran)
    for held in (first, second):
        assert careful.tick("cancel", held, "-e", "en").code == 0


def test_a_rejection_tells_the_author_why(careful: System) -> None:
    held = hold(careful, "The mayor resigns", editor="rana")
    ran = careful.tick("reject", held[:5], "-e", "en", "--reason", "One source only", editor="karim")
    assert ran.code == 0
    assert ran.out == 'rejected by karim  en  "The mayor resigns": it was not published: One source only\n'
    assert held not in held_in(careful)
    assert careful.tick("reject", held, "-e", "en", editor="karim").code == 2  # a reason is needed, and it is gone


def test_withdrawing_anothers_line_waits_and_shows_what_readers_would_be_told(careful: System) -> None:
    posted = careful.tick("post", "A ship has sunk", "-e", "en", "--json", editor="omar").json["id"]
    ran = careful.tick("withdraw", posted, "-e", "en", "--reason", "It is afloat.")
    assert ran.code == 5
    held = re.search(r"held as ([0-9a-z]{10})\)", ran.out)
    assert held, ran
    pending = careful.tick("pending", "-e", "en")
    assert "A ship has sunk  [readers will see: It is afloat.; the line is omar's" in pending.out
    assert careful.tick("approve", held[1], "-e", "en", editor="karim").out.startswith("withdrawn  en ")


def test_a_chief_breaks_the_glass_and_nobody_else(careful: System) -> None:
    ran = careful.tick("post", "Flash one", "-e", "en", "--urgency", "1", "--break-glass", "alone tonight")
    assert ran.code == 3
    assert "only a chief" in one_line(ran)
    ran = careful.tick(
        "post", "Flash two", "-e", "en", "--urgency", "1", "--break-glass", "alone tonight", "--json", editor="carla"
    )
    assert ran.code == 0
    held = hold(careful, "Flash three", "--urgency", "1", editor="carla")
    ran = careful.tick("approve", held, "-e", "en", "--break-glass", "still alone", editor="carla")
    assert ran.code == 0, ran
    entry = careful.tick("log", "-e", "en", "-n", "1", "--json").json["entries"][0]
    assert entry["break_glass"] == "still alone"


# A rehearsal


@pytest.mark.parametrize(
    ("options", "code", "shown"),
    [
        ((), 0, 'would be on air  en  "Rehearsed": nothing was sent\n'),
        (("--urgency", "1"), 5, "waits: a flash needs a second person"),
        (("--at", "+1h"), 5, "will be published "),
        (("--section", "nope"), 3, "this edition has no section 'nope'"),
    ],
)
def test_a_rehearsal_tells_what_would_become_of_it_and_sends_nothing(
    careful: System, options: tuple[str, ...], code: int, shown: str
) -> None:
    before = careful.tick("log", "-e", "en", "-n", "1", "--json").json, held_in(careful)
    ran = careful.tick("post", "Rehearsed", "-e", "en", "--dry-run", *options)
    assert ran.code == code, ran
    assert shown in ran.out
    document = careful.tick("post", "Rehearsed", "-e", "en", "--dry-run", "--json", *options).json
    assert document["dry_run"] is True
    assert document["status"] == {0: "on-air", 3: "refused", 5: "held"}[code]
    assert (careful.tick("log", "-e", "en", "-n", "1", "--json").json, held_in(careful)) == before


def test_a_rehearsal_knows_the_role_of_who_asks(careful: System) -> None:
    ran = careful.tick("post", "Rehearsed", "-e", "en", "--dry-run", editor="rana")
    assert ran.code == 5
    assert "rana is a reporter of this edition" in ran.out


def test_a_rehearsal_of_a_change_is_of_the_line_that_was_named(careful: System) -> None:
    posted = careful.tick("post", "The bridge opens", "-e", "en", "--json").json["id"]
    ran = careful.tick("withdraw", posted, "-e", "en", "--reason", "It doesn't.", "--dry-run")
    assert ran.code == 0
    assert ran.out == 'would be withdrawn  en  "The bridge opens": nothing was sent\n'
    assert careful.tick("unpin", posted, "-e", "en", "--dry-run").code == 3


# The undo window


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
        """Wait until it says that it is in its undo window."""
        assert self.process.stderr is not None
        assert self.process.stderr.readline().startswith("  will be published in 60 s: Ctrl-C or `tick undo`")

    def ended(self) -> Ran:
        out, err = self.process.communicate(timeout=60)
        return Ran(self.process.returncode, out, err)


def test_a_short_window_ends_on_air(careful: System) -> None:
    ran = careful.tick("post", "On second thoughts", "-e", "es", "--undo", "1s")
    assert ran.code == 0
    assert re.match(r'on air  es \d+  "On second thoughts"  \(id \w+\) · 1 gateway', ran.out), ran
    assert ran.err == "  will be published in 1 s: Ctrl-C or `tick undo` takes it back\n"
    document = careful.tick("post", "On third thoughts", "-e", "es", "--undo", "1s", "--json")
    assert document.err == ""
    assert document.json["status"] == "on-air"


def test_no_window_and_no_wait_are_asked_for(careful: System) -> None:
    assert careful.tick("post", "At once", "-e", "es", "--undo", "0").err == ""
    ran = careful.tick("post", "By itself", "-e", "es", "--undo", "2s", "--no-wait", "--json")
    assert (ran.code, ran.json["status"]) == (5, "held")
    until(lambda: on_board(careful, ran.json["held"], "es") is not None, "it went out by itself")


def test_ctrl_c_in_the_window_takes_it_back(careful: System) -> None:
    posting = Posting(careful, "A slip of the hand", "-e", "es")
    posting.until_held()
    (held,) = held_in(careful, "es")
    posting.process.send_signal(signal.SIGINT)
    ran = posting.ended()
    assert ran.code == 130
    assert ran.out == ""
    assert ran.err == 'taken back by maha  es  "A slip of the hand": it was not published\n'
    assert held_in(careful, "es") == set()
    assert on_board(careful, held, "es") is None


def test_on_a_terminal_the_seconds_run_down_until_ctrl_c(careful: System) -> None:
    terminal = Terminal("tick", "post", "Slip", "-e", "es", environ={**careful.environ, "TICK_EDITOR": "maha"})
    until(lambda: "will be published in 59 s: Ctrl-C" in terminal.seen, "the seconds run down")
    assert "will be published in 60 s: Ctrl-C" in terminal.seen
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.wait() == 130
    assert "it was not published" in terminal.seen


async def test_who_presses_ctrl_c_too_late_is_told_that_it_is_on_air(careful: System) -> None:
    session = Session(careful.redis_url, Console({}, io.StringIO(), io.StringIO()))
    submission = Submission(key="too-late", change=Change.NEW, text="Out already", undo_s=0.2)
    errand = PendingRequest(session.url, "es", "maha", submission)
    async with session.redis() as redis:
        held = await errand.run(redis)
        assert held.status is ReceiptStatus.HELD
        until(lambda: on_board(careful, held.id or "", "es") is not None, "it went out")
        receipt = await Window(session.console, session, errand, held).take_back(redis)
    assert (receipt.status, receipt.id, receipt.key) == (ReceiptStatus.ON_AIR, held.id, "too-late")


async def test_ctrl_c_as_the_window_opens_takes_it_back(careful: System) -> None:
    session = Session(careful.redis_url, Console({}, io.StringIO(), io.StringIO()))
    submission = Submission(key="at-once", change=Change.NEW, text="Taken back at once", undo_s=60.0)
    errand = PendingRequest(session.url, "es", "maha", submission)
    async with session.redis() as redis:
        window = Window(session.console, session, errand, await errand.run(redis))
        task = asyncio.current_task()
        assert task is not None
        task.cancel()  # what asyncio does on Ctrl-C: it comes to effect at the next wait
        receipt = await window.wait(redis)
    assert (receipt.status, receipt.key, window.is_interrupted) == (ReceiptStatus.DROPPED, "at-once", True)
    assert await asyncio.to_thread(held_in, careful, "es") == set()


def test_undo_takes_back_the_newest_of_ones_own_in_whichever_edition(careful: System) -> None:
    posting = Posting(careful, "Wrong edition", "-e", "es", editor="noor")
    posting.until_held()
    assert careful.tick("undo", editor="sami").code == 2
    ran = careful.tick("undo", editor="noor")
    assert ran.code == 0
    assert ran.out == 'taken back by noor  es  "Wrong edition": it was not published\n'
    assert posting.ended().code == 3  # for a script: it isn't on air
    ran = careful.tick("undo", editor="noor")
    assert ran.code == 2
    assert "no line of noor is in its undo window" in one_line(ran)


def test_undo_leaves_alone_what_is_scheduled(careful: System) -> None:
    held = hold(careful, "Scheduled", "--at", "+1h", editor="noor")
    assert careful.tick("undo", editor="noor").code == 2
    assert careful.tick("cancel", held, "-e", "en", editor="noor").code == 0


# Standard input


@pytest.mark.parametrize("words", [("post",), ("post", "-")])
def test_a_text_comes_from_standard_input(careful: System, words: tuple[str, ...]) -> None:
    ran = _piped(careful, "From a pipe\n", *words, "-e", "en", "--json")
    assert ran.code == 0, ran
    line = on_board(careful, ran.json["id"])
    assert line is not None
    assert line.text == "From a pipe"


def test_several_lines_on_standard_input_are_not_one_line(careful: System) -> None:
    ran = _piped(careful, "One\nTwo\n", "post", "-e", "en")
    assert ran.code == 2
    assert "standard input has 2 lines" in one_line(ran)


def _piped(system: System, text: str, *words: str) -> Ran:
    done = subprocess.run(
        [SCRIPTS / "tick", *words],
        env={**system.environ, "TICK_EDITOR": "maha"},
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
