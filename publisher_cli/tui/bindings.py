"""The keys, in one place: for the bindings, the last lines of the screen, and the help."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final

from textual.binding import Binding, BindingType
from textual.content import Content


class Pane(Enum):
    """What the list shows."""

    BOARD = "Board"
    PENDING = "Decide"
    SCHEDULED = "Scheduled"


EVERYWHERE: Final[list[BindingType]] = [
    Binding("f1", "help", "help", priority=True),
    Binding("f2", "pane('BOARD')", "board", priority=True),
    Binding("f3", "pane('PENDING')", "decide", priority=True),
    Binding("f4", "pane('SCHEDULED')", "scheduled", priority=True),
    Binding("ctrl+n", "next_edition", "edition", priority=True),
    Binding("ctrl+o", "details", "more fields", priority=True),
    Binding("ctrl+g", "glass", "break glass", priority=True),
    Binding("ctrl+r", "again", "again", priority=True),
    Binding("ctrl+c", "interrupt", "undo, or leave", priority=True),
    Binding("ctrl+q", "leave", "leave", priority=True),
]

ON_LIST: Final[list[BindingType]] = [
    # No letter: whoever types a sentence here by mistake must not end up with the rest of it in the compose line.
    Binding("enter", "app.write_new", "new line"),
    Binding("u", "app.act('update')", "update"),
    Binding("c", "app.act('correct')", "correct"),
    Binding("r", "app.act('refile')", "refile"),
    Binding("w", "app.act('withdraw')", "withdraw"),
    Binding("h", "app.act('hide')", "hide or unhide"),
    Binding("p", "app.act('pin')", "pin or unpin"),
    Binding("a", "app.act('approve')", "approve"),
    Binding("x", "app.act('reject')", "reject"),
    Binding("g", "app.act('approve_alone')", "break glass"),
    Binding("z", "app.act('take_back')", "take back"),
    Binding("b,escape", "app.pane('BOARD')", "board"),
    Binding("d", "app.pane('PENDING')", "decide"),
    Binding("s", "app.pane('SCHEDULED')", "scheduled"),
    *(Binding(str(number), f"app.edition({number})", "edition") for number in range(1, 10)),
    Binding("t", "app.light", "light or dark"),
    Binding("question_mark", "app.help", "help"),
    Binding("q", "app.leave", "leave"),
]

OURS: Final = frozenset(
    {"act", "write_new", "pane", "edition", "next_edition", "details", "glass", "again", "light", "help"}
)
"""What waits while something is asked."""

_LIST_KEYS: Final = (("1-9", "edition"), ("?", "help"), ("q", "leave"))
KEYS: Final = {
    Pane.BOARD: (
        *(("Enter", "write"), ("u", "update"), ("c", "correct"), ("r", "refile"), ("w", "withdraw")),
        *(("h", "hide/unhide"), ("p", "pin"), ("z", "undo"), ("d", "decide"), ("s", "scheduled")),
        *_LIST_KEYS,
    ),
    Pane.PENDING: (
        *(("a", "approve"), ("x", "reject"), ("g", "break glass"), ("z", "take back"), ("b", "board")),
        *(("s", "scheduled"), ("Enter", "write")),
        *_LIST_KEYS,
    ),
    Pane.SCHEDULED: (("z", "take back"), ("b", "board"), ("d", "decide"), ("Enter", "write"), *_LIST_KEYS),
}
COMPOSING: Final = (
    *(("Enter", "put on air"), ("Tab", "fields"), ("^O", "more"), ("Esc", "board"), ("^N", "edition")),
    *(("F3", "decide"), ("F4", "scheduled"), ("^C", "undo/leave"), ("F1", "help")),
)
ASKED: Final = (("Esc", "leave it"), ("^Q", "leave the view"))
GLASS: Final = ("^G", "break glass")
AGAIN: Final = ("^R", "meant again")


def keys_lines(keys: Sequence[tuple[str, str]], width: int) -> Content:
    """Keys with what they do, in lines of at most `width` columns; a key is never parted from its word."""
    lines: list[list[Content]] = [[]]
    used = 0
    for key, what in keys:
        size = len(key) + len(what) + 3
        if used + size - 2 > width and lines[-1]:
            lines.append([])
            used = 0
        used += size
        lines[-1].append(Content.styled(key, "bold $text-accent") + Content(f" {what}"))
    return Content("\n").join(Content("  ").join(line) for line in lines)


HELP: Final = """\
WRITE  Enter puts the line on air. "Who: what happened" makes two parts.
       Tab: urgency (1 flash, 2 bulletin, 3 urgent, 4 routine), section,
       regions, time (20m, 14:30). ^O: story, url, embargo, expiry, too.
       What the desk would say stands below. What isn't on air or held
       stays here. Esc: board, Enter: back.

THE LINE CHOSEN  ↑ ↓ on the board
   u  update: new facts          c  correct: readers are told what was wrong
   r  refile: mend a slip        w  withdraw for good: reason, then y
   h  hide or unhide            p  pin for a time, or unpin

WHAT WAITS  d or F3: decide · s or F4: scheduled · b or F2: board
   a  approve another's          x  reject, with a reason for its author
   z  take back your own         g  chief: approve alone; everybody sees why

EVERYWHERE
   ^N  next edition (1-9)        ^G  chief: break the glass for this line
   ^C  undo, else leave          ^R  it is meant, though a repetition
   ^Q  leave (q)                 t   light or dark, on the board

NOT CONNECTED, NOT ON AIR: they mean it. The same again can't go out twice.
"""
