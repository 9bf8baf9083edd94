"""The order in which a desk serves its inboxes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ticker.desk.fair_queue import REQUESTS_PER_ROUND, ROUND_BYTES, ROUND_S, SLICE_S, FairQueue
from ticker.desk.plan import PendingRequest
from ticker.store.append import BATCH_MAX


class StoppedClock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def requests_of(**counts: int) -> dict[str, list[PendingRequest]]:
    return {editor: [PendingRequest(editor, f"{place}-0") for place in range(n)] for editor, n in counts.items()}


def serve(queue: FairQueue, clock: StoppedClock, **costs_s: float) -> list[str]:
    """Take one slice. A request costs what `costs_s` says. Return the editors in the order of service."""
    served = []
    for request in queue.take_slice():
        served.append(request.editor)
        clock.now_s += costs_s.get(request.editor, 0.0)
    return served


def test_an_editor_with_slow_requests_does_not_delay_another_one() -> None:
    clock = StoppedClock()
    queue = FairQueue(clock)
    queue.fill(requests_of(slow=16, quick=16))
    served = serve(queue, clock, slow=SLICE_S / 2, quick=SLICE_S / 100)
    assert served[:2] == ["slow", "quick"]
    assert served.count("slow") == 2
    assert served.count("quick") == 16


def test_a_slice_ends_after_its_time_and_has_at_least_one_request() -> None:
    clock = StoppedClock()
    queue = FairQueue(clock)
    queue.fill(requests_of(ann=3))
    assert [len(serve(queue, clock, ann=2 * SLICE_S)) for _ in range(4)] == [1, 1, 1, 0]
    assert not queue


def test_a_slice_is_at_most_one_batch() -> None:
    queue = FairQueue(StoppedClock())
    queue.fill(requests_of(ann=BATCH_MAX + 1))
    assert [len(list(queue.take_slice())) for _ in range(2)] == [BATCH_MAX, 1]


def test_the_time_of_the_last_round_counts_in_the_next() -> None:
    clock = StoppedClock()
    queue = FairQueue(clock)
    for _ in range(3):
        queue.fill(requests_of(slow=16, slower=16))
        serve(queue, clock, slow=SLICE_S, slower=SLICE_S)
    queue.fill(requests_of(slow=16, slower=16, new=1))
    first = serve(queue, clock, slow=SLICE_S, slower=SLICE_S)
    second = serve(queue, clock, slow=SLICE_S, slower=SLICE_S)
    assert "new" in (*first, *second)


def test_a_round_is_over_after_its_time_however_many_requests_wait() -> None:
    clock = StoppedClock()
    queue = FairQueue(clock)
    queue.fill(requests_of(**{f"flood{number}": 16 for number in range(8)}))
    served = 0
    while not queue.is_over:
        served += len(serve(queue, clock, **{f"flood{number}": ROUND_S / 4 for number in range(8)}))
    assert served == 4
    assert queue
    queue.fill(requests_of(ann=1))
    assert not queue.is_over


def test_an_editor_saves_up_no_time() -> None:
    clock = StoppedClock()
    queue = FairQueue(clock)
    for _ in range(100):
        queue.fill(requests_of(busy=1))
        serve(queue, clock, busy=SLICE_S)
    queue.fill(requests_of(busy=16, flood=16))
    served = [editor for _ in range(8) for editor in serve(queue, clock, busy=SLICE_S, flood=SLICE_S)]
    assert served.count("busy") == 4


def test_fewer_requests_are_read_while_they_are_large() -> None:
    queue = FairQueue(StoppedClock())
    large = PendingRequest("flood", "1-0", b"x" * (ROUND_BYTES // 4))
    for expected in (8, 4, 5, 2, 3):
        queue.fill({"flood": [large] * queue.per_inbox})
        assert queue.per_inbox == expected
    for _ in range(REQUESTS_PER_ROUND):
        queue.fill(requests_of(ann=1))
    assert queue.per_inbox == REQUESTS_PER_ROUND


@given(st.lists(st.integers(0, 6), max_size=6), st.lists(st.integers(0, 3), min_size=1))
def test_no_request_is_lost_and_each_inbox_keeps_its_order(lengths: list[int], costs: list[int]) -> None:
    clock, requests = StoppedClock(), requests_of(**{f"e{number}": n for number, n in enumerate(lengths)})
    queue = FairQueue(clock)
    queue.fill(requests)
    taken: list[PendingRequest] = []
    while queue:
        batch = []
        for request in queue.take_slice():
            batch.append(request)
            clock.now_s += SLICE_S * costs[len(batch) % len(costs)]
        settled = len(batch) if costs[0] else (len(batch) + 1) // 2
        taken += batch[:settled]
        queue.put_back(batch[settled:])
    assert {editor: [each for each in taken if each.editor == editor] for editor in requests} == requests
