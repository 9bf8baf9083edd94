"""Submit a change: find the line, hand it in, wait for the receipt and the undo window, and print the receipt."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from publisher_cli.exit_codes import STATUS_OF, Status
from publisher_cli.history import NamedByWordsError, UnknownLineError, find_line, find_related_lines
from publisher_cli.output import bidi, messages
from publisher_cli.output.messages import Subject
from publisher_cli.session import Session, find_edition, origin
from publisher_cli.submit.confirmation import confirms, may_ask, may_repeat_confirmed
from publisher_cli.submit.request import TIME_OPTIONS, ChangeRequest, SubmitOptions
from publisher_cli.submit.runner import Runner
from publisher_cli.submit.undo_window import Window, is_window
from publisher_cli.times import find_zone, name_time, parse_times, spell_instant
from ticker.client.pending_request import PendingRequest, new_key
from ticker.console import INTERRUPTED, Console
from ticker.core.line import LINE_ID, Change, Line
from ticker.core.submission import Receipt, ReceiptStatus, Submission
from ticker.store.connection import Redis
from ticker.store.editions import StoredEdition

TYPED_SHOWN: Final = 40
"""The maximum number of characters of a value that an error repeats."""

_SHOWS_RELATED: Final = (Change.WITHDRAW, Change.CORRECT)


def submit_change(console: Console, options: SubmitOptions, change: ChangeRequest) -> int:
    """Submit a change, print its receipt, and return the exit code.

    On a terminal, ask if a rule asks, and if the line is named by a word of its text and no other line has this word.

    Raises:
        TickerError: If the command is not valid. Nothing was sent.

    """
    try:
        return _submit(console, options, change)
    except NamedByWordsError as error:
        if not may_ask(console):
            raise
        line = error.entry.hidden_version or error.entry.line
        text = bidi.isolated(messages.line_text(line), line.dir)
        words = filter(None, (change.change, options.edition, line.id, f'"{text}"?'))
        if not confirms(console, " ".join(words)):
            return Status.USAGE
        return _submit(console, options, msgspec.structs.replace(change, line=line.id))


def _submit(console: Console, options: SubmitOptions, change: ChangeRequest) -> int:
    """Submit a change, and once more if a rule asks and the editor confirms it."""
    runner = ChangeRunner(console, options, change)
    code = runner.finish(runner.run())
    if not may_repeat_confirmed(console, runner.receipt):
        return code
    confirmed = msgspec.structs.replace(change, fields={**change.fields, "confirmed": True})
    if options.key is not None:
        # The desk answers the same key with the same refusal. This one is the same whenever the command is repeated.
        options = msgspec.structs.replace(options, key=f"{options.key}-confirmed")
    runner = ChangeRunner(console, options, confirmed)
    return runner.finish(runner.run())


class ChangeRunner(Runner[Submission]):
    """Runs a change.

    `line` is the line before the change (a hidden line: before it was hidden), or None for a new line. `is_taken_back`
    is true if the editor stopped the change in its undo window.
    """

    def __init__(self, console: Console, options: SubmitOptions, change: ChangeRequest) -> None:
        self._change = change
        request = Submission(
            key=options.key or new_key(),
            change=change.change,
            version=change.version,
            deadline_s=options.wait_s,
            origin=origin(),
            break_glass=options.break_glass,
            **change.fields,
        )
        super().__init__(console, options, request)
        self.line: Line | None = None
        self.is_taken_back = False

    async def run(self) -> int:
        session = Session.find(self.console, self.options.data)
        editor = session.editor(self.options.editor)
        async with session.redis() as redis:
            async with asyncio.timeout(self.options.wait_s):
                stored = await self._prepare(redis, editor)
            if self.options.is_dry_run:
                return await self._run_dry(redis, stored, editor)
            self.pending = PendingRequest(
                session.url, stored.name, editor, self.request, may_repeat=self.options.key is not None
            )
            receipt = self._in_typed_words(await self.answer(redis))
            if is_window(receipt, self.request) and not self.options.skips_window:
                receipt = await self._wait_for_window(session, redis, self.pending, receipt)
            return await self._print_with_related(redis, await self.settled(redis, receipt))

    async def _prepare(self, redis: Redis, editor: str) -> StoredEdition:
        """Complete the request with what only Redis knows: the edition, its time zone, and the line."""
        self.stored = stored = await find_edition(redis, self.options.edition)
        if self._change.times:
            times: Any = parse_times(self._change.times, datetime.now(UTC), find_zone(stored.edition.zone))
            self.request = msgspec.structs.replace(self.request, **times)
        if self._change.line is not None:
            await self._prepare_line(redis, stored, editor, self._change.line)
        return stored

    async def _prepare_line(self, redis: Redis, stored: StoredEdition, editor: str, name: str) -> None:
        """Complete the request with the id and the version of the line.

        Raises:
            UnknownLineError: If the name fits no line, or several. A forgotten line may have any whole id.

        """
        try:
            entry = await find_line(redis, stored.name, name, editor)
        except UnknownLineError as error:
            is_whole_id, is_forgotten = LINE_ID.fullmatch(name) is not None, self.request.forgotten
            if isinstance(error, NamedByWordsError) and not is_forgotten:
                raise
            if is_forgotten and not is_whole_id:
                raise UnknownLineError(f"{error}; for a forgotten line, type its whole id") from error
            if is_whole_id and not is_forgotten and self.request.change is Change.WITHDRAW:
                raise UnknownLineError(f"{error}; if it is so old that it was forgotten, add --forgotten") from error
            if not is_forgotten:
                raise
            self.request = msgspec.structs.replace(self.request, id=name)
            return
        self.line = entry.hidden_version or entry.line
        # Name the version, so that the desk refuses the change if someone else changes the line first.
        version = entry.line.version if self._change.version is None else self._change.version
        self.request = msgspec.structs.replace(self.request, id=entry.line.id, version=version)

    async def _run_dry(self, redis: Redis, stored: StoredEdition, editor: str) -> int:
        from publisher_cli.submit.dry_run import dry_run  # noqa: PLC0415 -- it imports all the rules

        receipt = self._in_typed_words(await dry_run(redis, stored, editor, self.request))
        if self.console.json:
            self.console.give({**msgspec.to_builtins(receipt), "dry_run": True})
        else:
            lines = messages.dry_run_lines(receipt, self.subject(), self.spell_moment)
            replaced = () if self.line is None else messages.replaced_lines(self.request, self.line)
            more = (*replaced, *self._source_line(receipt), *self._time_lines())
            for line in (*lines, *more, *messages.warning_lines(receipt)):
                self.console.say(line)
        return STATUS_OF[receipt.status]

    async def _wait_for_window(self, session: Session, redis: Redis, pending: PendingRequest, held: Receipt) -> Receipt:
        """Wait until the undo window ends, or the change is taken back. Return the final receipt."""
        if not self.console.json:
            for line in messages.warning_lines(held):
                self.console.tell(line)
        window = Window(self.console, session, pending, held)
        receipt = await window.wait(redis, is_interrupted=self.is_interrupted)
        self.is_taken_back = window.is_interrupted and receipt.status is ReceiptStatus.DROPPED
        if window.is_interrupted and receipt.status is ReceiptStatus.ON_AIR:
            self.console.tell("too late to take it back: to take it off the screens, use `tick withdraw`")
        # If no desk answered, this is the first receipt again: don't print its warnings twice.
        new = tuple(warning for warning in receipt.warnings if warning not in held.warnings)
        return msgspec.structs.replace(receipt, warnings=(*held.warnings, *new) if self.console.json else new)

    async def _print_with_related(self, redis: Redis, receipt: Receipt) -> int:
        """Print the receipt. After a withdrawal or a correction, also print the lines of the same story elsewhere."""
        shows_related = self.request.change in _SHOWS_RELATED and receipt.status is ReceiptStatus.ON_AIR
        if self.line is None or not shows_related:
            return self.print_once(receipt)
        if not self.console.json:
            self.print_once(receipt)
        related = await find_related_lines(redis, receipt.edition, self.line, datetime.now(UTC))
        code = self.print_once(receipt, related=related)
        if not self.console.json:
            for line in messages.related_lines(related, self.request):
                self.console.tell(line)
        return code

    def _in_typed_words(self, receipt: Receipt) -> Receipt:
        """Return the receipt with errors that name the option of a time, as it was typed, and not the field."""
        errors = tuple(
            msgspec.structs.replace(error, detail=name_time(error.detail, error.code, self._typed_time(error.code)))
            if error.code in self._change.times
            else error
            for error in receipt.errors
        )
        return msgspec.structs.replace(receipt, errors=errors)

    def _typed_time(self, field: str) -> str:
        option = "--for" if self._change.change is Change.PIN else TIME_OPTIONS[field]
        return f"{option} {self._change.times[field][:TYPED_SHOWN]}"

    def subject(self) -> Subject:
        direction = None if self.stored is None else self.stored.edition.dir
        return Subject(self.request.change, messages.submitted_text(self.request, self.line), direction)

    def exit_code(self, receipt: Receipt) -> int:
        """Return the exit code. A change that was taken back or rejected is not on air."""
        if receipt.status is ReceiptStatus.DROPPED:
            return INTERRUPTED if self.is_taken_back else Status.REFUSED
        return STATUS_OF[receipt.status]

    def details(self, receipt: Receipt) -> Iterator[str]:
        if receipt.status in (ReceiptStatus.ON_AIR, ReceiptStatus.HELD):
            if self.line is not None:
                yield from messages.replaced_lines(self.request, self.line)
            yield from self._source_line(receipt)
            yield from self._time_lines()
        if receipt.status is ReceiptStatus.HELD:
            yield from messages.next_steps(receipt)
        if receipt.status in (ReceiptStatus.LATE, ReceiptStatus.NOT_ON_AIR, ReceiptStatus.UNKNOWN):
            yield messages.retry_text(receipt, self.request.change)

    def _source_line(self, receipt: Receipt) -> Iterator[str]:
        """Yield the source that the desk split off the text: a colon in the text may mean something else."""
        if messages.is_source_split(self.request) and receipt.attribution is not None:
            yield messages.source_line(receipt.attribution)

    def _time_lines(self) -> Iterator[str]:
        """Yield the times as they were understood."""
        if isinstance(self.request.expires_at, datetime):
            yield f"  expires {self.spell_moment(self.request.expires_at)}"
        if self.request.pinned_until is not None:
            yield f"  pinned until {spell_instant(self.request.pinned_until, datetime.now(UTC), self.zone)}"
