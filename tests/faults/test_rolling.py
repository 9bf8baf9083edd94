"""The crowd of `make rolling` notices each entry that a reader misses or gets again."""

from __future__ import annotations

import pytest

from scripts.topologies.hosts import Kind, problems
from tests.faults.topologies.crowd import Crowd, Reader, split_frame
from tests.faults.topologies.rolling import Posted, judge, with_two_proxies

BOARD = b'{"type":"board","position":"3-aa","reset":null,"lines":[]}'
LIVE = b'{"type":"live","position":"3-aa"}'


def line(seq: int) -> bytes:
    return f'{{"type":"line","position":"{seq}-bb","line":{{}}}}'.encode()


@pytest.mark.parametrize(
    ("messages", "missed", "repeated", "replaced"),
    [
        ([BOARD, LIVE, line(4), line(5)], 0, 0, 0),
        ([BOARD, LIVE, line(6)], 2, 0, 0),
        ([BOARD, LIVE, line(4), line(4)], 0, 1, 0),
        ([BOARD, LIVE, BOARD], 0, 0, 1),
        ([BOARD, LIVE, b'{"type":"heartbeat","position":"5-bb"}'], 2, 0, 0),
    ],
)
def test_a_reader_counts_what_it_misses_and_gets_again(
    messages: list[bytes], missed: int, repeated: int, replaced: int
) -> None:
    crowd = Crowd()
    reader = Reader(crowd)
    for message in messages:
        reader.receive(message)
    assert (crowd.missed, crowd.repeated, crowd.replaced) == (missed, repeated, replaced)


def test_the_time_without_a_connection_is_from_the_bye_until_the_reader_is_live_again() -> None:
    crowd = Crowd()
    reader = Reader(crowd)
    for message in (BOARD, LIVE, b'{"type":"bye","retry_ms":1500}', LIVE):
        reader.receive(message)
    ((start, end),) = crowd.absences
    assert start <= end
    assert crowd.live == 1


@pytest.mark.parametrize(
    ("deliveries", "missed", "violations"),
    [(40, 0, []), (39, 0, ["39 deliveries, not 10 × 4"]), (40, 1, ["1 missed"])],
)
def test_each_loss_is_a_violation(deliveries: int, missed: int, violations: list[str]) -> None:
    seen = [Crowd(deliveries=deliveries, missed=missed, absences=[(101.0, 103.0), (101.5, 102.0)])]
    result, plots = judge(10, Posted(seq=4, lines=4), seen, [("gateway1", 1.0, 20.0)], begun_at=100.0)
    assert result.violations == violations
    assert (result.away_most, result.away_s[2], result.returns_most) == (2, 2.0, 1)
    assert [len(plot.curves) for plot in plots] == [1, 1]


def test_a_frame_is_complete_or_waits_for_more_data() -> None:
    long = b"\x81\x7e\x01\x00" + b"x" * 256
    assert split_frame(b"\x81\x02hi\x89\x00") == (1, b"hi", b"\x89\x00")
    assert split_frame(long) == (1, b"x" * 256, b"")
    assert [split_frame(each) for each in (b"", b"\x81", b"\x81\x02h", long[:3], long[:-1])] == [None] * 5


def test_the_topology_with_two_proxies_is_sound() -> None:
    topology = with_two_proxies()
    assert problems(topology) == []
    assert len(topology.of(Kind.PROXY)) == 2
