"""Submit a decision about a held item: find the item, hand the decision in, and print the receipt."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import Final

import msgspec

from publisher_cli.exit_codes import Status
from publisher_cli.held_items import HeldItems, load_held_items
from publisher_cli.history import LAST, UnknownLineError, find_id
from publisher_cli.output import messages
from publisher_cli.output.held_rows import review_lines
from publisher_cli.output.messages import Subject
from publisher_cli.session import Session, find_edition, origin, readable_editions
from publisher_cli.submit.event_loop import EventLoop
from publisher_cli.submit.request import SubmitOptions
from publisher_cli.submit.runner import Runner
from ticker.client.pending_request import PendingRequest, new_key
from ticker.console import Console
from ticker.core.errors import SettingsError, StoreError
from ticker.core.held import Held, Reason
from ticker.core.line import Change
from ticker.core.submission import Decision, DecisionRequest, ReceiptStatus
from ticker.store.connection import Redis

_SHOWN_BY: Final = "`tick pending` and `tick scheduled`"


def submit_decision(
    console: Console,
    options: SubmitOptions,
    decision: Decision,
    name: str | None,
    reason: str | None = None,
    seen: str | None = None,
) -> int:
    """Submit a decision, print its receipt, and return the exit code.

    `name` is the id of a held item, the beginning of it, or `last`; None means the newest item in its undo window.
    `seen` is the mark of the content that the editor saw elsewhere. Without it, an approval shows the item and asks.

    Raises:
        TickerError: If the name fits no held item, or several, or an approval can't be confirmed. Nothing was sent.

    """
    runner = DecisionRunner(console, options, decision, reason, seen)
    try:
        asyncio.run(runner.find(name))
    except StoreError as error:
        return runner.fail(error)
    if not runner.is_confirmed(name):
        console.tell("nothing was sent")
        return Status.USAGE
    return runner.finish(lambda: EventLoop().run(runner.run()))


class DecisionRunner(Runner[DecisionRequest]):
    """Runs a decision."""

    results = Runner.results | {ReceiptStatus.DROPPED}

    def __init__(
        self, console: Console, options: SubmitOptions, decision: Decision, reason: str | None, seen: str | None
    ) -> None:
        request = DecisionRequest(
            key=options.key or new_key(),
            decision=decision,
            held="",
            seen=seen,
            reason=reason,
            deadline_s=options.wait_s,
            origin=origin(),
            break_glass=options.break_glass,
        )
        super().__init__(console, options, request)
        self._session = Session.find(console, options.data)
        self._editor = self._session.editor(options.editor)
        self._found: tuple[HeldItems, Held] | None = None

    async def find(self, name: str | None) -> None:
        """Find the held item.

        Raises:
            TickerError: If the name fits no held item, or several.

        """
        async with self._session.redis() as redis, asyncio.timeout(self.options.wait_s):
            self._found = await self._find(redis, name, self._editor)
        items, _ = self._found
        self.stored = items.stored

    def is_confirmed(self, name: str | None) -> bool:
        """Return whether the editor saw what they decide on. On a terminal, show an item to approve, and ask.

        Raises:
            SettingsError: If nobody can be asked, and `name` may be another item than the one that the editor saw.

        """
        if self.request.decision is not Decision.APPROVE or self.request.seen is not None:
            return True
        items, held = self._item
        if self.console.is_watched and sys.stdin.isatty():
            for line in review_lines(items, held, datetime.now(UTC)):
                self.console.tell(line)
            return self.console.ask("approve it?")
        if name != held.id:
            raise SettingsError(
                f"{name} may be another item than the one that you saw: write its whole id, as "
                "`tick pending --json` shows it, or approve it on a terminal"
            )
        return True

    async def run(self) -> int:
        """Submit the decision on the item that was found, and print its receipt."""
        items, held = self._item
        seen = self.request.seen or items.mark_of(held)
        self.request = msgspec.structs.replace(self.request, held=held.id, seen=seen)
        self.pending = PendingRequest(self._session.url, items.stored.name, self._editor, self.request)
        async with self._session.redis() as redis:
            return self.print_once(await self.settled(redis, await self.answer(EventLoop(), redis)))

    @property
    def _item(self) -> tuple[HeldItems, Held]:
        assert self._found is not None, "`find` comes first"
        return self._found

    async def _find(self, redis: Redis, name: str | None, editor: str) -> tuple[HeldItems, Held]:
        if name is None:
            return await self._find_in_window(redis, editor)
        items = await load_held_items(redis, await find_edition(redis, self.options.edition))
        if name == LAST:
            return items, self._find_last(items, editor)
        return items, items.held[find_id(items.held, name, f"held item of {items.stored.name}", _SHOWN_BY)]

    def _find_last(self, items: HeldItems, editor: str) -> Held:
        """Return the item that `last` means.

        For `tick cancel`, this is the newest that the editor submitted. Otherwise it is the only one that waits for a
        second person.
        """
        if self.request.decision is Decision.CANCEL:
            found = [held for held in items.held.values() if held.editor == editor]
            error = f"nothing that {editor} submitted is held"
        else:
            found = [held for held in items.held.values() if held.waits_for_person]
            error = f"nothing waits for a second person in {items.stored.name}"
            if len(found) > 1:
                raise UnknownLineError(
                    f"{len(found)} lines wait for a second person: choose one by its id, as `tick pending` shows it"
                )
        if not found:
            raise UnknownLineError(f"{error}: see {_SHOWN_BY}")
        return found[-1]

    async def _find_in_window(self, redis: Redis, editor: str) -> tuple[HeldItems, Held]:
        """Return the newest of this editor's items that is in its undo window, in any edition."""
        found: list[tuple[HeldItems, Held]] = []
        edition = self.options.edition
        editions = await readable_editions(redis) if edition is None else [await find_edition(redis, edition)]
        for stored in editions:
            items = await load_held_items(redis, stored)
            found += [
                (items, held)
                for held in items.held.values()
                if held.editor == editor and held.reason is Reason.UNDO and not held.waits_for_person
            ]
        if not found:
            raise UnknownLineError(
                f"no line of {editor} is in its undo window: for a line on air use `tick withdraw`, "
                "for a scheduled line `tick cancel`"
            )
        return max(found, key=lambda each: each[1].submitted_at)

    def subject(self) -> Subject:
        if self._found is None:
            return Subject(Change.NEW, None, None)  # the receipt of a failure doesn't name the change
        items, held = self._found
        text = messages.held_text(held, items.line_of(held))
        return Subject(held.submission.change, text, items.direction_of(held))
