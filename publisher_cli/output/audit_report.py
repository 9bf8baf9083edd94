"""Print an audit: a headline for each act, and its details below."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from publisher_cli.output import bidi, messages
from publisher_cli.output.held_content import NAMES
from publisher_cli.output.rows import Row
from publisher_cli.output.tables import show_rows
from publisher_cli.times import find_zone
from ticker.console import Console, Printable, Style, Styled
from ticker.core.audit import Act, Audit, Chain, Missing, differences, marked
from ticker.core.edition import Edition
from ticker.core.line import Change, Direction, Line, Status
from ticker.core.submission import Decision, Finding, ReceiptStatus

if TYPE_CHECKING:
    from ticker.store.editions import StoredEdition

_PAST: Final = {Decision.APPROVE: "approved", Decision.REJECT: "rejected", Decision.CANCEL: "cancelled"}
_MISSING: Final = {
    Missing.TRIMMED: "its entry is older than the retained log",
    Missing.ANOTHER_LOG: "its entry isn't in this log, which was rotated or restored from a backup since",
}
_LOUD: Final = "bold white on red"


def print_audit(console: Console, stored: StoredEdition, audit: Audit) -> None:
    """Print the acts and whether the log is intact, or all of it as one JSON document."""
    if console.json:
        console.give(audit)
        return
    title, count = bidi.isolated(stored.edition.title), messages.count(len(audit.acts), "act")
    console.tell(f"{messages.name_of(stored)}  {title}  {count}")
    show_rows(console, [row for act in audit.acts for row in _rows(act, stored.edition)])
    console.say(_chain_text(audit.chain))
    if audit.unread:
        lacks = (
            f": this list lacks what was refused, held or late for {', '.join(audit.unread)}: you may not read those "
            "receipts. A chief may (`ticker editor add NAME -e … --role chief`)"
        )
        console.tell(Styled("warning", Style.WARNING, lacks))


def _chain_text(chain: Chain) -> Printable:
    span = f"entries {chain.first:,}–{chain.last:,}" if chain.last >= chain.first else "there is no entry"
    if not chain.holds:
        where = f"  at {chain.fails_at}: {chain.detail}; every link before it is correct: {span}"
        return Styled("THE LOG IS BROKEN", Style.ALARM, where)
    trimmed = "; older entries were trimmed, so the link of the first one can't be checked" if chain.first > 1 else ""
    return f"every link checked: {span}{trimmed}"


def _rows(act: Act, edition: Edition) -> Iterator[Row]:
    """Yield the headline and each detail."""
    yield _row(_number(act), _headline(act, edition), style="bold")
    if act.break_glass is not None:
        overrode = f" (overrode {', '.join(act.overridden)})" if act.overridden else ""
        yield _row("  BREAK GLASS", f"without a second person: {bidi.isolated(act.break_glass)}{overrode}", style=_LOUD)
    elif act.overridden:
        yield _row("  overrode", ", ".join(act.overridden), style="yellow")
    yield from _texts(act)
    for label, text in _details(act, edition):
        yield _row(f"  {label}", text)


def _row(label: str, text: str, *, style: str = "") -> Row:
    return Row((label,), text, Direction.LTR, style)


def _number(act: Act) -> str:
    return str(act.outcome) if act.position is None else act.position.partition("-")[0]


def _headline(act: Act, edition: Edition) -> str:
    """Return when it happened, the change, the line and the editor."""
    what = act.action or "a held item"
    line_id = act.id or act.held
    version = f" v{act.version}" if act.version is not None and act.after is not None else ""
    by = "" if act.editor is None else f"  by {act.editor}"
    if act.decided_by is not None and act.decision is not None and act.outcome is not ReceiptStatus.REFUSED:
        by += f", {_PAST[act.decision]} by {act.decided_by}"
    return f"{_time(act.settled_at, edition)}  {what}{'' if line_id is None else f'  {line_id}{version}'}{by}"


def _time(instant: datetime, edition: Edition) -> str:
    """Return the time in the edition's zone, with the offset from UTC."""
    return f"{instant.astimezone(find_zone(edition.zone)):%Y-%m-%d %H:%M:%S %z}"


def _texts(act: Act) -> Iterator[Row]:
    """Yield what readers saw before and after the act."""
    before, after = act.before, act.after
    if after is None:
        return
    if before is None and after.version > 1:
        yield _row("  before", "trimmed from the log")
    if before is None or (before.text, before.attribution) == (after.text, after.attribution):
        yield _text_row("text", after, after.text)
        return
    both_have_text = before.text and after.text
    old, new = marked(before.text, after.text) if both_have_text else (before.text, after.text)
    yield _text_row("before", before, old)
    yield _text_row("after", after, new)


def _text_row(label: str, line: Line, text: str) -> Row:
    shown = messages.attributed(line.attribution, text, line.dir)
    return Row((f"  {label}",), shown if line.status is Status.USABLE else messages.line_text(line), line.dir)


def _details(act: Act, edition: Edition) -> Iterator[tuple[str, str]]:
    if act.before is not None and act.after is not None:
        for each in differences(act.before, act.after):
            yield NAMES.get(each.field, each.field), f"{_value(each.before, edition)} → {_value(each.after, edition)}"
    refused = "refused" if act.outcome is ReceiptStatus.REFUSED else "because"
    yield from ((refused, _finding_text(finding)) for finding in act.errors)
    yield from (("waits", _finding_text(finding)) for finding in act.needs)
    corrected = act.after if act.after is not None and act.after.change is Change.CORRECT else None
    labelled = (
        ("readers see", None if corrected is None else corrected.correction),
        ("held as", None if act.id is None or act.held == act.id else act.held),
        ("reason", act.reason),
        ("approved by", act.approved_by),
        ("posted by", act.posted_by),
        (
            "waits until" if act.position is None else "waited until",
            None if act.due_at is None else _time(act.due_at, edition),
        ),
        ("note", act.note),
        ("sent from", None if act.origin is None else f"{bidi.isolated(act.origin)} (not verified)"),
        ("submitted", None if act.submitted_at is None else _time(act.submitted_at, edition)),
        ("NOT IN LOG", None if act.missing is None else _MISSING[act.missing]),
    )
    yield from ((label, bidi.isolated(text)) for label, text in labelled if text is not None)


def _finding_text(finding: Finding) -> str:
    return f"{bidi.isolated(finding.detail)}  [{finding.code}]"


def _value(value: object, edition: Edition) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, datetime):
        return _time(value, edition)
    return bidi.isolated(", ".join(map(str, value)) if isinstance(value, tuple) else str(value))
