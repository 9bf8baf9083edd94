"""The texts that people read: lines, held items, receipts and findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, tzinfo
from shlex import quote
from typing import TYPE_CHECKING, Final

import msgspec

from publisher_cli.output import bidi
from ticker.console import Printable, Style, Styled
from ticker.core.invisible import without_invisible
from ticker.core.line import Change, Direction, Line, Status
from ticker.core.position import Position
from ticker.core.submission import Finding, Reach, Receipt, ReceiptStatus, Submission

if TYPE_CHECKING:
    from publisher_cli.history import RelatedLine
    from ticker.core.held import Held
    from ticker.store.editions import StoredEdition

GAP: Final = "  "
URGENCIES: Final = {1: "FLASH", 2: "BULLETIN", 3: "URGENT"}

VERDICTS: Final = {
    "delivered": "delivered",
    "replaced": "replaced by a later version",
    "gone": "gone",
    "never-sent": "never sent, so nothing to take back",
    "expired": "expired before it was sent",
    "failed": "not delivered: every attempt failed",
    "cant-undo": "can't be undone: the receiver may still show the text",
    "unknown": "unknown: the receiver may show the text, or not",
}
"""The outcome of a version at the receiver of a relay, by its name in `docs/relay.md`."""


def verdict_text(verdict: str, reason: str) -> str:
    """Return the outcome of a version at the receiver of a relay, with its reason."""
    text = VERDICTS.get(verdict, verdict)
    return f"{text} ({reason})" if reason else text


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

_CHANGED_FIELDS: Final = {
    "urgency": "urgency",
    "section": "section",
    "regions": "regions",
    "coverage": "story",
    "url": "url",
    "lang": "language",
}
"""The fields whose changes a receipt shows, with their names for people."""

_REMOVES_TEXT: Final = (Change.WITHDRAW, Change.HIDE)

Spell = Callable[[datetime], str]
"""Returns an instant as people read it after a verb: `at 18:00 UTC (in 2 h)`."""


class Subject(msgspec.Struct, frozen=True):
    """The subject of a receipt: the change, and the text of the line, if it is known."""

    change: Change
    text: str | None
    direction: Direction | None

    @property
    def quoted(self) -> str:
        return "" if self.text is None else f'{GAP}"{bidi.isolated(self.text, self.direction)}"'


# Lines


def line_text(line: Line) -> str:
    """Return what readers read: the attribution and the text, or a placeholder for a text that is gone."""
    if line.status is Status.CANCELED:
        return f"[withdrawn] {bidi.isolated(line.correction, within=line.dir)}" if line.correction else "[withdrawn]"
    if line.status is Status.WITHHELD:
        return "[hidden]"
    return attributed(line.attribution, line.text, line.dir)


def attributed(attribution: str | None, text: str, direction: Direction) -> str:
    """Return `Who: text`. The attribution is isolated, because it may be in another script."""
    return text if attribution is None else f"{bidi.isolated(attribution, within=direction)}: {text}"


def shown_text(line: Line) -> str:
    """Return `line_text` with the correction that readers see. It is not isolated, so that it can be wrapped first."""
    text = line_text(line)
    if line.status is Status.USABLE and line.correction is not None:
        text += f"  [corrected: {bidi.isolated(line.correction, within=line.dir)}]"
    return text


def submitted_text(submission: Submission, line: Line | None) -> str | None:
    """Return the text that a submission would publish, or else the text of `line`, or None if neither is known."""
    if isinstance(submission.text, str):
        attribution, text = submission.attribution, without_invisible(submission.text)
        return f"{attribution}: {text}" if isinstance(attribution, str) else text
    return None if line is None else line_text(line)


def is_source_split(submission: Submission) -> bool:
    """Return whether the desk looks for the source of the line at the beginning of the text."""
    is_split = submission.split_attribution and not isinstance(submission.attribution, str)
    return isinstance(submission.text, str) and is_split


def source_line(attribution: str) -> str:
    return f"  source: {bidi.isolated(attribution)}"


def held_text(held: Held, line: Line | None) -> str:
    """Return the text that a held item would publish, or else the text of the `line` that it would change."""
    return submitted_text(held.submission, line) or ""


def marks(line: Line, now: datetime) -> str:
    """Return the urgency, if it is above routine, and whether the line is pinned."""
    words = [URGENCIES.get(line.urgency, "")] if line.status is Status.USABLE else []
    if line.is_pinned(now):
        words.append("PIN")
    return " ".join(filter(None, words))


# Names, numbers and times


def edition_name(name: str, *, is_test: bool) -> str:
    """Return an edition's name, with a mark if it is a test edition."""
    return f"{name} [TEST]" if is_test else name


def name_of(stored: StoredEdition) -> str:
    return edition_name(stored.name, is_test=stored.edition.test)


def clock(instant: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """Return the time of day in `zone` (None: this machine's), with the date if that isn't today's."""
    local, local_now = instant.astimezone(zone), now.astimezone(zone)
    return f"{local:%H:%M:%S}" if local.date() == local_now.date() else f"{local:%Y-%m-%d %H:%M}"


def count(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def reach_text(reach: Reach, change: Change) -> str:
    """Return how many readers got a change, or for a change that removes a text, how many screens removed it."""
    gateways = count(reach.gateways, "gateway")
    within = "under 1 ms" if reach.ms < 1 else f"{reach.ms:,.0f} ms"
    if change in _REMOVES_TEXT:
        screens = count(reach.followers, "reader's screen", "readers' screens")
        return f"gone from {screens} · {gateways} · {within}"
    return f"{gateways} · {count(reach.followers, 'reader')} · {within}"


# Receipts


def receipt_lines(receipt: Receipt, subject: Subject, spell: Spell, width: int | None) -> Iterator[Printable]:
    """Yield the text of a receipt. `width` is that of the terminal; None for a pipe or a file."""
    match receipt.status:
        case ReceiptStatus.ON_AIR:
            yield from on_air_lines(receipt, subject, width)
        case ReceiptStatus.HELD:
            yield from held_lines(receipt, subject, spell)
        case ReceiptStatus.DROPPED:
            yield dropped_text(receipt, subject)
        case _:
            yield from failure_lines(receipt)


def on_air_lines(receipt: Receipt, subject: Subject, width: int | None) -> Iterator[Printable]:
    """Yield the receipt of a published change: one line, or two if one is wider than `width` columns."""
    assert receipt.position is not None, "a published change has a position"
    word = DONE[subject.change]
    what = f"{_edition(receipt)} {Position.parse(receipt.position).seq}{subject.quoted}"
    reach = "" if receipt.reach is None else f" · {reach_text(receipt.reach, subject.change)}"
    result = f"(id {receipt.id}){reach}"
    if width is not None and len(f"{word}  {what}  {result}") > width:
        yield Styled(word, Style.GOOD, f"{GAP}{what}")
        yield f"{GAP}{result}"
    else:
        yield Styled(word, Style.GOOD, f"{GAP}{what}{GAP}{result}")


def held_lines(receipt: Receipt, subject: Subject, spell: Spell) -> Iterator[Printable]:
    """Yield the receipt of a held item: why it waits, and until when."""
    is_new = receipt.held == receipt.id
    ids = f"(id {receipt.id})" if is_new else f"({subject.change} of {receipt.id}, held as {receipt.held})"
    yield Styled("held", Style.HELD, f"  {_edition(receipt)}{subject.quoted}  {ids}: not on air yet")
    yield from _waiting_lines(receipt, spell)


def replaced_lines(request: Submission, line: Line) -> Iterator[str]:
    """Yield the text of `line` before a change, and each field that changes. An editor notices a wrong line by them."""
    before = line_text(line)
    plain = line.text if line.attribution is None else f"{line.attribution}: {line.text}"
    if isinstance(request.text, str) and submitted_text(request, line) not in (before, plain):
        yield f"  before: {bidi.isolated(before, line.dir)}"
    for name, label in _CHANGED_FIELDS.items():
        old, new = getattr(line, name), getattr(request, name)
        if new is not msgspec.UNSET and new != old:
            yield f"  {label}: {_field_text(old)} → {_field_text(new)}"


def _field_text(value: str | int | tuple[str, ...] | None) -> str:
    text = ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
    return bidi.isolated(text) or "none"


def next_steps(receipt: Receipt) -> Iterator[str]:
    """Yield the commands that approve and cancel a held item."""
    if receipt.needs:
        yield f"  to approve it (another editor): tick approve {receipt.held} -e {receipt.edition}"
    yield f"  to cancel it: tick cancel {receipt.held} -e {receipt.edition}"


def _waiting_lines(receipt: Receipt, spell: Spell) -> Iterator[str]:
    for need in receipt.needs:
        yield f"  waits: {need.detail}"
    if receipt.due_at is not None:
        yield f"  will be published {spell(receipt.due_at)}{', if it is approved' if receipt.needs else ''}"


def dropped_text(receipt: Receipt, subject: Subject) -> Styled:
    """Return the receipt of a held item that was rejected, cancelled or undone."""
    word = "rejected" if receipt.reason is not None else "taken back"
    by = "" if receipt.decided_by is None else f" by {receipt.decided_by}"
    why = "" if receipt.reason is None else f": {bidi.isolated(receipt.reason)}"
    return Styled(word, Style.HELD, f"{by}  {_edition(receipt)}{subject.quoted}: it was not published{why}")


def dry_run_lines(receipt: Receipt, subject: Subject, spell: Spell) -> Iterator[Printable]:
    """Yield what the desk would do with a change that was not sent."""
    word, style = {
        ReceiptStatus.ON_AIR: (DONE[subject.change], Style.GOOD),
        ReceiptStatus.HELD: ("held", Style.HELD),
        ReceiptStatus.REFUSED: ("refused", Style.BAD),
    }[receipt.status]
    yield Styled(f"would be {word}", style, f"  {_edition(receipt)}{subject.quoted}: nothing was sent")
    yield from _waiting_lines(receipt, spell)
    for finding in receipt.errors:
        yield Styled("refused", Style.BAD, f": {_with_remedy(finding)}  [{finding.code}]", before="  ")


def failure_lines(receipt: Receipt) -> Iterator[Styled]:
    """Yield one line for each reason why a request was refused or failed, or why its outcome is open."""
    word = "UNKNOWN" if receipt.status is ReceiptStatus.UNKNOWN else "NOT ON AIR"
    for finding in receipt.errors:
        if receipt.status is ReceiptStatus.REFUSED:
            yield refused_text(_edition(receipt), finding)
        else:
            yield Styled(word, Style.ALARM, f"  {_edition(receipt)}  {finding.detail}")


def retry_text(receipt: Receipt, change: Change) -> str:
    """Return how to repeat a change that failed, without a second effect if the first one succeeds after all."""
    what = "line" if change is Change.NEW else "change"
    aim = "to try again,"
    if receipt.status is ReceiptStatus.UNKNOWN:
        aim = f"to find out, see `tick log -e {receipt.edition}`, or"
    return f"  {aim} repeat the command with --key {receipt.key}: it never makes a second {what}"


def refused_text(where: str, finding: Finding) -> Styled:
    return Styled("refused", Style.BAD, f"  {where}  {_with_remedy(finding)}  [{finding.code}]")


def _with_remedy(finding: Finding) -> str:
    """Return the finding, with the option that overrides it if the desk only asks."""
    return f"{finding.detail}; --yes sends it as it is" if finding.asks else finding.detail


def warning_lines(receipt: Receipt) -> Iterator[Styled]:
    for finding in receipt.warnings:
        yield Styled("warning", Style.WARNING, f": {finding.detail}", before="  ")


def related_lines(lines: Sequence[RelatedLine], request: Submission) -> Iterator[str]:
    """Yield the lines of a story that still show in other editions after a withdrawal or a correction.

    Each has the command that does the same to it, and that the editor has to complete. A withdrawal has the reason
    only if its readers read the same language. A correction has the present text, to be edited. It never has the
    reason, so that a copied command can't repeat the error.
    """
    if not lines:
        return
    yield f"  still on air in other editions, of the same story ({count(len(lines), 'line')}):"
    for line in lines:
        yield f"    {line.edition}  {bidi.isolated(line.text, line.dir)}"
        is_correction = request.change is Change.CORRECT
        text = f" {quote(line.text)}" if is_correction else ""
        reason = f" {quote(request.reason or '')}" if line.is_same_language and not is_correction else ""
        yield f"      tick {request.change} {line.id}{text} -e {line.edition} --reason{reason}"


def _edition(receipt: Receipt) -> str:
    return edition_name(receipt.edition, is_test=receipt.test)
