"""A rehearsal: all the rules on a change that isn't sent, by what the log, the roles and the clock say now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

import msgspec
from redis.exceptions import NoPermissionError

from publisher_cli.history import newest_first
from ticker.core.board import Board
from ticker.core.edition import Role
from ticker.core.errors import StoreError
from ticker.core.outcome import Context, Outcome, Publish, Refuse, decide
from ticker.core.submission import Receipt, ReceiptStatus, Submission
from ticker.store.connection import Redis
from ticker.store.editions import StoredEdition
from ticker.store.editors import roles

NO_ID = "rehearsed"
"""Stands for the id that a new line would get: no line has it, because ids have other lengths."""


class Seen(Protocol):
    """An edition as one editor sees it: `seq` is the last entry that is on the board, or was."""

    @property
    def stored(self) -> StoredEdition: ...

    @property
    def editor(self) -> str: ...

    @property
    def role(self) -> Role: ...

    @property
    def board(self) -> Board: ...

    @property
    def seq(self) -> int: ...


class Stage(msgspec.Struct):
    """What rehearsals of one editor stand on. `board` takes in what they would put on air."""

    stored: StoredEdition
    editor: str
    role: Role
    board: Board
    seq: int


def foretell(seen: Seen, submission: Submission, now: datetime, new_id: str = NO_ID) -> Outcome:
    """What the desk would decide if it took the submission now, from the editor who sees the edition so."""
    at = Context(
        edition=seen.stored.edition,
        board=seen.board,
        editor=seen.editor,
        role=seen.role,
        submitted_at=now,
        now=now,
        seq=seen.seq + 1,
        new_id=new_id,
    )
    return decide(submission, at)


async def set_stage(redis: Redis, stored: StoredEdition, editor: str) -> Stage:
    """Read the whole log and the editor's role.

    Raises:
        StoreError: If this editor may not read them.

    """
    try:
        found = [found async for found in newest_first(redis, stored.name)]
        role = (await roles(redis, stored.name)).get(editor)
    except NoPermissionError as error:
        raise StoreError(
            f"to rehearse takes the right to read the log of {stored.name}: {editor} has it not"
        ) from error
    board = Board()
    for entry in reversed(found):
        board.apply(entry.entry)
    return Stage(stored, editor, role or stored.edition.role, board, found[0].seq if found else 0)


async def rehearse(redis: Redis, stored: StoredEdition, editor: str, submission: Submission) -> Receipt:
    """The receipt that the desk would give at this moment, with no place in the log."""
    stage = await set_stage(redis, stored, editor)
    return rehearsed(stored, submission, foretell(stage, submission, datetime.now(UTC)))


def rehearsed(stored: StoredEdition, submission: Submission, verdict: Outcome) -> Receipt:
    receipt = Receipt(
        status=ReceiptStatus.HELD,
        edition=stored.name,
        test=stored.edition.test,
        key=submission.key,
        action=str(submission.change),
        id=submission.id,
        warnings=verdict.warnings,
    )
    if isinstance(verdict, Publish):
        return msgspec.structs.replace(receipt, status=ReceiptStatus.ON_AIR, version=verdict.entry.line.version)
    if isinstance(verdict, Refuse):
        return msgspec.structs.replace(receipt, status=ReceiptStatus.REFUSED, errors=verdict.errors)
    return msgspec.structs.replace(receipt, due_at=verdict.held.due_at, needs=verdict.held.needs)
