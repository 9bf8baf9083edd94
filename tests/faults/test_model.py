"""Each invariant holds for what is right, and is seen to fail on a violation made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import pytest

from tests.faults import model
from tests.faults.model import Asked, Ended, Event, Followed, Following, Histories, Opened, Page, Told
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.entry import Entry, Logged, encode_entry
from ticker.core.line import Change, Direction, Line, Status
from ticker.core.log_window import Reset
from ticker.core.messages import BoardMessage, EditionInfo, HeartbeatMessage, LineMessage, LiveMessage
from ticker.core.position import Position, next_link
from ticker.core.selection import EVERYTHING, Selection
from ticker.store.log_reader import RawEntry

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


def log_of(lines: Sequence[Line], nonce: str = NONCE) -> list[RawEntry]:
    raws, link = [], nonce
    for seq, each in enumerate(lines, 1):
        data = encode_entry(Entry(line=each, editor="maha", key=f"k{seq}", submitted_at=NOW))
        link = next_link(link, data)
        raws.append(RawEntry(seq, link, data))
    return raws


def histories_of(*logs: tuple[str, Sequence[RawEntry]]) -> Histories:
    histories = Histories()
    for nonce, raws in logs:
        histories.begin(nonce)
        histories.see(raws)
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
AT = [str(START), *(str(logged.position) for logged in PATH)]


# What a follower is sent, right


def board(seq: int, reset: Reset | None = None, lines: list[Line] | None = None, at: str | None = None) -> BoardMessage:
    shown = model.fold(PATH[:seq]).lines(NOW, 10) if lines is None else lines
    return BoardMessage(at or AT[seq], reset, INFO, shown)


def news(seq: int, **changes: object) -> LineMessage:
    return LineMessage(AT[seq], msgspec.structs.replace(LINES[seq - 1], **changes))


def live(seq: int, replayed: int = 0) -> LiveMessage:
    return LiveMessage(AT[seq], replayed)


def masked(seq: int) -> LineMessage:
    return LineMessage(AT[seq], LINES[seq - 1].without_text(Status.CANCELED))


def check(
    events: Sequence[Event],
    *,
    selection: Selection = EVERYTHING,
    may_reset: frozenset[Reset] = frozenset(),
    histories: Histories = HISTORIES,
    head: Position = HEAD,
) -> Followed:
    against = Following(histories=histories, head=head, may_reset=may_reset, now=NOW, selection=selection)
    return model.check_follower(events, against)


FROM_START: list[Event] = [Opened(None), board(0), live(0)]
RIGHT: list[Event] = [*FROM_START, *(news(seq) for seq in range(1, 6)), HeartbeatMessage(AT[5])]


@pytest.mark.parametrize(
    "events",
    [
        RIGHT,
        [*FROM_START, news(1), news(2), Opened(AT[2]), news(3), news(4), live(4, 2), news(5)],
        [Opened(None), board(3), live(3), Opened(AT[3]), live(3), news(4), news(5)],
        [Opened(AT[0]), board(2, Reset.TRIMMED), live(2), news(3), news(4), news(5)],
        [*FROM_START, Opened(AT[0]), masked(1), news(2), news(3), news(4), news(5), live(5, 5)],
    ],
)
def test_a_right_sequence_has_no_violation(events: list[Event]) -> None:
    assert check(events, may_reset=frozenset(Reset)).violations == []


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([*FROM_START, news(1), news(2), news(4), news(5)], "due were [3, 4]"),  # a hole
        ([*FROM_START, news(1), news(2), news(2), news(3), news(4), news(5)], "due were []"),  # twice
        ([*FROM_START, news(2), news(1), news(3), news(4), news(5)], "due were [1, 2]"),  # out of order
        ([*FROM_START, news(1), news(2)], "ended at 2-"),
        ([*FROM_START, news(1, text="Won"), *RIGHT[4:]], "is not the log's"),
        ([*FROM_START, news(1), board(5), live(5)], "a board at 5-"),  # a board that nobody asked for
        ([*RIGHT[:-1], Opened(AT[5]), board(5), live(5)], "with reset None"),
        ([Opened(AT[0]), board(5, Reset.REPLACED), live(5)], "though nothing was lost"),
        ([Opened(None), board(5, lines=[]), live(5)], "is not the fold"),
        ([Opened(None), board(5, lines=model.fold(PATH[:3]).lines(NOW, 10)), live(5)], "is not the fold"),
        ([Opened(None), news(1), *RIGHT[4:]], "before any board"),
        ([Opened(None), live(0), *RIGHT[3:]], "before any board"),
        ([*FROM_START, news(1), HeartbeatMessage(AT[2]), *RIGHT[4:]], "a beat says 2-"),
        ([*FROM_START, Opened(AT[0]), news(1), live(2, 1), *RIGHT[5:]], "a live says 2-"),
        ([*FROM_START, Opened(AT[0]), masked(1), *RIGHT[4:8], live(5, 4)], "4 were replayed, there were 5"),
        ([*FROM_START, Opened(AT[0]), *RIGHT[3:8], live(5, 5)], "a text that was taken back"),
    ],
)
def test_a_violation_of_the_sequence_is_seen(events: list[Event], said: str) -> None:
    assert said in "; ".join(check(events).violations)


SPORTS = Selection(sections=("sports",))


def test_what_a_selection_leaves_out_is_no_hole() -> None:
    empty = board(0)
    assert (
        check([Opened(None), empty, live(0), news(2), HeartbeatMessage(AT[4]), news(5)], selection=SPORTS).violations
        == []
    )


def test_what_a_selection_takes_may_not_be_missing() -> None:
    assert check([Opened(None), board(0), live(0), news(5)], selection=SPORTS).violations != []
    assert check([Opened(None), board(0), live(0), HeartbeatMessage(AT[5])], selection=SPORTS).violations != []


# Another history

OTHER_RAWS = log_of([line(1, "Elsewhere"), line(2, "Else")], OTHER)
BOTH = histories_of((NONCE, RAWS), (OTHER, OTHER_RAWS))
OTHER_HEAD = Position.of(2, OTHER_RAWS[-1].link)
OTHER_PATH = path_of(BOTH, OTHER_HEAD)


def test_a_lost_history_is_left_by_a_board() -> None:
    lines = model.fold(OTHER_PATH).lines(NOW, 10)
    rebased: list[Event] = [*RIGHT, board(2, Reset.REPLACED, lines, str(OTHER_HEAD)), live(5)]
    rebased[-1] = LiveMessage(str(OTHER_HEAD), 0)
    assert check(rebased[:-1], histories=BOTH, head=OTHER_HEAD, may_reset=frozenset(Reset)).violations == []


def test_going_on_into_another_history_without_a_board_is_seen() -> None:
    first, second = (LineMessage(str(each.position), each.entry.line) for each in OTHER_PATH)
    for events in ([*FROM_START, news(1), second], [*FROM_START, first, second]):
        found = check(events, histories=BOTH, head=OTHER_HEAD).violations
        assert "not in its history" in "; ".join(found)


def test_staying_in_a_lost_history_is_seen() -> None:
    assert "the log's head is 2-" in "; ".join(check(RIGHT, histories=BOTH, head=OTHER_HEAD).violations)


def test_a_trimmed_history_begins_with_what_is_left() -> None:
    histories = histories_of((OTHER, ()), (NONCE, RAWS[2:]))
    assert [logged.seq for logged in path_of(histories)] == [3, 4, 5]
    assert histories.path(Position.of(2, RAWS[1].link)) is None
    events: list[Event] = [Opened(None), board(3), live(3), news(4), news(5)]
    against = Following(histories=histories, head=HEAD, may_reset=frozenset(), now=NOW, retained=1)
    assert model.check_follower(events[3:], against).violations != []


def test_a_board_of_a_trimmed_log_may_have_more_than_is_retained_and_not_less() -> None:
    against = Following(histories=HISTORIES, head=HEAD, may_reset=frozenset(), now=NOW, retained=2)
    whole = model.fold(PATH).lines(NOW, 10)
    assert model.check_board(AT[5], whole, PATH, against) == []
    assert model.check_board(AT[5], model.fold(PATH[-2:]).lines(NOW, 10), PATH, against) == []
    assert model.check_board(AT[5], whole[1:], PATH, against) != []
    assert model.check_board(AT[5], [whole[1], whole[0], *whole[2:]], PATH, against) != []


# The log and what editors were told


def test_a_right_log_has_no_violation() -> None:
    assert model.check_log(NONCE, RAWS) == []
    assert model.check_log(OTHER, RAWS[2:]) == []  # trimmed


@pytest.mark.parametrize(
    "raws",
    [
        [*RAWS[:2], *RAWS[3:]],
        [RAWS[0], RawEntry(2, RAWS[1].link, RAWS[1].data.replace(b"Two", b"Too")), *RAWS[2:]],
        OTHER_RAWS,
    ],
)
def test_a_log_that_was_changed_is_seen(raws: list[RawEntry]) -> None:
    assert model.check_log(NONCE, raws) != []


def told(key: str, told: Told, *positions: str, text: str | None = None) -> Asked:
    return Asked("maha", key, text, told, list(positions))


ALL = [told(f"k{seq}", Told.ON_AIR, AT[seq], text=LINES[seq - 1].text or None) for seq in range(1, 6)]


def test_right_receipts_have_no_violation() -> None:
    assert model.check_acknowledged(ALL, PATH, has_lost=False, is_whole=True) == []
    assert model.check_at_most_once(ALL, PATH, has_lost=False) == []
    assert model.check_order(ALL, has_lost=False) == []


@pytest.mark.parametrize(
    "asked",
    [
        told("k9", Told.ON_AIR, "9-0123456789abcdef"),  # not there
        told("k1", Told.ON_AIR, AT[2]),  # that is another's
        told("k1", Told.ON_AIR, AT[1], AT[2]),  # two answers to one key
        told("k1", Told.ON_AIR, AT[1], text="Another text"),
    ],
)
def test_an_acknowledged_line_that_is_not_there_is_seen(asked: Asked) -> None:
    assert len(model.check_acknowledged([asked], PATH, has_lost=False, is_whole=True)) >= 1
    assert model.check_acknowledged([asked], PATH, has_lost=True, is_whole=True) == []


def test_what_was_trimmed_off_is_not_missed() -> None:
    assert model.check_acknowledged(ALL[:1], PATH[2:], has_lost=False, is_whole=False) == []
    assert model.check_acknowledged([told("k9", Told.ON_AIR, "4-0123456789abcdef")], PATH[2:],
                                    has_lost=False, is_whole=False) != []  # fmt: skip


@pytest.mark.parametrize("answer", [Told.REFUSED, Told.NEVER, Told.HELD])
def test_what_was_never_to_be_on_air_and_is_is_seen(answer: Told) -> None:
    asked = [told("k1", answer), *ALL[1:]]
    assert model.check_at_most_once(asked, PATH, has_lost=False) == [f"maha/k1: told {answer}, and on air all the same"]


def test_a_line_that_is_on_air_twice_or_that_nobody_asked_for_is_seen() -> None:
    twice = path_of(histories_of((NONCE, log_of(LINES[:1]))), Position.of(1, log_of(LINES[:1])[0].link)) * 2
    assert "maha/k1: 2 times on air" in model.check_at_most_once(ALL, twice, has_lost=False)
    assert "maha/k5: on air, and nobody asked for it" in model.check_at_most_once(ALL[:4], PATH, has_lost=False)


def test_an_unknown_one_may_be_on_air_once() -> None:
    assert model.check_at_most_once([told("k1", Told.UNKNOWN), *ALL[1:]], PATH, has_lost=False) == []


def test_an_order_that_was_turned_round_is_seen() -> None:
    assert len(model.check_order([ALL[1], ALL[0]], has_lost=False)) == 1


# What can be asked for


def test_texts_that_were_taken_back_are_known() -> None:
    assert model.hidden(PATH) == {"One"}
    assert model.hidden(PATH[:3]) == set()


def test_what_was_held_and_released_may_be_seen_again() -> None:
    held = [
        line(1, "One"),
        line(1, "", version=2, change=Change.HIDE, status=Status.WITHHELD),
        line(1, "One", version=3, change=Change.UNHIDE),
    ]
    raws = log_of(held)
    histories = histories_of((NONCE, raws))
    assert model.hidden(path_of(histories, Position.of(2, raws[1].link))) == {"One"}
    assert model.hidden(path_of(histories, Position.of(3, raws[2].link))) == set()


def test_a_text_that_was_taken_back_or_held_is_found_in_any_page() -> None:
    pages = [Page("/en", b"<li>Two</li>"), Page("/en/embed", b"<li>One</li>")]
    assert model.check_pages(pages[:1], PATH) == []
    assert model.check_pages(pages, PATH) == ["/en/embed has 'One'"]
    assert sorted(model.check_pages(pages, PATH, held=["Two"])) == ["/en has 'Two'", "/en/embed has 'One'"]


def test_a_board_page_is_the_fold() -> None:
    against = Following(histories=HISTORIES, head=HEAD, may_reset=frozenset(), now=NOW)
    assert model.check_board_page(msgspec.json.encode(board(5)), against) == []
    assert model.check_board_page(msgspec.json.encode(board(5, lines=[])), against) != []


def test_history_is_the_log() -> None:
    right = [masked(1), *(news(seq) for seq in range(2, 6))]
    assert model.check_history(right, PATH, HISTORIES) == []
    assert model.check_history(right[2:], PATH, HISTORIES) == []  # what is left of a trimmed one
    assert model.check_history([news(1), *right[1:]], PATH, HISTORIES) != []  # the text is back
    assert model.check_history([right[1], right[0], *right[2:]], PATH, HISTORIES) != []
    assert model.check_history([*right[:2], *right[3:]], PATH, HISTORIES) != []
    assert model.check_history([*right[:2], news(3, text="FORGED"), *right[3:]], PATH, HISTORIES) != []


def test_a_loss_that_nobody_speaks_of_is_seen() -> None:
    position = "9-0123456789abcdef"
    lost, stood = [told("k9", Told.ON_AIR, position)], {"8-0123456789abcdef", position}
    assert model.check_losses(lost, PATH, [Followed(stood, resets=1)], said=True) == []
    assert model.check_losses(ALL, PATH, [Followed(stood)], said=False) == []
    assert model.check_losses(lost, PATH, [Followed(stood)], said=True) != []
    assert model.check_losses(lost, PATH, [Followed(stood, resets=1)], said=False) != []


def test_of_a_loss_that_nobody_has_seen_nobody_is_told() -> None:
    """The gateway was down from before these lines until after they were lost."""
    lost = [told("k9", Told.ON_AIR, "9-0123456789abcdef")]
    assert model.check_losses(lost, PATH, [Followed({"8-0123456789abcdef"})], said=False) == []


# Processes


def test_a_clean_end_has_no_violation() -> None:
    assert model.check_ends([Ended("desk", 0, '{"event": "settled"}', {"before": 9, "after": 9})], []) == []


@pytest.mark.parametrize(
    "ended",
    [
        Ended("desk", 1, ""),
        Ended("desk", -9, ""),
        *(Ended("desk", 0, f"… {word} …") for word in model.BAD_WORDS),
        Ended("gateway", 0, "", {"before": 9, "after": 14}),
    ],
)
def test_a_bad_end_is_seen(ended: Ended) -> None:
    assert len(model.check_ends([ended], [])) == 1


def test_a_connection_that_is_left_at_the_server_is_seen() -> None:
    assert model.check_ends([], ["ticker-gateway"]) == ["a connection is left at the server: ticker-gateway"]
