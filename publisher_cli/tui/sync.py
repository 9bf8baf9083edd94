"""Redis I/O: keep the model of an edition up to date through lost connections, and deliver requests to the desk.

Both run in a task of their own and post messages to the application.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Final, NoReturn

from redis.exceptions import NoPermissionError
from textual.message import Message

from publisher_cli.decisions import decisions_of_others, load_decisions
from publisher_cli.history import RelatedLine, find_related_lines
from publisher_cli.session import NO_EDITION, Session
from publisher_cli.tui.messages import (
    ConnectionChanged,
    EditionsListed,
    ModelChanged,
    ReachMeasured,
    ReceiptArrived,
    RequestSettled,
)
from publisher_cli.tui.model import EditionModel, State
from publisher_cli.tui.steps import Send
from ticker.backoff import Backoff
from ticker.client.pending_request import PendingRequest, not_on_air, with_reach
from ticker.console import sentence
from ticker.core.errors import StoreError, TickerError
from ticker.core.held import Held
from ticker.core.line import Change
from ticker.core.submission import ReceiptStatus, Submission
from ticker.store.connection import CLIENT_ERRORS, Redis
from ticker.store.editions import edition_names, load_edition
from ticker.store.editors import role_of
from ticker.store.held import read_held
from ticker.store.log_reader import check_entry, read_log, tail, walk_log
from ticker.store.reach import read_reports
from ticker.store.receipts import last_receipt_id, read_receipts

BLOCK_MS: Final = 500
"""How long to block for a log entry before held items and reach are read again: no stream announces those."""

ANSWER_S: Final = 3.0
"""Timeout of a round trip. The editor must learn of a lost connection before they type the next line."""

LOG_CHECK_ROUNDS: Final = 6
"""After this many rounds without an entry, check that the log was not replaced."""

RETRY_FIRST_S: Final = 0.4
RETRY_MOST_S: Final = 2.0

Post = Callable[[Message], object]


class EditionSync:
    """Follow one edition. `edition` None follows the first edition that exists.

    `find` is called again for each connection attempt: an embedded server has a new address after each start.
    """

    def __init__(
        self,
        find: Callable[[], Session],
        edition: str | None,
        editor: str | None,
        post: Post,
    ) -> None:
        self._find = find
        self._requested = edition
        self._edition = edition
        self._editor = editor
        self._post = post
        self._quiet_rounds = 0
        self._may_read_held = True
        self._receipts_after = ""

    async def run(self) -> NoReturn:
        """Follow the edition until cancelled. Reconnect with backoff after an error."""
        backoff = Backoff(RETRY_FIRST_S, RETRY_MOST_S)
        while True:
            try:
                self._quiet_rounds = 0
                async for _ in self._rounds():
                    backoff.reset()
                continue  # the log was replaced: read the new one without a delay
            except Exception as error:  # noqa: BLE001 -- a task's root: the application keeps the drafts and shows it
                self._post(ConnectionChanged(self._requested, State.LOST, sentence(error)))
            await asyncio.sleep(backoff.next_s())

    async def _rounds(self) -> AsyncIterator[None]:
        """Read the whole edition, then its changes, one round per iteration. End when the log was replaced."""
        session = self._find()
        async with session.redis() as redis:
            async with asyncio.timeout(ANSWER_S):
                name = await self._find_edition(redis, session.last_edition)
            model = await self._load(redis, name, session.editor(self._editor))
            await self._refresh(redis, model)
            self._post(ConnectionChanged(self._requested, State.LIVE))
            self._post(ModelChanged(self._requested, model))
            while True:
                yield
                async with asyncio.timeout(ANSWER_S):
                    if not await self._round(redis, model):
                        return
                self._post(ModelChanged(self._requested, model))

    async def _find_edition(self, redis: Redis, last: str | None) -> str:
        """Return the name of the edition to follow: the one that was chosen, or the `last` one, or the first.

        Raises:
            StoreError: If that edition, or any edition, doesn't exist.

        """
        names = await edition_names(redis)
        self._post(EditionsListed(self._requested, names))
        if not names:
            raise StoreError(NO_EDITION)
        if self._edition is not None and self._edition not in names:
            raise StoreError(f"edition {self._edition} doesn't exist: choose one of {', '.join(names)}")
        self._edition = self._edition or (last if last in names else names[0])
        return self._edition

    async def _load(self, redis: Redis, name: str, editor: str) -> EditionModel:
        """Read the whole retained log. Check the link of each entry to the one before."""
        stored = await load_edition(redis, name)
        if stored is None:
            raise StoreError(f"edition {name} was just deleted")
        model = EditionModel(stored, editor)
        async for logged in walk_log(redis, name, 0, stored.nonce):
            model.apply(logged)
        self._may_read_held = True
        model.decided = {each.id: each for each in await load_decisions(redis, name, editor, datetime.now(UTC))}
        if not self._receipts_after:
            self._receipts_after = await last_receipt_id(redis, name, editor)
        return model

    async def _round(self, redis: Redis, model: EditionModel) -> bool:
        """Apply the entries that arrived. Return False if the log was replaced."""
        entries = await tail(redis, model.name, model.seq, block_ms=BLOCK_MS)
        for entry in entries:
            model.apply(check_entry(model.seq, model.link, entry))
        self._quiet_rounds = 0 if entries else self._quiet_rounds + 1
        is_check_due = self._quiet_rounds % LOG_CHECK_ROUNDS == LOG_CHECK_ROUNDS - 1
        if is_check_due and not await self._is_same_log(redis, model):
            return False
        await self._refresh(redis, model)
        return True

    async def _is_same_log(self, redis: Redis, model: EditionModel) -> bool:
        """Return whether the log still has the entry that was read last. Update the edition's settings, too."""
        stored = await load_edition(redis, model.name)
        if stored is None or stored.nonce != model.stored.nonce:
            return False
        model.stored = stored
        if model.seq == 0:
            return True
        found = await read_log(redis, model.name, model.seq - 1, 1)
        return bool(found) and (found[0].seq, found[0].link) == (model.seq, model.link)

    async def _refresh(self, redis: Redis, model: EditionModel) -> None:
        """Read what the log doesn't contain: role, reach, held items and this editor's receipts."""
        name, editor = model.name, model.editor
        model.role = await role_of(redis, name, editor) or model.stored.edition.role
        model.reports = await read_reports(redis, name)
        model.held = await self._read_held(redis, name)
        for stored in await read_receipts(redis, name, editor, self._receipts_after):
            self._receipts_after = stored.id
            model.decided |= {each.id: each for each in decisions_of_others([stored], editor)}
            self._post(ReceiptArrived(stored.receipt))

    async def _read_held(self, redis: Redis, name: str) -> list[Held] | None:
        """Return the held items, or None if this Redis user may not read them.

        After a refusal it doesn't try again on this connection: each one adds an entry to Redis's ACL LOG.
        """
        if self._may_read_held:
            try:
                return [held for _, held in (await read_held(redis, name)).values()]
            except NoPermissionError:
                self._may_read_held = False
        return None


async def deliver(find: Callable[[], Session], editor: str | None, sent: Send, post: Post) -> None:
    """Submit a request and post its receipt. After a publication, also post the reach that gateways report."""
    pending: PendingRequest | None = None
    try:
        session = find()
        async with session.redis() as redis:
            pending = PendingRequest(session.url, sent.edition, session.editor(editor), sent.request)
            receipt = await pending.run(redis)
            post(RequestSettled(sent, receipt))
            if receipt.status is ReceiptStatus.ON_AIR:
                post(ReachMeasured(sent, await with_reach(redis, receipt), await _related_lines(redis, sent)))
    except (TickerError, *CLIENT_ERRORS) as error:
        reason = str(error)
        if pending is not None and pending.is_sent:
            post(RequestSettled(sent, pending.unconfirmed(reason)))
        else:
            post(RequestSettled(sent, not_on_air(sent.edition, sent.request, "no-redis", reason)))


async def _related_lines(redis: Redis, sent: Send) -> Sequence[RelatedLine]:
    """Return the lines of the same story that other editions still show, after a withdrawal or a correction."""
    line, request = sent.line, sent.request
    if line is None or not isinstance(request, Submission):
        return ()
    if request.change not in (Change.WITHDRAW, Change.CORRECT):
        return ()
    return await find_related_lines(redis, sent.edition, line, datetime.now(UTC))
