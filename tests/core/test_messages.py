"""The messages of `ticker.v1`: they decode to themselves, and any other input is an error or ignored."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import encodable_text, instants, lines
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.line import Change, Direction, Line
from ticker.core.log_window import Reset
from ticker.core.messages import (
    BoardMessage,
    ByeMessage,
    EditionInfo,
    HeartbeatMessage,
    LineMessage,
    LiveMessage,
    Message,
    MessageError,
    decode_message,
    encode_line,
    encode_message,
    rfc3339,
)
from ticker.core.position import Position

POSITION = Position(1730, "0123456789abcdef")
DEEP = b"[" * 100_000

MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(
        BoardMessage,
        encodable_text(),
        st.none() | st.sampled_from(Reset),
        st.builds(EditionInfo, encodable_text(), encodable_text(), encodable_text(), st.sampled_from(Direction)),
        st.lists(lines(), max_size=3),
    ),
    st.builds(LineMessage, encodable_text(), lines()),
    st.builds(LiveMessage, encodable_text(), st.integers(0, 10_000)),
    st.builds(HeartbeatMessage, encodable_text()),
    st.builds(ByeMessage, st.integers(0, 60_000), encodable_text()),
)


@given(MESSAGES)
def test_a_message_decodes_to_itself(message: Message) -> None:
    data = encode_message(message)
    assert decode_message(data) == message
    assert decode_message(data.decode()) == message


@given(lines())
def test_encode_line_makes_a_line_message(line: Line) -> None:
    assert decode_message(encode_line(POSITION, line)) == LineMessage(str(POSITION), line)


@given(lines())
def test_a_line_on_the_wire_has_every_field_that_is_not_empty(line: Line) -> None:
    sent = msgspec.json.decode(encode_line(POSITION, line))["line"]
    given = {name for name in Line.__struct_fields__ if getattr(line, name) not in (None, (), False)}
    assert set(sent) == given


@given(instants())
def test_a_time_on_the_wire_ends_with_z(instant: datetime) -> None:
    assert rfc3339(instant).endswith("Z")
    assert datetime.fromisoformat(rfc3339(instant)) == instant


def test_messages_have_the_documented_form() -> None:
    edition = EditionInfo.of("ar", DEFAULT_EDITIONS["ar"])
    shown: list[Message] = [
        BoardMessage(str(POSITION), None, edition, []),
        BoardMessage(str(POSITION), Reset.TRIMMED, edition, []),
        LiveMessage(str(POSITION), 3),
        HeartbeatMessage(str(POSITION)),
        ByeMessage(1500, "restart"),
    ]
    rest = '"edition":{"name":"ar","title":"أخبار عاجلة","lang":"ar","dir":"rtl"},"lines":[]}'
    assert [encode_message(message).decode() for message in shown] == [
        '{"type":"board","position":"1730-0123456789abcdef","reset":null,' + rest,
        '{"type":"board","position":"1730-0123456789abcdef","reset":"trimmed",' + rest,
        '{"type":"live","position":"1730-0123456789abcdef","replayed":3}',
        '{"type":"heartbeat","position":"1730-0123456789abcdef"}',
        '{"type":"bye","retry_ms":1500,"reason":"restart"}',
    ]


def test_a_line_has_the_documented_form() -> None:
    line = Line(
        id="l1",
        version=2,
        number=7,
        change=Change.CORRECT,
        text="عاجل",
        attribution="AFP",
        lang="ar",
        dir=Direction.RTL,
        regions=("mena",),
        created_at=datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
        updated_at=datetime(2026, 11, 24, 9, 31, 0, 500_000, tzinfo=UTC),
        correction="Not five",
    )
    assert encode_line(POSITION, line).decode() == (
        '{"type":"line","position":"1730-0123456789abcdef","line":{"id":"l1","version":2,"number":7,"change":"correct",'
        '"status":"usable","text":"عاجل","attribution":"AFP","lang":"ar","dir":"rtl","urgency":4,'
        '"regions":["mena"],"created_at":"2026-11-24T09:30:00Z",'
        '"updated_at":"2026-11-24T09:31:00.500000Z","correction":"Not five"}}'
    )


@pytest.mark.parametrize(
    "data",
    [b'{"type":"weather"}', b'{"type":"weather","position":7}', b'{"position":"x","type":"boards"}', '{"type":""}'],
)
def test_an_unknown_kind_of_message_is_none(data: bytes | str) -> None:
    assert decode_message(data) is None


def test_unknown_fields_are_ignored() -> None:
    assert decode_message('{"type":"heartbeat","position":"x","mood":{"a":[1]}}') == HeartbeatMessage("x")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"heartbeat"',
        b'{"type":7,"position":"x"}',
        b'{"type":null}',
        b'{"position":"x"}',
        b'{"type":"heartbeat"}',
        b'{"type":"heartbeat","position":7}',
        b'{"type":"heartbeat","position":"\xff"}',
        b'{"type":"heartbeat","position":"x","later":' + DEEP,
        b'{"type":"weather","later":' + DEEP,
        b'{"type":"line","position":"x","line":{"id":"a"}}',
        '{"type":"heartbeat","position":"\ud800"}',
    ],
)
def test_an_invalid_message_raises_message_error(data: bytes | str) -> None:
    with pytest.raises(MessageError):
        decode_message(data)


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    good = encode_message(draw(MESSAGES))
    start = draw(st.integers(0, len(good)))
    end = draw(st.integers(start, min(start + 4, len(good))))
    return good[:start] + draw(st.binary(max_size=4)) + good[end:]


@given(st.binary() | st.text() | broken())
def test_any_input_gives_a_message_none_or_message_error(data: bytes | str) -> None:
    try:
        message = decode_message(data)
    except MessageError:
        return
    if message is not None:
        assert decode_message(encode_message(message)) == message
