"""`ticker relay` as a process, with a real gateway and a real receiver."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.relay.conftest import Relays, is_read, post, status, withdraw
from tests.support.system import System
from tests.support.waiting import until
from tests.support.webhook_receiver import SECRET, Arrived, WebhookReceiver


def test_line_and_its_withdrawal_arrive_signed_and_once(
    system: System, relay: Relays, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    relay("--reach", cms=receiver.url)
    until(lambda: is_read(system, tmp_path), "the relay has read the board")
    line = post(system, "A line for the relay")

    def listed() -> list[tuple[int, str]]:
        relays = system.tick("reach", line, "-e", "en", "--json").json["relays"]
        return [(each["version"], each["verdict"]) for each in relays]

    until(lambda: listed() == [(1, "delivered")], "the line arrived, and tick reach lists the relay")
    withdraw(system, line)
    until(lambda: listed() == [(1, "delivered"), (2, "gone")], "the withdrawal arrived")
    mine = receiver.where(lambda each: each.line["id"] == line)
    assert [(each.kind, each.line["version"], each.line["text"]) for each in mine] == [
        ("line.published", 1, "A line for the relay"),
        ("line.withdrawn", 2, ""),
    ]
    assert mine[1].line["correction"] == "It was wrong."
    assert re.search(r"      cms  gone$", system.tick("reach", line, "-e", "en").out, re.MULTILINE)


def test_killed_relay_loses_nothing_and_repeats_nothing_that_was_stored(
    system: System, relay: Relays, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    program = relay(cms=receiver.url)
    until(lambda: is_read(system, tmp_path), "the relay has read the board")
    lines: list[str] = []
    dead: list[str] = []
    for number, answer in enumerate((204, 0, 503)):
        receiver.status = answer
        before = len(receiver.arrived)
        lines.append(post(system, f"Before kill {number}"))
        until(lambda seen=before: len(receiver.arrived) > seen, "an attempt arrived")  # type: ignore[misc]
        if number % 2:
            withdraw(system, lines[-1])
        program.kill()
        dead.append(post(system, f"While dead {number}"))
        receiver.status = 204
        program.start()
    expected = {*dead, lines[0], lines[2]}
    until(lambda: {*lines, *dead} & receiver.shown.keys() == expected, "every line arrived")
    until(lambda: not status(system, tmp_path)[0]["pending"], "everything is acknowledged")
    program.stop()
    before = len(receiver.arrived)
    program.start()
    last = post(system, "After everything")
    until(lambda: last in receiver.shown, "the last line arrived")
    assert [each.line["id"] for each in receiver.arrived[before:]] == [last]


def test_hanging_receiver_delays_neither_another_receiver_nor_a_withdrawal(
    system: System, relay: Relays, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    with WebhookReceiver() as slow:
        slow.gate.clear()
        relay(fast=receiver.url, slow=slow.url)
        until(lambda: all(each["position"] for each in status(system, tmp_path)), "both have read the board")
        line = post(system, "One of the receivers hangs")
        until(lambda: line in receiver.shown, "the fast receiver has the line")
        withdraw(system, line)
        until(lambda: line not in receiver.shown, "the fast receiver has the withdrawal")
        until(lambda: len(slow.begun) == 2, "the withdrawal overtakes the request with the text", within_s=30)
        assert slow.arrived == []
        slow.gate.set()
        until(lambda: len(slow.arrived) >= 2, "the slow receiver goes on")
        assert slow.shown == {}


def test_receiver_that_answers_410_gets_nothing_more_until_a_replay(
    system: System, relay: Relays, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    program = relay(cms=receiver.url)
    until(lambda: is_read(system, tmp_path), "the relay has read the board")
    line = post(system, "Before the receiver is gone")
    until(lambda: line in receiver.shown, "the line arrived")
    receiver.status = 410
    withdraw(system, line)
    until(lambda: bool(status(system, tmp_path)[0]["disabled"]), "the receiver is disabled")
    missed = post(system, "The receiver is gone")
    (waiting,) = [each for each in status(system, tmp_path)[0]["pending"] if each["id"] == line]
    assert (waiting["kind"], waiting["verdict"]) == ("withdrawn", "cant-undo")
    assert "withdrawal-not-delivered" in program.log
    receiver.status = 204
    refused = system.ticker("relay", "replay", str(tmp_path / "state"))
    assert "another relay" in refused.err
    program.stop()
    assert system.ticker("relay", "replay", str(tmp_path / "state")).code == 0
    program.start()
    until(lambda: line not in receiver.shown and missed in receiver.shown, "both arrived after the replay")


def test_redirect_is_not_followed_and_no_secret_is_logged(
    system: System, relay: Relays, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    with WebhookReceiver() as elsewhere:
        receiver.status, receiver.headers = 307, {"location": elsewhere.url}
        program = relay("--metrics", "127.0.0.1:0", log_level="debug", cms=f"{receiver.url}?token=hidden-token")
        until(lambda: is_read(system, tmp_path), "the relay has read the board")
        line = post(system, "A redirected line")
        until(lambda: len(receiver.where(lambda each: each.line["id"] == line)) > 2, "it was tried again")
        assert elsewhere.arrived == []
    ids = {each.id for each in receiver.where(lambda each: each.line["id"] == line)}
    assert len(ids) == 1, "the id is the same for each attempt"
    assert "redirects aren't followed" in status(system, tmp_path)[0]["pending"][0]["reason"]
    shown = program.log + json.dumps(status(system, tmp_path))
    assert "hidden-token" not in shown
    assert SECRET.removeprefix("whsec_") not in shown
    assert isinstance(receiver.arrived[0], Arrived)
