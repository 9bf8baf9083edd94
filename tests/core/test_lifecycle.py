"""The life of a line: every change after every status, and the version that each makes."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given

from tests.support.line_changes import LINE, SOON, board_with, published, refused, submission
from tests.support.strategies import ENGLISH, START, context, fold, histories, post
from ticker.core.board import Board
from ticker.core.entry import Entry, encode_entry
from ticker.core.lifecycle import FACETS_MAX
from ticker.core.line import REWRITES, Change, Line, Status
from ticker.core.outcome import Publish, Refuse, decide
from ticker.core.selection import Selection
from ticker.core.submission import Submission

STATES = {
    "usable": (),
    "corrected": (Change.CORRECT,),
    "pinned": (Change.PIN,),
    "hidden": (Change.HIDE,),
    "unhidden": (Change.HIDE, Change.UNHIDE),
    "withdrawn": (Change.WITHDRAW,),
    "hidden and withdrawn": (Change.HIDE, Change.WITHDRAW),
}
USABLE = {Change.UPDATE, Change.REFILE, Change.CORRECT, Change.WITHDRAW, Change.HIDE, Change.PIN}
MAY_FOLLOW = {
    "usable": USABLE,
    "corrected": USABLE,
    "pinned": USABLE | {Change.UNPIN},
    "hidden": {Change.WITHDRAW, Change.UNHIDE},
    "unhidden": USABLE,
    "withdrawn": set(),
    "hidden and withdrawn": set(),
}


@pytest.mark.parametrize("change", [change for change in Change if change is not Change.NEW])
@pytest.mark.parametrize("state", STATES)
def test_a_change_is_only_allowed_by_a_fitting_status(state: str, change: Change) -> None:
    board = board_with(*STATES[state])
    if change in MAY_FOLLOW[state]:
        before = board.get(LINE)
        assert before is not None
        line = published(board, change, **({"urgency": 2} if change in REWRITES else {}))
        assert (line.id, line.number, line.created_at) == (before.line.id, before.line.number, before.line.created_at)
        assert (line.change, line.version) == (change, before.line.version + 1)
    else:
        assert refused(board, change) == ["status"]


@pytest.mark.parametrize("state", STATES)
def test_a_new_line_gets_an_id_of_its_own(state: str) -> None:
    board = board_with(*STATES[state])
    line = published(board, Change.NEW)
    assert line.id != LINE
    assert (line.version, line.change, line.status) == (1, Change.NEW, Status.USABLE)


def test_a_refusal_has_the_current_version() -> None:
    outcome = post(board_with(Change.WITHDRAW), submission(Change.UPDATE))
    assert isinstance(outcome, Refuse)
    assert outcome.latest is not None
    assert (outcome.latest.id, outcome.latest.version) == (LINE, 2)


@pytest.mark.parametrize("change", [Change.UPDATE, Change.WITHDRAW, Change.PIN, Change.HIDE])
@pytest.mark.parametrize("version", [0, 1, 3, 10**30])
def test_a_change_of_a_version_that_is_not_the_latest_is_refused(change: Change, version: int) -> None:
    assert refused(board_with(Change.UPDATE), change, version=version) == ["stale"]


@pytest.mark.parametrize("version", [2, None])
def test_a_change_of_the_latest_version_or_of_no_version_passes(version: int | None) -> None:
    assert published(board_with(Change.UPDATE), Change.UPDATE, version=version, urgency=2).version == 3


@pytest.mark.parametrize("line_id", [None, "", "line-2", "\ud800", "x" * 10_000])
def test_a_change_of_an_unknown_line_is_refused(line_id: str | None) -> None:
    assert refused(board_with(), Change.UPDATE, id=line_id) == ["unknown"]


@pytest.mark.parametrize("fields", [{"id": LINE}, {"id": "mine"}, {"version": 1}])
def test_a_new_line_cannot_choose_its_id(fields: dict[str, object]) -> None:
    assert refused(Board(), Change.NEW, **fields) == ["field"]


def test_an_update_keeps_the_reason_of_a_correction() -> None:
    board = board_with(Change.CORRECT)
    assert published(board, Change.UPDATE).correction == "Reason to correct"


def test_a_refile_has_no_correction() -> None:
    assert published(board_with(), Change.REFILE).correction is None


TOLD = {"attribution": "Source", "url": "https://example.com/secret", "text": "The secret text"}


@pytest.mark.parametrize("before", [(), (Change.HIDE,), (Change.CORRECT,), (Change.PIN,), (Change.HIDE, Change.UNHIDE)])
def test_a_withdrawn_line_keeps_its_notice_and_nothing_of_its_text(before: tuple[Change, ...]) -> None:
    line = published(board_with(*before, **TOLD), Change.WITHDRAW, reason="It was wrong")
    assert line.status is Status.CANCELED
    assert (line.text, line.attribution, line.url, line.pinned_until) == ("", None, None, None)
    assert line.correction == "It was wrong"


def test_the_notice_of_a_withdrawal_has_its_own_end() -> None:
    board = board_with(expires_at=SOON)
    withdrawn = published(board, Change.WITHDRAW)
    assert withdrawn.expires_at == withdrawn.updated_at + timedelta(hours=1)
    assert [line.status for line in board.lines(withdrawn.updated_at + timedelta(minutes=59), 10)] == [Status.CANCELED]
    assert board.lines(withdrawn.expires_at, 10) == []


@pytest.mark.parametrize("change", [Change.HIDE, Change.WITHDRAW])
def test_hiding_or_withdrawing_removes_an_earlier_correction(change: Change) -> None:
    line = published(board_with(Change.CORRECT), change)
    assert "Reason to correct" not in msgspec.json.encode(line).decode()


@given(histories())
def test_a_hidden_or_withdrawn_line_has_its_text_in_no_field(log: list[Entry]) -> None:
    secrets: dict[str, set[str]] = {}
    for entry in log:
        line = entry.line
        told = {part for part in (line.text, line.attribution, line.url) if part}
        secrets.setdefault(line.id, set()).update(told)
        if line.status is not Status.USABLE:
            shown = msgspec.json.encode(line).decode()
            assert [secret for secret in secrets[line.id] if secret in shown] == []


@given(histories())
def test_a_version_without_its_text_has_the_text_in_no_field(log: list[Entry]) -> None:
    for entry in log:
        for status in (Status.CANCELED, Status.WITHHELD):
            bare = entry.line.without_text(status)
            shown = msgspec.json.encode(bare).decode()
            told = (entry.line.text, entry.line.attribution, entry.line.url, entry.line.correction)
            assert [part for part in told if part and part in shown] == []
            assert (bare.id, bare.version, bare.number, bare.status) == (
                entry.line.id, entry.line.version, entry.line.number, status,
            )  # fmt: skip


@given(histories())
def test_only_the_entry_of_a_hidden_line_keeps_the_hidden_version(log: list[Entry]) -> None:
    for entry in log:
        assert (entry.hidden_version is not None) == (entry.line.change is Change.HIDE)


def test_an_unhidden_line_is_as_it_was_before_it_was_hidden() -> None:
    board = board_with(Change.CORRECT, Change.PIN, **TOLD, section="economy", urgency=2)
    before = board.get(LINE)
    assert before is not None
    published(board, Change.HIDE)
    unhidden = published(board, Change.UNHIDE)
    assert unhidden == msgspec.structs.replace(before.line, change=Change.UNHIDE, version=before.line.version + 2)


def test_a_line_may_be_hidden_and_unhidden_again() -> None:
    board = board_with(Change.HIDE, Change.UNHIDE, Change.HIDE, Change.UNHIDE)
    (line,) = board.lines(START, 10)
    assert (line.text, line.version) == ("Text by new", 5)


def test_the_entry_of_an_unhidden_line_has_no_second_copy_of_it() -> None:
    board = board_with(Change.HIDE, Change.UNHIDE)
    entry = board.get(LINE)
    assert entry is not None
    assert encode_entry(entry).count(b"Text by new") == 1


def test_an_unpinned_line_has_no_pinned_until() -> None:
    board = board_with(Change.PIN)
    assert published(board, Change.UNPIN).pinned_until is None


def test_a_line_may_be_posted_pinned() -> None:
    assert published(Board(), Change.NEW, pinned_until=SOON).pinned_until == SOON


def test_an_expired_line_can_still_be_corrected() -> None:
    board = board_with(expires_at=SOON)
    outcome = decide(submission(Change.CORRECT), context(board, 2, SOON + timedelta(days=1)))
    assert isinstance(outcome, Publish)


@pytest.mark.parametrize(("now", "updated_at"), [(SOON, SOON), (START - timedelta(hours=1), START)])
def test_a_later_version_never_has_an_earlier_time(now: datetime, updated_at: datetime) -> None:
    outcome = decide(submission(Change.UPDATE), context(board_with(), 2, now))
    assert isinstance(outcome, Publish)
    assert outcome.entry.line.updated_at == updated_at
    assert outcome.entry.line.created_at == START


@given(histories())
def test_versions_count_up_and_times_never_decrease(log: list[Entry]) -> None:
    latest: dict[str, Line] = {}
    for seq, entry in enumerate(log, 1):
        line = entry.line
        before = latest.get(line.id)
        if before is None:
            assert (line.version, line.number, line.change) == (1, seq, Change.NEW)
        else:
            assert (line.version, line.number) == (before.version + 1, before.number)
            assert line.updated_at >= before.updated_at
        latest[line.id] = line


# Selections


def latest_entry(board: Board) -> Entry:
    entry = board.get(LINE)
    assert entry is not None
    return entry


def test_an_update_that_leaves_a_selection_is_still_included() -> None:
    board = board_with(section="economy")
    published(board, Change.UPDATE, section="sports")
    assert Selection(sections=("economy",)).includes(latest_entry(board))
    assert not Selection(sections=("politics",)).includes(latest_entry(board))


def test_a_withdrawal_is_included_in_the_selections_of_every_version() -> None:
    board = board_with(section="economy", urgency=1, regions=("asia",))
    published(board, Change.UPDATE, section="sports", regions=("africa",))
    published(board, Change.UPDATE, urgency=4)
    published(board, Change.HIDE)
    published(board, Change.WITHDRAW)
    for seen in (
        Selection(sections=("economy",)),
        Selection(sections=("sports",)),
        Selection(regions=("asia",)),
        Selection(regions=("africa",)),
        Selection(urgency=1),
    ):
        assert seen.includes(latest_entry(board))
    # No version was both about sports and from Asia.
    assert not Selection(sections=("sports",), regions=("asia",)).includes(latest_entry(board))


def test_earlier_facets_have_no_duplicates() -> None:
    board = board_with(section="economy")
    for section in ("sports", "economy", "sports", "economy"):
        published(board, Change.UPDATE, section=section)
    assert [earlier.section for earlier in latest_entry(board).earlier_facets] == ["sports"]


def test_a_line_with_too_many_different_facets_is_refused() -> None:
    board = Board()
    sections = [None, *ENGLISH.sections]
    changes = [{"section": section, "urgency": urgency} for urgency in range(1, 10) for section in sections]
    published(board, Change.NEW, **changes[0])
    for facets in changes[1 : FACETS_MAX + 1]:
        published(board, Change.UPDATE, **facets)
    assert refused(board, Change.UPDATE, **changes[FACETS_MAX + 1]) == ["facets"]
    assert len(latest_entry(board).earlier_facets) == FACETS_MAX
    # It can still be withdrawn.
    assert published(board, Change.WITHDRAW).status is Status.CANCELED


@given(histories())
def test_an_entry_has_all_facets_of_its_lines_versions(log: list[Entry]) -> None:
    for end in range(len(log)):
        entry = log[end]
        ever = {each.line.facets for each in log[: end + 1] if each.line.id == entry.line.id}
        assert {entry.line.facets, *entry.earlier_facets} == ever
        assert len(entry.earlier_facets) == len(ever) - 1


@given(histories())
def test_the_latest_entry_of_each_line_is_on_the_board(log: list[Entry]) -> None:
    assert {entry.line.id: entry for entry in log} == {entry.line.id: entry for entry in fold(log).newest_first()}


@pytest.mark.parametrize(
    ("state", "change", "detail"),
    [
        ("withdrawn", Change.WITHDRAW, "line-1 is already withdrawn: its text is gone for good"),
        ("withdrawn", Change.UPDATE, "line-1 is withdrawn: its text is gone for good"),
        ("hidden", Change.HIDE, "line-1 is already hidden"),
        ("hidden", Change.UPDATE, "line-1 is hidden: unhide it first"),
        ("usable", Change.UNHIDE, "line-1 is not hidden"),
    ],
)
def test_a_refusal_names_the_status_in_the_editors_words(state: str, change: Change, detail: str) -> None:
    outcome = post(board_with(*STATES[state]), submission(change))
    assert isinstance(outcome, Refuse)
    assert [error.detail for error in outcome.errors] == [detail]


@pytest.mark.parametrize("change", [Change.UPDATE, Change.REFILE])
def test_a_rewrite_with_the_same_content_is_refused(change: Change) -> None:
    board = board_with()
    entry = board.get(LINE)
    assert entry is not None
    same = Submission(key="same", change=change, id=LINE, text=f" {entry.line.text}\u200b", urgency=entry.line.urgency)
    outcome = post(board, msgspec.structs.replace(same, attribution=entry.line.attribution))
    assert isinstance(outcome, Refuse)
    assert [error.code for error in outcome.errors] == ["unchanged"]
    assert isinstance(post(board, msgspec.structs.replace(same, urgency=2)), Publish)


def test_a_correction_may_add_only_a_reason() -> None:
    board = board_with()
    entry = board.get(LINE)
    assert entry is not None
    same = Submission(key="same", change=Change.CORRECT, id=LINE, text=entry.line.text, reason="It was silent before.")
    assert isinstance(post(board, same), Publish)
    again = post(board, same)
    assert isinstance(again, Refuse)
    assert [error.code for error in again.errors] == ["unchanged"]


def test_a_text_far_above_its_limit_is_refused_with_the_limit_of_the_text() -> None:
    outcome = post(Board(), submission(Change.NEW, text="x" * 5000))
    assert isinstance(outcome, Refuse)
    (error,) = outcome.errors
    assert error.detail == f"the text has 5,000 code points: {ENGLISH.text_graphemes} characters at most, shorten it"
