"""The house rule `duplicate`: a new line that is similar to one on the board, of the last hour, or held."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from tests.support.house_rules import ENGLISH, SAID, board_of, edition_of, new, outcome_of, refused, warned
from tests.support.strategies import START, context, post
from ticker.core.board import Board
from ticker.core.edition import Edition
from ticker.core.held import Held
from ticker.core.line import Change
from ticker.core.outcome import Hold, Outcome, Publish, Refuse, decide, publish_held
from ticker.core.rules.recent_lines import DUPLICATE_LINES
from ticker.core.submission import Finding, Submission

AGAIN = "Ferry office: Storm Odile reaches the cost of Valmora!"


def test_a_duplicate_is_refused_with_the_id_of_the_other_line() -> None:
    outcome = outcome_of(new(AGAIN), board=board_of("Weather office: Rain", SAID, "Weather office: Snow"))
    assert isinstance(outcome, Refuse)
    assert outcome.errors == (
        Finding(
            "duplicate",
            "the text is 98 % similar to the line line-2: update that line, or post yours anyway (`--again`)",
        ),
    )


def test_a_text_with_the_same_words_matches() -> None:
    outcome = outcome_of(new(SAID), board=board_of(SAID))
    assert isinstance(outcome, Refuse)
    assert outcome.errors[0].detail.startswith("the text matches the line line-1: ")


def test_a_duplicate_with_again_is_published_and_recorded_as_overridden() -> None:
    outcome = outcome_of(new(AGAIN, again=True), board=board_of(SAID))
    assert isinstance(outcome, Publish)
    assert outcome.entry.overridden == ("duplicate",)


def test_again_overrides_nothing_without_a_duplicate() -> None:
    outcome = outcome_of(new(AGAIN, again=True), board=board_of("Weather office: Rain"))
    assert isinstance(outcome, Publish)
    assert outcome.entry.overridden == ()


@pytest.mark.parametrize("effect", ["warn", "off"])
def test_a_duplicate_passes_if_the_edition_allows_it(effect: str) -> None:
    outcome = outcome_of(new(AGAIN), edition_of("en", duplicate=effect), board_of(SAID))
    assert isinstance(outcome, Publish)
    assert warned(outcome) == (["duplicate"] if effect == "warn" else [])


@pytest.mark.parametrize("change", [Change.UPDATE, Change.REFILE, Change.CORRECT])
def test_a_change_of_a_line_is_not_a_duplicate(change: Change) -> None:
    reason = "A word was wrong" if change is Change.CORRECT else None
    again = Submission(key="k", change=change, id="line-1", text=SAID, reason=reason, urgency=2)
    assert isinstance(outcome_of(again, board=board_of(SAID, "Weather office: Rain")), Publish)
    assert isinstance(outcome_of(again, board=board_of("Weather office: Rain", SAID)), Publish)


def held_with(text: str, held_id: str = "held-1", change: Change = Change.NEW) -> Held:
    submission = Submission(key="k", change=change, id=None if change is Change.NEW else "line-1", text=text)
    return Held(id=held_id, editor="omar", submission=submission, submitted_at=START)


def outcome_with_held(submission: Submission, *held: Held) -> Outcome:
    return decide(submission, msgspec.structs.replace(context(Board(), 1, START, "line-x", ENGLISH), held=held))


def test_a_new_line_like_a_held_one_is_a_duplicate() -> None:
    outcome = outcome_with_held(new(AGAIN), held_with("Rain in Valmora", "held-2"), held_with(SAID.partition(": ")[2]))
    assert isinstance(outcome, Refuse)
    (error,) = outcome.errors
    assert error.code == "duplicate"
    assert "similar to the held line held-1: cancel that one, or post yours anyway (`--again`)" in error.detail


def test_again_overrides_a_duplicate_of_a_held_line() -> None:
    outcome = outcome_with_held(new(SAID, again=True), held_with(SAID.partition(": ")[2]))
    assert isinstance(outcome, Publish)
    assert outcome.entry.overridden == ("duplicate",)


def test_a_held_change_of_a_line_is_not_a_duplicate() -> None:
    assert isinstance(outcome_with_held(new(SAID), held_with(SAID.partition(": ")[2], change=Change.UPDATE)), Publish)


def test_a_hidden_or_withdrawn_line_is_not_a_duplicate() -> None:
    for change, reason in ((Change.WITHDRAW, "It was wrong"), (Change.HIDE, None)):
        board = board_of(SAID)
        assert isinstance(post(board, Submission(key="k", change=change, id="line-1", reason=reason)), Publish)
        assert isinstance(outcome_of(new(AGAIN), board=board), Publish)


def numbered(many: int) -> list[str]:
    return [f"Count: {number} of the votes" for number in range(many)]


def outcome_later(board: Board, later: timedelta, edition: Edition = ENGLISH) -> Outcome:
    return decide(new(AGAIN), context(board, 1000, START + later, "line-new", edition))


def test_a_line_of_the_last_hour_counts_after_it_has_left_the_board() -> None:
    board = board_of(SAID, *numbered(ENGLISH.board_lines))
    assert refused(outcome_later(board, timedelta(minutes=59))) == ["duplicate"]
    assert isinstance(outcome_later(board, timedelta(minutes=60)), Publish)


def test_a_line_on_the_board_counts_regardless_of_its_age() -> None:
    board = board_of(SAID, *numbered(ENGLISH.board_lines - 1))
    assert refused(outcome_later(board, timedelta(days=3))) == ["duplicate"]


def test_expired_lines_do_not_push_older_lines_off_the_board() -> None:
    board = board_of(SAID)
    for text in numbered(ENGLISH.board_lines):
        assert isinstance(post(board, new(text, expires_at=START + timedelta(minutes=1))), Publish)
    assert refused(outcome_later(board, timedelta(hours=2))) == ["duplicate"]


def test_a_pinned_line_counts_until_its_pin_ends() -> None:
    board = board_of(SAID, *numbered(ENGLISH.board_lines))
    pin = Submission(key="k", change=Change.PIN, id="line-1", pinned_until=START + timedelta(hours=5))
    assert isinstance(post(board, pin), Publish)
    assert refused(outcome_later(board, timedelta(hours=4))) == ["duplicate"]
    assert isinstance(outcome_later(board, timedelta(hours=6)), Publish)


def test_only_the_newest_lines_are_compared() -> None:
    board = board_of(SAID, *numbered(DUPLICATE_LINES - 1))
    assert refused(outcome_of(new(AGAIN), board=board)) == ["duplicate"]
    board = board_of(SAID, *numbered(DUPLICATE_LINES))
    assert isinstance(outcome_of(new(AGAIN), board=board), Publish)


def test_a_held_item_that_became_a_duplicate_is_refused() -> None:
    held = outcome_of(new(AGAIN, publish_at=START + timedelta(minutes=10)))
    assert isinstance(held, Hold)
    at = context(board_of(SAID), 2, START + timedelta(minutes=10), "line-x", ENGLISH)
    outcome = publish_held(held.held, at)
    assert isinstance(outcome, Refuse)
    assert [finding.code for finding in outcome.errors] == ["duplicate"]
