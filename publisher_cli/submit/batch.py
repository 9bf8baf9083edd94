"""Post many lines from a file. All are checked before the first is sent, and a second run posts none of them again."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from publisher_cli.exit_codes import STATUS_OF, Status
from publisher_cli.history import Found, newest_first
from publisher_cli.output.batch_report import BatchReport
from publisher_cli.session import Session, find_edition
from publisher_cli.submit import undo_window
from publisher_cli.submit.batch_file import Item, RefusedLine, read_items
from publisher_cli.submit.dry_run import EditionState, load_state, preview, preview_receipt
from publisher_cli.submit.request import ChangeRequest, SubmitOptions
from publisher_cli.times import find_zone
from ticker.client.pending_request import PendingRequest
from ticker.console import INTERRUPTED, Console
from ticker.core.errors import SettingsError
from ticker.core.outcome import Hold, Publish
from ticker.core.submission import Receipt, ReceiptStatus
from ticker.store.connection import CLIENT_ERRORS, Redis
from ticker.store.editions import StoredEdition
from ticker.store.receipts import walk_receipts
from ticker.store.streams import START

FILE_BYTES: Final = 16 * 1024 * 1024
POLL_S: Final = 0.2
"""How often to read new receipts while undo windows are open."""

_WORST_FIRST: Final = (
    ReceiptStatus.NOT_ON_AIR,
    ReceiptStatus.LATE,
    ReceiptStatus.REFUSED,
    ReceiptStatus.DROPPED,
    ReceiptStatus.HELD,
)


def submit_file(console: Console, options: SubmitOptions, source: Path, change: ChangeRequest) -> int:
    """Post every line of a file (`-`: standard input), and return the exit code.

    Raises:
        TickerError: If the file or the command is not valid. Nothing was sent.

    """
    with nullcontext(sys.stdin.buffer) if str(source) == "-" else source.open("rb") as file:
        data = file.read(FILE_BYTES + 1)
    if len(data) > FILE_BYTES:
        raise SettingsError(f"{source} is too large: {FILE_BYTES:,} bytes is the most, split it")
    return asyncio.run(Batch(console, options, change).run(data))


class Batch:
    """One run. `receipts` are the answers so far, by line number."""

    def __init__(self, console: Console, options: SubmitOptions, change: ChangeRequest) -> None:
        self._console = console
        self._options = options
        self._change = change
        self._report = BatchReport(console)
        self._stop = asyncio.Event()
        self.receipts: dict[int, Receipt] = {}
        self.items: list[Item] = []

    async def run(self, data: bytes) -> int:
        session = Session.find(self._console, self._options.data)
        editor = session.editor(self._options.editor)
        async with session.redis() as redis:
            stored = await find_edition(redis, self._options.edition)
            refused, previews = await self._check(redis, stored, editor, data)
            if refused:
                self._report.print_refused(stored, [(each.line, each.errors) for each in refused])
                return Status.REFUSED
            if self._options.is_dry_run:
                self._report.print_dry_run(stored, previews, len(self.items) - len(previews))
                is_held = any(receipt.status is ReceiptStatus.HELD for receipt in previews.values())
                return Status.HELD if is_held else Status.DONE
            async with self._stoppable():
                await self._send_all(session, redis, stored.name, editor)
                await self._wait_for_windows(redis, stored.name, editor)
        answered = sum(item.answer is not None for item in self.items if item.number in self.receipts)
        self._report.print_summary(stored, self.receipts.values(), len(self.items), answered)
        return self._exit_code()

    async def _check(
        self, redis: Redis, stored: StoredEdition, editor: str, data: bytes
    ) -> tuple[list[RefusedLine], dict[int, Receipt]]:
        """Return the lines that can't be posted, and a preview of the receipt for each line that has none yet."""
        zone = find_zone(stored.edition.zone)
        self.items, refused = read_items(data, self._change, self._options, datetime.now(UTC), zone)
        await match_answers(redis, stored.name, editor, self.items)
        state = await load_state(redis, stored, editor)
        previews = {item.number: receipt for item, receipt in preview_all(state, self.items)}
        refused += [
            RefusedLine(line=number, errors=receipt.errors)
            for number, receipt in previews.items()
            if receipt.status is ReceiptStatus.REFUSED
        ]
        return sorted(refused, key=lambda each: each.line), previews

    @asynccontextmanager
    async def _stoppable(self) -> AsyncIterator[None]:
        """Let Ctrl-C stop the run after the present line. A second Ctrl-C stops it immediately."""
        loop, earlier_handler = asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)

        def stop() -> None:
            self._stop.set()
            loop.remove_signal_handler(signal.SIGINT)
            signal.signal(signal.SIGINT, earlier_handler)

        loop.add_signal_handler(signal.SIGINT, stop)
        try:
            yield
        finally:
            if not self._stop.is_set():
                loop.remove_signal_handler(signal.SIGINT)
                signal.signal(signal.SIGINT, earlier_handler)

    async def _send_all(self, session: Session, redis: Redis, edition: str, editor: str) -> None:
        with self._report.progress(len(self.items)):
            for item in self.items:
                if self._stop.is_set():
                    break
                pending = PendingRequest(session.url, edition, editor, item.submission, may_repeat=True)
                receipt = item.answer or await pending.run(redis)
                self._keep(item, receipt)
                if receipt.status in (ReceiptStatus.NOT_ON_AIR, ReceiptStatus.LATE):
                    break  # the next line would time out, too

    def _keep(self, item: Item, receipt: Receipt) -> None:
        is_new = item.answer is None and receipt != self.receipts.get(item.number)
        self.receipts[item.number] = receipt
        self._report.print_receipt(item.number, receipt, is_new=is_new)
        self._report.advance(len(self.receipts))

    async def _wait_for_windows(self, redis: Redis, edition: str, editor: str) -> None:
        """Wait until the lines in undo windows are on air."""
        waiting = {item.number: item for item in self.items if self._is_in_window(item)}
        due = [self.receipts[number].due_at or datetime.now(UTC) for number in waiting]
        until = max(due, default=datetime.now(UTC)) + undo_window.PATIENCE
        after = START
        while waiting and datetime.now(UTC) < until and not self._stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), POLL_S)
            try:
                answers, after = await _read_answers(redis, edition, editor, after)
            except (OSError, *CLIENT_ERRORS):
                continue  # the desk publishes the lines anyway: read again
            for number, item in list(waiting.items()):
                answer = answers.get(item.submission.key)
                if answer is not None and answer.status is not ReceiptStatus.HELD:
                    del waiting[number]
                    self._keep(item, answer)

    def _is_in_window(self, item: Item) -> bool:
        receipt = self.receipts.get(item.number)
        return receipt is not None and undo_window.is_window(receipt, item.submission)

    def _exit_code(self) -> int:
        """Return the code of the worst receipt, or that of an interrupted command."""
        if self._stop.is_set():
            return INTERRUPTED
        statuses = {receipt.status for receipt in self.receipts.values()}
        worst = next((status for status in _WORST_FIRST if status in statuses), ReceiptStatus.ON_AIR)
        return Status.REFUSED if worst is ReceiptStatus.DROPPED else STATUS_OF[worst]


async def match_answers(redis: Redis, edition: str, editor: str, items: Sequence[Item]) -> None:
    """Set the answer of each item that was submitted before, from the editor's receipts and from the log.

    A refused item gets its next key instead, so that the desk decides again: rules, roles and boards change.
    """
    known, _ = await _read_answers(redis, edition, editor)
    async for found in newest_first(redis, edition):
        if found.entry.editor == editor:  # the receipt may have been trimmed
            known.setdefault(found.entry.key, _receipt_of(edition, found))
    for item in items:
        key, attempt = item.submission.key, 1
        while (answer := known.get(key)) is not None and answer.status is ReceiptStatus.REFUSED:
            attempt += 1
            key = f"{item.submission.key}-{attempt}"
        item.submission = msgspec.structs.replace(item.submission, key=key)
        item.answer = None if answer is None or answer.status is ReceiptStatus.LATE else answer


def preview_all(state: EditionState, items: Sequence[Item]) -> Iterator[tuple[Item, Receipt]]:
    """Yield what the desk would answer to each item without an answer, as if the items before it were on air."""
    for item in items:
        if item.answer is not None:
            continue
        now, new_id = datetime.now(UTC), f"line-{item.number}"
        outcome = preview(state, item.submission, now, new_id)
        yield item, preview_receipt(state.stored, item.submission, outcome)
        if isinstance(outcome, Hold):  # after its undo window, it is on air as well
            outcome = preview(state, msgspec.structs.replace(item.submission, undo_s=0.0), now, new_id)
        if isinstance(outcome, Publish):
            state.board.apply(outcome.entry)
            state.seq += 1


async def _read_answers(redis: Redis, edition: str, editor: str, after: str = START) -> tuple[dict[str, Receipt], str]:
    """Return the newest receipt of each key, from those after the id `after`, and the id of the last receipt."""
    found: dict[str, Receipt] = {}
    async for stored in walk_receipts(redis, edition, editor, after):
        found[stored.receipt.key] = stored.receipt
        after = stored.id
    return found, after


def _receipt_of(edition: str, found: Found) -> Receipt:
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
