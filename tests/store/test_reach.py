from __future__ import annotations

from ticker.core.submission import Reach
from ticker.store.connection import Redis
from ticker.store.keys import Keys
from ticker.store.reach import Report, await_reports, first_reports, is_complete, reach_of, read_reports, report_reach
from ticker.store.streams import START


def test_reach_counts_each_gateways_first_report_of_an_entry() -> None:
    newest_first = [
        Report("b", first=4, last=6, followers=30, ms=9.0),
        Report("a", first=5, last=5, followers=20, ms=8.0),
        Report("a", first=4, last=5, followers=10, ms=2.0),
        Report("c", first=1, last=4, followers=99, ms=1.0),
    ]
    assert first_reports(5, newest_first) == {"a": newest_first[2], "b": newest_first[0]}
    assert reach_of(5, newest_first) == Reach(gateways=2, followers=40, ms=9.0)
    assert reach_of(7, newest_first) is None


async def test_reports_are_read_newest_first_without_the_invalid_ones(redis: Redis) -> None:
    reports = [Report("a", number, number, followers=1, ms=1.0) for number in range(3)]
    for report in reports:
        await report_reach(redis, "en", report)
        await redis.xadd(Keys("en").reach, {"report": "nonsense"})
    assert await read_reports(redis, "en") == reports[::-1]


def test_reach_is_complete_once_the_gateways_of_the_entry_before_have_reported() -> None:
    before = [Report("a", 4, 4, followers=1, ms=1.0), Report("b", 3, 4, followers=1, ms=1.0)]
    gone = Report("c", 1, 3, followers=1, ms=1.0)
    first, second = Report("b", 5, 5, followers=1, ms=1.0), Report("a", 5, 6, followers=1, ms=1.0)
    assert not is_complete(5, [*before, gone])
    assert not is_complete(5, [first, *before, gone])
    assert is_complete(5, [second, first, *before, gone])
    assert not is_complete(5, [second, first]), "no report of the entry before: a gateway may be missing"


async def test_reports_after_an_id_are_read_newest_first(redis: Redis) -> None:
    assert await await_reports(redis, "en") == ([], START)
    reports = [Report("a", number, number, followers=1, ms=1.0) for number in range(3)]
    await report_reach(redis, "en", reports[0])
    found, last = await await_reports(redis, "en")
    assert found == reports[:1]
    assert await await_reports(redis, "en", last, 1) == ([], last)
    for report in reports[1:]:
        await report_reach(redis, "en", report)
    found, newer = await await_reports(redis, "en", last, 1)
    assert found == reports[:0:-1]
    assert await await_reports(redis, "en", newer, 1) == ([], newer)
