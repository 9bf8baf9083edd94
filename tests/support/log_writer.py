"""Writes an edition's log without a desk, so that tests of the gateway control every entry."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any, Self

import msgspec

from ticker.core.board import Board
from ticker.core.edition import DEFAULT_EDITIONS, Edition
from ticker.core.entry import Entry, Logged, Trim, encode_entry
from ticker.core.line import VERSION_LAST, Change, Line, Status
from ticker.core.position import Position, next_link
from ticker.store.connection import connect
from ticker.store.editions import save_edition
from ticker.store.keys import Keys
from ticker.store.log_reader import rotate

_nonces = itertools.count(1)


class LogWriter:
    """The log of one edition on a real server. `logged` has the entries of the current history."""

    def __init__(self, url: str, name: str = "en", edition: Edition | None = None) -> None:
        self.name = name
        self.edition = DEFAULT_EDITIONS[name] if edition is None else edition
        self.redis = connect(url, role="desk")
        self.nonce = ""
        self.logged: list[Logged] = []

    async def begin(self) -> Self:
        """Create the edition with a new nonce and an empty log."""
        self.nonce, self.logged = f"{next(_nonces):064x}"[::-1], []
        await save_edition(self.redis, self.name, self.edition, self.nonce)
        return self

    async def rotate(self) -> None:
        """Start another history, as `ticker rotate` does."""
        nonce = f"{next(_nonces):064x}"[::-1]
        await rotate(self.redis, self.name, nonce)
        self.nonce, self.logged = nonce, []

    async def rotate_and_trim(self, count: int, retained: int) -> None:
        """Start another history with `count` lines, trimmed to `retained` entries, in one transaction."""
        self.nonce, self.logged = f"{next(_nonces):064x}"[::-1], []
        pipe: Any = self.redis.pipeline(transaction=True)
        pipe.delete(self.key)
        pipe.hset(Keys(self.name).edition, "nonce", self.nonce)
        await self._post_many_and_trim(pipe, count, retained)

    async def post_many_and_trim(self, count: int, retained: int) -> None:
        """Append `count` new lines and trim the log to `retained` entries, in one transaction."""
        await self._post_many_and_trim(self.redis.pipeline(transaction=True), count, retained)

    async def _post_many_and_trim(self, pipe: Any, count: int, retained: int) -> None:
        for _ in range(count):
            self._add(pipe, self.new_line(f"line {len(self.logged) + 1}"), ())
        pipe.xtrim(self.key, maxlen=retained, approximate=False)
        await pipe.execute()

    @property
    def key(self) -> str:
        return Keys(self.name).log

    @property
    def head(self) -> str:
        return self.at(len(self.logged))

    def at(self, seq: int) -> str:
        """Return the position of entry `seq`; 0 is the start of the log."""
        return str(self.logged[seq - 1].position if seq else Position.of(0, self.nonce))

    def board(self) -> Board:
        board = Board()
        for logged in self.logged:
            board.apply(logged.entry)
        return board

    async def post(self, text: str, **fields: Any) -> Line:
        """Append a new line."""
        return await self._append(self.new_line(text, **fields))

    async def post_many(self, count: int, text: str = "line", known: int | None = None) -> None:
        """Append `count` new lines, in one round trip per thousand. All but the newest `known` lines are forgotten."""
        for start in range(0, count, 1000):
            pipe = self.redis.pipeline(transaction=False)
            for _ in range(min(1000, count - start)):
                self._add(pipe, self.new_line(f"{text} {len(self.logged) + 1}"), (), trim=self._trim_to(known))
            await pipe.execute()

    def _trim_to(self, known: int | None) -> Trim | None:
        """Return the trim of every hundredth entry."""
        seq = len(self.logged) + 1
        if known is None or seq <= known + 100 or seq % 100:
            return None
        old = self.logged[seq - known - 100 : seq - known]
        return Trim(through=old[-1].seq, forgotten=tuple(logged.entry.line.id for logged in old))

    async def change(self, line: Line, change: Change, **fields: Any) -> Line:
        """Append the next version of a line."""
        made = msgspec.structs.replace(line, version=line.version + 1, change=change, updated_at=_now(), **fields)
        return await self._append(made, earlier_facets=() if made.facets == line.facets else (line.facets,))

    async def withdraw(self, line: Line, reason: str = "It was wrong") -> Line:
        gone = line.without_text(Status.CANCELED)
        return await self.change(gone, Change.WITHDRAW, correction=reason)

    async def append_raw(self, seq: int, data: bytes, link: str) -> None:
        """Append any data as entry `seq`."""
        await self.redis.xadd(self.key, {"entry": data, "link": link}, id=f"{seq}-0")

    def new_line(self, text: str, **fields: Any) -> Line:
        seq = len(self.logged) + 1
        return Line(
            **{
                "id": f"{self.name}{seq}",
                "version": 1,
                "number": seq,
                "change": Change.NEW,
                "text": text,
                "lang": self.edition.lang,
                "dir": self.edition.dir,
                "created_at": _now(),
                "updated_at": _now(),
                **fields,
            }
        )

    async def post_and_trim(self, text: str, trim: Trim, **fields: Any) -> Line:
        """Append a new line with which others leave the log, as `append.lua` does."""
        line = self.new_line(text, **fields)
        pipe: Any = self.redis.pipeline(transaction=True)
        self._add(pipe, line, (), trim=trim)
        pipe.xtrim(self.key, minid=f"{trim.through + 1}-0", approximate=False)
        await pipe.execute()
        return line

    async def withdraw_forgotten(self, line_id: str) -> Line:
        """Append the withdrawal of a line that is no longer known."""
        now = _now()
        fields = {"change": Change.WITHDRAW, "status": Status.CANCELED, "version": VERSION_LAST}
        line = self.new_line("", id=line_id, expires_at=now, updated_at=now, correction="It was wrong", **fields)
        await self._add(self.redis, line, (), is_for_everyone=True)
        return line

    def make_entry(self, line: Line, earlier_facets: tuple[Any, ...] = (), **fields: Any) -> tuple[bytes, Logged]:
        """Return the next entry as bytes and as a value, without appending it."""
        seq = len(self.logged) + 1
        entry = Entry(
            line=line,
            earlier_facets=earlier_facets,
            editor="ana",
            key=f"key-{seq}",
            submitted_at=line.updated_at,
            note="staff only",
            **fields,
        )
        data = encode_entry(entry)
        previous = self.logged[-1].link if self.logged else self.nonce
        return data, Logged(seq, next_link(previous, data), entry)

    def stored_entry(self, seq: int) -> tuple[int, bytes, str]:
        """Return the seq, the bytes and the link of an entry of the log."""
        logged = self.logged[seq - 1]
        return seq, encode_entry(logged.entry), logged.link

    async def _append(self, line: Line, earlier_facets: tuple[Any, ...] = ()) -> Line:
        await self._add(self.redis, line, earlier_facets)
        return line

    def _add(self, redis: Any, line: Line, earlier_facets: tuple[Any, ...], **fields: Any) -> Any:
        data, logged = self.make_entry(line, earlier_facets, **fields)
        self.logged.append(logged)
        return redis.xadd(self.key, {"entry": data, "link": logged.link}, id=f"{logged.seq}-0")

    async def aclose(self) -> None:
        await self.redis.aclose()


def _now() -> datetime:
    return datetime.now(UTC)
