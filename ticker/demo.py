"""Post invented lines, for trying out the system: the stories of `demo_stories.toml`, as any editor would post them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import aclosing
from functools import cache
from importlib.resources import files
from typing import Final, TypedDict

import msgspec
import structlog

from ticker.client.pending_request import new_key
from ticker.client.publisher import DEADLINE_S, Publisher
from ticker.core.edition import Edition
from ticker.core.errors import TickerError
from ticker.core.line import Change
from ticker.core.submission import ReceiptStatus, Submission
from ticker.settings import Settings
from ticker.store.connection import CLIENT_ERRORS, connect
from ticker.store.log_reader import last_seq

EDITOR: Final = "demo"
PACE_S: Final = 8.0
"""The mean time between two lines of an edition: about the pace of a busy desk."""

AT_ONCE: Final = 6
"""How many lines an empty edition gets immediately, so that readers see something."""

_logger = structlog.get_logger("ticker.demo")


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


async def run_demo(url: str, settings: Settings) -> None:
    """Post to every edition in whose language there are lines, until cancelled. Retries after failures of Redis."""
    async with asyncio.TaskGroup() as group:
        for name, edition in settings.editions.items():
            language = edition.lang.partition("-")[0]
            stories = [story for story in load_stories() if language in story.lines]
            if stories:
                group.create_task(_Storyteller(url, name, edition, language, stories).run(), name=f"demo {name}")


class _Storyteller:
    """Posts one edition's stories in turn, for ever."""

    def __init__(self, url: str, name: str, edition: Edition, language: str, stories: Sequence[Story]) -> None:
        self._url = url
        self._name = name
        self._edition = edition
        self._language = language
        self._stories = stories

    async def run(self) -> None:
        while True:
            try:
                async with Publisher(self._url, edition=self._name, editor=EDITOR, origin="ticker demo") as publisher:
                    await self._post_stories(publisher)
            except (OSError, TickerError, *CLIENT_ERRORS) as error:
                _logger.warning("demo-interrupted", edition=self._name, why=f"{type(error).__name__}: {error}"[:200])
            await asyncio.sleep(PACE_S)

    async def _post_stories(self, publisher: Publisher) -> None:
        async with aclosing(connect(self._url, role="ticker")) as redis:
            number = await last_seq(redis, self._name)
        at_once = AT_ONCE if number == 0 else 0
        while True:
            story = self._stories[number % len(self._stories)]
            # At the start, only the first line of each story is posted: updates follow at a readable pace.
            await self._post_story(publisher, story, only_first=at_once > 0)
            number += 1
            at_once -= 1
            if at_once <= 0:
                await _pause()

    async def _post_story(self, publisher: Publisher, story: Story, *, only_first: bool) -> None:
        line_id = None
        texts = story.lines[self._language]
        for number, text in enumerate(texts[:1] if only_first else texts):
            if number:
                await _pause()
            receipt = await publisher.submit(self._submission(story, text, line_id))
            if receipt.status is not ReceiptStatus.ON_AIR:
                codes = [finding.code for finding in receipt.errors]
                _logger.warning("demo-not-on-air", edition=self._name, errors=codes)
                return
            line_id = receipt.id

    def _submission(self, story: Story, text: str, line_id: str | None) -> Submission:
        if line_id is None:
            # `again`, because the stories are repeated several times per hour.
            facets = _facets(story, self._edition)
            return Submission(key=new_key(), change=Change.NEW, deadline_s=DEADLINE_S, text=text, again=True, **facets)
        reason = story.correction.get(self._language)
        change = Change.UPDATE if reason is None else Change.CORRECT
        return Submission(key=new_key(), change=change, deadline_s=DEADLINE_S, id=line_id, text=text, reason=reason)


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


async def _pause() -> None:
    await asyncio.sleep(PACE_S * random.uniform(0.5, 1.5))  # noqa: S311 -- no secret
