"""From a change as it was typed to its receipt: find the line, hand the submission in, say what became of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from publisher_cli.exit_codes import STATUS_OF, Status
from publisher_cli.output import messages
from publisher_cli.session import Session, find_edition, origin
from publisher_cli.submit.request import ChangeRequest, SubmitOptions
from publisher_cli.submit.runner import Underway
from ticker.client.pending_request import PendingRequest
from ticker.console import INTERRUPTED, Console
from ticker.core.line import Change, Line
from ticker.core.submission import Receipt, ReceiptStatus, Submission
from ticker.store.connection import Redis
from ticker.store.editions import StoredEdition

if TYPE_CHECKING:
    from publisher_cli.history import RelatedLine

_TAKES_BACK = (Change.WITHDRAW, Change.CORRECT)


class _Sending(Underway[Submission]):
    """A change on its way."""

    def __init__(self, console: Console, manner: SubmitOptions, asked: ChangeRequest) -> None:
        self._asked = asked
        request = Submission(
            key=manner.key,
            change=asked.change,
            version=asked.version,
            deadline_s=manner.wait_s,
            origin=origin(),
            break_glass=manner.break_glass,
            **asked.fields,
        )
        super().__init__(console, manner, request)
        self.was: Line | None = None
        self.stored: StoredEdition | None = None
        self.is_taken_back = False

    async def run(self) -> int:
        session = Session.find(self.console, self.manner.data)
        editor = session.editor(self.manner.editor)
        async with session.redis() as redis:
            async with asyncio.timeout(self.manner.wait_s):
                stored = await self._prepare(redis, editor)
            if self.manner.is_dry_run:
                from publisher_cli.submit.dry_run import rehearse  # noqa: PLC0415 -- it imports all the rules

                receipt = await rehearse(redis, stored, editor, self.request)
                self._tell_rehearsal(receipt)
                return STATUS_OF[receipt.status]
            self.errand = PendingRequest(
                session.url, stored.name, editor, self.request, may_repeat=self.manner.may_repeat
            )
            receipt = await self.errand.run(redis)
            if receipt.status is ReceiptStatus.HELD and not self.manner.skips_window:
                receipt = await self._through_window(session, redis, receipt)
            return await self._tell_and_look_around(redis, await self.settled(redis, receipt))

    async def _prepare(self, redis: Redis, editor: str) -> StoredEdition:
        """Understand what was typed, by what is known of the edition and the line."""
        self.stored = stored = await find_edition(redis, self.manner.edition)
        if self._asked.times:
            from publisher_cli.times import find_zone, parse_times  # noqa: PLC0415 -- few commands name a time

            times: Any = parse_times(self._asked.times, datetime.now(UTC), find_zone(stored.edition.zone))
            self.request = msgspec.structs.replace(self.request, **times)
        if self._asked.line is not None:
            await self._name_line(redis, stored.name, self._asked.line, editor)
        return stored

    async def _name_line(self, redis: Redis, edition: str, named: str, editor: str) -> None:
        """Name the line and the version that is the latest now: if somebody changes it meanwhile, we are refused."""
        from publisher_cli.history import find_line  # noqa: PLC0415 -- a new line has none to find

        entry = await find_line(redis, edition, named, editor)
        self.was = entry.line
        version = entry.line.version if self._asked.version is None else self._asked.version
        self.request = msgspec.structs.replace(self.request, id=entry.line.id, version=version)

    async def _through_window(self, session: Session, redis: Redis, held: Receipt) -> Receipt:
        """Where it waits for nothing but its undo window: wait until that is over, or somebody takes it back."""
        from publisher_cli.submit import undo_window  # noqa: PLC0415 -- most lines have none

        assert self.errand is not None
        if not undo_window.is_window(held, self.request):
            return held
        if not self.console.json:
            for line in messages.warning_lines(held):
                self.console.tell(line)
        window = undo_window.Window(self.console, session, self.errand, held)
        receipt = await window.wait(redis)
        self.is_taken_back = window.is_interrupted and receipt.status is ReceiptStatus.DROPPED
        if window.is_interrupted and receipt.status is ReceiptStatus.ON_AIR:
            self.console.tell("too late to take it back: `tick withdraw` takes it off the screens")
        # What the window began with is its answer still where no desk gave another: its warnings come once.
        new = tuple(warning for warning in receipt.warnings if warning not in held.warnings)
        return msgspec.structs.replace(receipt, warnings=(*held.warnings, *new) if self.console.json else new)

    async def _tell_and_look_around(self, redis: Redis, receipt: Receipt) -> int:
        """Say what became of it; then, of something taken back, what still says the same elsewhere."""
        asks = self.request.change in _TAKES_BACK and receipt.status is ReceiptStatus.ON_AIR
        if not self.console.json:
            self.tell_once(receipt)
        sisters = await self._sisters(redis, receipt.edition) if asks else ()
        if self.console.json:
            self.is_told = True
            more = {"sisters": msgspec.to_builtins(sisters)} if asks else {}
            self.console.give({**msgspec.to_builtins(receipt), **more})
        else:
            for line in messages.sister_lines(sisters, self.request.reason or ""):
                self.console.tell(line)
        return self.status_of(receipt)

    async def _sisters(self, redis: Redis, edition: str) -> tuple[RelatedLine, ...]:
        if self.was is None or self.was.coverage is None:
            return ()
        from publisher_cli.history import find_related_lines  # noqa: PLC0415 -- few lines have a story

        was, now = self.was, datetime.now(UTC)
        return await find_related_lines(redis, edition, self.was.coverage, was.lang, now, is_test=was.test)

    def status_of(self, receipt: Receipt) -> int:
        """A change that was taken back, or rejected, is not on air."""
        if receipt.status is ReceiptStatus.DROPPED:
            return INTERRUPTED if self.is_taken_back else Status.REFUSED
        return STATUS_OF[receipt.status]

    def tell(self, receipt: Receipt) -> None:
        """The receipt, in words or as JSON."""
        console = self.console
        if console.json:
            console.give(receipt)
            return
        change, text = self.request.change, self._text()
        direction = None if self.stored is None else self.stored.edition.dir
        if receipt.status is ReceiptStatus.ON_AIR:
            self.say_on_air(receipt, change, text, direction)
            self._read_back()
        elif receipt.status is ReceiptStatus.HELD:
            for line in messages.held_lines(receipt, change, text, direction, self._spell):
                console.say(line)
            self._read_back()
            for line in messages.next_steps(receipt):
                console.say(line)
        elif receipt.status is ReceiptStatus.DROPPED:
            console.tell(messages.dropped_words(receipt, text, direction))
        else:
            for line in messages.refusal_lines(receipt, change):
                console.tell(line)
        for line in messages.warning_lines(receipt):
            console.tell(line)

    def _tell_rehearsal(self, receipt: Receipt) -> None:
        if self.console.json:
            self.console.give({**msgspec.to_builtins(receipt), "dry_run": True})
            return
        direction = None if self.stored is None else self.stored.edition.dir
        change, text = self.request.change, self._text()
        for line in messages.rehearsal_lines(receipt, change, text, direction, self._spell):
            self.console.say(line)
        self._read_back()
        for line in messages.warning_lines(receipt):
            self.console.say(line)

    def _text(self) -> str | None:
        """The text that was sent, or else that of the line as it was: an editor sees which one it is about."""
        return messages.asked_text(self.request, self.was)

    def _read_back(self) -> None:
        """Times as they were understood."""
        times = {"expires": self.request.expires_at, "pinned until": self.request.pinned_until}
        for name, at in times.items():
            if isinstance(at, datetime):
                self.console.say(f"  {name} {self._spell(at)}")

    def _spell(self, instant: datetime) -> str:
        from publisher_cli.times import find_zone, spell_instant  # noqa: PLC0415

        zone = None if self.stored is None else find_zone(self.stored.edition.zone)
        return spell_instant(instant, datetime.now(UTC), zone)


def send(console: Console, manner: SubmitOptions, asked: ChangeRequest) -> int:
    """Do it, and say what became of it; the exit code.

    Raises:
        TickerError: If the command can't be understood; nothing was sent then.

    """
    sending = _Sending(console, manner, asked)
    return sending.finish(sending.run())
