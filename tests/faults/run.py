"""Run a schedule: start a system, load it, break it, repair it, and check the invariants."""

from __future__ import annotations

import asyncio
import random
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from tests.faults.editors import Editor, Load, TickEditor
from tests.faults.followers import EventsFollower, Follower, SocketFollower
from tests.faults.injector import FaultInjector
from tests.faults.invariants.followers import Expectation, FollowerResult, check_follower
from tests.faults.invariants.log import check_acknowledged, check_at_most_once, check_log, check_losses, check_order
from tests.faults.invariants.pages import Page, check_board_page, check_history, check_pages
from tests.faults.invariants.processes import check_ends
from tests.faults.invariants.records import Answer, unpublished_texts
from tests.faults.result import ScheduleResult, Totals
from tests.faults.schedule import Link, Part, Schedule
from tests.faults.system import FaultySystem
from tests.support.servers import short_folder
from tests.support.waiting import eventually
from ticker.core.entry import Logged, RawEntry
from ticker.core.errors import LinkError
from ticker.core.log_window import Reset
from ticker.core.messages import LineMessage
from ticker.core.position import Position
from ticker.core.selection import EVERYTHING, Selection
from ticker.store.connection import connect
from ticker.store.held import read_held
from ticker.store.log_reader import verify_log
from ticker.store.streams import redis_ms

SETTLE_S: Final = 90.0
"""Maximum time for one step of a schedule. It only ends a schedule that hangs, on a busy machine too."""
SCHEDULE_S: Final = 600.0
"""Maximum time for a schedule. The longest one takes half a minute on an idle machine."""
LEAST_EVENTS: Final = 45
PAGES: Final = ("/v1/en/board", "/v1/en/board?lines=100", "/v1/editions", "/", "/en", "/en/embed")


async def run_schedules(
    schedules: Sequence[Schedule], at_once: int, on_result: Callable[[ScheduleResult], object] = lambda _: None
) -> Totals:
    """Run schedules, up to `at_once` at the same time: each of them waits most of the time."""
    totals, slots = Totals(), asyncio.Semaphore(at_once)

    async def run_one(schedule: Schedule) -> None:
        async with slots:
            result = await run_schedule(schedule)
        totals.add(result)
        on_result(result)

    async with asyncio.TaskGroup() as group:
        for schedule in schedules:
            group.create_task(run_one(schedule))
    return totals


async def run_schedule(schedule: Schedule) -> ScheduleResult:
    """Run a schedule on a system of its own. An exception becomes a violation."""
    result, start = ScheduleResult(schedule), time.monotonic()
    with short_folder() as folder:
        try:
            async with FaultySystem(folder, schedule.setup) as system:
                system.record_open_files()
                async with asyncio.timeout(SCHEDULE_S):
                    await _Run(schedule, system, result).run()
        except* Exception as errors:  # noqa: BLE001 -- the report needs the schedule and the cause of any failure
            result.violations += [_describe(error) for error in _leaves(errors)]
    result.seconds = time.monotonic() - start
    return result


class _Run:
    def __init__(self, schedule: Schedule, system: FaultySystem, result: ScheduleResult) -> None:
        self.schedule = schedule
        self.system = system
        self.result = result
        self.injector = FaultInjector(system)
        self.rng = random.Random(schedule.seed)
        self.load = Load(self.rng, is_clock_true=not schedule.setup.shifts_clocks)
        self.followers = self._make_followers()
        self.was_loss_reported = False  # in a gateway's log and in its metrics
        self.tick = TickEditor(system.environ(Link.EDITORS), self.load, system.folder)

    def _make_followers(self) -> list[Follower]:
        first = self.system.proxies[Link.FOLLOWERS].address
        second = self.system.proxies[Link.FOLLOWERS2].address
        all_gateways = [first, second][: self.schedule.setup.gateways]
        rng = self.rng
        return [
            SocketFollower("steady", [first], rng),
            SocketFollower("restless", all_gateways, rng, leave_probability=0.08),
            SocketFollower(
                "sports", all_gateways, rng, selection=Selection(sections=("sports",)), leave_probability=0.02
            ),
            EventsFollower("events", all_gateways, rng, leave_probability=0.02),
            SocketFollower("other", all_gateways[-1:], rng),
        ]

    async def run(self) -> None:
        system = self.system
        try:
            pages = await self._run_load()
        finally:
            self.result.injected = self.injector.injected + sum(each.injected for each in system.proxies.values())
        await self._wait_until_files_are_closed()
        self._check(await system.entries(), pages)
        await self._verify()
        left = await system.end()
        self.result.violations += check_ends(system.ended, left)

    async def _run_load(self) -> list[Page]:
        """Break the system under load, repair it, and wait until it has recovered. Return what it serves then."""
        system = self.system
        editors = [Editor(name, system.url(Link.EDITORS), self.load) for name in ("maha", "omar", "lena")]
        async with asyncio.TaskGroup() as group:
            recording = group.create_task(system.keep_recording_log())
            following = [group.create_task(follower.run()) for follower in self.followers]
            submitting = [group.create_task(editor.run()) for editor in editors]
            submitting.append(group.create_task(self.tick.run(self.schedule.setup.ticks)))
            await self._inject_faults()
            await self.injector.repair_all()
            self.load.is_ending = True
            async with asyncio.timeout(SETTLE_S):
                await asyncio.gather(*submitting)
            await self._wait_until_settled()
            self.result.violations += await self._record_final_answers(editors)
            await self._wait_until_settled()
            recording.cancel()
            await system.record_log()
            pages = await self._fetch_pages()
            self.was_loss_reported = system.has_logged_replacement() and await system.has_counted_resets()
            for task in following:
                task.cancel()
        return pages

    async def _inject_faults(self) -> None:
        for step in self.schedule.steps:
            async with asyncio.timeout(SETTLE_S):
                await self.load.wait_for_events(step.event)
            await self.injector.run(step)
        last = self.schedule.steps[-1].event if self.schedule.steps else 0
        async with asyncio.timeout(SETTLE_S):
            await self.load.wait_for_events(max(LEAST_EVENTS, last + 5))

    async def _wait_until_settled(self) -> None:
        """Wait until every gateway is ready and every follower is at the log's head."""
        for part in self.system.gateways:
            await eventually(lambda part=part: self.system.is_ready(part), f"{part} is ready", SETTLE_S)
        try:
            await eventually(self._are_at_head, "every follower is at the head", SETTLE_S)
        except AssertionError as error:
            positions = {follower.name: follower.position for follower in self.followers}
            raise AssertionError(f"the head is {self.head}, followers are at {positions}") from error

    async def _are_at_head(self) -> bool:
        self.head = await self.system.head()
        path = [] if not self.head.seq else self.system.histories.path(self.head)
        return path is not None and all(_has_all(follower, self.head, path) for follower in self.followers)

    async def _record_final_answers(self, editors: Sequence[Editor]) -> list[str]:
        """Wait until no held item is due, and record the answers to all of them."""
        async with aclosing(connect(self.system.direct_url, role="tick")) as redis:

            async def none_is_due() -> bool:
                now = datetime.fromtimestamp(await redis_ms(redis) / 1000, UTC)
                soon = now + timedelta(seconds=2)
                return not any(held.is_due(soon) for _, held in (await read_held(redis, "en")).values())

            await eventually(none_is_due, "held items that are due are on air", SETTLE_S)
            has_lost = self.system.has_lost
            found = [await each.record_final_answers(redis, has_lost=has_lost) for each in editors]
        return [violation for violations in found for violation in violations]

    async def _wait_until_files_are_closed(self) -> None:
        async def are_closed() -> bool:
            return all(files <= before for before, files in self.system.open_files())

        with suppress(AssertionError):  # `check_ends` reports how many are left
            await eventually(are_closed, "files are closed", 30.0)

    # Responses of the gateways at the end

    async def _fetch_pages(self) -> list[Page]:
        pages = []
        for part in self.system.gateways:
            for path in PAGES:
                response = await self.system.get(part, path)
                pages.append(Page(f"{part} {path}", response.content))
                if path == "/v1/en/board":
                    self.result.violations += check_board_page(response.content, self._expectation(EVERYTHING))
            pages += await self._fetch_history(part)
            pages += await self._replay_all(part)
        return pages

    async def _fetch_history(self, part: Part) -> list[Page]:
        """Fetch and check all pages of the history, from the newest to the oldest."""
        pages, before = [], f"&before={self.head}"
        newest = await self.system.get(part, "/v1/en/lines?limit=1")
        items = msgspec.json.decode(newest.content, type=_HistoryPage).lines
        while True:
            response = await self.system.get(part, f"/v1/en/lines?limit=100{before}")
            page = msgspec.json.decode(response.content, type=_HistoryPage)
            pages.append(Page(f"{part} history{before}", response.content))
            items = [*page.lines, *items]
            if page.before is None:
                break
            before = f"&before={page.before}"
        path = self.system.histories.path(self.head) or []
        self.result.violations += check_history(items, path, self.system.histories)
        return pages

    async def _replay_all(self, part: Part) -> list[Page]:
        """Replay everything that a gateway retains, over WebSocket and over Server-Sent Events."""
        newest = await self.system.get(part, "/v1/en/lines?limit=500")
        items = msgspec.json.decode(newest.content, type=_HistoryPage).lines
        if not items:
            return []
        host, port = self.system.gateways[part].rpartition("/")[2].rsplit(":", 1)
        pages = []
        for kind in (SocketFollower, EventsFollower):
            late = kind("late", [(host, int(port))], self.rng)
            late.position = items[0].position
            task = asyncio.create_task(late.run())
            try:
                await eventually(lambda late=late: _is_at(late, self.head), "a replay reaches the head")
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            pages.append(Page(f"{part} replay over {kind.__name__}", msgspec.json.encode(late.events)))
        return pages

    # Checks

    def _check(self, raws: Sequence[RawEntry], pages: Sequence[Page]) -> None:
        system, attempts, has_lost = self.system, self.load.attempts, self.system.has_lost
        log = system.histories.path(self.head) or []
        results = [check_follower(each.events, self._expectation(each.selection)) for each in self.followers]
        is_whole = self.schedule.setup.retained > len(raws)
        events = [Page(f"follower {each.name}", msgspec.json.encode(each.events)) for each in self.followers]
        found = self.result.violations
        found += self.tick.violations
        found += check_log(system.nonce, raws)
        found += check_acknowledged(attempts, log, has_lost=has_lost, is_whole=is_whole)
        found += check_at_most_once(attempts, log, has_lost=has_lost)
        found += check_order(attempts, has_lost=has_lost)
        found += check_pages([*pages, *events], [], unpublished_texts(attempts, has_lost=has_lost))
        found += check_pages(pages, log)
        found += check_losses(attempts, log, results, was_reported=self.was_loss_reported)
        for result, follower in zip(results, self.followers, strict=True):
            found += [f"follower {follower.name}: {violation}" for violation in result.violations]
        self._count(results)

    def _count(self, results: Sequence[FollowerResult]) -> None:
        self.result.acknowledged = self.load.count(Answer.ON_AIR)
        self.result.held = sum(each.was_held for each in self.load.attempts)
        self.result.deliveries = sum(each.deliveries for each in results)
        self.result.boards = sum(each.boards for each in results)
        self.result.resets = sum(each.resets for each in results)
        self.result.unknown = sum(each.unknown for each in results)

    async def _verify(self) -> None:
        """Check the log as `ticker verify` does. A log that lost its end must still link."""
        try:
            verified = await verify_log(self.system.reader, "en")
        except LinkError as error:
            self.result.violations.append(f"verify: {error}")
        else:
            if verified.head != self.head:
                self.result.violations.append(f"verify ends at {verified.head}, the head is {self.head}")

    def _expectation(self, selection: Selection) -> Expectation:
        may_reset: set[Reset] = set()
        if self.system.has_lost:
            may_reset |= {Reset.REPLACED, Reset.TRIMMED}
        if self.schedule.setup.retained <= 1000:
            may_reset |= {Reset.TRIMMED, Reset.BEHIND}
        return Expectation(
            histories=self.system.histories,
            head=self.head,
            may_reset=frozenset(may_reset),
            was_damaged=self.system.was_damaged,
            now=datetime.now(UTC),
            selection=selection,
        )


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _describe(error: BaseException) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame.name}, line {frame.lineno}: {error}"[:2500]


def _has_all(follower: Follower, head: Position, path: Sequence[Logged]) -> bool:
    """Return whether a follower is at the head, or misses only entries outside its selection."""
    if follower.position == str(head):
        return True
    index = next((index for index, logged in enumerate(path) if str(logged.position) == follower.position), None)
    return index is not None and not any(follower.selection.includes(logged.entry) for logged in path[index + 1 :])


async def _is_at(follower: Follower, head: Position) -> bool:
    return follower.is_at(head)


class _HistoryPage(msgspec.Struct):
    lines: list[LineMessage]
    before: str | None = None
