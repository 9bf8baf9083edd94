"""From a ruling as it was typed to its receipt: find what is held, say what is to become of it, say what did."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from publisher_cli.held_items import Waiting, waiting_in
from publisher_cli.history import LAST, UnknownLineError, find_id
from publisher_cli.output import messages
from publisher_cli.session import Session, find_edition, origin, readable_editions
from publisher_cli.submit.request import SubmitOptions
from publisher_cli.submit.runner import Underway
from publisher_cli.times import find_zone, spell_instant
from ticker.client.pending_request import PendingRequest
from ticker.console import Console
from ticker.core.held import Held, Reason
from ticker.core.submission import Decision, DecisionRequest, Receipt, ReceiptStatus
from ticker.store.connection import Redis
from ticker.store.editions import StoredEdition

_SHOWN_BY: Final = "`tick pending` and `tick scheduled`"


class _Deciding(Underway[DecisionRequest]):
    """A ruling on its way."""

    def __init__(self, console: Console, manner: SubmitOptions, decision: Decision, reason: str | None) -> None:
        request = DecisionRequest(
            key=manner.key,
            decision=decision,
            held="",
            reason=reason,
            deadline_s=manner.wait_s,
            origin=origin(),
            break_glass=manner.break_glass,
        )
        super().__init__(console, manner, request)
        self._found: tuple[Waiting, Held] | None = None

    async def run(self, named: str | None) -> int:
        session = Session.find(self.console, self.manner.data)
        editor = session.editor(self.manner.editor)
        async with session.redis() as redis:
            async with asyncio.timeout(self.manner.wait_s):
                self._found = waiting, held = await self._find(redis, named, editor)
            self.request = msgspec.structs.replace(self.request, held=held.id)
            self.errand = PendingRequest(session.url, waiting.stored.name, editor, self.request)
            receipt = await self.settled(redis, await self.errand.run(redis))
            self.tell_once(receipt)
            return self.status_of(receipt)

    async def _find(self, redis: Redis, named: str | None, editor: str) -> tuple[Waiting, Held]:
        if named is None:
            return await self._find_newest(redis, editor)
        waiting = await waiting_in(redis, await find_edition(redis, self.manner.edition))
        if named == LAST:
            return waiting, self._find_last(waiting, editor)
        return waiting, waiting.held[find_id(waiting.held, named, f"line held in {waiting.stored.name}", _SHOWN_BY)]

    def _find_last(self, waiting: Waiting, editor: str) -> Held:
        """To cancel, the newest that this editor asked for; else the only one that waits for another person."""
        items = waiting.held.values()
        if self.request.decision is Decision.CANCEL:
            return _newest([item for item in items if item.editor == editor], f"{editor} has nothing that is held")
        undecided = [item for item in items if item.waits_for_person]
        if len(undecided) > 1:
            raise UnknownLineError(
                f"{len(undecided)} lines wait for another person: name one, as `tick pending` shows it"
            )
        return _newest(undecided, f"nothing waits for another person in {waiting.stored.name}")

    async def _find_newest(self, redis: Redis, editor: str) -> tuple[Waiting, Held]:
        """The newest of this editor's that is in its undo window, in whichever edition."""
        found: list[tuple[Waiting, Held]] = []
        for stored in await self._editions(redis):
            waiting = await waiting_in(redis, stored)
            found += [
                (waiting, item)
                for item in waiting.held.values()
                if item.editor == editor and item.reason is Reason.UNDO and not item.waits_for_person
            ]
        if not found:
            raise UnknownLineError(
                f"nothing of {editor} is in its undo window: what is on air is taken back with `tick withdraw`, "
                "what is scheduled with `tick cancel`"
            )
        return max(found, key=lambda each: each[1].submitted_at)

    async def _editions(self, redis: Redis) -> list[StoredEdition]:
        if self.manner.edition is not None:
            return [await find_edition(redis, self.manner.edition)]
        return await readable_editions(redis)

    def tell(self, receipt: Receipt) -> None:
        """The receipt, in words or as JSON."""
        console = self.console
        if console.json:
            console.give(receipt)
        elif self._found is None:
            for line in messages.ruling_lines(receipt):
                console.tell(line)
        else:
            self._tell_of(receipt, *self._found)

    def _tell_of(self, receipt: Receipt, waiting: Waiting, held: Held) -> None:
        console, change = self.console, held.submission.change
        text, direction = waiting.text(held), waiting.direction(held)
        if receipt.status is ReceiptStatus.ON_AIR:
            self.say_on_air(receipt, change, text, direction)
        elif receipt.status is ReceiptStatus.DROPPED:
            console.say(messages.dropped_words(receipt, text, direction))
        elif receipt.status is ReceiptStatus.HELD:
            zone = find_zone(waiting.stored.edition.zone)
            for line in messages.held_lines(
                receipt, change, text, direction, lambda at: spell_instant(at, datetime.now(UTC), zone)
            ):
                console.say(line)
        else:
            for line in messages.ruling_lines(receipt):
                console.tell(line)
        for line in messages.warning_lines(receipt):
            console.tell(line)


def _newest(items: Sequence[Held], none: str) -> Held:
    if not items:
        raise UnknownLineError(f"{none}: see {_SHOWN_BY}")
    return items[-1]


def send_ruling(
    console: Console, manner: SubmitOptions, decision: Decision, named: str | None, reason: str | None
) -> int:
    """Do it, and say what became of it; the exit code. `named` None: what is in its undo window.

    Raises:
        TickerError: If nothing held is meant; nothing was sent then.

    """
    deciding = _Deciding(console, manner, decision, reason)
    return deciding.finish(deciding.run(named))
