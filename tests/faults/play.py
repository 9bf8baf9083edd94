"""Playing a schedule: start a system, load it, break it, put it right, and look whether everything holds."""

from __future__ import annotations

import asyncio
import random
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from tests.faults import model
from tests.faults.editors import Editor, Load, Tick
from tests.faults.followers import EventsFollower, Follower, SocketFollower
from tests.faults.model import Followed, Following, Page, Told
from tests.faults.rig import Rig
from tests.faults.schedule import Link, Part, Schedule
from tests.support.servers import eventually, short_folder
from ticker.core.entry import Logged
from ticker.core.errors import LinkError
from ticker.core.log_window import Reset
from ticker.core.messages import LineMessage
from ticker.core.position import Position
from ticker.core.selection import EVERYTHING, Selection
from ticker.store.connection import connect
from ticker.store.held import read_held
from ticker.store.log_reader import RawEntry, verify_log
from ticker.store.streams import redis_ms

SETTLE_S: Final = 15.0
"""How long it may take, on a busy machine, until all is as it was: several times what it takes on an idle one."""
PLAY_S: Final = 180.0
"""What takes longer hangs: the longest schedule is over in half a minute."""
LEAST_EVENTS: Final = 45


class ReceiptStatus(msgspec.Struct):
    """What came of a schedule."""

    schedule: Schedule
    violations: list[str] = msgspec.field(default_factory=list)
    injected: int = 0
    acknowledged: int = 0
    held: int = 0
    deliveries: int = 0
    boards: int = 0
    resets: int = 0
    unseen: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        found = "\n".join(f"  ! {violation}" for violation in self.violations[:12])
        return f"{self.schedule}\n{found}\n  play it again: {self.schedule.again}"


async def play(schedule: Schedule) -> ReceiptStatus:
    """Play a schedule on a system of its own."""
    outcome, begun = ReceiptStatus(schedule), time.monotonic()
    with short_folder() as folder:
        try:
            async with Rig(folder, schedule.world) as rig:
                await rig.note_files()
                try:
                    async with asyncio.timeout(PLAY_S):
                        await _Play(schedule, rig, outcome).run()
                finally:
                    outcome.injected = rig.injected
        except* Exception as errors:  # noqa: BLE001 -- whatever it is, it is told with the schedule
            outcome.violations += [_told(error) for error in _leaves(errors)]
    outcome.seconds = time.monotonic() - begun
    return outcome


class _Play:
    def __init__(self, schedule: Schedule, rig: Rig, outcome: ReceiptStatus) -> None:
        self.schedule = schedule
        self.rig = rig
        self.outcome = outcome
        self.chance = random.Random(schedule.seed)
        self.load = Load(self.chance, clock_is_true=not schedule.world.shifts_clocks)
        self.followers = self._make_followers()
        self.is_said = False  # that history was replaced: in a gateway's log, and in its metrics
        self.tick = Tick(rig.environ(Link.EDITORS), self.load, rig.folder)

    def _make_followers(self) -> list[Follower]:
        first = self.rig.proxies[Link.FOLLOWERS].address
        second = self.rig.proxies[Link.FOLLOWERS2].address
        all_gateways = [first, second][: self.schedule.world.gateways]
        chance = self.chance
        return [
            SocketFollower("steady", [first], chance),
            SocketFollower("restless", all_gateways, chance, restless=0.08),
            SocketFollower("sports", all_gateways, chance, selection=Selection(sections=("sports",)), restless=0.02),
            EventsFollower("events", all_gateways, chance, restless=0.02),
            SocketFollower("other", all_gateways[-1:], chance),
        ]

    async def run(self) -> None:
        editors = [Editor(name, self.rig.url(Link.EDITORS), self.load) for name in ("maha", "omar", "lena")]
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(self.rig.keep_looking())
            following = [group.create_task(follower.run()) for follower in self.followers]
            asking = [group.create_task(editor.run()) for editor in editors]
            asking.append(group.create_task(self.tick.run(self.schedule.world.ticks)))
            await self._break()
            await self.rig.mend_all()
            self.load.is_ending = True
            async with asyncio.timeout(SETTLE_S):
                await asyncio.gather(*asking)
            await self._settled()
            self.outcome.violations += await self._hear_the_end(editors)
            await self._settled()
            looking.cancel()
            await self.rig.look()
            pages = await self._pages()
            self.is_said = self.rig.said_that_history_was_replaced() and await self.rig.metrics_say_so()
            for task in following:
                task.cancel()
        await self._files_are_back()
        self._check(await self.rig.entries(), pages)
        await self._verify()
        left = await self.rig.end()
        self.outcome.violations += model.check_ends(self.rig.ended, left)

    async def _break(self) -> None:
        for step in self.schedule.steps:
            async with asyncio.timeout(SETTLE_S):
                await self.load.until(step.at)
            await self.rig.do(step)
        last = self.schedule.steps[-1].at if self.schedule.steps else 0
        async with asyncio.timeout(SETTLE_S):
            await self.load.until(max(LEAST_EVENTS, last + 5))

    async def _settled(self) -> None:
        """Until every gateway follows, and every follower is at the log's head."""
        for part in self.rig.gateways:
            await eventually(lambda part=part: self.rig.is_ready(part), f"{part} is ready", SETTLE_S)  # type: ignore[misc]
        try:
            await eventually(self._are_at_head, "every follower is at the head", SETTLE_S)
        except AssertionError as error:
            places = {follower.name: follower.position for follower in self.followers}
            raise AssertionError(f"the head is {self.head}, followers are at {places}") from error

    async def _are_at_head(self) -> bool:
        self.head = await self.rig.head()
        path = [] if not self.head.seq else self.rig.histories.path(self.head)
        return path is not None and all(_has_all(follower, self.head, path) for follower in self.followers)

    async def _verify(self) -> None:
        """What `ticker verify` does: of a log that lost its end, too, what is left hangs together."""
        try:
            verified = await verify_log(self.rig.reader, "en")
        except LinkError as error:
            self.outcome.violations.append(f"verify: {error}")
        else:
            if verified.head != self.head:
                self.outcome.violations.append(f"verify ends at {verified.head}, the head is {self.head}")

    async def _hear_the_end(self, editors: Sequence[Editor]) -> list[str]:
        """What became of all that was held, once nothing more goes out by itself."""
        async with aclosing(connect(self.rig.direct_url, role="tick")) as redis:

            async def none_is_due() -> bool:
                now = datetime.fromtimestamp(await redis_ms(redis) / 1000, UTC)
                soon = now + timedelta(seconds=2)
                return not any(held.is_due(soon) for _, held in (await read_held(redis, "en")).values())

            await eventually(none_is_due, "what is held and due is on air", SETTLE_S)
            lost, true_clock = self.rig.has_lost, self.load.clock_is_true
            heard = [await each.hear_the_end(redis, has_lost=lost, clock_is_true=true_clock) for each in editors]
        return [violation for violations in heard for violation in violations]

    async def _files_are_back(self) -> None:
        async def are_back() -> bool:
            return all(files <= before for before, files in self.rig.open_files())

        with suppress(AssertionError):  # `check_ends` says by how many
            await eventually(are_back, "files are closed", 5.0)

    # What is looked at, at the end

    async def _pages(self) -> list[Page]:
        pages = []
        for part in self.rig.gateways:
            for path in ("/v1/en/board", "/v1/en/board?lines=100", "/v1/editions", "/", "/en", "/en/embed"):
                response = await self.rig.get(part, path)
                pages.append(Page(f"{part} {path}", response.content))
                if path == "/v1/en/board":
                    self.outcome.violations += model.check_board_page(response.content, self._against(EVERYTHING))
            pages += await self._history(part)
            pages += await self._replays(part)
        return pages

    async def _history(self, part: Part) -> list[Page]:
        """All pages of the history, from the newest to the oldest."""
        pages, items, before = [], list[LineMessage](), f"&before={self.head}"
        newest = await self.rig.get(part, "/v1/en/lines?limit=1")
        items = msgspec.json.decode(newest.content, type=_HistoryPage).lines
        while True:
            response = await self.rig.get(part, f"/v1/en/lines?limit=100{before}")
            page = msgspec.json.decode(response.content, type=_HistoryPage)
            pages.append(Page(f"{part} history{before}", response.content))
            items = [*page.lines, *items]
            if page.before is None:
                break
            before = f"&before={page.before}"
        path = self.rig.histories.path(self.head) or []
        self.outcome.violations += model.check_history(items, path, self.rig.histories)
        return pages

    async def _replays(self, part: Part) -> list[Page]:
        """Everything that is retained, once more, by both ways that replay."""
        newest = await self.rig.get(part, "/v1/en/lines?limit=500")
        items = msgspec.json.decode(newest.content, type=_HistoryPage).lines
        if not items:
            return []
        address, pages = (self.rig.gateways[part].rpartition("/")[2]).rsplit(":", 1), []
        for kind in (SocketFollower, EventsFollower):
            late = kind("late", [(address[0], int(address[1]))], self.chance)
            late.position = items[0].position
            task = asyncio.create_task(late.run())
            try:
                await eventually(lambda late=late: _is_at(late, self.head), "a replay comes to the head")  # type: ignore[misc]
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            pages.append(Page(f"{part} replay over {kind.__name__}", msgspec.json.encode(late.events)))
        return pages

    def _check(self, raws: Sequence[RawEntry], pages: Sequence[Page]) -> None:
        rig, schedule, asked = self.rig, self.schedule, self.load.asked
        log = rig.histories.path(self.head) or []
        followed = [self._followed(follower) for follower in self.followers]
        found = self.outcome.violations
        found += self.tick.violations
        found += model.check_log(rig.nonce, raws)
        is_whole = schedule.world.retained > len(raws)
        found += model.check_acknowledged(asked, log, has_lost=rig.has_lost, is_whole=is_whole)
        found += model.check_at_most_once(asked, log, has_lost=rig.has_lost)
        found += model.check_order(asked, has_lost=rig.has_lost)
        never = model.unpublished(asked, has_lost=rig.has_lost)
        events = [Page(f"follower {each.name}", msgspec.json.encode(each.events)) for each in self.followers]
        found += model.check_pages([*pages, *events], [], never)
        found += model.check_pages(pages, log)
        found += model.check_losses(asked, log, followed, said=self.is_said)
        for each, follower in zip(followed, self.followers, strict=True):
            found += [f"follower {follower.name}: {violation}" for violation in each.violations]
        self.outcome.acknowledged = self.load.count(Told.ON_AIR)
        self.outcome.held = sum(each.was_held for each in asked)
        self.outcome.deliveries = sum(each.deliveries for each in followed)
        self.outcome.boards = sum(each.boards for each in followed)
        self.outcome.resets = sum(each.resets for each in followed)
        self.outcome.unseen = sum(each.unseen for each in followed)

    def _followed(self, follower: Follower) -> Followed:
        return model.check_follower(follower.events, self._against(follower.selection))

    def _against(self, selection: Selection) -> Following:
        may_reset: set[Reset] = set()
        if self.rig.has_lost:
            may_reset |= {Reset.REPLACED, Reset.TRIMMED}
        if self.schedule.world.retained <= 1000:
            may_reset |= {Reset.TRIMMED, Reset.BEHIND}
        return Following(
            histories=self.rig.histories,
            head=self.head,
            may_reset=frozenset(may_reset),
            now=datetime.now(UTC),
            retained=self.schedule.world.retained,
            selection=selection,
        )


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _told(error: BaseException) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {place.name}, line {place.lineno}: {error}"[:2500]


def _has_all(follower: Follower, head: Position, path: Sequence[Logged]) -> bool:
    """Whether a follower is at the head, or at a place in its history after which its selection takes nothing."""
    if follower.position == str(head):
        return True
    place = next((index for index, logged in enumerate(path) if str(logged.position) == follower.position), None)
    return place is not None and not any(follower.selection.takes(logged.entry) for logged in path[place + 1 :])


async def _is_at(follower: Follower, head: Position) -> bool:
    return follower.is_at(head)


class _HistoryPage(msgspec.Struct):
    lines: list[LineMessage]
    before: str | None = None
