"""Lines, entries and receipts in words, for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Final

import click

from publisher_cli.output import bidi
from ticker.core.line import Change, Direction, Line, Status
from ticker.core.position import Position
from ticker.core.submission import Finding, Reach, Receipt, ReceiptStatus, Submission

if TYPE_CHECKING:
    from publisher_cli.history import RelatedLine
    from ticker.store.editions import StoredEdition

GAP: Final = "  "
NEWLINE: Final = "\n  "
URGENCIES: Final = {1: "FLASH", 2: "BULLETIN", 3: "URGENT"}

DONE: Final = {
    Change.NEW: "on air",
    Change.UPDATE: "updated",
    Change.REFILE: "refiled",
    Change.CORRECT: "corrected",
    Change.WITHDRAW: "withdrawn",
    Change.HIDE: "off the board",
    Change.UNHIDE: "on air again",
    Change.PIN: "pinned",
    Change.UNPIN: "unpinned",
}

_GOES: Final = (Change.WITHDRAW, Change.HIDE)


def composed(line: Line) -> str:
    """What a reader reads: the attribution and the text, or what is said in the place of a text that is gone."""
    if line.status is Status.CANCELED:
        return f"[withdrawn] {bidi.isolated(line.correction, within=line.dir)}" if line.correction else "[withdrawn]"
    if line.status is Status.WITHHELD:
        return "[held: off the board]"
    return attributed(line.attribution, line.text, line.dir)


def attributed(attribution: str | None, text: str, direction: Direction) -> str:
    """`Who: text`, where a name in another script neither turns the text about nor draws a number to itself."""
    return text if attribution is None else f"{bidi.isolated(attribution, within=direction)}: {text}"


def shown_text(line: Line) -> str:
    """`composed`, with the correction that readers are told. Not yet isolated itself: it may be wrapped first."""
    text = composed(line)
    if line.status is Status.USABLE and line.correction is not None:
        text += f"  [corrected: {bidi.isolated(line.correction, within=line.dir)}]"
    return text


def asked_text(submission: Submission, was: Line | None) -> str | None:
    """The text that a change would put on air, or else that of the line as it is; None where neither is known."""
    if isinstance(submission.text, str):
        attribution = submission.attribution
        return f"{attribution}: {submission.text}" if isinstance(attribution, str) else submission.text
    return None if was is None else composed(was)


def marks(line: Line, now: datetime) -> str:
    """What sets a line apart from others: urgency above routine, a pin."""
    words = [URGENCIES.get(line.urgency, "")] if line.status is Status.USABLE else []
    if line.is_pinned(now):
        words.append("PIN")
    return " ".join(filter(None, words))


def edition_name(name: str, *, is_test: bool) -> str:
    """An edition's name, and that it is a test: nobody should have to remember which ones are."""
    return f"{name} [TEST]" if is_test else name


def name_of(stored: StoredEdition) -> str:
    return edition_name(stored.name, is_test=stored.edition.test)


def clock(instant: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """The time of day in `zone` (None: where we are), with the date before it where that is not today's."""
    local, here = instant.astimezone(zone), now.astimezone(zone)
    return f"{local:%H:%M:%S}" if local.date() == here.date() else f"{local:%Y-%m-%d %H:%M}"


def receipt_words(
    receipt: Receipt, change: Change, text: str | None, direction: Direction | None, width: int | None
) -> str:
    """The receipt of what is on air: in one line, or in two where it is wider than a terminal of `width` columns."""
    assert receipt.position is not None, "what is on air has a position"
    done = click.style(DONE[change], fg="green", bold=True)
    what = f"{_edition(receipt)} {Position.parse(receipt.position).seq}{_quoted(text, direction)}"
    whither = f"(id {receipt.id}){_reach(receipt, change)}"
    is_wide = width is not None and len(f"{DONE[change]}  {what}  {whither}") > width
    return f"{done}  {what}{NEWLINE if is_wide else GAP}{whither}"


def _edition(receipt: Receipt) -> str:
    return edition_name(receipt.edition, is_test=receipt.test)


def _quoted(text: str | None, direction: Direction | None) -> str:
    return "" if text is None else f'{GAP}"{bidi.isolated(text, direction)}"'


def _reach(receipt: Receipt, change: Change) -> str:
    return "" if receipt.reach is None else f" · {reach_words(receipt.reach, change)}"


def reach_words(reach: Reach, change: Change) -> str:
    """How far a change came; of what takes a text away, from how many screens it is gone."""
    gateways, within = count(reach.gateways, "gateway"), _spell_ms(reach.ms)
    if change in _GOES:
        whose = count(reach.followers, "reader's screen", "readers' screens")
        return f"gone from {whose} · {gateways} · {within}"
    return f"{gateways} · {count(reach.followers, 'reader')} · {within}"


def _spell_ms(ms: float) -> str:
    return "under 1 ms" if ms < 1 else f"{ms:,.0f} ms"


def count(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


Spell = Callable[[datetime], str]


def held_lines(
    receipt: Receipt, change: Change, text: str | None, direction: Direction | None, spell: Spell
) -> Iterator[str]:
    """The receipt of what is held: why, and until when."""
    ids = f"(id {receipt.id})" if receipt.held == receipt.id else f"({change} of {receipt.id}, held as {receipt.held})"
    held = click.style("held", fg="yellow", bold=True)
    yield f"{held}  {_edition(receipt)}{_quoted(text, direction)}  {ids}: not on air yet"
    yield from _waits(receipt, spell)


def next_steps(receipt: Receipt) -> Iterator[str]:
    """What can be done about something held."""
    if receipt.needs:
        yield f"  another person: tick approve {receipt.held} -e {receipt.edition}"
    yield f"  to take it back: tick cancel {receipt.held} -e {receipt.edition}"


def _waits(receipt: Receipt, spell: Spell) -> Iterator[str]:
    for need in receipt.needs:
        yield f"  waits for another person: {need.detail}"
    if receipt.due_at is not None:
        yield f"  goes out {spell(receipt.due_at)}{', if it is approved' if receipt.needs else ''}"


def dropped_words(receipt: Receipt, text: str | None, direction: Direction | None) -> str:
    """The receipt of what was held and never goes on air."""
    done = "rejected" if receipt.reason is not None else "taken back"
    by = "" if receipt.decided_by is None else f" by {receipt.decided_by}"
    why = "" if receipt.reason is None else f": {bidi.isolated(receipt.reason)}"
    dropped = click.style(done, fg="yellow", bold=True)
    return f"{dropped}{by}  {_edition(receipt)}{_quoted(text, direction)}: nothing went out{why}"


def rehearsal_lines(
    receipt: Receipt, change: Change, text: str | None, direction: Direction | None, spell: Spell
) -> Iterator[str]:
    """What would become of a change that wasn't sent."""
    what = {ReceiptStatus.ON_AIR: DONE[change], ReceiptStatus.HELD: "held", ReceiptStatus.REFUSED: "refused"}[
        receipt.status
    ]
    colour = {ReceiptStatus.ON_AIR: "green", ReceiptStatus.HELD: "yellow", ReceiptStatus.REFUSED: "red"}[receipt.status]
    would = click.style(f"would be {what}", fg=colour, bold=True)
    yield f"{would}  {_edition(receipt)}{_quoted(text, direction)}: nothing was sent"
    yield from _waits(receipt, spell)
    for finding in receipt.errors:
        yield f"  {click.style('refused', fg='red')}: {finding.detail}  [{finding.code}]"


def refusal_lines(receipt: Receipt, change: Change) -> Iterator[str]:
    """What a receipt says that is not of a line on air or held: one line for each finding."""
    yield from ruling_lines(receipt)
    if receipt.status is not ReceiptStatus.REFUSED:
        yield _retry(receipt, change)


def ruling_lines(receipt: Receipt) -> Iterator[str]:
    """The same for a ruling: there is no line to hand in again."""
    for finding in receipt.errors:
        if receipt.status is ReceiptStatus.REFUSED:
            yield refused_words(_edition(receipt), finding)
        else:
            yield f"{click.style('NOT ON AIR', fg='white', bg='red', bold=True)}  {_edition(receipt)}  {finding.detail}"


def refused_words(where: str, finding: Finding) -> str:
    return f"{click.style('refused', fg='red', bold=True)}  {where}  {finding.detail}  [{finding.code}]"


def _retry(receipt: Receipt, change: Change) -> str:
    what = "line" if change is Change.NEW else "change"
    return f"  to try again, repeat the command with --key {receipt.key}: that {what} can't be made twice"


def warning_lines(receipt: Receipt) -> Iterator[str]:
    for finding in receipt.warnings:
        yield f"  {click.style('warning', fg='yellow')}: {finding.detail}"


def sister_lines(sisters: Sequence[RelatedLine], reason: str) -> Iterator[str]:
    """The lines of a story that are still up in other editions, each with the command that takes it back.

    The reason is the readers', so it is given along only where they read the same language.
    """
    if not sisters:
        return
    from shlex import quote  # noqa: PLC0415 -- few lines have sisters

    yield f"  still up, of the same story ({count(len(sisters), 'line')}):"
    for sister in sisters:
        yield f"    {sister.edition}  {bidi.isolated(sister.text, sister.dir)}"
        said = quote(reason) if sister.is_same_language else ""
        yield f"      tick withdraw {sister.id} -e {sister.edition} --reason {said}".rstrip()
