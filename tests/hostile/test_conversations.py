"""Any bytes from a reader, in any pieces, get a known answer and leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hostile.counts import TRIED
from tests.hostile.inputs import POSITIONS, conversations, frames, queries
from tests.hostile.properties import ConversationCheck
from tests.hostile.smuggling import CASES
from tests.support.strategies import ENGLISH
from ticker.core.errors import PositionError
from ticker.core.position import Position
from ticker.gateway.admission import Refusal, client_address, parse_networks
from ticker.gateway.framing import Framing
from ticker.gateway.handshake import Request, parse_request

HOPS = ("1.2.3.4", "10.0.0.3", "::ffff:1.2.3.4", "1.2.3.4:80", ",,", "10.0.0.3, 1.2.3.4", "1.2.3.4, 10.0.0.3")
many = settings(max_examples=800, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def conversation() -> Iterator[ConversationCheck]:
    check = ConversationCheck()
    yield check
    check.loop.close()


@many
@given(pieces=conversations())
def test_every_conversation_gets_known_responses_and_leaves_nothing(
    conversation: ConversationCheck, pieces: list[bytes]
) -> None:
    conversation.check_conversation(pieces)
    TRIED["hostile conversations"] += 1


@many
@given(
    sent=frames(),
    cuts=st.lists(st.integers(0, 6000), max_size=4),
    offers_compression=st.booleans(),
    is_ahead=st.booleans(),
)
def test_every_frame_is_answered_or_closed_with_a_code(
    conversation: ConversationCheck, sent: bytes, cuts: list[int], offers_compression: bool, is_ahead: bool
) -> None:
    conversation.check_frames(sent, cuts, offers_compression=offers_compression, is_ahead=is_ahead)
    TRIED["hostile frames"] += 1


@pytest.mark.parametrize("case", CASES)
def test_a_smuggled_request_leaves_nothing(conversation: ConversationCheck, case: str) -> None:
    """`test_smuggling` sends the same to a real gateway. Here the test also sees the kept state."""
    conversation.check_conversation([CASES[case][0].encode("latin-1")])


@many
@given(query=queries(), last_event_id=st.none() | st.sampled_from(POSITIONS) | st.text())
def test_every_query_is_parsed_or_refused_with_a_code(query: str, last_event_id: str | None) -> None:
    answer = _parse_or_refuse(query, last_event_id)
    if isinstance(answer, Refusal):
        assert answer.status == 400
        assert answer.code.isalpha()
        assert len(answer.detail) < 1000
    else:
        assert 1 <= answer.options.lines <= 100
    TRIED["hostile queries"] += 1


def _parse_or_refuse(query: str, last_event_id: str | None) -> Request | Refusal:
    try:
        return parse_request(ENGLISH, Framing.EVENTS, query, last_event_id)
    except Refusal as refusal:
        return refusal


@given(st.sampled_from(POSITIONS) | st.text() | st.from_regex(r"\A[0-9]{1,20}-[0-9a-f]{15,17}\Z"))
def test_a_parsed_position_has_the_same_text(text: str) -> None:
    with suppress(PositionError):
        assert str(Position.parse(text)) == text
    TRIED["hostile positions"] += 1


@given(
    st.sampled_from(("10.0.0.1", "192.0.2.1", "::1", "::ffff:10.0.0.2", "", "nonsense")),
    st.lists(st.text(max_size=60) | st.sampled_from(HOPS), max_size=5),
)
def test_only_a_trusted_proxy_can_forward_an_address(peer: str, forwarded: list[str]) -> None:
    found = client_address(peer, forwarded, parse_networks(["10.0.0.0/8"]))
    if found != peer:
        ip_address(found)
        assert peer in ("10.0.0.1", "::ffff:10.0.0.2")
    TRIED["forged forwarded addresses"] += 1
