"""Publish to an edition: submit changes and decisions to the desk, and return its receipts."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from types import TracebackType
from typing import Final, Self, TypedDict, Unpack

from ticker.client.pending_request import PendingRequest, new_key
from ticker.core.edition import check_name
from ticker.core.errors import SettingsError
from ticker.core.held import Held, content_mark
from ticker.core.line import Change, Direction
from ticker.core.submission import Decision, DecisionRequest, Receipt, Request, Submission
from ticker.store import data_folder
from ticker.store.connection import Redis, close, connect, open_redis
from ticker.store.editions import edition_names, load_edition
from ticker.store.held import read_held
from ticker.store.url import parse_url, password_from, with_password

DEADLINE_S: Final = 10.0


class RequestOptions(TypedDict, total=False):
    """Options of every request.

    Attributes:
        key: The idempotency key. The desk answers a second request of this editor with the same key with the first
            one's receipt. Give a key of your own if your program may send the same change twice.
        deadline_s: How long the desk may take. After that it rejects the request as late.
        break_glass: Why this needs no second person. Only chiefs may give a reason; everyone can see it.

    """

    key: str
    deadline_s: float
    break_glass: str


class ChangeOptions(RequestOptions, total=False):
    """Options of every change of a line.

    Attributes:
        version: The version of the line that the change is based on. The desk refuses the change if the line has
            another version by now. Without it, the change is applied to the latest version.
        note: A note for staff. Readers never get it.
        publish_at: When to publish the change.
        embargo_until: Until when the change must not be published.

    """

    version: int
    note: str
    publish_at: datetime
    embargo_until: datetime


class LineFields(ChangeOptions, total=False):
    """The fields of a line. A field that is left out keeps its value, or gets the edition's default.

    `None` removes the value. `docs/editing.md` describes the fields and their limits.
    """

    attribution: str | None
    split_attribution: bool
    lang: str
    dir: Direction
    urgency: int
    section: str | None
    regions: tuple[str, ...]
    coverage: str | None
    url: str | None
    expires_at: datetime | None
    pinned_until: datetime | None
    undo_s: float
    again: bool
    confirmed: bool


class Publisher:
    """Publishes to one edition, in the name of one editor. Use it as an async context manager.

        async with Publisher("redis://wire:secret@redis.example", edition="en") as publisher:
            receipt = await publisher.post("Polls close in Valmora")

    Several requests may run at the same time; each uses a connection of its own.

    Every method that returns a receipt waits for the desk, at most a second longer than the deadline. It never raises
    because Redis or the desk is gone: the receipt's `status` is then `not-on-air`, which is certain, or `unknown` if
    the request was sent and its outcome is open. After `unknown`, repeat the request with the same key. If a call is
    cancelled, its request may be published all the same.

    Args:
        url: The URL of the Redis (see `ticker.store.url`). None for `TICKER_REDIS_URL`, or for the server of `ticker
            up` on this machine. `TICKER_REDIS_PASSWORD` and `TICKER_REDIS_PASSWORD_FILE` give the password if the URL
            doesn't contain one.
        edition: The name of the edition.
        editor: The editor whose inbox gets the requests. None for the user in the URL.
        origin: A description of your program, for the audit.

    Raises:
        SettingsError: If the URL, a name or the password can't be used.
        StoreError: If `url` is None and no server runs on this machine.

    """

    def __init__(
        self, url: str | None = None, *, edition: str, editor: str | None = None, origin: str = "ticker.client"
    ) -> None:
        if url is None:
            url = data_folder.redis_url(os.environ, data_folder.default_data_folder(os.environ))
        self._url = with_password(url, password_from(os.environ))
        name = editor or parse_url(self._url).credentials.get("username")
        if name is None:
            raise SettingsError("no editor is named: give one with editor=, or put a user in the URL")
        self.edition = check_name(edition)
        self.editor = check_name(name)
        self._origin = origin
        self._idle: list[Redis] | None = None

    async def __aenter__(self) -> Self:
        """Check that the edition exists.

        Raises:
            SettingsError: If the edition doesn't exist.
            StoreError: If Redis can't be used.

        """
        async with open_redis(self._url, role="tick") as redis:
            if await load_edition(redis, self.edition) is None:
                names = ", ".join(await edition_names(redis)) or "none"
                raise SettingsError(f"there is no edition {self.edition}: the editions are {names}")
        self._idle = []
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        idle, self._idle = self._idle, None
        for redis in idle or ():
            await close(redis)

    async def submit(self, request: Request) -> Receipt:
        """Submit a `Submission` or a `DecisionRequest`, and return its receipt.

        If the desk has already answered a request with the same key, return that receipt.

        Raises:
            SubmissionError: If the request can't be encoded.
            StoreError: If this version can't read the desk's receipt.

        """
        return await self._submit(request, may_repeat=True)

    async def post(self, text: str, **fields: Unpack[LineFields]) -> Receipt:
        """Post a new line. The receipt's `id` is the line's id."""
        return await self._change(Change.NEW, None, text=text, **fields)

    async def update(self, line: str, text: str, **fields: Unpack[LineFields]) -> Receipt:
        """Replace a line's text because there are new facts."""
        return await self._change(Change.UPDATE, line, text=text, **fields)

    async def refile(self, line: str, text: str, **fields: Unpack[LineFields]) -> Receipt:
        """Replace a line's text to fix a small error, without a notice to readers."""
        return await self._change(Change.REFILE, line, text=text, **fields)

    async def correct(self, line: str, text: str, reason: str, **fields: Unpack[LineFields]) -> Receipt:
        """Correct a line. Readers see the `reason`."""
        return await self._change(Change.CORRECT, line, text=text, reason=reason, **fields)

    async def withdraw(
        self, line: str, reason: str, *, forgotten: bool = False, **options: Unpack[ChangeOptions]
    ) -> Receipt:
        """Withdraw a line for good. A notice with the `reason` takes its place.

        Set `forgotten` to withdraw the line even if it is so old that the desk has forgotten it. Readers that still
        have the line remove it, without a notice.
        """
        return await self._change(Change.WITHDRAW, line, reason=reason, forgotten=forgotten, **options)

    async def hide(self, line: str, **options: Unpack[ChangeOptions]) -> Receipt:
        """Take a line off the board without a notice."""
        return await self._change(Change.HIDE, line, **options)

    async def unhide(self, line: str, **options: Unpack[ChangeOptions]) -> Receipt:
        """Put a hidden line back on the board."""
        return await self._change(Change.UNHIDE, line, **options)

    async def pin(self, line: str, until: datetime, **options: Unpack[ChangeOptions]) -> Receipt:
        """Keep a line at the top of the board until an instant."""
        return await self._change(Change.PIN, line, pinned_until=until, **options)

    async def unpin(self, line: str, **options: Unpack[ChangeOptions]) -> Receipt:
        """End a line's pin."""
        return await self._change(Change.UNPIN, line, **options)

    async def held_items(self) -> list[Held]:
        """Return the held items of the edition, the oldest first: what they would publish, and why they wait.

        A `--post-only` editor may not read them.

        Raises:
            StoreError: If Redis can't be used.

        """
        async with open_redis(self._url, role="tick") as redis:
            return [held for _, held in (await read_held(redis, self.edition)).values()]

    async def approve(self, held: Held, **options: Unpack[RequestOptions]) -> Receipt:
        """Approve a held item of another editor, as `held_items` returned it.

        The desk refuses the approval if the item or the line that it would change is different by now.
        """
        seen = content_mark(held, held.submission.version)
        return await self._decide(Decision.APPROVE, held.id, None, seen=seen, **options)

    async def reject(self, held: str, reason: str, **options: Unpack[RequestOptions]) -> Receipt:
        """Reject a held item of another editor, by its id. Its author sees the `reason`."""
        return await self._decide(Decision.REJECT, held, reason, **options)

    async def cancel(self, held: str, **options: Unpack[RequestOptions]) -> Receipt:
        """Cancel a held item of one's own, by the `held` id of its receipt."""
        return await self._decide(Decision.CANCEL, held, None, **options)

    async def _change(
        self,
        change: Change,
        line: str | None,
        *,
        reason: str | None = None,
        forgotten: bool = False,
        **fields: Unpack[_SubmissionFields],
    ) -> Receipt:
        may_repeat = "key" in fields
        fields.setdefault("key", new_key())
        fields.setdefault("deadline_s", DEADLINE_S)
        submission = Submission(
            change=change, id=line, reason=reason, forgotten=forgotten, origin=self._origin, **fields
        )
        return await self._submit(submission, may_repeat=may_repeat)

    async def _decide(
        self,
        decision: Decision,
        held: str,
        reason: str | None,
        *,
        seen: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> Receipt:
        may_repeat = "key" in options
        options.setdefault("key", new_key())
        options.setdefault("deadline_s", DEADLINE_S)
        request = DecisionRequest(
            decision=decision, held=held, seen=seen, reason=reason, origin=self._origin, **options
        )
        return await self._submit(request, may_repeat=may_repeat)

    async def _submit(self, request: Request, *, may_repeat: bool) -> Receipt:
        pending = PendingRequest(self._url, self.edition, self.editor, request, may_repeat=may_repeat)
        async with self._client() as redis:
            return await pending.run(redis)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[Redis]:
        """Lend an idle connection, or a new one. A connection whose request fails or is cancelled isn't used again."""
        idle = self._idle
        if idle is None:
            raise RuntimeError("the publisher isn't open: use `async with Publisher(…) as publisher`")
        redis = idle.pop() if idle else connect(self._url, role="tick", blocking=True)
        try:
            yield redis
        except BaseException:
            await close(redis)
            raise
        if self._idle is idle:
            idle.append(redis)
        else:
            await close(redis)


class _SubmissionFields(LineFields, total=False):
    text: str
