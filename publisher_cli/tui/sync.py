"""Keeping a picture of an edition up to date, through every loss of the connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Final, NoReturn, Protocol

from redis.exceptions import NoPermissionError

from publisher_cli.session import Session
from publisher_cli.tui.model import Connection, Picture, State
from ticker.backoff import Backoff
from ticker.console import sentence
from ticker.core.errors import StoreError, TickerError
from ticker.core.held import Held
from ticker.core.submission import Receipt
from ticker.store.connection import CLIENT_ERRORS, Redis
from ticker.store.editions import edition_names, load_edition
from ticker.store.editors import role_of
from ticker.store.held import read_held
from ticker.store.log_reader import check_entry, read_log, tail, walk_log
from ticker.store.reach import read_reports
from ticker.store.receipts import last_receipt_id, read_receipts

BLOCK_MS: Final = 500
"""How long we wait for an entry before we look at what no stream tells: what is held, how far entries came."""

ANSWER_S: Final = 3.0
"""An answer this late isn't coming: the editor has to know before the next line is typed."""

HISTORY_EACH: Final = 6
"""Every so many quiet rounds, see that the log is still the one that we read."""

RETRY_FIRST_S: Final = 0.4
RETRY_MOST_S: Final = 2.0


class Hears(Protocol):
    """Whoever is told what the listener hears. Called on the event loop, never at the same time."""

    def hear_connection(self, connection: Connection) -> None: ...

    def hear_editions(self, names: list[str]) -> None: ...

    def hear_picture(self, picture: Picture) -> None:
        """Something has changed, or time has passed."""
        ...

    def hear_receipt(self, receipt: Receipt) -> None: ...


class Listener:
    """One edition's ear. Run it in a task; `edition` None takes the first that there is.

    `find` is asked anew at each attempt: an embedded server has another address each time it starts.
    """

    def __init__(
        self,
        find: Callable[[], Session],
        edition: str | None,
        editor: str | None,
        hears: Hears,
        clock: Callable[[], datetime],
    ) -> None:
        self._find = find
        self._edition = edition
        self._editor = editor
        self._hears = hears
        self._clock = clock
        self._quiet_rounds = 0
        self._may_see_held = True
        self._receipts_after = ""

    async def run(self) -> NoReturn:
        """Listen until cancelled."""
        lost_since: datetime | None = None
        backoff = Backoff(RETRY_FIRST_S, RETRY_MOST_S)
        while True:
            try:
                self._quiet_rounds = 0
                async for _ in self._rounds():
                    lost_since = None
                    backoff.reset()
                continue  # the log was begun anew: read it at once
            except (TickerError, OSError, *CLIENT_ERRORS) as error:
                why = sentence(error)
            except Exception as error:  # noqa: BLE001 -- a task's root: the view goes on and shows it, with what was typed
                why = sentence(error)
            lost_since = lost_since or self._clock()
            self._hears.hear_connection(Connection(State.LOST, lost_since, why))
            await asyncio.sleep(backoff.next_s())

    async def _rounds(self) -> AsyncIterator[None]:
        """Read everything, then what comes, a round at a time; ends where the log was begun anew."""
        session = self._find()
        async with session.redis() as redis:
            async with asyncio.timeout(ANSWER_S):
                name = await self._chosen(redis)
            picture = await self._read(redis, name, session.editor(self._editor))
            await self._look(redis, picture)
            self._hears.hear_connection(Connection(State.LIVE, self._clock()))
            self._hears.hear_picture(picture)
            while True:
                yield
                async with asyncio.timeout(ANSWER_S):
                    if not await self._round(redis, picture):
                        return
                self._hears.hear_picture(picture)

    async def _chosen(self, redis: Redis) -> str:
        names = await edition_names(redis)
        self._hears.hear_editions(names)
        if not names:
            raise StoreError("there is no edition yet: start the desk (`ticker up` or `ticker desk`), which makes them")
        if self._edition is not None and self._edition not in names:
            raise StoreError(f"there is no edition {self._edition}: there are {', '.join(names)}")
        self._edition = self._edition or names[0]
        return self._edition

    async def _read(self, redis: Redis, name: str, editor: str) -> Picture:
        """The whole retained log, each entry checked against the one before it."""
        stored = await load_edition(redis, name)
        if stored is None:
            raise StoreError(f"edition {name} was deleted this moment")
        picture = Picture(stored, editor)
        async for logged in walk_log(redis, name, 0, stored.nonce):
            picture.apply(logged)
        self._may_see_held = True
        if not self._receipts_after:
            self._receipts_after = await last_receipt_id(redis, name, editor)
        return picture

    async def _round(self, redis: Redis, picture: Picture) -> bool:
        """Take in what has come; False where the log is no longer the one that was read."""
        entries = await tail(redis, picture.name, picture.seq, block_ms=BLOCK_MS)
        for entry in entries:
            picture.apply(check_entry(picture.seq, picture.link, entry))
        self._quiet_rounds = 0 if entries else self._quiet_rounds + 1
        if self._quiet_rounds % HISTORY_EACH == HISTORY_EACH - 1 and not await self._is_same_log(redis, picture):
            return False
        await self._look(redis, picture)
        return True

    async def _is_same_log(self, redis: Redis, picture: Picture) -> bool:
        """Whether the entry that we read last still stands where it stood; takes in changed settings, too."""
        stored = await load_edition(redis, picture.name)
        if stored is None or stored.nonce != picture.stored.nonce:
            return False
        picture.stored = stored
        if picture.seq == 0:
            return True
        found = await read_log(redis, picture.name, picture.seq - 1, 1)
        return bool(found) and (found[0].seq, found[0].link) == (picture.seq, picture.link)

    async def _look(self, redis: Redis, picture: Picture) -> None:
        """What no stream that we wait on tells: what is held, this editor's role and receipts, how far entries came."""
        name, editor = picture.name, picture.editor
        picture.role = await role_of(redis, name, editor) or picture.stored.edition.role
        picture.reports = await read_reports(redis, name)
        picture.held = await self._held(redis, name)
        for stored in await read_receipts(redis, name, editor, self._receipts_after):
            self._receipts_after = stored.id
            self._hears.hear_receipt(stored.receipt)

    async def _held(self, redis: Redis, name: str) -> list[Held] | None:
        """What is held; None where this user may not see it: asked once a connection, not to fill Redis's ACL LOG."""
        if self._may_see_held:
            try:
                return [held for _, held in (await read_held(redis, name)).values()]
            except NoPermissionError:
                self._may_see_held = False
        return None
