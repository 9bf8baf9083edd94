"""Apply all the rules to a change without submitting it, by the present state of the log, the roles and the clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from redis.exceptions import NoPermissionError

from publisher_cli.history import newest_first
from ticker.core.board import Board
from ticker.core.edition import Role
from ticker.core.errors import StoreError
from ticker.core.held import Held
from ticker.core.outcome import Context, Outcome, Publish, Refuse, decide
from ticker.core.submission import Receipt, ReceiptStatus, Submission
from ticker.store.connection import Redis
from ticker.store.editions import StoredEdition
from ticker.store.editors import roles
from ticker.store.held import read_held

NO_ID = "dry-run"
"""The id of a new line in a dry run. No real line has it, because real ids are longer."""


class EditionState(msgspec.Struct):
    """An edition as one editor sees it.

    `seq` is the number of the newest entry that `board` includes. A batch adds to `board` what it would publish. `held`
    are the held items, the newest first, if the editor may read them.
    """

    stored: StoredEdition
    editor: str
    role: Role
    board: Board
    seq: int
    held: Sequence[Held] = ()


async def dry_run(redis: Redis, stored: StoredEdition, editor: str, submission: Submission) -> Receipt:
    """Return the receipt that the desk would send now, without a position."""
    state = await load_state(redis, stored, editor)
    return preview_receipt(stored, submission, preview(state, submission, datetime.now(UTC)))


async def load_state(redis: Redis, stored: StoredEdition, editor: str) -> EditionState:
    """Load the whole log and the editor's role.

    Raises:
        StoreError: If the editor may not read them.

    """
    try:
        found = [found async for found in newest_first(redis, stored.name)]
        role = (await roles(redis, stored.name)).get(editor)
    except NoPermissionError as error:
        raise StoreError(
            f"a dry run needs the right to read the log of {stored.name}, and {editor} doesn't have it"
        ) from error
    board = Board()
    for entry in reversed(found):
        board.apply(entry.entry)
    return EditionState(
        stored,
        editor,
        role or stored.edition.role,
        board,
        found[0].seq if found else 0,
        await _load_held(redis, stored),
    )


async def _load_held(redis: Redis, stored: StoredEdition) -> list[Held]:
    try:
        return [held for _, held in (await read_held(redis, stored.name)).values()][::-1]
    except NoPermissionError:
        return []


def preview(state: EditionState, submission: Submission, now: datetime, new_id: str = NO_ID) -> Outcome:
    """Return what the desk would decide about this editor's submission now."""
    return decide(
        submission,
        Context(
            edition=state.stored.edition,
            board=state.board,
            editor=state.editor,
            role=state.role,
            submitted_at=now,
            now=now,
            seq=state.seq + 1,
            new_id=new_id,
            held=state.held,
        ),
    )


def preview_receipt(stored: StoredEdition, submission: Submission, outcome: Outcome) -> Receipt:
    receipt = Receipt(
        status=ReceiptStatus.HELD,
        edition=stored.name,
        test=stored.edition.test,
        key=submission.key,
        action=str(submission.change),
        id=submission.id,
        warnings=outcome.warnings,
    )
    if isinstance(outcome, Publish):
        line = outcome.entry.line
        return msgspec.structs.replace(
            receipt, status=ReceiptStatus.ON_AIR, version=line.version, attribution=line.attribution
        )
    if isinstance(outcome, Refuse):
        return msgspec.structs.replace(receipt, status=ReceiptStatus.REFUSED, errors=outcome.errors)
    held = outcome.held
    return msgspec.structs.replace(receipt, due_at=held.due_at, needs=held.needs, attribution=outcome.attribution)
