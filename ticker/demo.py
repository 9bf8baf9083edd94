"""Post invented lines, for trying out the system: the stories of `demo_stories.toml`, as any editor would post them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Final, TypedDict

import msgspec
import structlog

from ticker.client.pending_request import new_key
from ticker.client.publisher import DEADLINE_S, Publisher
from ticker.core.edition import Edition
from ticker.core.entry import decode_entry
from ticker.core.errors import TickerError
from ticker.core.line import Change
from ticker.core.submission import ReceiptStatus, Submission
from ticker.outages import Outages
from ticker.settings import Settings
from ticker.store.connection import CLIENT_ERRORS, Redis, connect
from ticker.store.log_reader import last_seq, read_log

EDITOR: Final = "demo"
PACE_S: Final = 8.0
"""The mean time between two lines of an edition: about the pace of a busy desk."""

SHOWN_S: Final = 120.0
"""How long a line of the demo stays on the board. Its story takes less time."""

READ_MAX: Final = 200
"""How many of the newest entries are searched for lines of an earlier run that still show."""

_logger = structlog.get_logger("ticker.demo")


def lines_max(edition: Edition) -> int:
    """Return how many lines of the demo an edition shows at most: half a board, so the others are for everybody else.

    A newcomer's own line stays on the board until other people have filled that half.
    """
    return max(1, edition.board_lines // 2)


class Story(msgspec.Struct, frozen=True):
    """An event and its lines in each language. The first line is posted, and each further line updates it.

    With a `correction`, the further lines are corrections with that reason.
    """

    section: str
    regions: tuple[str, ...]
    urgency: int
    lines: dict[str, tuple[str, ...]]
    correction: dict[str, str] = {}


@cache
def load_stories() -> tuple[Story, ...]:
    source = (files("ticker") / "demo_stories.toml").read_bytes()
    return msgspec.toml.decode(source, type=dict[str, tuple[Story, ...]])["stories"]


async def run_demo(url: str, settings: Settings, outages: Outages) -> None:
    """Post to every edition in whose language there are lines, until cancelled. Retries after failures of Redis.

    `outages` are those of the process.
    """
    async with asyncio.TaskGroup() as group:
        for name, edition in settings.editions.items():
            language = edition.lang.partition("-")[0]
            stories = [story for story in load_stories() if language in story.lines]
            if stories:
                teller = _Storyteller(url, name, edition, language, stories, outages)
                group.create_task(teller.run(), name=f"demo {name}")


class _Storyteller:
    """Posts one edition's stories in turn, for ever."""

    def __init__(
        self,
        url: str,
        name: str,
        edition: Edition,
        language: str,
        stories: Sequence[Story],
        outages: Outages,
    ) -> None:
        self._url = url
        self._name = name
        self._edition = edition
        self._language = language
        self._stories = stories
        self._outages = outages

    async def run(self) -> None:
        while True:
            try:
                async with Publisher(self._url, edition=self._name, editor=EDITOR, origin="ticker demo") as publisher:
                    await self._post_stories(publisher)
            except (OSError, TickerError, *CLIENT_ERRORS) as error:
                self._outages.fail("demo", self._name, f"{type(error).__name__}: {error}"[:200], is_redis=True)
            await asyncio.sleep(PACE_S)

    async def _post_stories(self, publisher: Publisher) -> None:
        async with aclosing(connect(self._url, role="ticker")) as redis:
            number = await last_seq(redis, self._name)
            ends = await _ends_of_shown_lines(redis, self._name, number)
        most = lines_max(self._edition)
        # An empty board gets some lines immediately, so that readers see something. They leave it one by one, and each
        # makes room for the next story.
        for place in range(len(ends) + 1, most + 1):
            ends.append(_utc_now() + timedelta(seconds=SHOWN_S * place / most))
            await self._post_story(publisher, self._story(number), ends[-1], only_first=True)
            number += 1
        while True:
            await asyncio.sleep(wait_s(ends, most, _utc_now()))
            await _pause()
            ends = [*(end for end in ends if end > _utc_now()), _utc_now() + timedelta(seconds=SHOWN_S)]
            await self._post_story(publisher, self._story(number), ends[-1])
            number += 1

    def _story(self, number: int) -> Story:
        return self._stories[number % len(self._stories)]

    async def _post_story(
        self, publisher: Publisher, story: Story, expires_at: datetime, *, only_first: bool = False
    ) -> None:
        line_id = None
        texts = story.lines[self._language]
        for number, text in enumerate(texts[:1] if only_first else texts):
            if number:
                await _pause()
            receipt = await publisher.submit(self._submission(story, text, line_id, expires_at))
            self._outages.recover("demo", self._name)
            if receipt.status is not ReceiptStatus.ON_AIR:
                codes = [finding.code for finding in receipt.errors]
                _logger.warning("demo-not-on-air", edition=self._name, errors=codes)
                return
            line_id = receipt.id

    def _submission(self, story: Story, text: str, line_id: str | None, expires_at: datetime) -> Submission:
        if line_id is None:
            # `again`, because the stories are repeated several times per hour.
            return Submission(
                key=new_key(),
                change=Change.NEW,
                deadline_s=DEADLINE_S,
                text=text,
                again=True,
                expires_at=expires_at,
                **_facets(story, self._edition),
            )
        reason = story.correction.get(self._language)
        change = Change.UPDATE if reason is None else Change.CORRECT
        return Submission(key=new_key(), change=change, deadline_s=DEADLINE_S, id=line_id, text=text, reason=reason)


def wait_s(ends: Sequence[datetime], most: int, now: datetime) -> float:
    """Return how long to wait until fewer than `most` lines show. `ends` are the times when they leave the board."""
    shown = sorted(end for end in ends if end > now)
    return 0.0 if len(shown) < most else (shown[len(shown) - most] - now).total_seconds()


async def _ends_of_shown_lines(redis: Redis, name: str, seq: int) -> list[datetime]:
    """Return when the lines of an earlier run leave the board, for those that still show, the oldest first."""
    found = []
    for raw in await read_log(redis, name, max(0, seq - READ_MAX), READ_MAX):
        entry = decode_entry(raw.seq, raw.link, raw.data).entry
        end = entry.line.expires_at
        if entry.editor == EDITOR and entry.line.change is Change.NEW and end is not None and end > _utc_now():
            found.append(end)
    return found


class _Facets(TypedDict, total=False):
    urgency: int
    section: str
    regions: tuple[str, ...]


def _facets(story: Story, edition: Edition) -> _Facets:
    """Return the story's urgency, section and regions, except those that the edition doesn't have."""
    fields = _Facets(
        urgency=story.urgency, regions=tuple(region for region in story.regions if region in edition.regions)
    )
    if story.section in edition.sections:
        fields["section"] = story.section
    return fields


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def _pause() -> None:
    await asyncio.sleep(PACE_S * random.uniform(0.5, 1.5))  # noqa: S311 -- no secret
