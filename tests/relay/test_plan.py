from __future__ import annotations

from datetime import timedelta

import msgspec

from tests.support.relay_simulation import INFO, START, line
from ticker.core.line import VERSION_LAST, Line, Status
from ticker.core.log_window import Reset
from ticker.core.messages import BoardMessage, ForgetMessage, LineMessage
from ticker.relay.book import Limits
from ticker.relay.plan import Plan
from ticker.relay.records import (
    Acknowledged,
    Delivery,
    Disabled,
    Failed,
    Kind,
    Missing,
    Outcome,
    Refused,
    RouteState,
    Unknown,
    Verdict,
)

NOW = START.timestamp()
LOST = Failed(reason="reply lost")
UNSENT = Failed(reason="refused", is_unsent=True)


def plan_of(**limits: object) -> Plan:
    """Return a plan that has read an empty board."""
    return Plan(Limits(**limits), RouteState(position=f"0-{'f' * 16}"), chance=lambda: 0.0)  # type: ignore[arg-type]


def read(plan: Plan, *lines: Line, now: float = NOW) -> None:
    for each in lines:
        seq = 1 + int((plan.state.position or "0").partition("-")[0])
        plan.receive(LineMessage(f"{seq}-{'a' * 16}", each), now)


def send(plan: Plan, outcome: Outcome, now: float = NOW) -> list[Delivery]:
    """Start everything that is due, and end it with `outcome`."""
    started = plan.start(now)
    for delivery in started:
        plan.finish(delivery, outcome, now)
    return started


def verdicts(plan: Plan) -> list[tuple[int, Verdict]]:
    return [(each.version, each.verdict) for each in plan.take_changes().reports]


def withdrawal(version: int = 2, line_id: str = "a") -> Line:
    return line(line_id, version, 1, Status.CANCELED)


def test_withdrawal_of_a_line_that_was_never_attempted_is_not_sent() -> None:
    plan = plan_of()
    read(plan, line("a", 1, 1), withdrawal())
    assert plan.start(NOW) == []
    assert verdicts(plan) == [(1, Verdict.REPLACED), (2, Verdict.NEVER_SENT)]


def test_withdrawal_is_sent_if_the_reply_to_the_text_was_lost() -> None:
    plan = plan_of()
    read(plan, line("a", 1, 1))
    send(plan, LOST)
    read(plan, withdrawal())
    assert [(each.kind, each.version) for each in send(plan, Acknowledged())] == [(Kind.WITHDRAWN, 2)]
    assert verdicts(plan) == [(1, Verdict.REPLACED), (2, Verdict.GONE)]


def test_withdrawal_is_not_sent_if_no_attempt_reached_the_receiver() -> None:
    plan = plan_of()
    read(plan, line("a", 1, 1))
    (running,) = plan.start(NOW)
    read(plan, withdrawal())
    plan.finish(running, UNSENT, NOW)
    assert plan.start(NOW + 1000) == []
    assert verdicts(plan)[-1] == (2, Verdict.NEVER_SENT)


def test_withdrawal_does_not_wait_for_retries_or_for_a_receiver_in_trouble() -> None:
    plan = plan_of()
    read(plan, line("a", 1, 1), line("b", 1, 2))
    send(plan, Failed(reason="429", retry_after_s=3000))
    read(plan, withdrawal())
    assert [each.version for each in plan.start(NOW)] == [2]


def test_texts_on_all_connections_leave_room_for_a_withdrawal() -> None:
    plan = plan_of(parallel=2)
    read(plan, line("a", 1, 1))
    send(plan, Acknowledged())
    read(plan, line("b", 1, 2), line("c", 1, 3), line("d", 1, 4))
    assert len(plan.start(NOW)) == 2
    read(plan, withdrawal())
    assert [each.kind for each in plan.start(NOW)] == [Kind.WITHDRAWN]


def test_version_that_was_replaced_while_it_ran_is_overtaken_and_only_the_newest_is_sent() -> None:
    plan = plan_of()
    read(plan, line("a", 1, 1))
    (running,) = plan.start(NOW)
    read(plan, line("a", 2, 1), withdrawal(3))
    assert plan.overtaken == [running]
    assert plan.start(NOW) == [], "one attempt per line at a time"
    plan.finish(running, LOST, NOW)
    assert [each.version for each in plan.start(NOW)] == [3]


def test_lines_above_the_limit_stay_in_the_log_and_are_read_again() -> None:
    plan = plan_of(pending=2)
    read(plan, line("a", 1, 1), line("b", 1, 2))
    send(plan, LOST)
    position = plan.state.position
    read(plan, line("c", 1, 3), withdrawal())
    assert (plan.state.position, "c" in plan.records) == (position, False)
    assert plan.records["a"].version == 2, "the withdrawal was read ahead"
    before = plan.needs_reread
    send(plan, Acknowledged(), NOW + 1000)
    send(plan, Acknowledged(), NOW + 1000)
    assert (before, plan.needs_reread) == (False, True)
    assert plan.reread() == position


def test_first_board_is_sent_or_only_known() -> None:
    board = BoardMessage(f"3-{'a' * 16}", None, INFO, [line("b", 1, 2), line("a", 1, 1)])
    for sends, expected in ((True, ["a", "b"]), (False, [])):
        plan = Plan(Limits(sends_board=sends))
        plan.receive(board, NOW)
        assert [each.line for each in plan.start(NOW)] == expected
        assert plan.state.position == f"3-{'a' * 16}"


def test_reset_updates_what_changed_and_drops_what_the_board_no_longer_has() -> None:
    plan = plan_of()
    read(plan, line("a", 3, 1), line("b", 1, 2), line("c", 1, 3))
    send(plan, Acknowledged())
    plan.receive(BoardMessage(f"9-{'b' * 16}", Reset.REPLACED, INFO, [line("b", 1, 2), line("a", 2, 1)]), NOW)
    started = send(plan, Acknowledged())
    assert [(each.line, each.kind, each.version) for each in started] == [("c", Kind.DROPPED, 0), ("a", "published", 2)]
    read(plan, line("c", 1, 9))
    assert [each.line for each in plan.start(NOW)] == ["c"], "in the new history, any version is newer"


def test_line_that_is_missing_on_an_incomplete_board_is_not_dropped() -> None:
    plan = plan_of()
    read(plan, line("a", 1, 1))
    send(plan, Acknowledged())
    plan.receive(BoardMessage(f"9-{'b' * 16}", Reset.REPLACED, INFO, [], incomplete=True), NOW)
    assert plan.start(NOW) == []


def test_expired_line_is_not_sent_but_the_withdrawal_of_a_delivered_one_is() -> None:
    plan = plan_of()
    read(plan, msgspec.structs.replace(line("a", 1, 1), expires_at=START + timedelta(seconds=-1)))
    assert plan.start(NOW) == []
    read(plan, msgspec.structs.replace(line("b", 1, 2), expires_at=START + timedelta(seconds=60)))
    send(plan, Acknowledged())
    read(plan, withdrawal(line_id="b"), now=NOW + 90)
    assert [each.kind for each in plan.start(NOW + 90)] == [Kind.WITHDRAWN]


def test_withdrawal_of_a_forgotten_line_is_sent_even_if_nothing_is_known_of_it() -> None:
    plan = plan_of()
    read(plan, line("a", 1, 1))
    plan.receive(ForgetMessage(("a", "unknown")), NOW)
    assert (plan.start(NOW), plan.records) == ([], {})
    read(plan, withdrawal(VERSION_LAST))
    assert [each.kind for each in plan.start(NOW)] == [Kind.WITHDRAWN]


def test_disabled_receiver_gets_nothing_and_each_withdrawal_the_verdict_cant_undo() -> None:
    plan = plan_of()
    read(plan, line("a", 1, 1), line("b", 1, 2))
    send(plan, Acknowledged())
    read(plan, line("c", 1, 3))
    send(plan, Disabled(reason="410"))
    position = plan.state.position
    plan.take_changes()
    read(plan, withdrawal(), line("d", 1, 5))
    assert (plan.start(NOW + 9999), plan.next_at(), plan.state.position) == ([], None, position)
    assert verdicts(plan) == [(2, Verdict.CANT_UNDO)]
    plan.enable()
    assert plan.needs_reread
    assert [each.line for each in plan.start(NOW)] == ["a", "c"]


def test_delivery_that_fails_for_too_long_is_given_up_until_a_replay() -> None:
    plan = plan_of(give_up_s=100.0)
    read(plan, line("a", 1, 1))
    send(plan, LOST)
    read(plan, withdrawal())
    send(plan, LOST, NOW + 99)
    assert plan.parked == 0
    send(plan, LOST, NOW + 500)
    assert (plan.parked, plan.next_at()) == (1, None)
    assert verdicts(plan)[-1] == (2, Verdict.CANT_UNDO)
    plan.enable()
    assert [each.version for each in plan.start(NOW + 500)] == [2]


def test_known_lines_are_bounded_and_nothing_that_waits_is_dropped() -> None:
    plan = plan_of(lines=20, pending=5)
    read(plan, line("waits", 1, 1))
    (waits,) = plan.start(NOW)
    for number in range(200):
        read(plan, line(f"line-{number}", 1, number + 2))
        send(plan, Acknowledged())
    assert len(plan.records) <= 20
    plan.finish(waits, LOST, NOW)
    assert [each.line for each in plan.start(NOW + 9999)] == ["waits"]


def test_order_keeps_growing_when_the_clock_goes_back() -> None:
    plan = plan_of()
    read(plan, line("a", 1, 1))
    read(plan, line("b", 1, 2), now=NOW - 500)
    first, second = plan.start(NOW)
    assert (first.line, second.order) == ("a", first.order + 1)


def test_attempt_on_a_service_is_open_until_its_outcome_is_known() -> None:
    plan = plan_of(settle_s=90.0)
    read(plan, line("a", 1, 1))
    (running,) = plan.start(NOW)
    stored = plan.records["a"].open
    assert stored is not None, "it is stored before the attempt begins"
    assert (stored.first, stored.at, len(stored.tried)) == (running.order, NOW, 1)
    assert plan.post(running).open is None
    plan.finish(running, UNSENT, NOW)
    assert plan.records["a"].open is None


def test_edit_is_done_again_when_no_earlier_request_can_undo_it() -> None:
    plan = plan_of(settle_s=90.0)
    read(plan, line("a", 1, 1))
    send(plan, Acknowledged(ref="7", shown="x"))
    read(plan, line("a", 2, 1))
    send(plan, LOST)
    read(plan, withdrawal(3))
    assert [each.version for each in send(plan, Acknowledged(), NOW + 5)] == [3]
    assert plan.records["a"].ref == "7"
    assert plan.start(NOW + 89) == []
    assert [each.version for each in send(plan, Acknowledged(), NOW + 95)] == [3]
    assert verdicts(plan)[-1] == (3, Verdict.GONE)
    record = plan.records["a"]
    assert record.ref is None
    assert record.open is None


def test_post_that_was_removed_is_created_again_at_once() -> None:
    plan = plan_of(settle_s=90.0)
    read(plan, line("a", 1, 1))
    send(plan, Acknowledged(ref="7"))
    read(plan, line("a", 2, 1))
    send(plan, Missing())
    (again,) = plan.start(NOW)
    assert plan.post(again).ref is None


def test_unknown_outcome_waits_for_a_replay_and_its_withdrawal_cant_be_undone() -> None:
    plan = plan_of(settle_s=90.0)
    read(plan, line("a", 1, 1))
    send(plan, LOST)
    send(plan, Unknown(reason="look there"), NOW + 500)
    assert (plan.start(NOW + 9999), plan.parked) == ([], 1)
    assert verdicts(plan) == [(1, Verdict.UNKNOWN)]
    plan.enable()
    (again,) = plan.start(NOW + 9999)
    opened = plan.post(again).open
    assert opened is not None
    assert (opened.tried, opened.first > 0) == ((), True), (
        "the text may be sent again, but the first one isn't forgotten"
    )
    plan.finish(again, Acknowledged(ref="8", leaves_copy=True), NOW + 9999)
    read(plan, withdrawal(), now=NOW + 9999)
    send(plan, Acknowledged(leaves_copy=True), NOW + 9999)
    assert verdicts(plan)[-1] == (2, Verdict.CANT_UNDO)


def test_withdrawal_of_a_post_that_no_state_knows_is_not_sent() -> None:
    plan = plan_of(settle_s=90.0)
    plan.receive(BoardMessage(f"3-{'a' * 16}", None, INFO, [withdrawal()]), NOW)
    assert plan.start(NOW) == []
    assert verdicts(plan) == [(2, Verdict.NEVER_SENT)]


def test_a_text_that_comes_back_after_a_refused_deletion_is_sent_again() -> None:
    """Telegram deletes no old message, so its text was replaced by "Withdrawn" instead."""
    plan = plan_of(settle_s=90.0)
    read(plan, line("a", 1, 1))
    send(plan, Acknowledged(ref="101", shown="digest"))
    read(plan, line("a", 2, 1, Status.WITHHELD))
    send(plan, Refused(reason="too old: its text was replaced"))
    read(plan, line("a", 3, 1, text="a version 1"))
    (delivery,) = plan.start(NOW)
    assert (plan.post(delivery).ref, plan.post(delivery).shown) == ("101", "")
