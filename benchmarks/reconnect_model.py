"""Simulate how readers come back after they lose their gateways: pure, with the rules of the element and the gateway.

The model follows each reader, in steps of `STEP_S`. It leaves out the network and the replay of missed lines. Each
request goes to the gateway with the fewest readers, as with the proxies in `deploy/proxy/`. The time that the gateways
have for requests is counted together.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from heapq import heapify, heapreplace
from typing import Final, NamedTuple

from ticker.gateway.hub import RETRY_MAX_S
from ticker.settings import Settings

STEP_S: Final = 0.05
RETRANSMIT_S: Final = 1.0
"""Time after which a reader's kernel sends a request again if the listen queue was full."""
QUEUE: Final = 2_048
"""Length of a gateway's listen queue."""

_DEFAULTS: Final = Settings()


class Fleet(NamedTuple):
    """The gateways and their limits.

    Attributes:
        gateways: The number of gateway processes.
        readers: The number of their readers, evenly spread.
        handshakes_per_s: Each gateway refuses readers above this rate (the setting of this name).
        requests_per_s: Each gateway answers at most as many requests, because its core has no more time. A refused
            reader costs as much as an admitted one.
        drain_s: The time in which a stopping gateway closes its readers' connections (the setting of this name).
        restart_s: The time from then until the gateway accepts readers again.

    """

    gateways: int
    readers: int
    handshakes_per_s: int = _DEFAULTS.handshakes_per_s
    requests_per_s: int = 4_000
    drain_s: float = _DEFAULTS.drain_s
    restart_s: float = 3.0


class Client(NamedTuple):
    """The rules by which a reader reconnects.

    Attributes:
        first_s: Maximum delay after the first failure.
        most_s: Maximum delay after any number of failures.
        jitter: The share of each delay that is random.
        probes: Whether the reader sends a request over HTTP after every second failed attempt in a row, as the element
            does. If the gateway accepts it, the reader connects without a delay.

    """

    first_s: float = 1.0
    most_s: float = 30.0
    jitter: float = 1.0
    probes: bool = True


TOLD_SPREAD: Final = 0.2
"""A reader adds a random part of this share to a delay that the gateway gave."""


class Action(Enum):
    LOSE = "lose"
    """Gateways end without a message to their readers, who notice it immediately."""
    RETURN = "return"
    """Gateways that had ended accept readers again."""
    DRAIN = "drain"
    """Gateways close their readers' connections evenly within `drain_s`, then restart."""


class Event(NamedTuple):
    """An action on some gateways, `at_s` seconds after the start."""

    at_s: float
    action: Action
    gateways: Sequence[int]


class Course(NamedTuple):
    """The result of a simulation, with one number per step.

    Attributes:
        offline: Readers without a connection at the end of each step.
        requests: Requests that were sent in each step, including those to gateways that had ended.
        refused: Requests that were answered with 503 in each step.
        away: The number of losses by their duration in steps.

    """

    offline: list[int]
    requests: list[int]
    refused: list[int]
    away: Counter[int]

    def away_s(self, share: float) -> float:
        """Return the maximum duration of this share of the losses, the shortest ones, in seconds. 0 without a loss."""
        left = share * sum(self.away.values())
        for steps, losses in sorted(self.away.items()):
            left -= losses
            if left <= 0:
                return steps * STEP_S
        return 0.0


class _Reader(NamedTuple):
    """A reader without a connection.

    `lost_at` is the step of the loss. `silent` counts the latest attempts in a row that got no message.
    """

    lost_at: int
    failures: int = 0
    silent: int = 0


class Storm:
    """One simulation."""

    def __init__(self, fleet: Fleet, client: Client, chance: Callable[[], float]) -> None:
        self._fleet = fleet
        self._client = client
        self._chance = chance
        share, rest = divmod(fleet.readers, fleet.gateways)
        self._readers = [share + (number < rest) for number in range(fleet.gateways)]
        self._open = set(range(fleet.gateways))  # the gateways that accept readers
        self._by_readers: list[tuple[int, int]] = []  # a heap of these: (readers, gateway)
        self._sort_open()
        self._draining: dict[int, int] = {}  # gateway → steps that are left
        self._due: defaultdict[int, list[_Reader]] = defaultdict(list)  # step → readers that try then
        self._queue: deque[_Reader] = deque()
        self._returns: defaultdict[int, list[int]] = defaultdict(list)
        self._tokens = [float(fleet.handshakes_per_s)] * fleet.gateways
        self._filled_at = [0] * fleet.gateways  # the step in which the tokens were counted
        self._requests_left = 0.0
        self._offline = 0
        self._requests = 0
        self._refused = 0
        self._step = 0
        self.course = Course([], [], [], Counter())

    def run(self, events: Iterable[Event], seconds: float) -> Course:
        """Simulate for this long, and return what happened."""
        pending = deque(sorted(events, key=lambda event: event.at_s))
        for self._step in range(_steps(seconds)):
            while pending and _steps(pending[0].at_s) <= self._step:
                self._happen(pending.popleft())
            if self._step in self._returns:
                self._open_again(self._returns.pop(self._step))
            self._drain()
            self._serve()
            self._count()
        return self.course

    def _happen(self, event: Event) -> None:
        if event.action is Action.RETURN:
            return self._open_again(event.gateways)
        for gateway in event.gateways:
            self._open.discard(gateway)
            if event.action is Action.DRAIN:
                self._draining[gateway] = max(_steps(self._fleet.drain_s), 1)
                continue
            for _ in range(self._readers[gateway]):
                self._fail(_Reader(self._step))
            self._lose(gateway, self._readers[gateway])
        return self._sort_open()

    def _open_again(self, gateways: Iterable[int]) -> None:
        self._open |= set(gateways)
        self._sort_open()

    def _sort_open(self) -> None:
        self._by_readers = [(self._readers[gateway], gateway) for gateway in self._open]
        heapify(self._by_readers)

    def _drain(self) -> None:
        for gateway, steps in list(self._draining.items()):
            closing = -(-self._readers[gateway] // steps)
            longest_s = min(self._fleet.drain_s, RETRY_MAX_S)
            for _ in range(closing):
                told_s = longest_s * self._chance()
                self._try_after(told_s * (1 + TOLD_SPREAD * self._chance()), _Reader(self._step))
            self._lose(gateway, closing)
            self._draining[gateway] = steps - 1
            if steps == 1:
                del self._draining[gateway]
                self._returns[self._step + 1 + _steps(self._fleet.restart_s)].append(gateway)

    def _lose(self, gateway: int, readers: int) -> None:
        self._readers[gateway] -= readers
        self._offline += readers

    def _serve(self) -> None:
        """Answer the requests of this step, as far as the gateways have time for them."""
        open_now = len(self._open)
        room = self._fleet.requests_per_s * open_now * STEP_S
        self._requests_left = min(self._requests_left + room, room + 1)
        for reader in self._due.pop(self._step, ()):
            self._requests += 1
            if not open_now:
                self._fail(reader)
            elif len(self._queue) < QUEUE * open_now:
                self._queue.append(reader)
            else:
                self._due[self._step + _steps(RETRANSMIT_S)].append(reader)
        while self._queue and open_now and self._requests_left >= 1:
            self._answer(self._queue.popleft())

    def _answer(self, reader: _Reader) -> None:
        """Admit or refuse a reader. The element's attempts alternate between a socket and a request over HTTP."""
        if self._admits():
            return self._connect(reader)
        silent = reader.silent + 1
        if self._client.probes and silent % 2 == 0:
            self._requests += 1
            if self._admits() and self._admits():  # one for the request, one for the connection that follows
                return self._connect(reader)
            silent += 1
        return self._fail(reader._replace(silent=silent))

    def _admits(self) -> bool:
        """Take the time for one request. Return whether the limit on handshakes allows it."""
        self._requests_left -= 1
        _, gateway = self._by_readers[0]
        rate = self._fleet.handshakes_per_s
        since_s = (self._step - self._filled_at[gateway]) * STEP_S
        tokens = min(self._tokens[gateway] + rate * since_s, float(rate))
        self._filled_at[gateway] = self._step
        self._tokens[gateway] = tokens - 1 if tokens >= 1 else tokens
        self._refused += tokens < 1
        return tokens >= 1

    def _connect(self, reader: _Reader) -> None:
        _, gateway = self._by_readers[0]
        self._readers[gateway] += 1
        heapreplace(self._by_readers, (self._readers[gateway], gateway))
        self._offline -= 1
        self.course.away[self._step - reader.lost_at] += 1

    def _fail(self, reader: _Reader) -> None:
        client = self._client
        longest_s = min(client.first_s * 2.0**reader.failures, client.most_s)
        delay_s = longest_s * (1 - client.jitter * self._chance())
        self._try_after(delay_s, reader._replace(failures=reader.failures + 1))

    def _try_after(self, seconds: float, reader: _Reader) -> None:
        self._due[self._step + max(_steps(seconds), 1)].append(reader)

    def _count(self) -> None:
        self.course.offline.append(self._offline)
        self.course.requests.append(self._requests)
        self.course.refused.append(self._refused)
        self._requests = self._refused = 0


def _steps(seconds: float) -> int:
    return round(seconds / STEP_S)
