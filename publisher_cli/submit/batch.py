"""Posting many lines from a file: all are checked before one is sent, and none is sent twice, however often it is run.

Each line of the file has a key of its own, made from what it says and its place among those that say the same. So a
second run, after an interruption or with lines added anywhere, asks for nothing that has been answered.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from datetime import UTC, datetime, tzinfo
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from publisher_cli.exit_codes import STATUS_OF, Status
from publisher_cli.history import Found, newest_first
from publisher_cli.output import messages
from publisher_cli.session import Session, find_edition, origin
from publisher_cli.submit import undo_window
from publisher_cli.submit.dry_run import Stage, foretell, rehearsed, set_stage
from publisher_cli.submit.request import ChangeRequest, SubmitOptions
from publisher_cli.times import find_zone, parse_times
from ticker.client.pending_request import PendingRequest
from ticker.console import INTERRUPTED, Console
from ticker.core.errors import UNREADABLE, SettingsError, TickerError
from ticker.core.line import Change
from ticker.core.outcome import Hold, Publish
from ticker.core.submission import Finding, Receipt, ReceiptStatus, Submission
from ticker.store.connection import CLIENT_ERRORS, Redis
from ticker.store.editions import StoredEdition
from ticker.store.receipts import walk_receipts
from ticker.store.streams import START

if TYPE_CHECKING:
    from rich.progress import Progress

LINES_MAX: Final = 10_000
LINE_BYTES: Final = 8 * 1024
WARNINGS_SHOWN: Final = 5
FILE_BYTES: Final = 16 * 1024 * 1024
FIELDS: Final = (
    *("text", "attribution", "split_attribution", "lang", "dir", "urgency", "section", "regions", "coverage", "url"),
    *("expires_at", "pinned_until", "note", "publish_at", "embargo_until", "undo_s", "again"),
)
_TIMES: Final = ("expires_at", "pinned_until", "publish_at", "embargo_until")
_KEY_DIGITS: Final = 24


class Item(msgspec.Struct, kw_only=True):
    """A line of the file, by its number, as a submission. `answer` is the receipt that its key has already."""

    number: int
    submission: Submission
    answer: Receipt | None = None


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a line of the file."""

    line: int
    errors: tuple[Finding, ...]


class _UnfitError(TickerError):
    """A line of the file can't be made a submission."""


# Reading


def read_items(
    data: bytes, asked: ChangeRequest, manner: SubmitOptions, now: datetime, zone: tzinfo | None
) -> tuple[list[Item], list[Refused]]:
    """The lines of a file as submissions, and what is wrong with the others. Empty lines are left out.

    Fields of `asked` stand where a line has none of its own.

    Raises:
        SettingsError: If there are more lines than may be.

    """
    lines = [(number, line) for number, line in enumerate(data.removeprefix(BOM_UTF8).splitlines(), 1) if line.strip()]
    if len(lines) > LINES_MAX:
        raise SettingsError(f"{len(lines):,} lines are too many at once: {LINES_MAX:,} at most, part the file")
    items: list[Item] = []
    refused: list[Refused] = []
    same: Counter[str] = Counter()
    for number, line in lines:
        try:
            fields = {**asked.fields, **asked.times, **_fields_of(line)}
            digest = _digest(fields)
            key = f"f-{digest}-{same[digest]}"
            same[digest] += 1
            items.append(Item(number=number, submission=_submission(fields, key, manner, now, zone)))
        except TickerError as error:
            refused.append(Refused(line=number, errors=(Finding("malformed", str(error)),)))
    return items, refused


def _fields_of(line: bytes) -> dict[str, Any]:
    if len(line) > LINE_BYTES:
        raise _UnfitError(f"it has {len(line):,} bytes: {LINE_BYTES:,} at most")
    try:
        fields = msgspec.json.decode(line)
    except UNREADABLE as error:
        raise _UnfitError(f'it is no JSON: {error}; write {{"text": "…"}} on one line') from error
    if not isinstance(fields, dict):
        raise _UnfitError('it is no JSON object: write {"text": "…"}')
    unknown = sorted(fields.keys() - set(FIELDS))
    if unknown:
        raise _UnfitError(f"there is no field {unknown[0][:40]!a}: a line may have {', '.join(FIELDS)}")
    return fields


def _digest(fields: dict[str, Any]) -> str:
    """What a line says, as a word. That it is meant `again` says nothing new."""
    said = {name: value for name, value in fields.items() if name != "again" and value is not None}
    try:
        return sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()[:_KEY_DIGITS]
    except UnicodeEncodeError as error:  # of an option: a file is read as UTF-8
        raise _UnfitError("an option has bytes that are no UTF-8: check the terminal") from error


def _submission(
    fields: dict[str, Any], key: str, manner: SubmitOptions, now: datetime, zone: tzinfo | None
) -> Submission:
    texts = {name: fields[name] for name in _TIMES if isinstance(fields.get(name), str)}
    whole = {
        "key": key,
        "change": Change.NEW,
        "deadline_s": manner.wait_s,
        "origin": origin(),
        "break_glass": manner.break_glass,
        **fields,
        **parse_times(texts, now, zone),
    }
    try:
        return msgspec.convert(whole, Submission)
    except msgspec.ValidationError as error:
        raise _UnfitError(f"{error}") from error


# What has been answered


async def match_answers(redis: Redis, edition: str, editor: str, items: Sequence[Item]) -> None:
    """Find the items that were handed in before, by their keys in the editor's receipts and in the log.

    One that was refused is handed in anew, under its next key: that the desk answers a key only once is meant for
    what is handed in twice, and rules, roles and boards change.
    """
    known, _ = await _answers(redis, edition, editor)
    async for found in newest_first(redis, edition):
        if found.entry.editor == editor:  # its receipt may have been trimmed
            known.setdefault(found.entry.key, _receipt_of(edition, found))
    for item in items:
        key, attempt = item.submission.key, 1
        while (answer := known.get(key)) is not None and answer.status is ReceiptStatus.REFUSED:
            attempt += 1
            key = f"{item.submission.key}-{attempt}"
        item.submission = msgspec.structs.replace(item.submission, key=key)
        item.answer = None if answer is None or answer.status is ReceiptStatus.LATE else answer


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


async def _answers(redis: Redis, edition: str, editor: str, after: str = START) -> tuple[dict[str, Receipt], str]:
    """The last receipt of every key, of those after id `after`; and the id up to which they were read."""
    found: dict[str, Receipt] = {}
    async for stored in walk_receipts(redis, edition, editor, after):
        found[stored.receipt.key] = stored.receipt
        after = stored.id
    return found, after


def rehearse_all(stage: Stage, items: Sequence[Item]) -> Iterator[tuple[Item, Receipt]]:
    """What would become of what isn't answered yet, each as if those before it were on air."""
    for item in items:
        if item.answer is not None:
            continue
        now, new_id = datetime.now(UTC), f"line-{item.number}"
        verdict = foretell(stage, item.submission, now, new_id)
        yield item, rehearsed(stage.stored, item.submission, verdict)
        if isinstance(verdict, Hold):  # once its undo window is over, it is on air as well
            verdict = foretell(stage, msgspec.structs.replace(item.submission, undo_s=0.0), now, new_id)
        if isinstance(verdict, Publish):
            stage.board.apply(verdict.entry)
            stage.seq += 1


# Sending


class _Batch:
    """One run. `receipts` has an answer for each line of the file that has got one, by its number."""

    def __init__(self, console: Console, manner: SubmitOptions, asked: ChangeRequest) -> None:
        self._console = console
        self._manner = manner
        self._asked = asked
        self._stop = asyncio.Event()
        self._bar: Progress | None = None
        self._warned: Counter[str] = Counter()
        self.receipts: dict[int, Receipt] = {}
        self.items: list[Item] = []

    async def run(self, data: bytes) -> int:
        session = Session.find(self._console, self._manner.data)
        editor = session.editor(self._manner.editor)
        async with session.redis() as redis:
            stored = await find_edition(redis, self._manner.edition)
            refused, rehearsal = await self._check(redis, stored, editor, data)
            if refused:
                return self._tell_refused(stored, refused)
            if self._manner.is_dry_run:
                return self._tell_rehearsal(stored, rehearsal)
            async with self._stoppable():
                await self._send_all(session, redis, stored.name, editor)
                await self._close_windows(redis, stored.name, editor)
        return self._tell_end(stored)

    async def _check(
        self, redis: Redis, stored: StoredEdition, editor: str, data: bytes
    ) -> tuple[list[Refused], dict[int, Receipt]]:
        """What is wrong, by line; and what would become of each that has no answer yet."""
        zone = find_zone(stored.edition.zone)
        self.items, refused = read_items(data, self._asked, self._manner, datetime.now(UTC), zone)
        await match_answers(redis, stored.name, editor, self.items)
        rehearsal = {
            item.number: receipt for item, receipt in rehearse_all(await set_stage(redis, stored, editor), self.items)
        }
        refused += [
            Refused(line=number, errors=receipt.errors)
            for number, receipt in rehearsal.items()
            if receipt.status is ReceiptStatus.REFUSED
        ]
        return sorted(refused, key=lambda each: each.line), rehearsal

    def _tell_rehearsal(self, stored: StoredEdition, rehearsal: dict[int, Receipt]) -> int:
        for number, receipt in rehearsal.items():
            if self._console.json:
                self._console.give({"line": number, **msgspec.to_builtins(receipt), "dry_run": True})
            else:
                self._tell_findings(number, receipt)
        self._tell_warnings()
        counts = Counter(receipt.status for receipt in rehearsal.values())
        parts = [f"{counts[status]:,} would be {name}" for status, name in _NAMES.items() if counts[status]]
        there = len(self.items) - len(rehearsal)
        parts += [f"{there:,} handed in before"] if there else []
        self._console.tell(f"{messages.name_of(stored)}  {', '.join(parts) or 'there is no line'}: nothing was sent")
        return Status.HELD if counts[ReceiptStatus.HELD] else Status.DONE

    def _tell_refused(self, stored: StoredEdition, refused: Sequence[Refused]) -> int:
        if self._console.json:
            for each in refused:
                self._console.give(
                    {"status": ReceiptStatus.REFUSED, "edition": stored.name, **msgspec.to_builtins(each)}
                )
        else:
            for each in refused:
                for finding in each.errors:
                    self._console.tell(messages.refused_words(f"line {each.line}", finding))
        self._console.tell(f"nothing was sent: mend {messages.count(len(refused), 'line')}, and run it again")
        return Status.REFUSED

    @asynccontextmanager
    async def _stoppable(self) -> AsyncIterator[None]:
        """Let Ctrl-C end it between two lines; a second one ends it at once."""
        loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)

        def stop() -> None:
            self._stop.set()
            loop.remove_signal_handler(signal.SIGINT)
            signal.signal(signal.SIGINT, before)

        loop.add_signal_handler(signal.SIGINT, stop)
        try:
            yield
        finally:
            if not self._stop.is_set():
                loop.remove_signal_handler(signal.SIGINT)
                signal.signal(signal.SIGINT, before)

    async def _send_all(self, session: Session, redis: Redis, edition: str, editor: str) -> None:
        with self._progress():
            for item in self.items:
                if self._stop.is_set():
                    break
                errand = PendingRequest(session.url, edition, editor, item.submission, may_repeat=True)
                receipt = item.answer or await errand.run(redis)
                self._take(item, receipt)
                if receipt.status in (ReceiptStatus.NOT_ON_AIR, ReceiptStatus.LATE):
                    break  # the next one would only wait as long
        self._bar = None

    def _progress(self) -> AbstractContextManager[object]:
        """A bar, for people who wait at a terminal."""
        if self._console.json or not self._console.err.isatty():
            return nullcontext()
        from rich.console import Console as Terminal  # noqa: PLC0415 -- slow to import, and only for terminals
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

        terminal = Terminal(file=self._console.err, no_color=not self._console.has_colour)
        columns = (TextColumn("posting"), BarColumn(), MofNCompleteColumn(), TextColumn("Ctrl-C stops after a line"))
        self._bar = Progress(*columns, console=terminal, transient=True)
        self._bar.add_task("posting", total=len(self.items))
        return self._bar

    def _take(self, item: Item, receipt: Receipt) -> None:
        is_new = item.answer is None and receipt != self.receipts.get(item.number)
        self.receipts[item.number] = receipt
        if self._console.json:
            self._console.give({"line": item.number, **msgspec.to_builtins(receipt)})
        elif is_new:
            self._tell_findings(item.number, receipt)
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=len(self.receipts))

    def _tell_findings(self, number: int, receipt: Receipt) -> None:
        for what, findings in (("refused", receipt.errors), ("held", receipt.needs)):
            for finding in findings:
                self._tell(f"line {number}: {what}: {finding.detail}")
        for finding in receipt.warnings:
            self._warned[finding.code] += 1
            if self._warned[finding.code] <= WARNINGS_SHOWN:
                self._tell(f"line {number}: warning: {finding.detail}")

    def _tell_warnings(self) -> None:
        """How many more lines had the same warnings as those that were shown."""
        for code, times in self._warned.items():
            if times > WARNINGS_SHOWN:
                more = messages.count(times - WARNINGS_SHOWN, "more line has", "more lines have")
                self._console.tell(f"{more} a warning [{code}]")

    def _tell(self, text: str) -> None:
        """Say something above the bar, if there is one."""
        if self._bar is None:
            self._console.tell(text)
        else:
            self._bar.console.print(text, markup=False, highlight=False)

    async def _close_windows(self, redis: Redis, edition: str, editor: str) -> None:
        """Wait until the lines in their undo windows are on air."""
        waiting = {item.number: item for item in self.items if self._is_in_window(item)}
        until = max((self._due(number) for number in waiting), default=datetime.now(UTC)) + undo_window.PATIENCE
        after = START
        while waiting and datetime.now(UTC) < until and not self._stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _LOOK_S)
            try:
                answers, after = await _answers(redis, edition, editor, after)
            except (OSError, *CLIENT_ERRORS):
                continue  # what is held comes out without us: it is asked again
            for number, item in list(waiting.items()):
                answer = answers.get(item.submission.key)
                if answer is not None and answer.status is not ReceiptStatus.HELD:
                    del waiting[number]
                    self._take(item, answer)

    def _is_in_window(self, item: Item) -> bool:
        receipt = self.receipts.get(item.number)
        return receipt is not None and undo_window.is_window(receipt, item.submission)

    def _due(self, number: int) -> datetime:
        return self.receipts[number].due_at or datetime.now(UTC)

    def _tell_end(self, stored: StoredEdition) -> int:
        """A summary; the exit code is that of the worst."""
        self._tell_warnings()
        counts = Counter(receipt.status for receipt in self.receipts.values())
        before = sum(item.answer is not None for item in self.items if item.number in self.receipts)
        parts = [f"{counts[status]:,} {name}" for status, name in _NAMES.items() if counts[status]]
        left = len(self.items) - len(self.receipts)
        if before:
            parts.append(f"{before:,} of them from an earlier run")
        if left:
            parts.append(f"{left:,} not sent")
        lines = messages.count(len(self.items), "line")
        self._console.tell(f"{messages.name_of(stored)}  {lines}: {', '.join(parts) or 'nothing to post'}")
        if left or counts[ReceiptStatus.NOT_ON_AIR] or counts[ReceiptStatus.LATE]:
            self._console.tell("  the same command again goes on from there, and posts nothing twice")
        if self._stop.is_set():
            return INTERRUPTED
        worst = (
            ReceiptStatus.NOT_ON_AIR,
            ReceiptStatus.LATE,
            ReceiptStatus.REFUSED,
            ReceiptStatus.DROPPED,
            ReceiptStatus.HELD,
        )
        found = next((status for status in worst if counts[status]), ReceiptStatus.ON_AIR)
        return Status.REFUSED if found is ReceiptStatus.DROPPED else STATUS_OF[found]


_LOOK_S: Final = 0.2
_NAMES: Final = {
    ReceiptStatus.ON_AIR: "on air",
    ReceiptStatus.HELD: "held",
    ReceiptStatus.REFUSED: "refused",
    ReceiptStatus.DROPPED: "taken back",
    ReceiptStatus.LATE: "NOT ON AIR",
    ReceiptStatus.NOT_ON_AIR: "NOT ON AIR",
}


def post_all(console: Console, manner: SubmitOptions, source: Path, asked: ChangeRequest) -> int:
    """Post every line of a file (`-`: standard input); the exit code.

    Raises:
        TickerError: If it can't be begun; nothing was sent then.

    """
    with nullcontext(sys.stdin.buffer) if str(source) == "-" else source.open("rb") as file:
        data = file.read(FILE_BYTES + 1)
    if len(data) > FILE_BYTES:
        raise SettingsError(f"{source} is too big: {FILE_BYTES:,} bytes at most, part it")
    return asyncio.run(_Batch(console, manner, asked).run(data))
