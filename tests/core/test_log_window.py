"""The window on a log, positions and links: replay, resumption, and that no change goes unseen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import NONCE, Step, entries, histories, history, linked
from ticker.core.entry import Entry, encode_entry, follow
from ticker.core.errors import LinkError, PositionError
from ticker.core.line import Change
from ticker.core.log_window import LogWindow, Reset
from ticker.core.position import MARK_DIGITS, SEQ_MAX, Position, next_link


def window(count: int, base: int = 0) -> LogWindow[int]:
    """A log of `count` items after `base`, each its own seq."""
    log = LogWindow[int](base, link_of(base))
    for seq in range(base + 1, base + count + 1):
        log.append(link_of(seq), seq)
    return log


def link_of(seq: int) -> str:
    return next_link(NONCE, seq.to_bytes(8, "big"))


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_replay_from_any_position_and_what_follows_is_the_whole(before: int, retained: int, after: int) -> None:
    log = window(before)
    log.trim(retained)
    seen = list(range(1, log.head + 1))
    read_until = log.position
    for seq in range(before + 1, before + after + 1):
        log.append(link_of(seq), seq)
    cursor = log.resume(read_until)
    assert isinstance(cursor, int)
    assert seen + log.items(cursor, log.head) == list(range(1, before + after + 1))


@given(st.integers(0, 20), st.integers(0, 25), st.integers(0, 25))
def test_every_position_since_the_base_resumes_and_no_older_one(count: int, retained: int, seq: int) -> None:
    log = window(count)
    log.trim(retained)
    resumed = log.resume(Position.of(seq, link_of(seq)))
    if seq > count:
        assert resumed is Reset.REPLACED
    elif seq < count - retained:
        assert resumed is Reset.TRIMMED
    else:
        assert resumed == seq


@given(st.lists(st.integers(-3, 3), max_size=40))
def test_a_window_stays_contiguous_through_appends_and_trims(moves: list[int]) -> None:
    log, newest = window(0), 0
    for move in moves:
        if move > 0:
            for _ in range(move):
                newest += 1
                log.append(link_of(newest), newest)
        else:
            log.trim(-move)
        assert log.head == newest
        assert log.items(log.first - 1, log.head) == [log[seq] for seq in range(log.first, log.head + 1)]
        assert [log[seq] for seq in range(log.first, log.head + 1)] == list(range(log.first, newest + 1))
        assert log.position == Position.of(newest, link_of(newest))


def test_a_position_of_another_history_is_replaced() -> None:
    assert window(5).resume(Position(3, "0" * MARK_DIGITS)) is Reset.REPLACED


def test_the_start_of_another_history_is_replaced() -> None:
    assert window(5).resume(Position(0, "0" * MARK_DIGITS)) is Reset.REPLACED


def test_a_reader_of_an_empty_log_resumes_at_its_start() -> None:
    log = window(0)
    start = log.position
    log.append(link_of(1), 1)
    assert log.resume(start) == 0


def test_the_base_of_a_log_that_was_found_trimmed_is_unknown() -> None:
    log = LogWindow[int](4, None)
    log.append(link_of(5), 5)
    assert log.resume(Position.of(4, link_of(4))) is Reset.TRIMMED
    assert log.position_at(4) is None
    assert log.resume(Position.of(5, link_of(5))) == 5


def test_positions_are_known_of_the_base_and_of_what_is_retained() -> None:
    log = window(5)
    log.trim(2)
    assert [log.position_at(seq) for seq in (2, 6)] == [None, None]
    assert [str(log.position_at(seq)) for seq in (3, 5)] == [str(Position.of(seq, link_of(seq))) for seq in (3, 5)]


@pytest.mark.parametrize("seq", [0, 3, 6])
def test_an_item_outside_the_window_is_an_index_error(seq: int) -> None:
    log = window(5)
    log.trim(2)
    with pytest.raises(IndexError, match=rf"entry {seq} is not in the window 4\.\.5"):
        log[seq]
    with pytest.raises(IndexError, match=rf"entry {seq} is not in the window"):
        log[seq] = 0


def test_items_since_long_before_the_window_are_all_that_is_retained() -> None:
    log = window(5)
    log.trim(4)
    assert log.items(0, 5) == [2, 3, 4, 5]


def test_an_item_can_be_put_in_another_form_in_its_place() -> None:
    log = window(5, base=10)
    log[13] = -13
    assert log.items(10, 15) == [11, 12, -13, 14, 15]
    assert log.resume(Position.of(13, link_of(13))) == 13


@pytest.mark.parametrize(
    ("after", "until", "expected"), [(0, 9, [4, 5]), (4, 4, []), (3, 4, [4]), (9, 9, []), (0, 2, [])]
)
def test_items_are_given_as_far_as_they_are_retained(after: int, until: int, expected: list[int]) -> None:
    log = window(5)
    log.trim(2)
    assert log.items(after, until) == expected


@given(st.integers(0, SEQ_MAX), st.text("0123456789abcdef", min_size=MARK_DIGITS, max_size=MARK_DIGITS))
def test_a_position_that_is_printed_parses_to_itself(seq: int, mark: str) -> None:
    assert Position.parse(str(Position(seq, mark))) == Position(seq, mark)


@given(
    st.text()
    | st.from_regex(r"[0-9٠-٩+_ ]{0,18}-[0-9a-fA-F]{14,18}\n?", fullmatch=True)
    | st.builds(lambda seq, mark: f"{seq}-{mark}", st.integers(2**52), st.just("0" * 16))
)
def test_nothing_parses_but_what_a_position_prints(text: str) -> None:
    try:
        position = Position.parse(text)
    except PositionError:
        return
    assert str(position) == text
    assert 0 <= position.seq <= SEQ_MAX


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "7-",
        "-7-0123456789abcdef",
        "+7-0123456789abcdef",
        "07-0123456789abcdef",
        "7-0123456789ABCDEF",
        "7-0123456789abcde",
        "7-0123456789abcdef0",
        "7-0123456789abcdef\n",
        " 7-0123456789abcdef",
        "٧-0123456789abcdef",
        "9007199254740992-0123456789abcdef",
        "99999999999999999999-0123456789abcdef",
        "1e3-0123456789abcdef",
    ],
)
def test_what_is_no_position_is_refused_by_name(text: str) -> None:
    with pytest.raises(PositionError) as refused:
        Position.parse(text)
    assert ascii(text[:40]) in str(refused.value)


def test_a_long_text_that_is_no_position_is_shown_in_part() -> None:
    with pytest.raises(PositionError) as refused:
        Position.parse("x" * 10_000)
    assert len(str(refused.value)) < 200


@given(st.lists(entries(), min_size=1, max_size=5), st.data())
def test_any_change_to_any_earlier_byte_changes_every_later_link(made: list[Entry], data: st.DataObject) -> None:
    chain = linked(made)
    changed = data.draw(st.integers(0, len(chain) - 1))
    body = bytearray(chain[changed][1])
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= data.draw(st.integers(1, 255))
    links, link = [], NONCE
    for number, (_, entry) in enumerate(chain):
        link = next_link(link, bytes(body) if number == changed else entry)
        links.append(link)
    assert links[:changed] == [link for link, _ in chain[:changed]]
    assert not set(links[changed:]) & {link for link, _ in chain}


@given(st.lists(entries(), min_size=1, max_size=4))
def test_another_nonce_changes_every_link(made: list[Entry]) -> None:
    assert not {link for link, _ in linked(made)} & {link for link, _ in linked(made, "00" * 32)}


@given(histories())
def test_a_log_as_written_follows_from_its_nonce(made: list[Entry]) -> None:
    previous = NONCE
    for seq, (link, data) in enumerate(linked(made), 1):
        logged = follow(seq, previous, link, data)
        assert (logged.seq, logged.entry, logged.position) == (seq, made[seq - 1], Position.of(seq, link))
        previous = link


@given(st.lists(entries(), min_size=2, max_size=5, unique_by=encode_entry), st.data())
def test_an_entry_that_is_missing_or_moved_is_named_by_its_seq(made: list[Entry], data: st.DataObject) -> None:
    chain = linked(made)
    gone = data.draw(st.integers(0, len(chain) - 2))
    link, body = chain[gone + 1]
    with pytest.raises(LinkError) as refused:
        follow(gone + 1, NONCE if gone == 0 else chain[gone - 1][0], link, body)
    assert refused.value.seq == gone + 1


@given(entries())
def test_the_first_entry_of_a_trimmed_log_is_taken_on_trust(entry: Entry) -> None:
    link, data = linked([entry])[0]
    assert follow(7, None, link, data).entry == entry


@pytest.mark.parametrize("link", ["", "zz" * 32, "5e" * 31, "5E" * 32, "5e" * 32 + "\n"])
def test_a_link_on_trust_still_has_the_form_of_one(link: str) -> None:
    (entry, *_) = history([Step(Change.NEW, 0, 0, None, (), 4, 0, None)])
    with pytest.raises(LinkError, match="entry 7 has no link of 64 hex digits"):
        follow(7, None, link, encode_entry(entry))


@given(
    st.binary(max_size=60)
    | st.just(b'{"a":' + b"[" * 100_000)
    | st.builds(lambda text: b'{"editor":"' + text + b'"}', st.binary(max_size=20))
)
def test_bytes_that_are_no_entry_are_a_link_error(data: bytes) -> None:
    with pytest.raises(LinkError) as refused:
        follow(3, NONCE, next_link(NONCE, data), data)
    assert refused.value.seq == 3
