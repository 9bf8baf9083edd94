"""Plans of repairs: the entries of the new history, and the lost versions that receipts name."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import NONCE, START, Step, fold, histories, history, linked
from ticker.core.entry import Entry, Logged, RawEntry, Trim
from ticker.core.errors import LinkError
from ticker.core.line import Change, Status
from ticker.core.repair import Acknowledged, Effect, RepairPlan, plan_repair
from ticker.core.salvage import salvage
from ticker.core.submission import Receipt, ReceiptStatus


def logged(entries: Sequence[Entry], nonce: str = NONCE) -> list[Logged]:
    return [
        Logged(seq, link, entry)
        for seq, (entry, (link, _)) in enumerate(zip(entries, linked(entries, nonce), strict=True), 1)
    ]


def receipts_for(log: Sequence[Logged]) -> list[Acknowledged]:
    return [
        Acknowledged(
            each.entry.editor,
            Receipt(
                status=ReceiptStatus.ON_AIR,
                edition="en",
                key=each.entry.key,
                action=str(each.entry.line.change),
                id=each.entry.line.id,
                version=each.entry.line.version,
                position=str(each.position),
                published_at=each.entry.line.updated_at,
            ),
        )
        for each in log
    ]


def plan(
    entries: Sequence[Entry], lost: Collection[int], receipts: Sequence[Acknowledged] | None = None, nonce: str = NONCE
) -> RepairPlan:
    """Plan the repair of a log that has lost the entries with these numbers."""
    raws = [RawEntry(seq, link, data) for seq, (link, data) in enumerate(linked(entries, nonce), 1) if seq not in lost]
    given = receipts_for(logged(entries, nonce)) if receipts is None else receipts
    positions = {each.receipt.position or "" for each in given}
    return plan_repair(nonce, salvage(nonce, raws, positions), given)


def story(*changes: Change) -> list[Entry]:
    """Return a log: a first line, these changes of it, and two more lines."""
    steps = [Step(Change.NEW, 0, 0, None, (), 4, 1, None)]
    steps += [Step(change, 0, text, None, (), 4, 1, None) for text, change in enumerate(changes, start=1)]
    steps += [Step(Change.NEW, 0, text, None, (), 4, 1, None) for text in (2, 3)]
    return history(steps)


@given(histories())
def test_an_intact_log_needs_no_repair(entries: list[Entry]) -> None:
    planned = plan(entries, ())
    assert not planned.is_needed
    assert (planned.kept, list(planned.unexplained)) == (len(entries), [])


@given(histories(), st.sets(st.integers(2, 20), max_size=3))
def test_every_sound_version_is_kept_in_order_and_new_lines_get_higher_numbers(
    entries: list[Entry], lost: set[int]
) -> None:
    planned = plan(entries, lost, ())
    versions = [(entry.line.id, entry.line.version) for entry in planned.entries]
    there = [(entry.line.id, entry.line.version) for entry in entries]
    assert versions == [each for each in there if each in versions]
    numbers = {entry.line.id: entry.line.number for entry in planned.entries}
    assert max(numbers.values(), default=0) <= len(planned.entries)
    before = fold([entry for entry in entries if (entry.line.id, entry.line.version) in versions])
    after = fold(planned.entries)
    assert [entry.line.id for entry in after.newest_first()] == [entry.line.id for entry in before.newest_first()]


def test_lines_after_a_lost_entry_are_numbered_without_a_gap() -> None:
    """A new line gets the next position as its number, which must be higher than those of all others."""
    entries = story(Change.UPDATE)

    planned = plan(entries, {2}, ())

    assert [entry.line.number for entry in entries] == [1, 1, 3, 4]
    assert [entry.line.number for entry in planned.entries] == [1, 2, 3]


def test_the_board_and_its_pins_are_as_before() -> None:
    entries = story(Change.UPDATE, Change.PIN)
    planned = plan(entries, {5})
    shown = fold(planned.entries).lines(START, 10)
    assert [(line.id, line.text, line.pinned_until) for line in shown] == [
        (line.id, line.text, line.pinned_until) for line in fold([*entries[:4], *entries[5:]]).lines(START, 10)
    ]
    assert shown[0].pinned_until is not None


def test_a_line_whose_withdrawal_is_lost_stays_withdrawn() -> None:
    entries = story(Change.WITHDRAW)
    planned = plan(entries, {2})
    (lost,) = planned.lost
    assert (lost.seq, lost.id, lost.version, lost.effect) == (2, entries[0].line.id, 2, Effect.WITHDRAWN)
    made = fold(planned.entries).get(entries[0].line.id)
    assert made is not None
    assert (made.line.status, made.line.text, made.line.version) == (Status.CANCELED, "", 2)
    assert (made.editor, made.key) == (entries[1].editor, entries[1].key)
    assert not planned.unexplained


def test_a_line_whose_hiding_is_lost_stays_hidden_and_can_be_unhidden() -> None:
    entries = story(Change.HIDE)
    planned = plan(entries, {2})
    made = fold(planned.entries).get(entries[0].line.id)
    assert made is not None
    assert (planned.lost[0].effect, made.line.status, made.line.change) == (
        Effect.HIDDEN,
        Status.WITHHELD,
        Change.HIDE,
    )
    assert made.hidden_version is not None
    assert made.hidden_version.text == entries[0].line.text


def test_a_line_whose_correction_is_lost_is_hidden_and_the_correction_can_be_sent_again() -> None:
    entries = story(Change.CORRECT)
    planned = plan(entries, {2})
    made = fold(planned.entries).get(entries[0].line.id)
    assert made is not None
    assert (planned.lost[0].effect, made.line.status) == (Effect.HIDDEN, Status.WITHHELD)
    assert made.key != entries[1].key


@pytest.mark.parametrize("later", [(Change.PIN,), (Change.UPDATE, Change.REFILE), (Change.HIDE, Change.UNHIDE)])
def test_a_line_stays_hidden_if_its_lost_correction_was_followed_by_other_lost_changes(
    later: tuple[Change, ...],
) -> None:
    entries = story(Change.CORRECT, *later)
    last = 2 + len(later)
    planned = plan(entries, range(2, last + 1))
    made = fold(planned.entries).get(entries[0].line.id)
    assert made is not None
    assert [(lost.version, lost.effect) for lost in planned.lost] == [(last, Effect.HIDDEN)]
    assert (made.line.status, made.line.text, made.line.version) == (Status.WITHHELD, "", last)


def test_a_line_whose_hiding_and_unhiding_are_lost_shows() -> None:
    entries = story(Change.HIDE, Change.UNHIDE)
    planned = plan(entries, {2, 3})
    assert [(lost.version, lost.effect) for lost in planned.lost] == [(3, Effect.STALE)]


@pytest.mark.parametrize(("change", "effect"), [(Change.WITHDRAW, Effect.WITHDRAWN), (Change.CORRECT, Effect.HIDDEN)])
def test_receipts_of_the_history_before_keep_a_text_of_this_one_off_the_board(change: Change, effect: Effect) -> None:
    """A repair copies entries into a new history, and their receipts still name the old one."""
    entries = story(change)
    receipts = [of_history(each, "ab" * 8) for each in receipts_for(logged(entries))]
    planned = plan(entries, {2}, receipts)
    assert [(lost.id, lost.version, lost.effect) for lost in planned.lost] == [(entries[0].line.id, 2, effect)]
    again = plan(planned.entries, (), receipts)
    assert not again.is_needed


def test_receipts_of_the_history_before_bring_no_harmless_change_back() -> None:
    entries = story(Change.UPDATE)
    receipts = [of_history(each, "ab" * 8) for each in receipts_for(logged(entries))]
    assert not plan([entries[0], *entries[2:]], (), receipts).is_needed


def test_a_line_whose_update_is_lost_shows_its_earlier_version() -> None:
    entries = story(Change.UPDATE)
    planned = plan(entries, {2})
    kept = fold(planned.entries).get(entries[0].line.id)
    assert kept is not None
    assert (planned.lost[0].effect, kept.line.text, kept.line.version) == (Effect.STALE, entries[0].line.text, 1)


def test_a_lost_version_that_a_later_one_replaced_has_no_effect() -> None:
    planned = plan(story(Change.CORRECT, Change.UPDATE), {2})
    assert (list(planned.lost), list(planned.unexplained)) == ([], [])
    assert planned.is_needed


def test_a_lost_line_without_any_version_is_gone() -> None:
    entries = story()
    planned = plan(entries, {2})
    assert [(lost.id, lost.effect) for lost in planned.lost] == [(entries[1].line.id, Effect.GONE)]


def test_a_lost_entry_without_a_receipt_is_unexplained() -> None:
    entries = story(Change.WITHDRAW)
    planned = plan(entries, {2}, ())
    assert [fault.first for fault in planned.unexplained] == [2]
    assert not planned.lost


def test_an_entry_of_another_program_at_the_end_is_no_lost_entry() -> None:
    raws = [RawEntry(seq, link, data) for seq, (link, data) in enumerate(linked(story()), start=1)]
    alien = LinkError(1_795_662_234_554, "no desk wrote it")
    planned = plan_repair(NONCE, salvage(NONCE, [*raws, alien]), ())
    assert ([fault.first for fault in planned.faults], planned.unexplained) == ([alien.seq], [])
    next_one = LinkError(4, "no desk wrote it")
    assert plan_repair(NONCE, salvage(NONCE, [*raws, next_one]), ()).unexplained


def test_a_cut_off_end_is_found_by_its_receipts() -> None:
    entries = story(Change.UPDATE, Change.WITHDRAW)[:3]
    planned = plan(entries, {3})
    assert not planned.faults
    assert planned.is_needed
    made = fold(planned.entries).get(entries[0].line.id)
    assert made is not None
    assert made.line.status is Status.CANCELED


def test_an_approval_without_its_authors_receipt_hides_the_line() -> None:
    """The decision doesn't name the change: it may have been a withdrawal or a correction."""
    entries = story(Change.UPDATE)
    log = logged(entries)
    approval = receipts_for(log)[1]
    approval = Acknowledged("omar", msgspec.structs.replace(approval.receipt, key="d1", action="approve"))
    assert plan(entries, {2}, [approval]).lost[0].effect is Effect.HIDDEN
    assert plan(entries, {2}, [approval, receipts_for(log)[1]]).lost[0].effect is Effect.STALE


def test_receipts_of_the_history_before_do_not_count() -> None:
    receipts = receipts_for(logged(story()))
    assert plan(story()[:1], (), receipts).is_needed
    assert not plan(story()[:1], (), [of_history(each, "ab" * 8) for each in receipts]).is_needed


def of_history(each: Acknowledged, history: str) -> Acknowledged:
    return Acknowledged(each.editor, msgspec.structs.replace(each.receipt, history=history))


def test_a_log_of_which_nothing_is_sound_gets_an_empty_history() -> None:
    entries = story()
    planned = plan(entries, range(1, 4))
    assert (list(planned.entries), planned.kept) == ([], 0)


def test_lines_that_only_a_trim_has_kept_are_entries_again() -> None:
    old, *rest = story(Change.UPDATE)
    assert rest[0].line.id == old.line.id
    trim = Trim(through=0, kept=(rest[0],), forgotten=("gone",))
    carrier = msgspec.structs.replace(rest[1], trim=trim)
    again = msgspec.structs.replace(rest[2], trim=Trim(through=1, kept=(rest[0],)))
    planned = plan([carrier, again], (), ())
    kept = [(entry.line.id, entry.line.version, entry.trim) for entry in planned.entries]
    assert kept == [(entry.line.id, entry.line.version, None) for entry in rest]
    assert [line.text for line in fold(planned.entries).lines(START, 10)] == [
        line.text for line in fold([carrier, again]).lines(START, 10)
    ]


def test_hidden_versions_get_the_new_number_too() -> None:
    entries = story(Change.HIDE)
    planned = plan(entries, {3})
    hidden = planned.entries[1]
    assert hidden.hidden_version is not None
    assert hidden.hidden_version.number == hidden.line.number
