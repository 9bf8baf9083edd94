from __future__ import annotations

import msgspec
import pytest

from ticker.capacity.measurement import Check, Step, costs_of
from ticker.capacity.model import MARGIN, Costs, Machine, Plan, cpu_per_line_of, p99_of, predict, storm_of

COSTS = Costs(delivery_s=14e-6, idle_s=0.002, line_s=0.003, return_s=100e-6, process_bytes=1_600, kernel_bytes=4_400)
MACHINE = Machine(cores=2, memory_bytes=16 * 10**9, files=1_000_000)
PLAN = Plan(workers=2)


def test_cpu_is_the_first_limit_of_a_machine_with_enough_of_everything_else() -> None:
    prediction = predict(COSTS, MACHINE, PLAN)
    assert prediction.first_limit == "CPU"
    # Two cores for a second, less the margin and the idle time of both processes.
    assert prediction.followers == int((2 * MARGIN - 0.004) / 14e-6)
    assert prediction.cores == pytest.approx(2 * MARGIN, rel=1e-3)
    assert prediction.p99_s < PLAN.p99_s


@pytest.mark.parametrize(
    ("first", "machine", "plan"),
    [
        ("memory", {"memory_bytes": 10**8}, {}),
        ("files", {"files": 1_000}, {}),
        ("latency", {}, {"interval_s": 60.0, "p99_s": 0.5}),
    ],
)
def test_the_smallest_limit_is_the_first(first: str, machine: dict[str, int], plan: dict[str, float]) -> None:
    prediction = predict(COSTS, msgspec.structs.replace(MACHINE, **machine), msgspec.structs.replace(PLAN, **plan))
    assert prediction.first_limit == first
    assert prediction.followers == min(prediction.limits.values()) == prediction.limits[first]


def test_files_are_counted_per_process() -> None:
    machine = msgspec.structs.replace(MACHINE, files=1_000)
    assert predict(COSTS, machine, Plan(workers=3)).followers == 3_000


def test_more_processes_than_cores_do_not_carry_more() -> None:
    few, many = (predict(COSTS, MACHINE, Plan(workers=workers)) for workers in (2, 8))
    assert many.followers < few.followers
    assert many.followers == pytest.approx(few.followers, rel=0.05)


def test_fewer_lines_leave_room_for_more_followers_until_latency_decides() -> None:
    plans = [Plan(workers=2, interval_s=interval, p99_s=5.0) for interval in (1.0, 2.0, 100.0)]
    rare = [predict(COSTS, MACHINE, plan) for plan in plans]
    assert rare[1].followers == pytest.approx(2 * rare[0].followers, rel=0.01)
    assert rare[2].first_limit == "latency"


def test_a_line_that_takes_longer_than_allowed_leaves_room_for_nobody() -> None:
    assert predict(COSTS, MACHINE, Plan(workers=2, p99_s=0.002)).followers == 0


def test_a_storm_is_limited_by_the_setting_or_by_the_cpu() -> None:
    assert storm_of(COSTS, 40_000, MACHINE, PLAN) == pytest.approx(10.0)
    assert storm_of(COSTS, 40_000, MACHINE, msgspec.structs.replace(PLAN, handshakes_per_s=0)) == pytest.approx(2.0)


def step(followers: int, cpu_s: float, memory: int = 0) -> Step:
    return Step(
        followers=followers,
        cpu_per_line_s=cpu_s,
        first_s=0.003,
        p99_s=0.1,
        process_bytes=memory,
        kernel_bytes=2 * memory,
    )


def test_costs_are_the_line_through_two_steps() -> None:
    costs = costs_of(step(1_000, 0.016), step(3_000, 0.044, 6_000_000), (3_000_000, 6_000_000), 1e-4)
    assert costs.delivery_s == pytest.approx(14e-6)
    assert costs.idle_s == pytest.approx(0.002)
    assert (costs.process_bytes, costs.kernel_bytes) == (1_000, 1_000)
    assert cpu_per_line_of(costs, 5_000, 1) == pytest.approx(0.072)
    assert p99_of(costs, 5_000, 1) == pytest.approx(0.003 + 0.99 * 0.07)


@pytest.mark.parametrize("small_cpu_s", [0.05, 0.001])
def test_a_disturbed_step_gives_costs_that_are_not_too_low(small_cpu_s: float) -> None:
    costs = costs_of(step(1_000, small_cpu_s), step(3_000, 0.044), (0, 0), 1e-4)
    assert costs.delivery_s == pytest.approx(0.044 / 3_000)
    assert costs.idle_s == 0


@pytest.mark.parametrize(("measured", "is_disturbed"), [(0.15, False), (0.3, True)])
def test_a_line_that_arrives_much_later_than_predicted_shows_a_busy_machine(
    measured: float,
    is_disturbed: bool,
) -> None:
    check = Check(
        followers=1,
        predicted_cpu_per_line_s=0.1,
        measured_cpu_per_line_s=0.1,
        predicted_p99_s=0.1,
        measured_p99_s=measured,
    )
    assert check.is_disturbed is is_disturbed
