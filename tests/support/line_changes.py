"""Submit changes of one line to a board, and return the outcome."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from tests.support.strategies import START, post
from ticker.core.board import Board
from ticker.core.line import Change, Line
from ticker.core.outcome import Publish, Refuse
from ticker.core.submission import Submission

SOON = START + timedelta(hours=1)
LINE = "line-1"


def submission(change: Change, **fields: object) -> Submission:
    """Return the smallest valid submission of a change."""
    plain: dict[str, object] = {} if change is Change.NEW else {"id": LINE}
    if change in (Change.NEW, Change.UPDATE, Change.REFILE, Change.CORRECT):
        plain["text"] = f"Text by {change}"
    if change in (Change.CORRECT, Change.WITHDRAW):
        plain["reason"] = f"Reason to {change}"
    if change is Change.PIN:
        plain["pinned_until"] = SOON
    return msgspec.structs.replace(Submission(key="k", change=change), **{**plain, **fields})


def published(board: Board, change: Change, **fields: object) -> Line:
    outcome = post(board, submission(change, **fields))
    assert isinstance(outcome, Publish), outcome
    return outcome.entry.line


def refused(board: Board, change: Change, **fields: object) -> list[str]:
    outcome = post(board, submission(change, **fields))
    assert isinstance(outcome, Refuse), outcome
    return [finding.code for finding in outcome.errors]


def board_with(*changes: Change, **fields: object) -> Board:
    """Return a board with one line that was posted with `fields`, and then went through `changes`."""
    board = Board()
    published(board, Change.NEW, **fields)
    for change in changes:
        published(board, change)
    return board
