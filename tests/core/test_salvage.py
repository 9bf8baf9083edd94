"""The sound entries and the faults of a log, for each kind of damage."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import NONCE, Step, histories, history, linked
from ticker.core.entry import Entry, RawEntry
from ticker.core.errors import LinkError
from ticker.core.line import Change
from ticker.core.position import Position, next_link
from ticker.core.salvage import Salvage, salvage


def raw_log(count: int = 8) -> list[RawEntry]:
    return raws(history([Step(Change.NEW, 0, number % 6, None, (), 4, 1, None) for number in range(count)]))


def raws(entries: Sequence[Entry]) -> list[RawEntry]:
    return [RawEntry(seq, link, data) for seq, (link, data) in enumerate(linked(entries), start=1)]


def sound(found: Salvage) -> list[int]:
    return [logged.seq for logged in found.sound]


def faulty(found: Salvage) -> list[tuple[int, int]]:
    return [(fault.first, fault.last) for fault in found.faults]


@given(histories())
def test_an_intact_log_is_sound_as_a_whole(entries: list[Entry]) -> None:
    found = salvage(NONCE, raws(entries))
    assert ([logged.entry for logged in found.sound], list(found.faults)) == (entries, [])
    assert found.split() == ([], found.sound)


@given(histories(), st.data())
def test_every_entry_but_the_damaged_one_is_sound_if_another_follows(entries: list[Entry], data: st.DataObject) -> None:
    log = raws(entries)
    if len(log) < 4:
        return
    index = data.draw(st.integers(1, len(log) - 3))
    kind = data.draw(st.sampled_from(["missing", "bytes", "link"]))
    raw = log[index]
    if kind == "missing":
        del log[index]
    elif kind == "bytes":
        log[index] = RawEntry(raw.seq, raw.link, raw.data.replace(b'"version":', b'"version":1'))
    else:
        log[index] = RawEntry(raw.seq, "f" * 64, raw.data)
    found = salvage(NONCE, log)
    lost = [] if kind == "link" else [raw.seq]  # the next entry proves the bytes
    assert sound(found) == [seq for seq in range(1, len(entries) + 1) if seq not in lost]
    assert faulty(found) == [(seq, seq) for seq in lost]


def test_a_trimmed_log_is_sound_from_its_oldest_entry() -> None:
    found = salvage(NONCE, raw_log()[4:])
    assert (sound(found), faulty(found)) == ([5, 6, 7, 8], [])


def test_several_missing_entries_are_one_fault() -> None:
    log = raw_log()
    found = salvage(NONCE, log[:2] + log[5:])
    assert (sound(found), faulty(found)) == ([1, 2, 6, 7, 8], [(3, 5)])
    assert [fault.detail for fault in found.faults] == ["entries 3 to 5 are missing"]
    before, after = found.split()
    assert ([logged.seq for logged in before], [logged.seq for logged in after]) == ([1, 2], [6, 7, 8])


def test_an_entry_that_no_desk_wrote_is_dropped_and_breaks_nothing() -> None:
    log = raw_log()
    found = salvage(NONCE, [*log[:3], LinkError(3, "alien"), *log[3:]])
    assert (sound(found), faulty(found)) == ([1, 2, 3, 4, 5, 6, 7, 8], [(3, 3)])


def test_a_forged_newest_entry_is_not_sound() -> None:
    *log, last = raw_log()
    for forged in (
        RawEntry(8, last.link, last.data + b" "),
        RawEntry(8, "f" * 64, last.data),
        RawEntry(9, last.link, last.data),
        RawEntry(1_764_124_800_000, last.link, last.data),
    ):
        found = salvage(NONCE, [*log, forged])
        assert (sound(found), faulty(found)) == ([1, 2, 3, 4, 5, 6, 7], [(forged.seq, forged.seq)])


def test_a_receipt_proves_the_newest_entry_after_a_missing_one() -> None:
    log = raw_log()
    del log[6]
    position = str(Position.of(8, log[-1].link))
    assert sound(salvage(NONCE, log)) == [1, 2, 3, 4, 5, 6]
    assert sound(salvage(NONCE, log, {position})) == [1, 2, 3, 4, 5, 6, 8]


def test_a_receipt_proves_an_entry_whose_link_was_changed_but_not_one_whose_bytes_were() -> None:
    log = raw_log()
    position = str(Position.of(8, log[-1].link))
    wrong_link = [*log[:-1], RawEntry(8, "", log[-1].data)]
    assert sound(salvage(NONCE, wrong_link)) == [1, 2, 3, 4, 5, 6, 7]
    assert sound(salvage(NONCE, wrong_link, {position})) == [1, 2, 3, 4, 5, 6, 7, 8]
    wrong_bytes = [*log[:-1], RawEntry(8, log[-1].link, log[-1].data + b" ")]
    assert sound(salvage(NONCE, wrong_bytes, {position})) == [1, 2, 3, 4, 5, 6, 7]


def test_an_unreadable_entry_with_a_right_link_is_a_fault_and_the_next_ones_are_sound() -> None:
    log = raw_log(3)
    broken = RawEntry(4, next_link(log[-1].link, b"{broken"), b"{broken")
    data = raw_log(5)[4].data
    after = RawEntry(5, next_link(broken.link, data), data)
    found = salvage(NONCE, [*log, broken, after])
    assert (sound(found), faulty(found)) == ([1, 2, 3, 5], [(4, 4)])
    assert "can't be read by this version" in found.faults[0].detail


def test_a_log_of_another_history_is_trusted_only_from_its_second_entry() -> None:
    found = salvage("ab" * 32, raw_log())
    assert sound(found) == [2, 3, 4, 5, 6, 7, 8]
