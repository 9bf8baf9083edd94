"""The lines of the live board of `tick watch`. `tests/publisher_cli/commands/test_watch.py` runs the command."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from publisher_cli.output.live_screen import KEPT, LiveBoard
from ticker.client.follower import Received
from ticker.console import Console
from ticker.core.line import Change, Direction, Line
from ticker.core.messages import ForgetMessage, LineMessage

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def line(number: int, **fields: object) -> Line:
    plain = Line(
        id=f"line-{number}", version=1, number=number, change=Change.NEW, text="x", lang="en", dir=Direction.LTR,
        created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **fields)


def shown(*messages: LineMessage | ForgetMessage) -> list[str]:
    board = LiveBoard(Console(), "en")
    for message in messages:
        board._apply(Received("", message), NOW)
    return [each.id for each in board._board.lines(NOW, 3)]


def test_a_forgotten_line_leaves_the_board() -> None:
    lines = [LineMessage(f"{number}-0", line(number)) for number in range(1, 4)]
    assert shown(*lines, ForgetMessage(("line-3", "line-9"))) == ["line-2", "line-1"]


def test_a_pinned_line_stays_behind_many_newer_ones() -> None:
    pinned = line(1, pinned_until=NOW + timedelta(hours=1))
    newer = [LineMessage(f"{number}-0", line(number)) for number in range(2, KEPT + 50)]
    assert shown(LineMessage("1-0", pinned), *newer)[0] == "line-1"
