"""Limits on connections that are not followers yet, on a clock that the test sets."""

from __future__ import annotations

from collections import Counter

from tests.support.gateway_fixtures import kept_of_connections
from ticker.gateway.admission import parse_networks
from ticker.gateway.connection_limits import ConnectionLimits
from ticker.settings import Settings


class FakeConnection:
    """A connection that only records that it was cut off."""

    def __init__(self) -> None:
        self.is_cut_off = False

    def cut_off(self) -> None:
        self.is_cut_off = True


class Gateway:
    """The limits and the refusals that they count."""

    def __init__(self, connections_max: int = 100, proxies: list[str] | None = None, **settings: object) -> None:
        self.refused: Counter[str] = Counter()
        chosen = Settings(**settings)  # type: ignore[arg-type]
        self.limits = ConnectionLimits(chosen, connections_max, parse_networks(proxies or []), self.refused)


def test_connection_without_a_file_descriptor_is_refused() -> None:
    gateway = Gateway(connections_max=2)
    assert gateway.limits.has_room(2)
    assert not gateway.limits.has_room(3)
    assert gateway.refused == {"connections": 1}


def test_address_has_as_many_connections_as_it_may_have_followers() -> None:
    gateway = Gateway(followers_per_address=2)
    assert [gateway.limits.enter("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert gateway.limits.enter("192.0.2.2")
    assert gateway.refused == {"address-full": 1}
    gateway.limits.leave("192.0.2.1")
    assert gateway.limits.enter("192.0.2.1")


def test_ipv6_addresses_of_one_network_count_as_one() -> None:
    limits = Gateway(followers_per_address=2).limits
    neighbours = [f"2001:db8::{number}" for number in range(1, 4)]
    assert [limits.enter(address) for address in neighbours] == [True, True, False]
    assert limits.enter("2001:db8:0:1::1")
    for address in (*neighbours[:2], "2001:db8:0:1::1"):
        limits.leave(address)
    assert kept_of_connections(limits) == {}


def test_connections_through_a_trusted_proxy_are_not_limited() -> None:
    limits = Gateway(followers_per_address=1, proxies=["10.0.0.0/8"]).limits
    assert [limits.enter("10.0.0.1") for _ in range(3)] == [True] * 3


def test_connection_without_a_complete_request_in_time_is_cut_off() -> None:
    limits, late, quick = Gateway(handshake_s=10.0).limits, FakeConnection(), FakeConnection()
    limits.start_request_timeout(late, 0.0)
    limits.start_request_timeout(quick, 0.0)
    limits.start_request_timeout(late, 9.0)  # more bytes of the same request don't extend the time
    limits.stop_request_timeout(quick)
    limits.cut_off_overdue(10.0)
    assert not late.is_cut_off
    limits.cut_off_overdue(10.1)
    assert (late.is_cut_off, quick.is_cut_off, limits.timed_out) == (True, False, 1)
    assert kept_of_connections(limits) == {}


def test_connection_that_does_not_read_its_response_is_cut_off() -> None:
    limits, stalled, reading = Gateway(follower_paused_s=30.0).limits, FakeConnection(), FakeConnection()
    limits.add_unread(stalled, 1000, 0.0)
    limits.add_unread(reading, 1000, 0.0)
    limits.remove_unread(reading)
    limits.cut_off_overdue(30.1)
    assert (stalled.is_cut_off, reading.is_cut_off, limits.unread_cut_off) == (True, False, 1)
    assert kept_of_connections(limits) == {}


def test_connections_stalled_longest_are_cut_off_when_unread_responses_exceed_their_limit() -> None:
    limits, connections = Gateway(unread_bytes=2000).limits, [FakeConnection() for _ in range(4)]
    for second, connection in enumerate(connections):
        limits.add_unread(connection, 900, float(second))
        assert limits.unread_bytes <= 2000
    assert [connection.is_cut_off for connection in connections] == [True, True, False, False]


def test_removing_an_uncounted_connection_changes_nothing() -> None:
    limits = Gateway().limits
    limits.remove_unread(FakeConnection())
    limits.stop_request_timeout(FakeConnection())
    assert kept_of_connections(limits) == {}
