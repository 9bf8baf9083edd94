"""Limits on followers and handshakes, on a clock that the test sets, and the address that is counted."""

from __future__ import annotations

import pytest

from ticker.gateway.admission import Admission, Refusal, client_address, counted_as, parse_networks
from ticker.settings import Settings

FILES = 100_000
PROXIES = parse_networks(["10.0.0.0/8", "2001:db8::/32"])


def refusal(admission: Admission, address: str = "192.0.2.1", now: float = 0.0) -> Refusal:
    with pytest.raises(Refusal) as caught:
        admission.admit(address, now)
    return caught.value


def test_full_gateway_refuses_with_a_retry_delay() -> None:
    admission = Admission(Settings(followers=2), FILES)
    admission.admit("a", 0)
    admission.admit("b", 0)
    refused = refusal(admission)
    assert (refused.status, refused.code, refused.retry_s) == (503, "full", 5)
    assert admission.refused == {"full": 1}


def test_released_follower_makes_room() -> None:
    admission = Admission(Settings(followers=1), FILES)
    admission.admit("a", 0)
    admission.release("a")
    admission.admit("b", 0)
    assert admission.followers == 1


def test_full_address_is_refused_while_others_are_admitted() -> None:
    admission = Admission(Settings(followers_per_address=2), FILES)
    admission.admit("a", 0)
    admission.admit("a", 0)
    assert (refusal(admission, "a").status, refusal(admission, "a").code) == (429, "address-full")
    admission.admit("b", 0)


def test_address_without_followers_is_forgotten() -> None:
    admission = Admission(Settings(), FILES)
    admission.admit("a", 0)
    admission.release("a")
    assert not admission._per_address


def test_refused_follower_is_not_counted() -> None:
    admission = Admission(Settings(followers_per_address=1), FILES)
    admission.admit("a", 0)
    refusal(admission, "a")
    admission.release("a")
    admission.admit("a", 0)


def test_rate_allows_a_burst_of_one_second() -> None:
    admission = Admission(Settings(handshakes_per_s=10), FILES)
    for _ in range(10):
        admission.admit("a", 100.0)
    assert (refusal(admission, now=100.0).status, refusal(admission, now=100.0).code) == (503, "busy")
    refusal(admission, now=100.05)
    admission.admit("a", 100.15)
    refusal(admission, now=100.15)


def test_address_that_reconnects_all_the_time_leaves_half_of_the_rate_to_others() -> None:
    admission = Admission(Settings(handshakes_per_s=100, followers_per_address=20), FILES)

    def come_and_go(address: str, now: float) -> str:
        try:
            admission.admit(address, now)
        except Refusal as refusal:
            return refusal.code
        admission.release(address)
        return ""

    greedy = [come_and_go("a", 100.0 + number / 1000) for number in range(1000)]
    assert set(greedy) == {"", "address-busy"}
    assert admission._tokens >= 49
    others = [come_and_go(f"b{number}", 101.0) for number in range(40)]
    office = [come_and_go("c", 101.0) for _ in range(9)]
    assert others + office == [""] * len(others + office)
    assert [come_and_go("a", 200.0) for _ in range(20)] == [""] * 20
    assert len(admission._recent) == 1


def test_idle_time_saves_up_no_more_than_one_second_of_the_rate() -> None:
    admission = Admission(Settings(handshakes_per_s=10), FILES)
    for _ in range(10):
        admission.admit("a", 100_000.0)
    assert refusal(admission, now=100_000.0).code == "busy"


def test_limit_of_zero_is_unlimited() -> None:
    admission = Admission(Settings(followers=0, followers_per_address=0, handshakes_per_s=0), FILES)
    for _ in range(20_000):
        admission.admit("a", 0)
    assert admission.followers == 20_000


@pytest.mark.parametrize(
    ("wanted", "files", "followers"),
    [
        (18_000, 1_048_576, 18_000),
        (18_000, 1024, 960),
        (0, 1024, 960),
        (0, 20_000, 19_000),
        (18_000, 10, 1),
        (5, 1024, 5),
    ],
)
def test_followers_leave_file_descriptors_for_everything_else(wanted: int, files: int, followers: int) -> None:
    assert Admission(Settings(followers=wanted), files).followers_max == followers


def test_draining_gateway_refuses_followers() -> None:
    admission = Admission(Settings(), FILES)
    admission.draining = True
    assert (refusal(admission).status, refusal(admission).code) == (503, "draining")


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),  # not a trusted proxy: its header is ignored
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.7, 203.0.113.9"], "203.0.113.9"),  # the client may have invented the left one
        ("10.0.0.1", ["198.51.100.7", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9, 10.0.0.2, 10.1.2.3"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),  # some proxies add the client's port
        ("10.0.0.1", ["[2001:db9::1]:4711"], "2001:db9::1"),
        ("10.0.0.1", ["[2001:db9::1]"], "2001:db9::1"),
        ("10.0.0.1", ["203.0.113.9:4711, 10.0.0.2:80"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9,"], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.7"], "10.0.0.7"),
        ("2001:db8::1", ["2001:DB8:1::0001, 2400::1"], "2400::1"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),  # an IPv4-mapped address
        ("10.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("", ["203.0.113.9"], ""),
    ],
)
def test_client_address_is_the_nearest_that_is_not_a_trusted_proxy(
    peer: str, forwarded: list[str], address: str
) -> None:
    assert client_address(peer, forwarded, PROXIES) == address


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),  # otherwise all of IPv4 would count as one network
        ("::ffff:c000:202", "192.0.2.2"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a:b", "a:b"),
    ],
)
def test_ipv6_address_is_counted_as_its_64_network(address: str, counted: str) -> None:
    assert counted_as(address) == counted


def test_forwarded_header_is_ignored_without_trusted_proxies() -> None:
    assert client_address("10.0.0.1", ["203.0.113.9"], ()) == "10.0.0.1"
