from __future__ import annotations

from math import ceil

import msgspec
import pytest

from benchmarks.scaling.kernel import queued_bytes, slab_bytes
from benchmarks.scaling.limits import LAST_S, limits
from benchmarks.scaling.model import TARGET_S, followers_within, last_of, predict
from benchmarks.scaling.results import LogReaders, ProxyCosts, Unit
from benchmarks.scaling.sizes import PORTS, Costs, Goal, Host, choices, followers_per_gateway, size_of
from benchmarks.scaling.tls_followers import count_lines
from ticker.capacity.model import MARGIN
from ticker.capacity.model import Costs as FollowerCosts
from ticker.settings import Settings

UNIT = Unit(
    followers=15_000,
    behind=50,
    costs=FollowerCosts(
        delivery_s=10e-6,
        idle_s=0.01,
        line_s=0.002,
        return_s=100e-6,
        process_bytes=1_500,
        kernel_bytes=4_500,
    ),
    open_s=80e-6,
    burst_s=0.2e-6,
    byte_s=0.4e-9,
    frame_bytes=400,
    base_bytes=50_000_000,
    tail_bytes=4_000,
    connections=4,
)
PROXY = ProxyCosts(
    name="nginx",
    version="1.0",
    followers=5_000,
    gateway_delivery_s=10e-6,
    proxy_delivery_s=20e-6,
    gateway_open_s=100e-6,
    proxy_open_s=500e-6,
    proxy_idle_share=0.001,
    proxy_bytes=40_000,
    proxy_base_bytes=7_000_000,
    proxy_byte_s=2e-9,
)
COSTS = Costs(
    unit=UNIT, proxy=PROXY, log_readers=LogReaders(readers=500, line_s=0.0002, reader_s=10e-6, entry_bytes=800)
)
HOST = Host()


def test_each_worker_adds_its_cost_per_line_and_its_memory() -> None:
    one, four = (predict(UNIT, 15_000, workers, 2) for workers in (1, 4))
    assert (four.delivery_s - one.delivery_s) * 15_000 == pytest.approx(3 * 0.01)
    assert four.process_bytes - one.process_bytes == 3 * 50_000_000
    assert four.kernel_bytes == one.kernel_bytes == 15_000 * 4_500


def test_workers_send_at_the_same_time_if_they_have_cores() -> None:
    assert last_of(UNIT, 15_000, 1, 2) == pytest.approx(0.152)
    assert last_of(UNIT, 15_000, 2, 2) == pytest.approx(0.077)
    assert last_of(UNIT, 15_000, 8, 2) == pytest.approx(0.077)


@pytest.mark.parametrize(("workers", "cores"), [(1, 1), (2, 2), (8, 2)])
def test_the_last_of_the_followers_within_a_time_has_a_line_at_that_time(workers: int, cores: int) -> None:
    count = followers_within(UNIT, TARGET_S, workers, cores)
    assert last_of(UNIT, count, workers, cores) == pytest.approx(TARGET_S, abs=1e-5)


def test_no_follower_has_a_line_sooner_than_the_first() -> None:
    assert followers_within(UNIT, 0.001, 1, 1) == 0


def test_ten_thousand_readers_need_one_gateway_and_one_to_replace_it() -> None:
    size = size_of(COSTS, Goal(sockets=10_000), HOST)
    assert (size.gateways, size.gateway_hosts) == (2, 2)
    assert size.last_s == pytest.approx(0.102)
    assert size.polls_per_s == size.poll_bits_per_s == 0


def test_a_size_holds_its_goal_when_a_machine_failed() -> None:
    goal = Goal(sockets=1_000_000)
    size = size_of(COSTS, goal, HOST)
    left = size.gateways - HOST.cores
    assert ceil(goal.sockets / left) <= size.followers == followers_per_gateway(UNIT, goal)
    assert size.last_s <= MARGIN * goal.last_s + UNIT.costs.line_s
    assert size.proxy_cores * MARGIN * goal.last_s >= goal.sockets * PROXY.proxy_delivery_s
    assert goal.sockets <= (size.proxy_hosts - 1) * (size.gateway_hosts - 1) * PORTS


def test_readers_that_poll_need_no_gateway() -> None:
    with_poll, without = (size_of(COSTS, Goal(sockets=1_000_000, polling=count), HOST) for count in (49_000_000, 0))
    assert with_poll.gateways == without.gateways
    assert with_poll.polls_per_s == pytest.approx(49_000_000 / 3)


def test_less_latency_needs_more_gateways() -> None:
    few, many = choices(COSTS, 1_000_000, (50_000, 5_000))
    assert (few.gateways, many.gateways) == (20, 200)
    assert few.last_s == pytest.approx(0.502)
    assert many.last_s == pytest.approx(0.052)
    assert many.redis_s - few.redis_s == pytest.approx(180 * 10e-6)


def test_limits_are_in_the_order_in_which_they_are_reached() -> None:
    found = limits(COSTS)
    counts = [limit.readers for limit in found]
    assert counts == sorted(counts)
    assert counts[0] == Settings().followers_per_address
    assert {followers_within(UNIT, LAST_S, 1, 1), PORTS, 25_000, 20_000} <= set(counts)


def test_a_slower_proxy_is_reached_sooner() -> None:
    slow = msgspec.structs.replace(PROXY, proxy_open_s=1.0)
    (first, *_) = limits(msgspec.structs.replace(COSTS, proxy=slow))
    assert (first.readers, first.of) == (10, "proxy core")


def test_a_line_that_arrives_in_two_reads_counts_once() -> None:
    data = b'{"type":"line","text":"a"}{"type":"heartbeat"}{"type":"line","text":"b"}'
    for cut in range(len(data) + 1):
        first, end = count_lines(b"", data[:cut])
        second, rest = count_lines(end, data[cut:])
        assert (first + second, rest) == (2, b"")


def test_slab_caches_are_read_by_name() -> None:
    text = (
        "slabinfo - version: 2.1\n"
        "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables 0 0 0\n"
        "TCP                 100    120   2432   13    8 : tunables    0    0    0 : slabdata     10     10      0\n"
    )
    assert slab_bytes(text) == {"TCP": 243_200}


def test_the_bytes_in_buffers_are_those_at_the_port_of_the_server() -> None:
    rows = [
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
        "   0: 0100007F:4650 0100017F:9C40 01 00000010:00000000 01:00000014 00000000     0        0 1",
        "   1: 0100017F:9C40 0100007F:4650 01 00000000:00000020 00:00000000 00000000     0        0 2",
        "   2: 0100007F:0050 0100017F:9C41 01 00000700:00000700 00:00000000 00000000     0        0 3",
    ]
    assert queued_bytes("\n".join(rows), 0x4650) == (16, 32)
