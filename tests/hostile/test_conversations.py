"""Whatever bytes a reader sends, in whatever pieces: known answers, in known words, and nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from ipaddress import ip_address
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hostile.connection import CLOSE_CODES, House, judge
from tests.hostile.inputs import POSITIONS, UPGRADE, conversations, frames, queries, request
from tests.hostile.tally import TRIED
from tests.hostile.test_smuggling import CASES
from tests.support.strategies import ENGLISH
from ticker.core.errors import PositionError
from ticker.core.position import Position
from ticker.gateway.admission import Refusal, client_address, parse_networks
from ticker.gateway.framing import Framing
from ticker.gateway.handshake import Request, parse_request

COMPRESSION = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
HOPS = ("1.2.3.4", "10.0.0.3", "::ffff:1.2.3.4", "1.2.3.4:80", ",,", "10.0.0.3, 1.2.3.4", "1.2.3.4, 10.0.0.3")
many = settings(max_examples=800, suppress_health_check=list(HealthCheck))


class Place:
    """A gateway without sockets, and the loop that it runs in."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.house = self.loop.run_until_complete(self._build())

    async def _build(self) -> House:
        return House()

    def talk(self, pieces: Sequence[bytes]) -> bytes:
        return bytes(self.loop.run_until_complete(self.house.talk(pieces)).sent)

    def check_conversation(self, pieces: Sequence[bytes]) -> None:
        """Known words, and nothing left."""
        judge(self.talk(pieces), pieces)
        assert self.house.is_empty()

    def check_frames(self, sent: bytes, cuts: Sequence[int], *, offers_compression: bool) -> None:
        """After a handshake, the reader sends these bytes, cut there: they are answered, or closed with a code."""
        places = sorted({cut % (len(sent) + 1) for cut in cuts} | {0, len(sent)})
        handshake = request("GET", "/v1/en/live", "1.1", [*UPGRADE, *([COMPRESSION] * offers_compression)], b"")
        pieces = [handshake, *(sent[start:end] for start, end in pairwise(places))]
        ending = judge(self.talk(pieces), pieces)
        word, _, code = ending.partition(" ")
        assert word in ("101", "close"), ending
        # A code that the gateway chose, or the peer's own, echoed.
        assert not code or int(code) in CLOSE_CODES or int(code) == 1005 or int(code).to_bytes(2, "big") in sent
        assert self.house.is_empty()


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    made = Place()
    yield made
    made.loop.close()


@many
@given(pieces=conversations())
def test_every_conversation_ends_in_known_words_and_leaves_nothing(place: Place, pieces: list[bytes]) -> None:
    place.check_conversation(pieces)
    TRIED["hostile conversations"] += 1


@many
@given(sent=frames(), cuts=st.lists(st.integers(0, 6000), max_size=4), offers_compression=st.booleans())
def test_every_frame_is_answered_or_closed_with_a_code(
    place: Place, sent: bytes, cuts: list[int], offers_compression: bool
) -> None:
    place.check_frames(sent, cuts, offers_compression=offers_compression)
    TRIED["hostile frames"] += 1


@pytest.mark.parametrize("how", CASES)
def test_what_is_sent_behind_a_request_leaves_nothing(place: Place, how: str) -> None:
    """In one piece, as `test_smuggling` sends it to a whole gateway: here it shows what is kept of it."""
    place.check_conversation([CASES[how][0].encode("latin-1")])


@many
@given(query=queries(), last_event_id=st.none() | st.sampled_from(POSITIONS) | st.text())
def test_every_query_is_read_or_refused_with_a_word(query: str, last_event_id: str | None) -> None:
    answer = _read_or_refused(query, last_event_id)
    if isinstance(answer, Refusal):
        assert answer.status == 400
        assert answer.code.isalpha()
        assert len(answer.detail) < 1000
    else:
        assert 1 <= answer.options.lines <= 100
    TRIED["hostile queries"] += 1


def _read_or_refused(query: str, last_event_id: str | None) -> Request | Refusal:
    try:
        return parse_request(ENGLISH, Framing.EVENTS, query, last_event_id)
    except Refusal as refusal:
        return refusal


@given(st.sampled_from(POSITIONS) | st.text() | st.from_regex(r"\A[0-9]{1,20}-[0-9a-f]{15,17}\Z"))
def test_a_position_is_read_as_it_is_written_or_not_at_all(text: str) -> None:
    with suppress(PositionError):
        assert str(Position.parse(text)) == text
    TRIED["hostile positions"] += 1


@given(
    st.sampled_from(("10.0.0.1", "192.0.2.1", "::1", "::ffff:10.0.0.2", "", "nonsense")),
    st.lists(st.text(max_size=60) | st.sampled_from(HOPS), max_size=5),
)
def test_a_forwarded_address_is_one_and_only_a_proxy_of_ours_sets_it(peer: str, forwarded: list[str]) -> None:
    found = client_address(peer, forwarded, parse_networks(["10.0.0.0/8"]))
    if found != peer:
        ip_address(found)
        assert peer in ("10.0.0.1", "::ffff:10.0.0.2")
    TRIED["forged forwarded addresses"] += 1
