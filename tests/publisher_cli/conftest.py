"""One running system for all tests of the commands: each uses lines, keys and editors of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import pytest
import redis

from tests.support.servers import short_folder
from tests.support.system import Ran, System, settings_without
from ticker.core.board import Board
from ticker.core.entry import Entry
from ticker.core.line import Line
from ticker.store.data_folder import socket_path
from ticker.store.keys import Keys

Post = Callable[..., str]


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    with short_folder() as folder, System(folder, TICKER_SETTINGS=settings_without(folder, "duplicate")) as running:
        yield running


@pytest.fixture
def post(system: System) -> Post:
    """Put a line on air in the English edition; its id."""

    def put(text: str, *options: str, edition: str = "en", editor: str = "maha") -> str:
        # Tests say the same things as others do.
        ran = system.tick("post", text, "-e", edition, "--json", "--no-reach", "--again", *options, editor=editor)
        assert ran.code == 0, ran
        line_id: str = ran.json["id"]
        return line_id

    return put


def on_board(system: System, line_id: str, edition: str = "en") -> Line | None:
    """The line as a board shows it; None where none does. Folded from the log: a `tick board` each takes its time."""
    board = Board()
    with redis.Redis(unix_socket_path=str(socket_path(system.redis_url))) as client:
        for _, fields in cast("Any", client.xrange(Keys(edition).log)):
            board.apply(msgspec.json.decode(fields[b"entry"], type=Entry))
    return next((line for line in board.lines(datetime.now(UTC), len(board)) if line.id == line_id), None)


def one_line(ran: Ran) -> str:
    """The one line of words on standard error."""
    lines = ran.err.splitlines()
    assert len(lines) == 1, ran
    assert "Traceback" not in ran.err
    return lines[0]
