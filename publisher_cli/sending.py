"""From a change as it was typed to its receipt: find the line, hand the submission in, say what became of it."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime

import msgspec

from publisher_cli import words
from publisher_cli.changing import Asked, Manner
from publisher_cli.newsroom import Newsroom, find_edition
from publisher_cli.publishing import Errand, not_on_air, with_reach
from publisher_cli.status import STATUS_OF, Status
from publisher_cli.times import spell_instant
from ticker.console import Console
from ticker.core.errors import StoreError
from ticker.core.line import Direction, Line
from ticker.core.submission import Outcome, Receipt, Submission
from ticker.store.connections import Redis


class _Sending:
    """One command on its way. What is known by then is kept for whoever interrupts it."""

    def __init__(self, console: Console, manner: Manner, asked: Asked) -> None:
        self._console = console
        self._manner = manner
        self._asked = asked
        self.errand: Errand | None = None
        self.submission = Submission(
            key=manner.key, change=asked.change, version=asked.version, deadline_s=manner.wait_s, **asked.fields
        )
        self.was: Line | None = None
        self.direction: Direction | None = None

    async def run(self) -> Receipt:
        newsroom = Newsroom.find(self._console, self._manner.data)
        editor = newsroom.editor(self._manner.editor)
        async with newsroom.redis() as redis:
            async with asyncio.timeout(self._manner.wait_s):
                stored = await find_edition(redis, self._manner.edition)
                edition, self.direction = stored.name, stored.edition.dir
                if self._asked.named is not None:
                    await self._name_line(redis, edition, self._asked.named, editor)
            self.errand = Errand(newsroom, edition, editor, self.submission, may_repeat=self._manner.may_repeat)
            receipt = await self.errand.run(redis)
            if self._manner.wants_reach and receipt.status is Outcome.ON_AIR:
                receipt = await with_reach(redis, receipt)
            return receipt

    async def _name_line(self, redis: Redis, edition: str, named: str, editor: str) -> None:
        """Name the line and the version that is the latest now: if somebody changes it meanwhile, we are refused."""
        from publisher_cli.archive import find_line  # noqa: PLC0415 -- a new line has none to find

        entry = await find_line(redis, edition, named, editor)
        self.was = entry.line
        version = entry.line.version if self._asked.version is None else self._asked.version
        self.submission = msgspec.structs.replace(self.submission, id=entry.line.id, version=version)


def send(console: Console, manner: Manner, asked: Asked) -> Status:
    """Do it, and say what became of it.

    Raises:
        TickerError: If the command can't be understood; nothing was sent then.

    """
    sending = _Sending(console, manner, asked)
    try:
        receipt = asyncio.run(sending.run())
    except StoreError as error:
        receipt = not_on_air(manner.edition or "", sending.submission, "no-redis", str(error))
    except KeyboardInterrupt:
        if sending.errand is None or not sending.errand.is_sent:
            raise
        receipt = sending.errand.unconfirmed("interrupted")
        _tell(console, receipt, sending)
        raise
    _tell(console, receipt, sending)
    return STATUS_OF[receipt.status]


def _tell(console: Console, receipt: Receipt, sending: _Sending) -> None:
    if console.json:
        console.give(receipt)
        return
    change = sending.submission.change
    if receipt.status is Outcome.ON_AIR:
        width = shutil.get_terminal_size().columns if console.is_for_people else None
        console.say(words.receipt_words(receipt, change, _text(sending), sending.direction, width))
        for line in _read_back(sending.submission):
            console.say(f"  {line}")
    else:
        for line in words.refusal_lines(receipt, change):
            console.tell(line)
    for line in words.warning_lines(receipt):
        console.tell(line)


def _text(sending: _Sending) -> str | None:
    """The text that was sent, or else that of the line as it was: an editor sees which one it is about."""
    submission = sending.submission
    if isinstance(submission.text, str):
        attribution = submission.attribution
        return f"{attribution}: {submission.text}" if isinstance(attribution, str) else submission.text
    return None if sending.was is None else words.composed(sending.was)


def _read_back(submission: Submission) -> list[str]:
    """Times as they were understood."""
    now = datetime.now(UTC)
    times = {"expires": submission.expires, "pinned until": submission.pinned}
    return [f"{name} {spell_instant(at, now)}" for name, at in times.items() if isinstance(at, datetime)]
