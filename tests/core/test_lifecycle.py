"""The life of a line: every change after every status, and the version that each makes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from msgspec import UNSET

from tests.support.strategies import ENGLISH, START, context, fold, histories, post
from ticker.core.board import Board
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.entry import Entry, encode_entry
from ticker.core.lifecycle import FACETS_MAX
from ticker.core.line import Change, Direction, Line, Status
from ticker.core.outcome import Publish, Refuse, decide
from ticker.core.selection import Selection
from ticker.core.submission import Submission

SOON = START + timedelta(hours=1)
LINE = "line-1"


def submission(change: Change, **fields: object) -> Submission:
    """Return the smallest valid submission of a change."""
    plain: dict[str, object] = {} if change is Change.NEW else {"id": LINE}
    if change in (Change.NEW, Change.UPDATE, Change.REFILE, Change.CORRECT):
        plain["text"] = f"Text by {change}"
    if change in (Change.CORRECT, Change.WITHDRAW):
        plain["reason"] = f"Reason to {change}"
    if change is Change.PIN:
        plain["pinned_until"] = SOON
    return msgspec.structs.replace(Submission(key="k", change=change), **{**plain, **fields})


def published(board: Board, change: Change, **fields: object) -> Line:
    outcome = post(board, submission(change, **fields))
    assert isinstance(outcome, Publish), outcome
    return outcome.entry.line


def refused(board: Board, change: Change, **fields: object) -> list[str]:
    outcome = post(board, submission(change, **fields))
    assert isinstance(outcome, Refuse), outcome
    return [finding.code for finding in outcome.errors]


def board_with(*changes: Change, **fields: object) -> Board:
    """Return a board with one line that was posted with `fields`, and then went through `changes`."""
    board = Board()
    published(board, Change.NEW, **fields)
    for change in changes:
        published(board, change)
    return board


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
        line = published(board, change)
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
    assert published(board_with(Change.UPDATE), Change.UPDATE, version=version).version == 3


@pytest.mark.parametrize("line_id", [None, "", "line-2", "\ud800", "x" * 10_000])
def test_a_change_of_an_unknown_line_is_refused(line_id: str | None) -> None:
    assert refused(board_with(), Change.UPDATE, id=line_id) == ["unknown"]


@pytest.mark.parametrize("fields", [{"id": LINE}, {"id": "mine"}, {"version": 1}])
def test_a_new_line_cannot_choose_its_id(fields: dict[str, object]) -> None:
    assert refused(Board(), Change.NEW, **fields) == ["field"]


# Fields


@pytest.mark.parametrize("reason", [None, "", "  ", "\u200b"])
@pytest.mark.parametrize("change", [Change.CORRECT, Change.WITHDRAW])
def test_a_correction_and_a_withdrawal_need_a_reason(change: Change, reason: str | None) -> None:
    assert refused(board_with(), change, reason=reason) == ["reason"]


@pytest.mark.parametrize("change", [change for change in Change if change not in (Change.CORRECT, Change.WITHDRAW)])
def test_other_changes_with_a_reason_are_refused(change: Change) -> None:
    board = board_with(Change.PIN) if change is Change.UNPIN else board_with()
    if change is Change.UNHIDE:
        board = board_with(Change.HIDE)
    assert refused(board, change, reason="because") == ["field"]


CONTENT: dict[str, object] = {
    "text": "Another text",
    "attribution": None,
    "lang": "en",
    "dir": Direction.LTR,
    "urgency": 1,
    "section": "politics",
    "regions": ("mena",),
    "coverage": None,
    "url": None,
    "expires_at": None,
}


@pytest.mark.parametrize("field", CONTENT)
@pytest.mark.parametrize(
    ("before", "change"),
    [
        ((), Change.WITHDRAW),
        ((), Change.HIDE),
        ((Change.HIDE,), Change.UNHIDE),
        ((), Change.PIN),
        ((Change.PIN,), Change.UNPIN),
    ],
)
def test_a_change_without_text_refuses_content_fields(before: tuple[Change, ...], change: Change, field: str) -> None:
    assert refused(board_with(*before), change, **{field: CONTENT[field]}) == ["field"]


@pytest.mark.parametrize("change", [Change.UPDATE, Change.REFILE, Change.CORRECT])
def test_a_rewrite_that_changes_nothing_is_refused(change: Change) -> None:
    assert refused(board_with(), change, text=UNSET) == ["empty"]


FILLED: dict[str, object] = {
    "attribution": "AFP",
    "lang": "ar",
    "urgency": 2,
    "section": "economy",
    "regions": ("asia",),
    "coverage": "Quake",
    "url": "https://example.com/",
    "expires_at": SOON,
}


@pytest.mark.parametrize("field", CONTENT)
@pytest.mark.parametrize("change", [Change.UPDATE, Change.REFILE, Change.CORRECT])
def test_a_rewrite_of_one_field_keeps_the_others(change: Change, field: str) -> None:
    board = board_with(**FILLED)
    before = board.get(LINE)
    assert before is not None
    # Without split_attribution, because a split text would also change the attribution.
    line = published(board, change, **{"text": UNSET, field: CONTENT[field]}, split_attribution=False)
    changed = {name for name in CONTENT if getattr(line, name) != getattr(before.line, name)}
    assert changed == ({"lang", "dir"} if field == "lang" else {field})


def test_a_line_needs_a_text() -> None:
    assert refused(Board(), Change.NEW, text=UNSET) == ["empty"]


def test_a_pin_needs_an_end() -> None:
    assert refused(board_with(), Change.PIN, pinned_until=None) == ["field"]


@pytest.mark.parametrize("change", [Change.UPDATE, Change.CORRECT, Change.WITHDRAW, Change.HIDE])
def test_only_a_new_line_or_a_pin_may_have_pinned_until(change: Change) -> None:
    assert refused(board_with(), change, pinned_until=SOON) == ["field"]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("text", "a\u202eb", "character"),
        ("attribution", "a\nb", "character"),
        ("attribution", "x" * 61, "too-long"),
        ("coverage", "a\nb", "character"),
        ("lang", "english", "lang"),
        ("urgency", 0, "urgency"),
        ("section", "weather", "section"),
        ("section", "", "section"),
        ("regions", ("mars",), "region"),
        ("url", "javascript:alert(1)", "url"),
        ("expires_at", START, "expires_at"),
        ("pinned_until", START, "pinned_until"),
        ("note", "a\x00b", "character"),
    ],
)
def test_every_field_of_a_new_line_is_checked(field: str, value: object, code: str) -> None:
    assert refused(Board(), Change.NEW, **{field: value}) == [code]


def test_a_reason_is_checked() -> None:
    assert refused(board_with(), Change.CORRECT, reason="a\u202eb") == ["character"]


def test_all_faults_are_reported_together() -> None:
    codes = refused(Board(), Change.NEW, text="a\u202eb", urgency=0, section="weather", reason="because")
    assert sorted(codes) == ["character", "field", "section", "urgency"]


def test_a_refusal_does_not_change_the_board() -> None:
    board = board_with()
    before = list(board.newest_first())
    refused(board, Change.UPDATE, text="a\u202eb")
    assert list(board.newest_first()) == before


# The versions of a line


def test_a_new_line_has_the_language_and_direction_of_its_edition() -> None:
    outcome = post(Board(), submission(Change.NEW, text="عاجل"), edition=DEFAULT_EDITIONS["ar"])
    assert isinstance(outcome, Publish)
    assert (outcome.entry.line.lang, outcome.entry.line.dir) == ("ar", Direction.RTL)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"lang": "ar"}, ("ar", Direction.RTL)),
        ({"lang": "IW"}, ("he", Direction.RTL)),
        ({"dir": Direction.RTL}, ("en", Direction.RTL)),
        ({"lang": "ar", "dir": Direction.LTR}, ("ar", Direction.LTR)),
        ({}, ("en", Direction.LTR)),
    ],
)
def test_a_line_may_have_another_language_and_direction(
    fields: dict[str, object], expected: tuple[str, Direction]
) -> None:
    line = published(Board(), Change.NEW, **fields)
    assert (line.lang, line.dir) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"text": "Maduro: no deal"}, ("Maduro", "no deal")),
        ({"text": "إعلام إسرائيلي: غارة"}, ("إعلام إسرائيلي", "غارة")),
        ({"text": "Maduro: no deal", "split_attribution": False}, (None, "Maduro: no deal")),
        ({"text": "Maduro: no deal", "attribution": "AFP"}, ("AFP", "Maduro: no deal")),
        ({"text": "Maduro: no deal", "attribution": None}, (None, "Maduro: no deal")),
        ({"text": "No deal", "attribution": " Espan\u0303a "}, ("España", "No deal")),
        ({"text": "No deal", "attribution": "\u200b"}, (None, "No deal")),
    ],
)
def test_an_attribution_is_given_or_split_from_the_text(fields: dict[str, object], expected: tuple[str, str]) -> None:
    line = published(Board(), Change.NEW, **fields)
    assert (line.attribution, line.text) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"text": "More"}, (None, "More")),
        ({"text": "AFP: More"}, ("AFP", "More")),
        ({"text": "At last: More", "split_attribution": False}, ("Reuters", "At last: More")),
        ({"text": UNSET, "attribution": "AFP"}, ("AFP", "Quake")),
        ({"text": UNSET, "urgency": 1}, ("Reuters", "Quake")),
    ],
)
def test_a_new_text_replaces_the_attribution_unless_it_is_not_split(
    fields: dict[str, object], expected: tuple[str, str]
) -> None:
    line = published(board_with(text="Reuters: Quake"), Change.UPDATE, **fields)
    assert (line.attribution, line.text) == expected


def test_values_are_stored_in_their_normal_form() -> None:
    east = timezone(timedelta(hours=3))
    line = published(
        Board(),
        Change.NEW,
        text=" Espan\u0303a ",
        coverage=" Espan\u0303a ",
        section="Arts & Culture",
        regions=("Africa", "africa"),
        expires_at=SOON.astimezone(east),
        pinned_until=SOON.astimezone(east),
    )
    assert (line.text, line.coverage, line.section, line.regions) == ("España", "España", "arts-culture", ("africa",))
    assert [instant and instant.tzinfo for instant in (line.expires_at, line.pinned_until)] == [UTC, UTC]
    assert (line.expires_at, line.pinned_until) == (SOON, SOON)


@pytest.mark.parametrize("coverage", [None, "", " ", "\u200b"])
def test_a_blank_coverage_is_none(coverage: str | None) -> None:
    assert published(board_with(coverage="Quake"), Change.UPDATE, coverage=coverage).coverage is None


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


def test_the_notice_of_a_withdrawal_does_not_expire() -> None:
    board = board_with(expires_at=SOON)
    published(board, Change.WITHDRAW)
    (notice,) = board.lines(SOON + timedelta(days=1), 10)
    assert notice.status is Status.CANCELED


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
    released = published(board, Change.UNHIDE)
    assert released == msgspec.structs.replace(before.line, change=Change.UNHIDE, version=before.line.version + 2)


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
