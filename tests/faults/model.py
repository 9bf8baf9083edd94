"""What must hold, whatever breaks: pure functions from what was asked, seen and kept to violations.

The model knows three things: what editors asked for and what they were told (`Asked`), what each follower was sent
(`Opened` and messages, in order), and every entry that was ever seen in a log (`Histories`). A violation is a sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from ticker.core.board import Board
from ticker.core.entry import Entry, Logged, follow
from ticker.core.errors import LinkError
from ticker.core.line import Line, Status
from ticker.core.log_window import Reset
from ticker.core.messages import BoardMessage, ByeMessage, HeartbeatMessage, LineMessage, LiveMessage, Message
from ticker.core.position import MARK_DIGITS, Position, next_link
from ticker.core.selection import EVERYTHING, Selection
from ticker.store.log_reader import RawEntry

REPLAY_SURE = 40
"""A replay of as many short lines is one piece: written in one step, so that all of it is as of its `live` message."""


class Told(StrEnum):
    """What an editor knows of a submission in the end."""

    ON_AIR = "on-air"
    HELD = "held"
    REFUSED = "refused"
    NEVER = "never"  # for certain not on air
    UNKNOWN = "unknown"  # may be on air, or not


class Asked(msgspec.Struct):
    """One submission (one key of one editor), however often it was sent, and what its editor was told in the end.

    `positions` are those of all its receipts that said on air; `text` is unique, None for a change without one. What
    `was_held` until `due` (None: for another person) comes on air out of its turn, or never.
    """

    editor: str
    key: str
    text: str | None = None
    told: Told = Told.UNKNOWN
    positions: list[str] = msgspec.field(default_factory=list)
    was_held: bool = False
    due_at: datetime | None = None
    trace: list[str] = msgspec.field(default_factory=list)
    """What happened to it, for whoever looks into a violation."""


class Opened(msgspec.Struct, frozen=True):
    """A follower's connection was accepted. It asked to go on from `after`."""

    after: str | None


Event = Opened | Message


class Histories:
    """Every entry that was ever seen, of the true log and of those that were lost, each hanging on the one before."""

    def __init__(self) -> None:
        self._entries: dict[tuple[int, str], RawEntry] = {}
        self._links: dict[int, dict[str, str]] = {}  # seq → mark → link
        self._logged: dict[tuple[int, str], tuple[Logged, str | None]] = {}  # with the link before it
        self._taken_back: dict[str, list[Line]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def begin(self, nonce: str) -> None:
        """A log began with this nonce."""
        self._links.setdefault(0, {})[nonce[:MARK_DIGITS]] = nonce

    def see(self, raws: Iterable[RawEntry]) -> None:
        for raw in raws:
            self._entries[raw.seq, raw.link] = raw
            self._links.setdefault(raw.seq, {})[raw.link[:MARK_DIGITS]] = raw.link

    def path(self, position: Position) -> list[Logged] | None:
        """All that led to a position, as far back as it was seen; None where the position was never seen."""
        link = self._links.get(position.seq, {}).get(position.mark)
        if link is None:
            return None
        path: list[Logged] = []
        seq: int = position.seq
        while link is not None and (seq, link) in self._entries:
            logged, link = self._look(seq, link)
            path.append(logged)
            seq -= 1
        path.reverse()
        return path

    def before(self, logged: Logged) -> Position | None:
        """The position that an entry hangs on, where it was seen."""
        _, parent = self._look(logged.seq, logged.link)
        return None if parent is None else Position.of(logged.seq - 1, parent)

    def is_form_of(self, line: Line, entry: Entry) -> bool:
        """Whether a line is an entry's, or what is left of it since a later version took its text back."""
        if line == entry.line:
            return True
        for seen in self._entries:
            self._look(*seen)
        later = [each for each in self._taken_back.get(line.id, ()) if each.version > entry.line.version]
        return any(line == entry.line.without_text(each.status) for each in later)

    def _look(self, seq: int, link: str) -> tuple[Logged, str | None]:
        known = self._logged.get((seq, link))
        if known is None:
            raw = self._entries[seq, link]
            before = self._links.get(seq - 1, {}).values()
            parent = next((each for each in before if next_link(each, raw.data) == link), None)
            known = (follow(seq, parent, link, raw.data), parent)
            if parent is not None:
                self._logged[seq, link] = known
            line = known[0].entry.line
            if line.status is not Status.USABLE:
                self._taken_back.setdefault(line.id, []).append(line)
        return known


# What editors were told, against the log


def check_log(nonce: str, raws: Sequence[RawEntry]) -> list[str]:
    """The log is contiguous, and each entry links to the one before it (the first of a trimmed one is trusted)."""
    violations = []
    previous: str | None = nonce
    expected = 1
    for raw in raws:
        if expected == 1 and raw.seq > 1:
            previous = None
        elif raw.seq != expected:
            violations.append(f"log: entry {raw.seq} follows on {expected - 1}")
        try:
            follow(raw.seq, previous, raw.link, raw.data)
        except LinkError as error:
            violations.append(f"log: {error}")
        previous, expected = raw.link, raw.seq + 1
    return violations


def check_acknowledged(asked: Sequence[Asked], log: Sequence[Logged], *, has_lost: bool, is_whole: bool) -> list[str]:
    """An acknowledged submission is in the log once, where its receipt says.

    `has_lost`: the server itself lost what it had acknowledged. `is_whole`: nothing was trimmed off the log.
    """
    at = {str(logged.position): logged.entry for logged in log}
    violations = []
    for each in asked:
        if each.told is not Told.ON_AIR or has_lost:
            continue
        if len(set(each.positions)) != 1:
            violations.append(f"{each.editor}/{each.key}: its receipts name {each.positions}")
        position = each.positions[0]
        entry = at.get(position)
        if entry is None:
            if is_whole or (log and Position.parse(position).seq >= log[0].seq):
                violations.append(f"{each.editor}/{each.key}: acknowledged at {position}, and not there")
        elif (entry.editor, entry.key) != (each.editor, each.key):
            violations.append(f"{each.editor}/{each.key}: {position} is {entry.editor}/{entry.key}")
        elif each.text is not None and entry.line.text != each.text:
            violations.append(f"{each.editor}/{each.key}: on air with another text")
    return violations


def check_at_most_once(asked: Sequence[Asked], log: Sequence[Logged], *, has_lost: bool) -> list[str]:
    """No submission is on air twice; none that was refused, or was said never to come, is on air at all.

    A server that lost its refusals has them decided again.
    """
    never = {Told.NEVER, Told.HELD} if has_lost else {Told.NEVER, Told.HELD, Told.REFUSED}
    found = Counter((logged.entry.editor, logged.entry.key) for logged in log)
    violations = [f"{editor}/{key}: {count} times on air" for (editor, key), count in found.items() if count > 1]
    known = {(each.editor, each.key): each for each in asked}
    for editor, key in found:
        each = known.get((editor, key))
        if each is None:
            violations.append(f"{editor}/{key}: on air, and nobody asked for it")
        elif each.told in never:
            traced = f": {'; '.join(each.trace)}" if each.trace else ""
            violations.append(f"{editor}/{key}: told {each.told}, and on air all the same{traced}")
    return violations


def check_order(asked: Sequence[Asked], *, has_lost: bool) -> list[str]:
    """What one editor asked for one after the other (and heard of) is on air in that order."""
    latest: dict[str, tuple[int, str]] = {}
    violations = []
    for each in asked:
        if each.told is not Told.ON_AIR or each.was_held or has_lost:
            continue
        seq = Position.parse(each.positions[0]).seq
        before = latest.get(each.editor)
        if before is not None and seq <= before[0]:
            violations.append(f"{each.editor}/{each.key}: at {seq}, before {before[1]} at {before[0]}, asked earlier")
        latest[each.editor] = (seq, each.key)
    return violations


# What followers were sent, against the log


def hidden(path: Sequence[Logged]) -> set[str]:
    """The texts that nobody may be sent any more at the end of `path`: of lines that were withdrawn or are held."""
    texts: dict[str, set[str]] = {}
    latest: dict[str, Line] = {}
    for logged in path:
        line = logged.entry.line
        latest[line.id] = line
        if line.text:
            texts.setdefault(line.id, set()).add(line.text)
    gone = [line_id for line_id, line in latest.items() if line.status is not Status.USABLE]
    return {text for line_id in gone for text in texts.get(line_id, ())}


def unpublished(asked: Sequence[Asked], *, has_lost: bool) -> set[str]:
    """The texts that never were public: of what was held and is still, or was dropped."""
    never = (Told.HELD, Told.REFUSED)
    return {each.text for each in asked if each.was_held and each.told in never and each.text and not has_lost}


def fold(path: Sequence[Logged]) -> Board:
    board = Board()
    for logged in path:
        board.apply(logged.entry)
    return board


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """Against what a follower is checked.

    `head` is that of the true log at the end. `may_reset` are the reasons for which its position may be lost in this
    schedule. Boards of positions that nobody else saw can't be compared: `unseen` counts them.
    """

    histories: Histories
    head: Position
    may_reset: frozenset[Reset]
    now: datetime
    retained: int = 10_000
    lines: int = 10
    selection: Selection = EVERYTHING


class Followed(msgspec.Struct):
    """The outcome for one follower; `stood` is every position that it has been at."""

    stood: set[str] = msgspec.field(default_factory=set)
    violations: list[str] = msgspec.field(default_factory=list)
    deliveries: int = 0
    boards: int = 0
    resets: int = 0
    unseen: int = 0


def check_follower(events: Sequence[Event], against: Following) -> Followed:
    """The sequence is the log's without hole or repeat, or is re-based by a board that is the fold of the log.

    And no line that was taken back comes with its text in a replay.
    """
    return _Check(against).run(events)


class _Check:
    def __init__(self, against: Following) -> None:
        self.against = against
        self.result = Followed()
        self.at: Position | None = None
        self.opened: Opened | None = None  # set until the connection's first message
        self.replay: list[LineMessage] = []
        self.is_replaying = False

    def run(self, events: Sequence[Event]) -> Followed:
        for event in events:
            match event:
                case Opened():
                    self._opened(event)
                case BoardMessage():
                    self._board(event)
                case LineMessage():
                    self._line(event)
                case LiveMessage():
                    self._live(event)
                case HeartbeatMessage():
                    self._moves_to("heartbeat", event.position)
                case ByeMessage():
                    pass
            self.result.stood.add(str(self.at))
        if self.against.selection is not EVERYTHING and self.at is not None:
            self._moves_to("end", str(self.against.head))  # a beat would have said so later
        if self.at != self.against.head:
            self._wrong(f"ended at {self.at}, the log's head is {self.against.head}")
        return self.result

    def _wrong(self, what: str) -> None:
        self.result.violations.append(what)

    def _opened(self, event: Opened) -> None:
        if event.after is not None and self.at is not None and event.after != str(self.at):
            self._wrong(f"the harness asked for {event.after}, being at {self.at}")
        self.opened, self.replay, self.is_replaying = event, [], True

    def _board(self, board: BoardMessage) -> None:
        self.result.boards += 1
        opened, self.opened = self.opened, None
        is_first = opened is not None and opened.after is None
        if (board.reset is None) != is_first:
            self._wrong(f"a board at {board.position} with reset {board.reset}, asked for {opened}")
        if board.reset is not None:
            self.result.resets += 1
            if board.reset not in self.against.may_reset:
                self._wrong(f"reset ({board.reset}) at {board.position}, though nothing was lost")
        self.at = Position.parse(board.position)
        path = self.against.histories.path(self.at)
        if path is None:
            self.result.unseen += self.at.seq > 0
            return
        self.result.violations += check_board(board.position, board.lines, path, self.against)

    def _line(self, message: LineMessage) -> None:
        self.result.deliveries += 1
        was, opened, position = self.at, self.opened, Position.parse(message.position)
        self.at, self.opened = position, None
        if was is None or (opened is not None and opened.after is None):
            self._wrong(f"{message.position} came before any board")
            return
        if self.is_replaying:
            self.replay.append(message)
        path = self.against.histories.path(position)
        if path is None:
            self.result.unseen += 1
            if position.seq <= was.seq:
                self._wrong(f"{message.position} came after {was}")
            return
        self._follows(was, path)
        if not self.against.histories.is_form_of(message.line, path[-1].entry):
            self._wrong(f"{message.position} is not the log's: {message.line}")

    def _follows(self, was: Position, path: Sequence[Logged]) -> None:
        """`path` goes on from `was`, and its last entry is the next that is due."""
        missed = [each for each in path[was.seq - path[0].seq + 1 :] if was.seq >= path[0].seq - 1]
        takes = self.against.selection.takes
        due = [each.seq for each in missed if takes(each.entry)]
        if due != [path[-1].seq]:
            self._wrong(f"{path[-1].position} came after {was}: due were {due[:5]}")
        elif missed and self.against.histories.before(missed[0]) not in (was, None):
            self._wrong(f"{path[-1].position} came after {was}, which is not in its history: no reset between them")

    def _live(self, message: LiveMessage) -> None:
        if self.opened is not None and self.opened.after is None:
            self._wrong(f"live at {message.position} before any board")
        self.opened = None
        self._moves_to("live", message.position)
        if message.replayed != len(self.replay):
            self._wrong(f"live says {message.replayed} were replayed, there were {len(self.replay)}")
        path = self.against.histories.path(Position.parse(message.position))
        if path is not None and len(self.replay) <= REPLAY_SURE:
            gone = hidden(path)
            self.result.violations += [
                f"replayed {line.position} with a text that was taken back before {message.position}"
                for line in self.replay
                if line.line.text in gone
            ]
        self.is_replaying = False

    def _moves_to(self, what: str, at: str) -> None:
        """To where a selection leaves everything out; no further for a follower of everything."""
        was, position = self.at, Position.parse(at)
        self.at = position
        if was is None or was == position:
            return
        path = self.against.histories.path(position) or ()
        missed = [each.seq for each in path if each.seq > was.seq and self.against.selection.takes(each.entry)]
        if self.against.selection is EVERYTHING or position.seq < was.seq or missed:
            self._wrong(f"a {what} says {at} at {was}: due were {missed[:5]}")


def _short(lines: Sequence[Line]) -> str:
    return ", ".join(f"{line.id}v{line.version}" for line in lines[:12]) or "nothing"


# What can be asked for at any time


class Page(msgspec.Struct, frozen=True):
    """Something that was served at the end, as bytes, by whatever way in."""

    way: str
    body: bytes


def check_pages(pages: Sequence[Page], path: Sequence[Logged], held: Iterable[str] = ()) -> list[str]:
    """No text that was taken back, or was never public, is in anything that can be asked for."""
    gone = {text: text.encode() for text in (*hidden(path), *held)}
    return [f"{page.way} has {text!r}" for page in pages for text, data in gone.items() if data in page.body]


def check_board(at: str, lines: Sequence[Line], path: Sequence[Logged], against: Following) -> list[str]:
    """A board is the fold of the log at its position.

    Of a log that was trimmed, who shows it has the last `retained` entries at least, and may have more.
    """
    now, size, selection = against.now, against.lines, against.selection
    expected = fold(path[-against.retained :]).lines(now, size, selection)
    if lines == expected:
        return []
    if len(path) > against.retained:
        ids = {line.id for line in lines}
        whole = [line for line in fold(path).lines(now, len(path), selection) if line.id in ids]
        if list(lines) == whole and (len(lines) >= size or ids >= {line.id for line in expected}):
            return []
    return [f"the board at {at} is not the fold: {_short(lines)} for {_short(expected)}"]


def check_board_page(body: bytes, against: Following) -> list[str]:
    """A board that was asked for by HTTP is the fold of the log at the position that it names."""
    board = msgspec.json.decode(body, type=_BoardPage)
    path = against.histories.path(Position.parse(board.position))
    return [] if path is None else check_board(board.position, board.lines, path, against)


class _BoardPage(msgspec.Struct):
    position: str
    lines: list[Line]


def check_history(items: Sequence[LineMessage], path: Sequence[Logged], histories: Histories) -> list[str]:
    """The pages of the history, put together, are the log in order, with nothing in it that was taken back."""
    expected = path[len(path) - len(items) :] if len(items) <= len(path) else path
    wanted, found = [str(logged.position) for logged in expected], [item.position for item in items]
    if wanted != found:
        return [f"history has {len(found)} entries, {found[:3]}…, for {len(wanted)}, {wanted[:3]}…"]
    gone = hidden(path)
    return [
        f"history has {item.position} with a text that isn't the log's, or was taken back"
        for item, logged in zip(items, expected, strict=True)
        if item.line.text in gone or not histories.is_form_of(item.line, logged.entry)
    ]


def check_losses(
    asked: Sequence[Asked], log: Sequence[Logged], followed: Sequence[Followed], *, said: bool
) -> list[str]:
    """Where acknowledged lines were lost that somebody has seen, followers were reset, and the gateways said so."""
    there = {str(logged.position) for logged in log}
    lost = [each for each in asked if each.told is Told.ON_AIR and not there.intersection(each.positions)]
    gone = {position for each in lost for position in each.positions}
    if all(each.stood.isdisjoint(gone) for each in followed):
        return []
    if not any(each.resets for each in followed):
        return [f"{len(lost)} acknowledged lines are lost, and no follower was reset"]
    return [] if said else [f"{len(lost)} acknowledged lines are lost, and no gateway said a word"]


# How processes end


class Ended(msgspec.Struct, frozen=True):
    """A process at its end: exit code of a SIGTERM, log, and its open files at rest before and after the load."""

    name: str
    code: int
    log: str
    files: Mapping[str, int] = {}


FILES_MORE = 3
"""Connections to Redis that a client opens at first need, and keeps for the next."""
BAD_WORDS = (
    "Traceback",
    "Task was destroyed",
    "never retrieved",
    "never awaited",
    "ResourceWarning",
    "Unclosed",
    "feed-failed",
    "desk failed",
    "rules failed",
)


def check_ends(ended: Sequence[Ended], connections_left: Sequence[str]) -> list[str]:
    """Each ends with 0 and without a word of tasks, files or connections that were left; the server has none either."""
    return [*_ends(ended), *(f"a connection is left at the server: {name}" for name in connections_left)]


def _ends(ended: Sequence[Ended]) -> Iterator[str]:
    for each in ended:
        if each.code != 0:
            yield f"{each.name} ended with {each.code}: {each.log[-300:]}"
        for word in BAD_WORDS:
            at = each.log.find(word)
            if at >= 0:
                yield f"{each.name} said: {each.log[max(0, at - 200) : at + 600]}"
        before, after = each.files.get("before"), each.files.get("after")
        if before is not None and after is not None and after > before + FILES_MORE:
            yield f"{each.name} has {after} open files at rest, and had {before}"
