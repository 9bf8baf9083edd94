"""Turns are fair and keep each queue's order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ticker.desk.round_robin import take_turns


def test_the_first_of_each_queue_comes_before_the_second_of_any() -> None:
    assert take_turns([["a1", "a2", "a3"], [], ["c1"], ["d1", "d2"]]) == ["a1", "c1", "d1", "a2", "d2", "a3"]


@given(st.lists(st.integers(0, 6), max_size=6))
def test_nothing_is_lost_and_each_queue_keeps_its_order(lengths: list[int]) -> None:
    queues = [[(number, place) for place in range(length)] for number, length in enumerate(lengths)]
    taken = take_turns(queues)
    assert [[item for item in taken if item[0] == number] for number in range(len(queues))] == queues
    assert len(taken) == sum(lengths)
