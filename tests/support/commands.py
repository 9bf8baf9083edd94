"""Helpers for tests of the commands: what a command printed, and the board that follows from the log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import redis

from tests.support.system import Ran, System
from ticker.core.board import Board
from ticker.core.entry import Entry
from ticker.core.line import Line
from ticker.store.data_folder import socket_path
from ticker.store.keys import Keys

Post = Callable[..., str]
"""The fixture `post`: posts a line and returns its id."""


def on_board(system: System, line_id: str, edition: str = "en") -> Line | None:
    """Return the line as a board shows it, or None if it isn't on the board.

    It is folded from the log, because a `tick board` takes much longer.
    """
    board = Board()
    with redis.Redis(unix_socket_path=str(socket_path(system.redis_url))) as client:
        for _, fields in cast("Any", client.xrange(Keys(edition).log)):
            board.apply(msgspec.json.decode(fields[b"entry"], type=Entry))
    return next((line for line in board.lines(datetime.now(UTC), len(board)) if line.id == line_id), None)


def one_line(ran: Ran) -> str:
    """Return the only line on standard error."""
    lines = ran.err.splitlines()
    assert len(lines) == 1, ran
    assert "Traceback" not in ran.err
    return lines[0]
