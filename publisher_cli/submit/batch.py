"""Post many lines from a file. All are checked before the first is sent, and a second run posts none of them again."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from publisher_cli.exit_codes import STATUS_OF, Status
from publisher_cli.history import newest_first
from publisher_cli.interrupt import raised_interrupts
from publisher_cli.output import messages
from publisher_cli.output.batch_report import UNDECIDED, BatchReport
from publisher_cli.session import Session, find_edition
from publisher_cli.submit import undo_window
from publisher_cli.submit.batch_file import Item, read_items
from publisher_cli.submit.batch_format import Format, Row, find_format, read_rows
from publisher_cli.submit.batch_ninjs import read_ninjs
from publisher_cli.submit.confirmation import confirms, only_asks
from publisher_cli.submit.dry_run import EditionState, load_state, preview, preview_receipt
from publisher_cli.submit.interrupt_event import catch_interrupt
from publisher_cli.submit.request import ChangeRequest, SubmitOptions
from publisher_cli.submit.waiting import is_window
from publisher_cli.times import find_zone
from ticker.client.pending_request import PendingRequest
from ticker.console import INTERRUPTED, Console, OutputError
from ticker.core.entry import Logged
from ticker.core.errors import SettingsError
from ticker.core.outcome import Hold, Publish
from ticker.core.submission import Finding, Receipt, ReceiptStatus
from ticker.store.connection import CLIENT_ERRORS, Redis
from ticker.store.editions import StoredEdition
from ticker.store.receipts import walk_receipts
from ticker.store.streams import START

FILE_BYTES: Final = 16 * 1024 * 1024
POLL_S: Final = 0.2
"""How often to read new receipts while undo windows are open."""

_WORST_FIRST: Final = (Status.UNKNOWN, Status.NOT_ON_AIR, Status.REFUSED, Status.HELD)


def submit_file(
    console: Console, options: SubmitOptions, source: Path, change: ChangeRequest, form: str | None = None
) -> int:
    """Post every line of a file (`-`: standard input), and return the exit code.

    `form` is the file's format (None: find it).

    Raises:
        TickerError: If the file or the command is not valid. Nothing was sent.

    """
    is_stdin = str(source) == "-"
    if is_stdin and sys.stdin.isatty():
        console.tell("type the lines; Ctrl-D posts them, Ctrl-C ends without posting any")
    with nullcontext(sys.stdin.buffer) if is_stdin else source.open("rb") as file:
        data = file.read(FILE_BYTES + 1)
    if len(data) > FILE_BYTES:
        raise SettingsError(f"{source} is too large: {FILE_BYTES:,} bytes is the most, split it")
    rows = _rows(console, data, find_format(source.name, data) if form is None else Format(form))
    run = BatchRun(console, options)
    with raised_interrupts():
        try:
            return asyncio.run(run.run(change, rows))
        except KeyboardInterrupt:  # the second one: the first only stops after a line
            if run.batch is None:
                raise
            run.print_summary()
            console.tell("interrupted: the line that was being sent may be on air")
            return INTERRUPTED


def _rows(console: Console, data: bytes, form: Format) -> list[Row]:
    if form is not Format.NINJS:
        return list(read_rows(data, form))
    rows, left_out = read_ninjs(data)
    if left_out:
        console.tell(f"left out: {messages.count(left_out, 'item')} that left the board, or have a newer version here")
    return rows


class BatchRun:
    """Runs a batch. `batch` is set once lines are being sent."""

    def __init__(self, console: Console, options: SubmitOptions) -> None:
        self._console = console
        self._options = options
        self._report = BatchReport(console)
        self._stored: StoredEdition | None = None
        self.batch: Batch | None = None

    async def run(self, change: ChangeRequest, rows: Sequence[Row]) -> int:
        """Check all lines, send them, and return the exit code."""
        options, report = self._options, self._report
        session = Session.find(self._console, options.data)
        editor = session.editor(options.editor)
        async with session.redis() as redis:
            self._stored = stored = await find_edition(redis, options.edition)
            items, malformed = read_items(rows, change, options, datetime.now(UTC), find_zone(stored.edition.zone))
            await match_answers(redis, stored, editor, items)
            previews = dict(preview_all(await load_state(redis, stored, editor), items))
            if refused := malformed | _errors_of(previews):
                report.print_refused(stored, refused)
                if options.is_dry_run or not _may_confirm(self._console, refused):
                    return Status.REFUSED
                confirm(items)
                previews = dict(preview_all(await load_state(redis, stored, editor), items))
                if refused := _errors_of(previews):
                    report.print_refused(stored, refused)
                    return Status.REFUSED
            if options.is_dry_run:
                report.print_dry_run(stored, previews, len(items) - len(previews))
                is_held = any(receipt.status is ReceiptStatus.HELD for receipt in previews.values())
                return Status.HELD if is_held else Status.DONE
            code = await self._send(session, redis, editor, items)
        self.print_summary()
        return code

    async def _send(self, session: Session, redis: Redis, editor: str, items: Sequence[Item]) -> int:
        assert self._stored is not None
        with catch_interrupt() as stop:
            self.batch = batch = Batch(self._report, items, stop)
            try:
                await batch.send_all(redis, session.url, self._stored.name, editor)
                await batch.wait_for_windows(redis, self._stored.name, editor)
            except OutputError as error:  # a program that reads the receipts has ended: send no more
                self._console.tell(str(error))
                return Status.FAILED
        return batch.exit_code()

    def print_summary(self) -> None:
        batch, stored = self.batch, self._stored
        assert batch is not None
        assert stored is not None
        answered = sum(item.answer is not None for item in batch.items if item.number in batch.receipts)
        self._report.print_summary(stored, batch.receipts.values(), len(batch.items), answered)


def confirm(items: Sequence[Item]) -> None:
    """Confirm what the rules ask about each item."""
    for item in items:
        item.submission = msgspec.structs.replace(item.submission, confirmed=True)


def _errors_of(receipts: Mapping[int, Receipt]) -> dict[int, tuple[Finding, ...]]:
    return {number: receipt.errors for number, receipt in receipts.items() if receipt.errors}


def _may_confirm(console: Console, refused: Mapping[int, Sequence[Finding]]) -> bool:
    """Return whether the rules only ask about the refused lines, and the editor confirms all of them."""
    is_only_asked = all(only_asks(errors) for errors in refused.values())
    return is_only_asked and confirms(console, f"send {messages.count(len(refused), 'line')} all the same?")


class Batch:
    """Sends `items` until `stop` is set. `receipts` are the answers so far, by line number."""

    def __init__(self, report: BatchReport, items: Sequence[Item], stop: asyncio.Event) -> None:
        self._report = report
        self.items = items
        self._stop = stop
        self.receipts: dict[int, Receipt] = {}

    async def send_all(self, redis: Redis, url: str, edition: str, editor: str) -> None:
        with self._report.progress(len(self.items)):
            for item in self.items:
                if self._stop.is_set():
                    break
                receipt = item.answer or await self._send(redis, url, edition, editor, item)
                self._keep(item, receipt)
                if receipt.status in UNDECIDED:
                    break  # the next line would time out, too

    async def _send(self, redis: Redis, url: str, edition: str, editor: str, item: Item) -> Receipt:
        """Send an item, and again after a refusal because of a limit that passes. Return its receipt."""
        while True:
            pending = PendingRequest(url, edition, editor, item.submission, may_repeat=True)
            receipt = await pending.run(redis)
            if not receipt.is_temporary or self._stop.is_set():
                return receipt
            if receipt.retry_after_s is not None:
                self._report.print_wait(receipt)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), receipt.retry_after_s)
                continue
            # The editor's held items are at their limit: the lines in undo windows will make room.
            in_windows = self._count_windows()
            await self.wait_for_windows(redis, edition, editor)
            if self._count_windows() == in_windows:
                return receipt

    async def wait_for_windows(self, redis: Redis, edition: str, editor: str) -> None:
        """Wait until the lines in undo windows are on air."""
        waiting = {item.submission.key: item for item in self.items if self._is_in_window(item)}
        due = [self.receipts[item.number].due_at or datetime.now(UTC) for item in waiting.values()]
        until = max(due, default=datetime.now(UTC)) + undo_window.PATIENCE
        after = START
        while waiting and datetime.now(UTC) < until and not self._stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), POLL_S)
            try:
                answers, after = await _read_answers(redis, edition, editor, after)
            except (OSError, *CLIENT_ERRORS):
                continue  # the desk publishes the lines anyway: read again
            for key, answer in answers.items():
                if key in waiting and answer.status is not ReceiptStatus.HELD:
                    self._keep(waiting.pop(key), answer)

    def exit_code(self) -> int:
        """Return the code of the worst receipt, or that of an interrupted command."""
        if self._stop.is_set():
            return INTERRUPTED
        statuses = {receipt.status for receipt in self.receipts.values()}
        codes = {Status.REFUSED if status is ReceiptStatus.DROPPED else STATUS_OF[status] for status in statuses}
        return next((code for code in _WORST_FIRST if code in codes), Status.DONE)

    def _is_in_window(self, item: Item) -> bool:
        receipt = self.receipts.get(item.number)
        return receipt is not None and is_window(receipt, item.submission)

    def _count_windows(self) -> int:
        return sum(self._is_in_window(item) for item in self.items)

    def _keep(self, item: Item, receipt: Receipt) -> None:
        is_new = item.answer is None and receipt != self.receipts.get(item.number)
        self.receipts[item.number] = receipt
        self._report.print_receipt(item.number, receipt, is_new=is_new)


async def match_answers(redis: Redis, stored: StoredEdition, editor: str, items: Sequence[Item]) -> None:
    """Set the answer of each item that was submitted before, from the editor's receipts and from the log.

    A refused item gets its next key instead, so that the desk decides again: rules, roles and boards change.
    """
    known = await _read_known(redis, stored, editor)
    async for found in newest_first(redis, stored.name):
        if found.entry.editor == editor:  # the receipt may have been trimmed
            known.setdefault(found.entry.key, _receipt_of(stored.name, found))
    for item in items:
        key, attempt = item.submission.key, 1
        while (answer := known.get(key)) is not None and answer.status is ReceiptStatus.REFUSED:
            attempt += 1
            key = f"{item.submission.key}-{attempt}"
        item.submission = msgspec.structs.replace(item.submission, key=key)
        item.answer = None if answer is None or answer.status is ReceiptStatus.LATE else answer


def preview_all(state: EditionState, items: Sequence[Item]) -> Iterator[tuple[int, Receipt]]:
    """Yield the number of each item without an answer, and the desk's answer as if the items before it were on air."""
    for item in items:
        if item.answer is not None:
            continue
        now, new_id = datetime.now(UTC), f"line-{item.number}"
        outcome = preview(state, item.submission, now, new_id)
        yield item.number, preview_receipt(state.stored, item.submission, outcome)
        if isinstance(outcome, Hold):  # after its undo window, it is on air as well
            outcome = preview(state, msgspec.structs.replace(item.submission, undo_s=0.0), now, new_id)
        if isinstance(outcome, Publish):
            state.board.apply(outcome.entry)
            state.seq += 1


async def _read_known(redis: Redis, stored: StoredEdition, editor: str) -> dict[str, Receipt]:
    """Return the answer to each used key. An entry of another history of the log doesn't use its key."""
    answers, _ = await _read_answers(redis, stored.name, editor)
    return {key: receipt for key, receipt in answers.items() if stored.counts(receipt) and not receipt.is_temporary}


async def _read_answers(redis: Redis, edition: str, editor: str, after: str = START) -> tuple[dict[str, Receipt], str]:
    """Return the newest receipt of each key, from those after the id `after`, and the id of the last receipt."""
    found: dict[str, Receipt] = {}
    async for stored in walk_receipts(redis, edition, editor, after):
        found[stored.receipt.key] = stored.receipt
        after = stored.id
    return found, after


def _receipt_of(edition: str, found: Logged) -> Receipt:
    line = found.entry.line
    return Receipt(
        status=ReceiptStatus.ON_AIR,
        edition=edition,
        key=found.entry.key,
        action=str(line.change),
        id=line.id,
        version=line.version,
        position=str(found.position),
        published_at=line.updated_at,
    )
