"""Run the trials of a topology on one system: load it, break it, repair it, and check the invariants after each."""

from __future__ import annotations

import asyncio
import random
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from scripts.topologies import hosts
from scripts.topologies.hosts import Kind
from scripts.topologies.namespaces import Network
from scripts.topologies.proxy_files import SITE
from tests.faults.editors import Editor, Load
from tests.faults.followers import EventsFollower, Follower, SocketFollower
from tests.faults.invariants.followers import Expectation, FollowerResult, check_follower
from tests.faults.invariants.histories import Histories
from tests.faults.invariants.log import check_acknowledged, check_at_most_once, check_log, check_order
from tests.faults.invariants.pages import Page, check_board_page, check_pages
from tests.faults.invariants.processes import ProcessEnd, check_ends
from tests.faults.invariants.records import Answer, Attempt
from tests.faults.topologies.recorder import Recorder
from tests.faults.topologies.stand import EDITION, Stand, poll
from tests.faults.topologies.trials import FAILS_OVER, Trial
from ticker.core.entry import Logged, RawEntry
from ticker.core.errors import LinkError
from ticker.core.log_window import Reset
from ticker.core.position import Position
from ticker.core.selection import EVERYTHING, Selection
from ticker.store.connection import CLIENT_ERRORS, Redis, connect
from ticker.store.editions import load_edition
from ticker.store.held import read_held
from ticker.store.log_reader import read_log, verify_log
from ticker.store.streams import redis_ms

SETTLE_S: Final = 90.0
PAUSE_S: Final = 0.5
"""The longest pause of an editor between two submissions."""
AFTER: Final = 3
"""How many events of the load follow a repair before the system must have recovered."""
ATTEMPT_S: Final = 2.5
"""The maximum time of an editor's try. Without its replica, a server needs up to two seconds for a receipt."""
SILENCE_S: Final = 3.0
"""Readers reconnect after three heartbeats that didn't arrive."""
PAGES: Final = ("/v1/en/board", "/v1/en/board?lines=100", "/en")


class TrialResult(msgspec.Struct):
    """What a trial has found and done.

    `lost` counts submissions that were acknowledged, and that the log lacks: each is a violation. `replaced` counts
    lines that a reader got, that nobody acknowledged, and that were lost in a failover. `unplanned` counts failovers
    that the trial didn't cause.
    """

    topology: str
    failure: str
    seed: int
    violations: list[str] = msgspec.field(default_factory=list)
    injected: int = 0
    acknowledged: int = 0
    lost: int = 0
    replaced: int = 0
    unplanned: int = 0
    deliveries: int = 0
    boards: int = 0
    resets: int = 0
    seconds: float = 0.0


async def run_trials(
    trials: Sequence[Trial],
    folder: Path,
    network: Network,
    *,
    engine: str = "valkey",
    before: Path | None = None,
    on_result: Callable[[TrialResult], object] = lambda _: None,
) -> list[TrialResult]:
    """Run trials of one topology after each other, on one system. An exception ends them, and becomes a violation."""
    stand = Stand(trials[0].topology, folder, network, engine, before)
    results: list[TrialResult] = []
    try:
        await asyncio.to_thread(stand.system.start)
        async with _Run(stand, random.Random(trials[0].seed)).running() as run:
            for trial in trials:
                result = TrialResult(trial.topology, trial.failure, trial.seed)
                results.append(result)
                await run.carry_out(trial, result)
                on_result(result)
        results[-1].violations += await run.end()
    except* Exception as errors:  # noqa: BLE001 -- the report needs the trial and the cause of any failure
        if not results:
            results.append(TrialResult(trials[0].topology, trials[0].failure, trials[0].seed))
        results[-1].violations += [_describe(error) for error in _leaves(errors)]
        on_result(results[-1])
    finally:
        stand.system.__exit__()
    return results


class _Run:
    def __init__(self, stand: Stand, rng: random.Random) -> None:
        self.stand = stand
        self.load = Load(rng, is_clock_true=True)
        self.histories = Histories()
        self.followers = _make_followers(stand, rng)
        url = stand.system.url
        self.editors = [
            Editor(name, url, self.load, pause_s=PAUSE_S, attempt_s=ATTEMPT_S) for name in ("maha", "omar", "lena")
        ]
        self.reader: Redis = connect(url, role="ticker", timeout_s=2.0)
        self.nonce = ""
        self.head = Position.of(0, "0" * 64)
        self.has_failed_over = False
        self._replaced: set[str] = set()
        self._resent: set[str] = set()
        self._known: set[str] = set()
        self._counts = (0, 0, 0, 0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[_Run]:
        """Run the load and the followers in the context. Editors finish their submissions at its end."""
        async with aclosing(self.reader), asyncio.TaskGroup() as group:
            tasks = [group.create_task(Recorder(self.stand.server_urls(), self.histories).run())]
            tasks += [group.create_task(follower.run()) for follower in self.followers]
            submitting = [group.create_task(editor.run()) for editor in self.editors]
            try:
                yield self
                self.load.is_ending = True
                async with asyncio.timeout(SETTLE_S):
                    await asyncio.gather(*submitting)
            finally:
                for task in [*tasks, *submitting]:
                    task.cancel()

    async def carry_out(self, trial: Trial, result: TrialResult) -> None:
        """Break the system, wait until it has recovered without help, and check everything."""
        start, first, injected = time.monotonic(), self.load.events, self.stand.injected
        self.has_failed_over |= trial.failure in FAILS_OVER
        failovers = self.stand.failovers() + (trial.failure in FAILS_OVER)
        for step in trial.steps:
            await self._wait_for(first + step.event)
            await self.stand.run(step)
        await self._wait_for(self.load.events + AFTER)
        await self.stand.settle()
        self.load.pause()
        # On a busy machine, the Sentinels may take a slow primary for a dead one. Then it works on, as behind a cut.
        result.unplanned = max(0, self.stand.failovers() - failovers)
        self.has_failed_over |= result.unplanned > 0
        try:
            await self._wait_until_settled()
            await self._record_final_answers(result)
            await self._wait_until_settled()
            await self._check(result)
        finally:
            self.load.resume()
        result.injected = self.stand.injected - injected
        result.seconds = time.monotonic() - start

    async def end(self) -> list[str]:
        """End all processes with SIGTERM. Return violations of theirs."""
        processes = self.stand.system.processes
        codes = [*self.stand.codes, *(await asyncio.to_thread(self.stand.system.end_all)).items()]
        ours = [host.name for kind in (Kind.DESK, Kind.GATEWAY) for host in self.stand.topology.of(kind)]
        ended = [ProcessEnd(name, code, processes[name].log) for name, code in codes if name in ours]
        return check_ends(ended, [])

    async def _wait_for(self, events: int) -> None:
        async with asyncio.timeout(SETTLE_S):
            await self.load.wait_for_events(events)

    async def _wait_until_settled(self) -> None:
        async with asyncio.timeout(SETTLE_S):
            await self.load.wait_until_quiet()
        try:
            await poll(self._are_at_head, "every follower is at the head", SETTLE_S)
        except AssertionError as error:
            positions = {follower.name: follower.position for follower in self.followers}
            raise AssertionError(f"the head is {self.head}, followers are at {positions}") from error

    async def _record_final_answers(self, result: TrialResult) -> None:
        """Wait until no held item is due soon, and record the answers to all of them."""

        async def none_is_due() -> bool:
            now = datetime.fromtimestamp(await redis_ms(self.reader) / 1000, UTC)
            soon = now + timedelta(seconds=2)
            return not any(held.is_due(soon) for _, held in (await read_held(self.reader, EDITION)).values())

        await poll(none_is_due, "held items that are due are on air", SETTLE_S)
        for editor in self.editors:
            result.violations += await editor.record_final_answers(self.reader, has_lost=self.has_failed_over)

    async def _are_at_head(self) -> bool:
        try:
            raws = await self._entries()
        except (OSError, *CLIENT_ERRORS):
            return False  # connections to a server that was demoted or killed end with their next command
        self.histories.add(raws)
        self.head = Position.of(raws[-1].seq, raws[-1].link) if raws else Position.of(0, self.nonce)
        path = self.histories.path(self.head) or []
        return all(_has_all(follower, self.head, path) for follower in self.followers)

    async def _entries(self) -> list[RawEntry]:
        stored = await load_edition(self.reader, EDITION)
        assert stored is not None
        self.nonce = stored.nonce
        raws: list[RawEntry] = []
        while page := await read_log(self.reader, EDITION, raws[-1].seq if raws else 0):
            raws += page
        return raws

    # Checks

    async def _check(self, result: TrialResult) -> None:
        raws = await self._entries()
        log, attempts = self.histories.path(self.head) or [], self.load.attempts
        checked = [check_follower(each.events, self._expectation(each.selection)) for each in self.followers]
        found: list[str] = []
        lost = _lost(attempts, log)
        found += [f"{each.editor}/{each.key}: acknowledged at {each.positions}, and lost" for each in lost]
        gone = {position for each in checked for position in each.positions} - self._positions(log) - self._replaced
        self._replaced |= gone
        if gone and not (any(each.resets for each in checked) and await self.stand.has_reported_loss()):
            found.append(f"readers had {gone}, which is lost: no reader was reset, or no gateway reported it")
        for each in lost:
            each.answer = Answer.UNKNOWN
            each.positions.clear()
            self._resent.add(each.key)
        if self.has_failed_over:
            self._resent |= _forget_lost_positions(attempts, log)
        found += check_log(self.nonce, raws)
        found += check_acknowledged(attempts, log, has_lost=False, is_whole=True)
        found += check_at_most_once(attempts, log, has_lost=self.has_failed_over)
        # A submission that was lost and is sent again comes after later ones.
        found += check_order([each for each in attempts if each.key not in self._resent], has_lost=False)
        found += check_pages(await self._pages(found), log)
        for follower, one in zip(self.followers, checked, strict=True):
            found += [f"follower {follower.name}: {violation}" for violation in one.violations]
        found += await self._verify()
        result.violations += [each for each in found if each not in self._known]
        self._known.update(found)
        result.lost, result.replaced = len(lost), len(gone)
        self._count(result, checked)

    def _positions(self, log: Sequence[Logged]) -> set[str]:
        """Return the positions of the log, with the one before its first entry, and that of a reader without one."""
        return {str(logged.position) for logged in log} | {str(Position.of(0, self.nonce)), str(None)}

    def _count(self, result: TrialResult, checked: Sequence[FollowerResult]) -> None:
        """Count what is new since the last trial."""
        acknowledged = self.load.count(Answer.ON_AIR) + result.lost
        sums = [sum(getattr(each, name) for each in checked) for name in ("deliveries", "boards", "resets")]
        now = (acknowledged, *sums)
        result.acknowledged, result.deliveries, result.boards, result.resets = (
            max(0, after - earlier) for after, earlier in zip(now, self._counts, strict=True)
        )
        self._counts = (acknowledged - result.lost, sums[0], sums[1], sums[2])

    async def _pages(self, found: list[str]) -> list[Page]:
        pages = []
        for host in self.stand.gateways:
            for path in PAGES:
                body = await self.stand.get(host, path)
                pages.append(Page(f"{host.name} {path}", body))
                if path == PAGES[0]:
                    found += check_board_page(body, self._expectation(EVERYTHING))
        return pages

    async def _verify(self) -> list[str]:
        """Check the log as `ticker verify` does."""
        try:
            verified = await verify_log(self.reader, EDITION)
        except LinkError as error:
            return [f"verify: {error}"]
        return [] if verified.head == self.head else [f"verify ends at {verified.head}, the head is {self.head}"]

    def _expectation(self, selection: Selection) -> Expectation:
        may_reset = frozenset({Reset.REPLACED, Reset.TRIMMED}) if self.has_failed_over else frozenset[Reset]()
        return Expectation(
            histories=self.histories,
            head=self.head,
            may_reset=may_reset,
            now=datetime.now(UTC),
            selection=selection,
        )


def _make_followers(stand: Stand, rng: random.Random) -> list[Follower]:
    """Return readers behind the proxy, and readers of each gateway."""
    direct = [(host.address, hosts.READERS_PORT) for host in stand.gateways]
    front = [(host.address, hosts.TLS_PORT) for host in stand.topology.of(Kind.PROXY)]
    sports = Selection(sections=("sports",))
    tls = stand.tls()
    followers: list[Follower] = [
        SocketFollower("proxied", front, rng, tls=tls, site=SITE),
        EventsFollower("proxied events", front, rng, tls=tls, site=SITE),
        SocketFollower("proxied sports", front, rng, tls=tls, site=SITE, selection=sports),
        SocketFollower("restless", direct, rng, leave_probability=0.05),
        *(SocketFollower(f"of gateway {at + 1}", [address], rng) for at, address in enumerate(direct)),
    ]
    for follower in followers:
        follower.silence_s = SILENCE_S
    return followers


def _lost(attempts: Sequence[Attempt], log: Sequence[Logged]) -> list[Attempt]:
    """Return the acknowledged submissions that the log doesn't have."""
    in_log = {str(logged.position) for logged in log}
    return [each for each in attempts if each.answer is Answer.ON_AIR and not in_log.intersection(each.positions)]


def _forget_lost_positions(attempts: Sequence[Attempt], log: Sequence[Logged]) -> set[str]:
    """Forget the receipts of entries that were lost, of submissions that are on air again. Return their keys."""
    in_log = {str(logged.position) for logged in log}
    keys = set()
    for attempt in attempts:
        kept = [position for position in attempt.positions if position in in_log]
        if attempt.answer is Answer.ON_AIR and len(kept) < len(attempt.positions):
            attempt.positions[:] = kept
            keys.add(attempt.key)
    return keys


def _has_all(follower: Follower, head: Position, path: Sequence[Logged]) -> bool:
    """Return whether a follower is at the head, or misses only entries outside its selection."""
    if follower.position == str(head):
        return True
    index = next((index for index, logged in enumerate(path) if str(logged.position) == follower.position), None)
    return index is not None and not any(follower.selection.includes(logged.entry) for logged in path[index + 1 :])


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _describe(error: BaseException) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame.name}, line {frame.lineno}: {error}"[:2500]
