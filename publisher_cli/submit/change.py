"""Submit a change: hand it in, wait for the receipt and the undo window, and print the receipt."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from publisher_cli.exit_codes import STATUS_OF, Status
from publisher_cli.output import messages
from publisher_cli.output.messages import Subject
from publisher_cli.session import Session, find_edition, origin
from publisher_cli.submit.confirmation import may_repeat_confirmed
from publisher_cli.submit.directly import Directly
from publisher_cli.submit.request import TIME_OPTIONS, ChangeRequest, SubmitOptions
from publisher_cli.submit.runner import Runner
from publisher_cli.submit.waiting import Answer, Waiting, is_window
from publisher_cli.times import find_zone, name_time, parse_times, spell_instant
from ticker.client.pending_request import PendingRequest, new_key
from ticker.console import INTERRUPTED, Console
from ticker.core.line import Change, Line
from ticker.core.submission import Receipt, ReceiptStatus, Submission
from ticker.store.direct import DirectRedis, waits_of
from ticker.store.editions import StoredEdition

if TYPE_CHECKING:
    from ticker.store.connection import Redis
    from ticker.store.direct import AnyRedis

TYPED_SHOWN: Final = 40
"""The maximum number of characters of a value that an error repeats."""


def submit_change(console: Console, options: SubmitOptions, change: ChangeRequest) -> int:
    """Submit a new line, print its receipt, and return the exit code. On a terminal, ask if a rule asks.

    Raises:
        TickerError: If the command is not valid. Nothing was sent.

    """
    return run_change(ChangeRunner, console, options, change)


def run_change(kind: type[ChangeRunner], console: Console, options: SubmitOptions, change: ChangeRequest) -> int:
    """Submit a change, and once more if a rule asks and the editor confirms it."""
    runner = kind(console, options, change)
    code = runner.finish(runner.start)
    if not may_repeat_confirmed(console, runner.receipt):
        return code
    confirmed = msgspec.structs.replace(change, fields={**change.fields, "confirmed": True})
    if options.key is not None:
        # The desk answers the same key with the same refusal. This one is the same whenever the command is repeated.
        options = msgspec.structs.replace(options, key=f"{options.key}-confirmed")
    runner = kind(console, options, confirmed)
    return runner.finish(runner.start)


class ChangeRunner(Runner[Submission]):
    """Runs a change.

    Attributes:
        change: The change as it was typed.
        line: The line before the change (a hidden line: before it was hidden), or None for a new line.
        is_taken_back: The editor stopped the change in its undo window.

    """

    def __init__(self, console: Console, options: SubmitOptions, change: ChangeRequest) -> None:
        self.change = change
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

    def start(self) -> int:
        session = Session.find(self.console, self.options.data)
        waiting = _waiting(session, self.options)
        return waiting.run(self._run(session, waiting))

    async def _run(self, session: Session, waiting: Waiting) -> int:
        editor = session.editor(self.options.editor)
        async with waiting.redis(session) as redis:
            async with waits_of(redis).timeout(self.options.wait_s):
                stored = await self._prepare(redis, editor)
            if self.options.is_dry_run:
                assert not isinstance(redis, DirectRedis), "see `_waiting`"
                return await self._run_dry(redis, stored, editor)
            self.pending = PendingRequest(
                session.url, stored.name, editor, self.request, may_repeat=self.options.key is not None
            )
            receipt = self._in_typed_words(await self.answer(waiting, redis))
            if is_window(receipt, self.request) and not self.options.skips_window:
                self._tell_warnings(receipt)
                held = Answer(receipt, self.is_interrupted)
                final = await waiting.wait_for_window(self.console, session, redis, self.pending, held)
                receipt = self._after_window(receipt, final)
            return await self.print_settled(redis, await self.settled(redis, receipt))

    async def _prepare(self, redis: AnyRedis, editor: str) -> StoredEdition:
        """Complete the request with what only Redis knows: the edition, its time zone, and the line."""
        self.stored = stored = await find_edition(redis, self.options.edition)
        if self.change.times:
            times: Any = parse_times(self.change.times, datetime.now(UTC), find_zone(stored.edition.zone))
            self.request = msgspec.structs.replace(self.request, **times)
        await self.prepare_line(redis, stored, editor)
        return stored

    async def prepare_line(self, redis: AnyRedis, stored: StoredEdition, editor: str) -> None:
        """Complete the request with the line that it changes. A new line has none."""

    async def print_settled(self, _: AnyRedis, receipt: Receipt) -> int:
        """Print the final receipt, and return the exit code."""
        return self.print_once(receipt)

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

    def _tell_warnings(self, held: Receipt) -> None:
        if not self.console.json:
            for line in messages.warning_lines(held):
                self.console.tell(line)

    def _after_window(self, held: Receipt, final: Answer) -> Receipt:
        """Return the receipt to print after the undo window. If no desk answered, it is the first one again."""
        receipt = final.receipt
        self.is_taken_back = final.is_interrupted and receipt.status is ReceiptStatus.DROPPED
        if final.is_interrupted and receipt.status is ReceiptStatus.ON_AIR:
            self.console.tell("too late to take it back: to take it off the screens, use `tick withdraw`")
        # Don't print the warnings of the first receipt twice.
        new = tuple(warning for warning in receipt.warnings if warning not in held.warnings)
        return msgspec.structs.replace(receipt, warnings=(*held.warnings, *new) if self.console.json else new)

    def _in_typed_words(self, receipt: Receipt) -> Receipt:
        """Return the receipt with errors that name the option of a time, as it was typed, and not the field."""
        errors = tuple(
            msgspec.structs.replace(error, detail=name_time(error.detail, error.code, self._typed_time(error.code)))
            if error.code in self.change.times
            else error
            for error in receipt.errors
        )
        return msgspec.structs.replace(receipt, errors=errors)

    def _typed_time(self, field: str) -> str:
        option = "--for" if self.change.change is Change.PIN else TIME_OPTIONS[field]
        return f"{option} {self.change.times[field][:TYPED_SHOWN]}"

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
        """Yield the times that the editor typed, as instants."""
        if isinstance(self.request.expires_at, datetime):
            yield f"  expires {self.spell_moment(self.request.expires_at)}"
        if self.request.pinned_until is not None:
            yield f"  pinned until {spell_instant(self.request.pinned_until, datetime.now(UTC), self.zone)}"


def _waiting(session: Session, options: SubmitOptions) -> Waiting:
    if session.is_direct and not options.is_dry_run:
        return Directly()
    from publisher_cli.submit.event_loop import EventLoop  # noqa: PLC0415 -- it imports redis-py

    return EventLoop()
