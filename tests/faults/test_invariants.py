"""Each invariant accepts correct data, and reports a violation made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec
import pytest

from tests.faults.invariants.followers import Expectation, FollowerResult, check_board, check_follower
from tests.faults.invariants.histories import Histories, fold, removed_texts
from tests.faults.invariants.log import check_acknowledged, check_at_most_once, check_log, check_losses, check_order
from tests.faults.invariants.pages import Page, check_board_page, check_history, check_pages
from tests.faults.invariants.records import Answer, Attempt, Event, Opened
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.entry import Entry, Logged, RawEntry, Trim, encode_entry
from ticker.core.line import Change, Direction, Line, Status
from ticker.core.log_window import Reset
from ticker.core.messages import BoardMessage, EditionInfo, ForgetMessage, HeartbeatMessage, LineMessage, LiveMessage
from ticker.core.position import Position, next_link
from ticker.core.selection import EVERYTHING, Selection

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
NONCE, OTHER = "11" * 32, "22" * 32
INFO = EditionInfo.of("en", DEFAULT_EDITIONS["en"])


def line(number: int, text: str, **more: object) -> Line:
    values: dict[str, object] = {"version": 1, "change": Change.NEW, "urgency": 4} | more
    return msgspec.convert(
        {"id": f"line-{number}", "number": number, "text": text, "lang": "en", "dir": Direction.LTR,
         "created_at": NOW, "updated_at": NOW, "status": Status.USABLE, **values},
        Line,
    )  # fmt: skip


LINES = [
    line(1, "One"),
    line(2, "Two", section="sports"),
    line(3, "Three"),
    line(1, "", version=2, change=Change.WITHDRAW, status=Status.CANCELED, correction="It was not so."),
    line(5, "Five", section="sports"),
]


def log_of(lines: Sequence[Line], nonce: str = NONCE, trims: Mapping[int, Trim] = {}) -> list[RawEntry]:
    raws, link = [], nonce
    for seq, each in enumerate(lines, 1):
        entry = Entry(line=each, editor="maha", key=f"k{seq}", submitted_at=NOW, trim=trims.get(seq))
        data = encode_entry(entry)
        link = next_link(link, data)
        raws.append(RawEntry(seq, link, data))
    return raws


def histories_of(*logs: tuple[str, Sequence[RawEntry]]) -> Histories:
    histories = Histories()
    for nonce, raws in logs:
        histories.add_nonce(nonce)
        histories.add(raws)
    return histories


RAWS = log_of(LINES)
HISTORIES = histories_of((NONCE, RAWS))
HEAD = Position.of(5, RAWS[-1].link)
START = Position.of(0, NONCE)


def path_of(histories: Histories = HISTORIES, head: Position = HEAD) -> list[Logged]:
    path = histories.path(head)
    assert path is not None
    return path


PATH = path_of()
POSITIONS = [str(START), *(str(logged.position) for logged in PATH)]


# Correct messages to a follower


def board(
    seq: int, reset: Reset | None = None, lines: list[Line] | None = None, position: str | None = None
) -> BoardMessage:
    shown = fold(PATH[:seq]).lines(NOW, 10) if lines is None else lines
    return BoardMessage(position or POSITIONS[seq], reset, INFO, shown)


def news(seq: int, **changes: object) -> LineMessage:
    return LineMessage(POSITIONS[seq], msgspec.structs.replace(LINES[seq - 1], **changes))


def live(seq: int, replayed: int = 0) -> LiveMessage:
    return LiveMessage(POSITIONS[seq], replayed)


def masked(seq: int) -> LineMessage:
    return LineMessage(POSITIONS[seq], LINES[seq - 1].without_text(Status.CANCELED))


def check(
    events: Sequence[Event],
    *,
    selection: Selection = EVERYTHING,
    may_reset: frozenset[Reset] = frozenset(),
    histories: Histories = HISTORIES,
    head: Position = HEAD,
    was_damaged: bool = False,
) -> FollowerResult:
    expected = Expectation(
        histories=histories, head=head, may_reset=may_reset, was_damaged=was_damaged, now=NOW, selection=selection
    )
    return check_follower(events, expected)


FROM_START: list[Event] = [Opened(None), board(0), live(0)]
RIGHT: list[Event] = [*FROM_START, *(news(seq) for seq in range(1, 6)), HeartbeatMessage(POSITIONS[5])]


@pytest.mark.parametrize(
    "events",
    [
        RIGHT,
        [*FROM_START, news(1), news(2), Opened(POSITIONS[2]), news(3), news(4), live(4, 2), news(5)],
        [Opened(None), board(3), live(3), Opened(POSITIONS[3]), live(3), news(4), news(5)],
        [Opened(POSITIONS[0]), board(2, Reset.TRIMMED), live(2), news(3), news(4), news(5)],
        [*FROM_START, Opened(POSITIONS[0]), masked(1), news(2), news(3), news(4), news(5), live(5, 5)],
    ],
)
def test_a_correct_sequence_has_no_violation(events: list[Event]) -> None:
    assert check(events, may_reset=frozenset(Reset)).violations == []


@pytest.mark.parametrize(
    ("events", "violation"),
    [
        ([*FROM_START, news(1), news(2), news(4), news(5)], "expected [3, 4]"),  # a hole
        ([*FROM_START, news(1), news(2), news(2), news(3), news(4), news(5)], "expected []"),  # twice
        ([*FROM_START, news(2), news(1), news(3), news(4), news(5)], "expected [1, 2]"),  # out of order
        ([*FROM_START, news(1), news(2)], "ended at 2-"),
        ([*FROM_START, news(1, text="Won"), *RIGHT[4:]], "is not the log's"),
        ([*FROM_START, news(1), board(5), live(5)], "a board at 5-"),  # a board without a reason
        ([*RIGHT[:-1], Opened(POSITIONS[5]), board(5), live(5)], "with reset None"),
        ([Opened(POSITIONS[0]), board(5, Reset.REPLACED), live(5)], "but nothing was lost"),
        ([Opened(None), board(5, lines=[]), live(5)], "is not the fold"),
        ([Opened(None), board(5, lines=fold(PATH[:3]).lines(NOW, 10)), live(5)], "is not the fold"),
        ([Opened(None), news(1), *RIGHT[4:]], "before any board"),
        ([Opened(None), live(0), *RIGHT[3:]], "before any board"),
        ([*FROM_START, news(1), HeartbeatMessage(POSITIONS[2]), *RIGHT[4:]], "a heartbeat moved from 1-"),
        ([*FROM_START, Opened(POSITIONS[0]), news(1), live(2, 1), *RIGHT[5:]], "a live moved from 1-"),
        ([*FROM_START, Opened(POSITIONS[0]), masked(1), *RIGHT[4:8], live(5, 4)], "4 lines were replayed, but 5 were"),
        ([*FROM_START, Opened(POSITIONS[0]), *RIGHT[3:8], live(5, 5)], "a text that was taken back"),
    ],
)
def test_a_wrong_sequence_is_reported(events: list[Event], violation: str) -> None:
    assert violation in "; ".join(check(events).violations)


SPORTS = Selection(sections=("sports",))


def test_entries_outside_the_selection_may_be_missing() -> None:
    empty = board(0)
    assert (
        check(
            [Opened(None), empty, live(0), news(2), HeartbeatMessage(POSITIONS[4]), news(5)], selection=SPORTS
        ).violations
        == []
    )


def test_entries_inside_the_selection_may_not_be_missing() -> None:
    assert check([Opened(None), board(0), live(0), news(5)], selection=SPORTS).violations != []
    assert check([Opened(None), board(0), live(0), HeartbeatMessage(POSITIONS[5])], selection=SPORTS).violations != []


# Replaced logs

OTHER_RAWS = log_of([line(1, "Elsewhere"), line(2, "Else")], OTHER)
BOTH = histories_of((NONCE, RAWS), (OTHER, OTHER_RAWS))
OTHER_HEAD = Position.of(2, OTHER_RAWS[-1].link)
OTHER_PATH = path_of(BOTH, OTHER_HEAD)


def test_a_board_may_replace_a_lost_log() -> None:
    lines = fold(OTHER_PATH).lines(NOW, 10)
    rebased: list[Event] = [*RIGHT, board(2, Reset.REPLACED, lines, str(OTHER_HEAD)), live(5)]
    rebased[-1] = LiveMessage(str(OTHER_HEAD), 0)
    assert check(rebased[:-1], histories=BOTH, head=OTHER_HEAD, may_reset=frozenset(Reset)).violations == []


def test_continuing_in_another_log_without_a_board_is_reported() -> None:
    first, second = (LineMessage(str(each.position), each.entry.line) for each in OTHER_PATH)
    for events in ([*FROM_START, news(1), second], [*FROM_START, first, second]):
        found = check(events, histories=BOTH, head=OTHER_HEAD).violations
        assert "without a reset" in "; ".join(found)


def test_an_unknown_position_is_reported_unless_the_log_was_damaged() -> None:
    own = str(Position.of(5, OTHER_RAWS[0].link))  # as a gateway that starts with a damaged log gives it out
    moved: list[Event] = [*RIGHT, HeartbeatMessage(own)]
    reset: list[Event] = [*moved, Opened(own), board(5, Reset.REPLACED), live(5)]
    assert len(check(reset).violations) == 2
    assert check(reset, was_damaged=True).violations == []


def test_a_reader_from_before_the_damage_may_get_an_incomplete_board() -> None:
    own = str(Position.of(4, OTHER_RAWS[0].link))
    incomplete = msgspec.structs.replace(board(4, Reset.TRIMMED, [], own), incomplete=True)
    before: list[Event] = [*FROM_START, news(1), Opened(POSITIONS[1])]
    events: list[Event] = [*before, incomplete, Opened(own), board(5, Reset.REPLACED)]
    assert check(events, was_damaged=True).violations == []
    assert "but nothing was lost" in "; ".join(check(events).violations)
    complete: list[Event] = [*before, board(5, Reset.TRIMMED)]
    assert "but nothing was lost" in "; ".join(check(complete, was_damaged=True).violations)


def test_staying_in_a_lost_log_is_reported() -> None:
    assert "the log's head is 2-" in "; ".join(check(RIGHT, histories=BOTH, head=OTHER_HEAD).violations)


def test_the_path_of_a_trimmed_log_starts_at_its_first_entry() -> None:
    histories = histories_of((OTHER, ()), (NONCE, RAWS[2:]))
    assert [logged.seq for logged in path_of(histories)] == [3, 4, 5]
    assert histories.path(Position.of(2, RAWS[1].link)) is None
    events: list[Event] = [Opened(None), board(3), live(3), news(4), news(5)]
    expected = Expectation(histories=histories, head=HEAD, may_reset=frozenset(), now=NOW)
    assert check_follower(events[3:], expected).violations != []


def test_a_board_without_a_line_that_shows_is_reported() -> None:
    expected = Expectation(histories=HISTORIES, head=HEAD, may_reset=frozenset(), now=NOW)
    whole = fold(PATH).lines(NOW, 10)
    assert check_board(POSITIONS[5], whole, PATH, expected) == []
    assert check_board(POSITIONS[5], whole[1:], PATH, expected) != []
    assert check_board(POSITIONS[5], [whole[1], whole[0], *whole[2:]], PATH, expected) != []


def test_a_line_that_a_new_follower_does_not_get_is_reported() -> None:
    forgotten = LINES[2].id
    trimmed = log_of(LINES, trims={5: Trim(through=1, forgotten=(forgotten,))})
    histories, head = histories_of((NONCE, trimmed)), Position.of(5, trimmed[-1].link)
    positions = [str(Position.of(raw.seq, raw.link)) for raw in trimmed]
    lines = [LineMessage(position, line) for position, line in zip(positions, LINES, strict=True)]
    told: list[Event] = [*FROM_START, *lines[:4], ForgetMessage((forgotten,)), lines[4]]
    assert check(told, histories=histories, head=head).violations == []
    not_told: list[Event] = [*FROM_START, *lines]
    assert "which a new follower doesn't get" in "; ".join(check(not_told, histories=histories, head=head).violations)


# The log and the editors' answers


def test_a_correct_log_has_no_violation() -> None:
    assert check_log(NONCE, RAWS) == []
    assert check_log(OTHER, RAWS[2:]) == []  # trimmed


@pytest.mark.parametrize(
    "raws",
    [
        [*RAWS[:2], *RAWS[3:]],
        [RAWS[0], RawEntry(2, RAWS[1].link, RAWS[1].data.replace(b"Two", b"Too")), *RAWS[2:]],
        OTHER_RAWS,
    ],
)
def test_a_changed_log_is_reported(raws: list[RawEntry]) -> None:
    assert check_log(NONCE, raws) != []


def attempt(key: str, answer: Answer, *positions: str, text: str | None = None) -> Attempt:
    return Attempt("maha", key, text, answer, list(positions))


ALL = [attempt(f"k{seq}", Answer.ON_AIR, POSITIONS[seq], text=LINES[seq - 1].text or None) for seq in range(1, 6)]


def test_correct_receipts_have_no_violation() -> None:
    assert check_acknowledged(ALL, PATH, has_lost=False, is_whole=True) == []
    assert check_at_most_once(ALL, PATH, has_lost=False) == []
    assert check_order(ALL, has_lost=False) == []


@pytest.mark.parametrize(
    "asked",
    [
        attempt("k9", Answer.ON_AIR, "9-0123456789abcdef"),  # not in the log
        attempt("k1", Answer.ON_AIR, POSITIONS[2]),  # the position of another line
        attempt("k1", Answer.ON_AIR, POSITIONS[1], POSITIONS[2]),  # two receipts for one key
        attempt("k1", Answer.ON_AIR, POSITIONS[1], text="Another text"),
    ],
)
def test_a_missing_acknowledged_line_is_reported(asked: Attempt) -> None:
    assert len(check_acknowledged([asked], PATH, has_lost=False, is_whole=True)) >= 1
    assert check_acknowledged([asked], PATH, has_lost=True, is_whole=True) == []


def test_a_trimmed_entry_is_not_missing() -> None:
    assert check_acknowledged(ALL[:1], PATH[2:], has_lost=False, is_whole=False) == []
    assert check_acknowledged([attempt("k9", Answer.ON_AIR, "4-0123456789abcdef")], PATH[2:],
                                    has_lost=False, is_whole=False) != []  # fmt: skip


@pytest.mark.parametrize("answer", [Answer.REFUSED, Answer.NEVER, Answer.HELD])
def test_a_refused_or_held_line_on_air_is_reported(answer: Answer) -> None:
    asked = [attempt("k1", answer), *ALL[1:]]
    assert check_at_most_once(asked, PATH, has_lost=False) == [f"maha/k1: the answer was {answer}, but it is on air"]


def test_a_line_on_air_twice_or_without_a_submission_is_reported() -> None:
    twice = path_of(histories_of((NONCE, log_of(LINES[:1]))), Position.of(1, log_of(LINES[:1])[0].link)) * 2
    assert "maha/k1: 2 times on air" in check_at_most_once(ALL, twice, has_lost=False)
    assert "maha/k5: on air, but no editor submitted it" in check_at_most_once(ALL[:4], PATH, has_lost=False)


def test_a_submission_with_an_unknown_answer_may_be_on_air_once() -> None:
    assert check_at_most_once([attempt("k1", Answer.UNKNOWN), *ALL[1:]], PATH, has_lost=False) == []


def test_a_reversed_order_is_reported() -> None:
    assert len(check_order([ALL[1], ALL[0]], has_lost=False)) == 1


# Pages


def test_removed_texts_are_those_of_withdrawn_lines() -> None:
    assert removed_texts(PATH) == {"One"}
    assert removed_texts(PATH[:3]) == set()


def test_an_unhidden_text_is_not_removed() -> None:
    held = [
        line(1, "One"),
        line(1, "", version=2, change=Change.HIDE, status=Status.WITHHELD),
        line(1, "One", version=3, change=Change.UNHIDE),
    ]
    raws = log_of(held)
    histories = histories_of((NONCE, raws))
    assert removed_texts(path_of(histories, Position.of(2, raws[1].link))) == {"One"}
    assert removed_texts(path_of(histories, Position.of(3, raws[2].link))) == set()


def test_a_removed_or_unpublished_text_is_found_in_any_page() -> None:
    pages = [Page("/en", b"<li>Two</li>"), Page("/en/embed", b"<li>One</li>")]
    assert check_pages(pages[:1], PATH) == []
    assert check_pages(pages, PATH) == ["/en/embed has 'One'"]
    assert sorted(check_pages(pages, PATH, unpublished=["Two"])) == ["/en has 'Two'", "/en/embed has 'One'"]


def test_a_board_page_must_be_the_fold() -> None:
    expected = Expectation(histories=HISTORIES, head=HEAD, may_reset=frozenset(), now=NOW)
    assert check_board_page(msgspec.json.encode(board(5)), expected) == []
    assert check_board_page(msgspec.json.encode(board(5, lines=[])), expected) != []


def test_history_pages_must_be_the_log() -> None:
    right = [masked(1), *(news(seq) for seq in range(2, 6))]
    assert check_history(right, PATH, HISTORIES) == []
    assert check_history(right[2:], PATH, HISTORIES) == []  # of a trimmed log
    assert check_history([news(1), *right[1:]], PATH, HISTORIES) != []  # a removed text
    assert check_history([right[1], right[0], *right[2:]], PATH, HISTORIES) != []
    assert check_history([*right[:2], *right[3:]], PATH, HISTORIES) != []
    assert check_history([*right[:2], news(3, text="FORGED"), *right[3:]], PATH, HISTORIES) != []


def test_a_loss_without_a_reset_or_a_log_message_is_reported() -> None:
    position = "9-0123456789abcdef"
    lost, stood = [attempt("k9", Answer.ON_AIR, position)], {"8-0123456789abcdef", position}
    assert check_losses(lost, PATH, [FollowerResult(stood, resets=1)], was_reported=True) == []
    assert check_losses(ALL, PATH, [FollowerResult(stood)], was_reported=False) == []
    assert check_losses(lost, PATH, [FollowerResult(stood)], was_reported=True) != []
    assert check_losses(lost, PATH, [FollowerResult(stood, resets=1)], was_reported=False) != []


def test_a_loss_that_no_follower_has_seen_needs_no_reset() -> None:
    """The gateway was down before these lines were published, and until they were lost."""
    lost = [attempt("k9", Answer.ON_AIR, "9-0123456789abcdef")]
    assert check_losses(lost, PATH, [FollowerResult({"8-0123456789abcdef"})], was_reported=False) == []
