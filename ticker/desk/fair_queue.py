"""The requests of a round, in an order that gives each editor the same share of the desk's time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol

from ticker.desk.plan import PendingRequest
from ticker.store.append import BATCH_MAX

SLICE_S: Final = 0.004
"""The time after which planning stops, so that other tasks of the process run: a gateway, with `ticker up`."""


ROUND_S: Final = 0.02
"""The time after which a round ends and the inboxes are read again. A new request waits for about this long."""

REQUESTS_PER_ROUND: Final = 16
"""The maximum number of requests that a round reads per inbox, so that one editor can't delay the others."""

ROUND_BYTES: Final = 2 * 1024 * 1024
"""Above this size of all its requests, a round reads fewer of them the next time."""


class Clock(Protocol):
    """Returns seconds, as `time.perf_counter` does."""

    def __call__(self) -> float: ...


class FairQueue:
    """Requests by editor. The next one is from the editor whose requests have taken the least time lately.

    So an editor whose requests are slow or many delays another editor by about one request. Each editor's requests keep
    their order.

    Attributes:
        per_inbox: How many requests of each inbox to read for the next round.

    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queues: dict[str, deque[PendingRequest]] = {}
        self._used_s: dict[str, float] = {}
        self._round_ends = 0.0
        self.per_inbox = REQUESTS_PER_ROUND

    def __bool__(self) -> bool:
        return any(self._queues.values())

    @property
    def is_over(self) -> bool:
        """Return True if the round has lasted for `ROUND_S`. The requests that remain stay in their inboxes."""
        return self._clock() >= self._round_ends

    def fill(self, requests: Mapping[str, Sequence[PendingRequest]]) -> None:
        """Replace the queues by the requests of the next round.

        Set `per_inbox` by their size: an editor can submit any number of bytes, and reading them takes time, too.

        An editor without requests in the last round starts with as little time as any other: nobody saves up time.
        """
        self._round_ends = self._clock() + ROUND_S
        least_s = min(self._used_s.values(), default=0.0)
        self._queues = {editor: deque(each) for editor, each in requests.items() if each}
        self._used_s = {editor: self._used_s.get(editor, least_s) for editor in self._queues}
        size = sum(len(request.data) for queue in self._queues.values() for request in queue)
        is_large = size > ROUND_BYTES
        self.per_inbox = max(1, self.per_inbox // 2) if is_large else min(REQUESTS_PER_ROUND, self.per_inbox + 1)

    def take_slice(self) -> Iterator[PendingRequest]:
        """Yield requests for one batch, at least one, until a time slice is over.

        The time until the caller requests the next one counts as time of the editor.
        """
        ends = self._clock() + SLICE_S
        for _ in range(BATCH_MAX):
            waiting = [editor for editor, queue in self._queues.items() if queue]
            if not waiting:
                return
            editor = min(waiting, key=self._used_s.__getitem__)
            started = self._clock()
            yield self._queues[editor].popleft()
            ended = self._clock()
            self._used_s[editor] += ended - started
            if ended >= ends:
                return

    def put_back(self, requests: Sequence[PendingRequest]) -> None:
        """Put requests back that were taken last, in their order."""
        for request in reversed(requests):
            self._queues[request.editor].appendleft(request)
