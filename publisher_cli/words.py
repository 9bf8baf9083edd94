"""Lines, entries and receipts in words, for people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import click

from ticker.core.line import Change, Direction, Line, Status
from ticker.core.position import Position
from ticker.core.submission import Outcome, Receipt

ISOLATES: Final = {Direction.LTR: "\u2066", Direction.RTL: "\u2067"}
FIRST_STRONG_ISOLATE: Final = "\u2068"
POP_ISOLATE: Final = "\u2069"
GAP: Final = "  "
NEWLINE: Final = "\n  "
URGENCIES: Final = {1: "FLASH", 2: "BULLETIN", 3: "URGENT"}

_RIGHT_TO_LEFT: Final = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")

DONE: Final = {
    Change.NEW: "on air",
    Change.UPDATE: "updated",
    Change.REFILE: "refiled",
    Change.CORRECT: "corrected",
    Change.WITHDRAW: "withdrawn",
    Change.HOLD: "off the board",
    Change.RELEASE: "on air again",
    Change.PIN: "pinned",
    Change.UNPIN: "unpinned",
}


def isolated(text: str, direction: Direction | None = None) -> str:
    """The text so that a terminal sets it in its own direction and leaves what stands around it alone.

    Without a direction, the first letter that has one decides. A text without any right-to-left letter stays as it is:
    not every terminal hides the marks.
    """
    if not _RIGHT_TO_LEFT.search(text):
        return text
    return f"{FIRST_STRONG_ISOLATE if direction is None else ISOLATES[direction]}{text}{POP_ISOLATE}"


def balanced(piece: str) -> str:
    """A piece of a wrapped text without the isolates that begin or end in another piece.

    Left in, the end of one that began elsewhere would end what the piece itself is put into.
    """
    if piece.count(FIRST_STRONG_ISOLATE) == piece.count(POP_ISOLATE):
        return piece
    return piece.replace(FIRST_STRONG_ISOLATE, "").replace(POP_ISOLATE, "")


def composed(line: Line) -> str:
    """What a reader reads: the attribution and the text, or what is said in the place of a text that is gone."""
    if line.status is Status.CANCELED:
        return f"[withdrawn] {isolated(line.correction or '')}".rstrip()
    if line.status is Status.WITHHELD:
        return "[held: off the board]"
    # A Latin name before an Arabic text, or the other way round, must not turn the line about.
    return line.text if line.attribution is None else f"{isolated(line.attribution)}: {line.text}"


def shown_text(line: Line) -> str:
    """`composed`, with the correction that readers are told. Not yet isolated itself: it may be wrapped first."""
    text = composed(line)
    if line.status is Status.USABLE and line.correction is not None:
        text += f"  [corrected: {isolated(line.correction)}]"
    return text


def marks(line: Line, now: datetime) -> str:
    """What sets a line apart from others: urgency above routine, a pin."""
    words = [URGENCIES.get(line.urgency, "")] if line.status is Status.USABLE else []
    if line.is_pinned(now):
        words.append("PIN")
    return " ".join(filter(None, words))


def edition_name(name: str, *, is_test: bool) -> str:
    """An edition's name, and that it is a test: nobody should have to remember which ones are."""
    return f"{name} {click.style('TEST', fg='black', bg='yellow', bold=True)}" if is_test else name


def clock(instant: datetime, now: datetime) -> str:
    """The time of day where we are, with the date before it where that is not today's."""
    local, here = instant.astimezone(), now.astimezone()
    return f"{local:%H:%M:%S}" if local.date() == here.date() else f"{local:%Y-%m-%d %H:%M}"


def receipt_words(
    receipt: Receipt, change: Change, text: str | None, direction: Direction | None, width: int | None
) -> str:
    """The receipt of what is on air: in one line, or in two where it is wider than a terminal of `width` columns."""
    assert receipt.position is not None, "what is on air has a position"
    done = click.style(DONE[change], fg="green", bold=True)
    quoted = "" if text is None else f'  "{isolated(text, direction)}"'
    what = f"{receipt.edition} {Position.parse(receipt.position).seq}{quoted}"
    whither = f"(id {receipt.id}){_reach(receipt)}"
    is_wide = width is not None and len(f"{DONE[change]}  {what}  {whither}") > width
    return f"{done}  {what}{NEWLINE if is_wide else GAP}{whither}"


def _reach(receipt: Receipt) -> str:
    if receipt.reach is None:
        return ""
    reach = receipt.reach
    return f" · {count(reach.gateways, 'gateway')} · {count(reach.followers, 'reader')} · {spell_ms(reach.ms)}"


def spell_ms(ms: float) -> str:
    return "under 1 ms" if ms < 1 else f"{ms:,.0f} ms"


def count(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def refusal_lines(receipt: Receipt, change: Change) -> Iterator[str]:
    """What a receipt says that isn't of a line on air: one line for each finding."""
    if receipt.status is Outcome.HELD:
        yield f"{click.style('held', fg='yellow', bold=True)}  {receipt.edition}  (id {receipt.id}): not on air yet"
    elif receipt.status is Outcome.REFUSED:
        for finding in receipt.errors:
            refused = click.style("refused", fg="red", bold=True)
            yield f"{refused}  {receipt.edition}  {finding.detail}  [{finding.code}]"
    else:
        for finding in receipt.errors:
            yield f"{click.style('NOT ON AIR', fg='white', bg='red', bold=True)}  {receipt.edition}  {finding.detail}"
        yield _retry(receipt, change)


def _retry(receipt: Receipt, change: Change) -> str:
    what = "line" if change is Change.NEW else "change"
    return f"  to try again, repeat the command with --key {receipt.key}: that {what} can't be made twice"


def warning_lines(receipt: Receipt) -> Iterator[str]:
    for finding in receipt.warnings:
        yield f"  {click.style('warning', fg='yellow')}: {finding.detail}"
