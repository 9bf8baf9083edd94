"""Entries and their links: any change of a log is noticed."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import NONCE, Step, entries, histories, history, linked
from ticker.core.entry import Entry, Trim, encode_entry, follow
from ticker.core.errors import LinkError
from ticker.core.line import Change
from ticker.core.position import Position, next_link


@given(st.lists(entries(), min_size=1, max_size=5), st.data())
def test_a_changed_byte_changes_every_later_link(made: list[Entry], data: st.DataObject) -> None:
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
def test_a_log_verifies_from_its_nonce(made: list[Entry]) -> None:
    previous = NONCE
    for seq, (link, data) in enumerate(linked(made), 1):
        logged = follow(seq, previous, link, data)
        assert (logged.seq, logged.entry, logged.position) == (seq, made[seq - 1], Position.of(seq, link))
        previous = link


@given(st.lists(entries(), min_size=2, max_size=5, unique_by=encode_entry), st.data())
def test_a_missing_or_moved_entry_is_reported_with_its_seq(made: list[Entry], data: st.DataObject) -> None:
    chain = linked(made)
    gone = data.draw(st.integers(0, len(chain) - 2))
    link, body = chain[gone + 1]
    with pytest.raises(LinkError) as refused:
        follow(gone + 1, NONCE if gone == 0 else chain[gone - 1][0], link, body)
    assert refused.value.seq == gone + 1


@given(entries())
def test_the_link_of_the_first_entry_of_a_trimmed_log_is_not_checked(entry: Entry) -> None:
    link, data = linked([entry])[0]
    assert follow(7, None, link, data).entry == entry


@pytest.mark.parametrize("link", ["", "zz" * 32, "5e" * 31, "5E" * 32, "5e" * 32 + "\n"])
def test_an_unchecked_link_must_have_64_hex_digits(link: str) -> None:
    (entry, *_) = history([Step(Change.NEW, 0, 0, None, (), 4, 0, None)])
    with pytest.raises(LinkError, match="entry 7 has no link of 64 hex digits"):
        follow(7, None, link, encode_entry(entry))


@given(
    st.binary(max_size=60)
    | st.just(b'{"a":' + b"[" * 100_000)
    | st.builds(lambda text: b'{"editor":"' + text + b'"}', st.binary(max_size=20))
)
def test_bytes_that_are_not_an_entry_raise_link_error(data: bytes) -> None:
    with pytest.raises(LinkError) as refused:
        follow(3, NONCE, next_link(NONCE, data), data)
    assert refused.value.seq == 3


@pytest.mark.parametrize("through", [1, 2])
def test_an_entry_that_removes_itself_is_of_another_log(through: int) -> None:
    (entry,) = history([Step(Change.NEW, 0, 0, None, (), 4, 0, None)])
    data = encode_entry(msgspec.structs.replace(entry, trim=Trim(through=through)))
    with pytest.raises(LinkError, match="of another log"):
        follow(1, NONCE, next_link(NONCE, data), data)
