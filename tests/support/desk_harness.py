"""Run desks of one edition on a real Redis, submit requests, and read the log, the receipts and the held items."""

from __future__ import annotations

import asyncio
import functools
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import pytest_asyncio

from tests.support.late_desks import delay_desks
from tests.support.strategies import ENGLISH
from tests.support.waiting import WAIT_S, eventually
from ticker.core.edition import Edition, Role, SecondPerson
from ticker.core.entry import Entry, follow
from ticker.core.held import Held, content_mark
from ticker.core.line import Change
from ticker.core.submission import Decision, DecisionRequest, Receipt, Request, Submission
from ticker.desk.state import EditionState
from ticker.desk.worker import Connector, EditionDesk
from ticker.settings import Settings
from ticker.store.connection import Redis, connect
from ticker.store.editions import load_edition
from ticker.store.editors import register, set_role
from ticker.store.held import read_held
from ticker.store.inbox import deadline_at_ms, submit
from ticker.store.keys import Keys
from ticker.store.log_reader import read_log
from ticker.store.receipts import StoredReceipt, await_receipt, last_receipt_id, read_receipts
from ticker.store.streams import read_range, redis_ms

delay_desks()

WITH_SECOND_PERSON: Final = msgspec.structs.replace(ENGLISH, second_person=tuple(SecondPerson))
"""An edition that requires a second person for flashes, withdrawals and reporters."""


def new(key: str, text: str = "Quake of magnitude 6.1 strikes off the coast", **fields: Any) -> Submission:
    return Submission(key=key, change=Change.NEW, text=text, **fields)


class DeskHarness:
    """One edition on the Redis at `url`. `like` has the settings of the edition."""

    def __init__(self, url: str, edition: str = "en", like: Edition = ENGLISH, **settings: Any) -> None:
        self.url = url
        self.edition = edition
        self.keys = Keys(edition)
        self.settings = Settings(editions={edition: like}, **settings)
        self.redis: Redis = connect(url, role="tick")
        self.connector: Connector = functools.partial(connect, url, role="desk")

    async def aclose(self) -> None:
        await self.redis.aclose()

    @asynccontextmanager
    async def desk(self, connector: Connector | None = None, **more: Any) -> AsyncIterator[EditionState]:
        """Run a desk until the block ends. The block starts once the desk accepts requests."""
        state, ready = EditionState(), asyncio.Event()
        desk = EditionDesk(self.edition, connector or self.connector, self.settings, state, on_ready=ready.set, **more)
        task = asyncio.create_task(desk.run())
        try:
            await asyncio.wait_for(ready.wait(), WAIT_S)
            yield state
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def set_roles(self, **roles: Role) -> None:
        """Give editors their roles."""
        for editor, role in roles.items():
            await set_role(self.redis, self.edition, editor, role)

    async def submit(self, editor: str, request: Request) -> str:
        await register(self.redis, self.edition, editor)
        return await submit(self.redis, self.edition, editor, request)

    async def submit_raw(self, editor: str, data: bytes, stream_id: str = "*", field: str = "submission") -> str:
        """Add any bytes to an inbox, as an editor can."""
        await register(self.redis, self.edition, editor)
        added = await self.redis.xadd(self.keys.inbox(editor), {field: data}, id=stream_id)
        assert isinstance(added, bytes)
        return added.decode()

    async def ask(self, editor: str, request: Request) -> Receipt:
        """Submit a request and return its receipt."""
        after = await last_receipt_id(self.redis, self.edition, editor)
        stream_id = await self.submit(editor, request)
        until = deadline_at_ms(stream_id, request.deadline_s)
        stored = await self.receipt_after(editor, request.key, after, until, stream_id)
        assert stored is not None, "no desk answered in time"
        return stored.receipt

    async def approval(self, receipt: Receipt, **fields: Any) -> DecisionRequest:
        """Return the approval of a held item by an editor who sees it as it is held now."""
        found = [held for held in await self.held() if held.id == receipt.held]
        seen = content_mark(found[0], found[0].submission.version) if found else None
        return decision(Decision.APPROVE, receipt, seen=seen, **fields)

    async def approve(self, editor: str, receipt: Receipt, **fields: Any) -> Receipt:
        """Approve a held item as it is held now, and return the receipt."""
        return await self.ask(editor, await self.approval(receipt, **fields))

    async def held(self) -> list[Held]:
        """Return the held items in the order of their submission."""
        return [held for _, held in (await read_held(self.redis, self.edition)).values()]

    async def receipts_for(self, editor: str, key: str) -> list[Receipt]:
        """Return all receipts of an editor with a key, oldest first."""
        return [stored.receipt for stored in await self.receipts(editor) if stored.receipt.key == key]

    async def receipt_after(
        self, editor: str, key: str, after: str, until: int, submission: str | None = None
    ) -> StoredReceipt | None:
        blocking = connect(self.url, role="tick", blocking=True)
        try:
            return await await_receipt(
                blocking, self.edition, editor, key=key, after=after, deadline_at_ms=until, submission=submission
            )
        finally:
            await blocking.aclose()

    async def settled(self, *editors: str) -> list[Receipt]:
        """Wait until the inboxes of these editors are empty, and return their receipts."""
        await eventually(lambda: self._is_settled(editors), "every inbox is empty")
        return [stored.receipt for editor in editors for stored in await self.receipts(editor)]

    async def receipts(self, editor: str) -> list[StoredReceipt]:
        return await read_receipts(self.redis, self.edition, editor, count=10_000)

    async def entries(self) -> list[Entry]:
        """Return all entries of the log. Each link is checked."""
        stored = await load_edition(self.redis, self.edition)
        assert stored is not None
        link, entries = stored.nonce, list[Entry]()
        for raw in await read_log(self.redis, self.edition, 0, 100_000):
            assert raw.seq == len(entries) + 1
            entries.append(follow(raw.seq, link, raw.link, raw.data).entry)
            link = raw.link
        return entries

    async def forge_entry(self, seq: int, change: Callable[[bytes], bytes]) -> None:
        """Change one entry in place by writing the stream again, as an attacker with write access to Redis could."""
        entries = await read_range(self.redis, self.keys.log)
        await self.redis.delete(self.keys.log)
        for stream_id, fields in entries:
            data = change(fields[b"entry"]) if stream_id == f"{seq}-0" else fields[b"entry"]
            await self.redis.xadd(self.keys.log, {"entry": data, "link": fields[b"link"]}, id=stream_id)

    async def _is_settled(self, editors: Sequence[str]) -> bool:
        return not any([await self.redis.xlen(self.keys.inbox(editor)) for editor in editors])


NewHarness = Callable[..., DeskHarness]
"""The fixture `new_harness`: makes a harness."""


@pytest_asyncio.fixture
async def new_harness() -> AsyncIterator[NewHarness]:
    """Make harnesses, and close them after the test, also after one that fails.

    The connection that a failed test leaves open would make a later test fail.
    """
    async with AsyncExitStack() as stack:

        def make(*values: Any, **options: Any) -> DeskHarness:
            harness = DeskHarness(*values, **options)
            stack.push_async_callback(harness.aclose)
            return harness

        yield make


class FailingConnector:
    """Makes clients of which one command fails, before or after it is done. `at` counts the commands of all clients."""

    def __init__(self, url: str, at: int, *, after: bool, error: BaseException) -> None:
        self.url, self.at, self.after, self.error = url, at, after, error
        self.commands = 0

    def __call__(self, *, blocking: bool) -> Redis:
        client = connect(self.url, role="desk", blocking=blocking)
        execute: Callable[..., Awaitable[Any]] = client.execute_command

        async def execute_command(*args: Any, **options: Any) -> Any:
            self.commands += 1
            is_failing = self.commands == self.at
            if is_failing and not self.after:
                raise self.error
            reply = await execute(*args, **options)
            if is_failing:
                raise self.error
            return reply

        client.execute_command = execute_command  # type: ignore[method-assign]
        return client


def lines_of(entries: Sequence[Entry]) -> list[str]:
    return [entry.line.text for entry in entries]


def replace(submission: Submission, **fields: Any) -> Submission:
    return msgspec.structs.replace(submission, **fields)


async def soon(harness: DeskHarness, ms: int = 1_000) -> datetime:
    """Return a time in the near future, by Redis's clock: at least `ms` from now, and later on a busy machine.

    A request that a test makes next is settled before it.
    """
    slowest_s, now_ms = 0.0, 0
    for _ in range(5):
        began = time.monotonic()
        now_ms = await redis_ms(harness.redis)
        slowest_s = max(slowest_s, time.monotonic() - began)
    return datetime.fromtimestamp((now_ms + max(ms, 100 * 1000 * slowest_s)) / 1000, UTC)


def decision(kind: Decision, receipt: Receipt, **fields: Any) -> DecisionRequest:
    assert receipt.held is not None
    return DecisionRequest(key=secrets.token_hex(4), decision=kind, held=receipt.held, **fields)


async def until_on_air(harness: DeskHarness, count: int = 1) -> None:
    async def is_there() -> bool:
        return len(await harness.entries()) >= count

    await eventually(is_there, f"{count} entries are on air")
