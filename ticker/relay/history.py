"""Notice that the log of an edition has another history than the one that a route's records are from.

A reader with one position doesn't need this: the gateway compares it with the log. A relay has more than that. If it
leaves lines in the log, it goes on to read the later versions of the lines that it knows, and starts again at an older
position afterwards. A log that was replaced in between may still have the older position, and then the gateway reports
no reset. So the relay stores how far it has read ahead, and compares each entry that it reads again.

While the relay hasn't reached such a position again, the log may be another one. There are three cases:

- The entry at the position's number has this position: the log is the same up to there.
- It has another one: the log was replaced. The relay asks for a board, which replaces everything.
- The gateway lacks the entry. Either it is slower than the gateway before, or the log was replaced and is shorter.
  Only the gateway can find out, so the relay asks to follow from this position.
"""

from __future__ import annotations

from typing import Final

from ticker.core.errors import PositionError
from ticker.core.messages import BoardMessage, LineMessage, LiveMessage
from ticker.core.position import MARK_DIGITS, SEQ_MAX, Position
from ticker.relay.records import RouteState

AHEAD_MOST: Final = 8
"""How many positions are remembered. Each one needs a relay that died before it had read as far as the one before."""


class History:
    """Decides where a reader starts, and whether its messages belong to the history of the records. Pure.

    Attributes:
        must_reread: Whether a reader has to start again at `start`. Until then, all messages are ignored.
        checks: How many readers had to start again since one has read everything.

    """

    def __init__(self, state: RouteState) -> None:
        self._state = state
        self._is_probing = False
        self._is_first_own = False  # whether `ahead[0]` is a position of this reader
        self.must_reread = False
        self.checks = 0

    def start(self) -> str | None:
        """Begin with another reader, and return the position that it starts at. None starts with the board."""
        self.must_reread, self._is_first_own = False, False
        return self._state.ahead[-1] if self._is_probing else self._state.position

    def accept(self, message: BoardMessage | LineMessage | LiveMessage) -> bool:
        """Return whether to apply a message. If not, `must_reread` is true.

        A board replaces everything, so the records depend on nothing else after it.
        """
        if self.must_reread:
            return False
        if isinstance(message, BoardMessage):
            self._state.ahead.clear()
            self._is_probing, self._is_first_own, self.checks = False, False, 0
            return True
        if self._is_probing:  # the log has this position. Read the entries before it again, and compare all
            self._read_again(is_probing=False)
            return False
        return self._compare(message)

    def _compare(self, message: LineMessage | LiveMessage) -> bool:
        unread = self._state.ahead[self._is_first_own :]
        seq = _seq_of(message.position) if unread else 0
        passed = [each for each in unread if _seq_of(each) <= seq]
        if any(each != message.position for each in passed):
            self._lose()
            return False
        del unread[: len(passed)]
        if isinstance(message, LiveMessage) and unread:
            self._read_again(is_probing=True)
            return False
        self._state.ahead[self._is_first_own :] = unread
        if not unread:
            self.checks = 0
        return True

    def note(self, position: str, *, is_behind: bool) -> None:
        """Note that everything up to `position` was applied, except for the lines that were left if `is_behind`."""
        state = self._state
        if not is_behind:
            state.position = position
        elif self._is_first_own:
            state.ahead[0] = position
        else:
            state.ahead.insert(0, position)
            self._is_first_own = True
            if len(state.ahead) > AHEAD_MOST:
                self._lose()

    def _lose(self) -> None:
        """Treat the history of the records as lost, also after a restart, until there is a board."""
        seq = _seq_of(self._state.ahead[-1])
        self._state.ahead[:] = [str(Position(seq, "0" * MARK_DIGITS))]  # in no log, so a gateway answers with a board
        self._read_again(is_probing=True)

    def _read_again(self, *, is_probing: bool) -> None:
        self._is_probing, self.must_reread = is_probing, True
        self.checks += 1


def _seq_of(position: str) -> int:
    """Return the number of an entry. Return the highest number if a gateway sends something else."""
    try:
        return Position.parse(position).seq
    except PositionError:
        return SEQ_MAX
