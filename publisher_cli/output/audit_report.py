"""An audit as people read it: a headline for each act, and below it what there is to know of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from publisher_cli.output import bidi, messages
from publisher_cli.output.tables import Row, fitted, show_rows
from publisher_cli.times import find_zone
from ticker.console import Console
from ticker.core.audit import Act, Audit, Chain, Difference, Missing, differences, marked
from ticker.core.edition import Edition
from ticker.core.line import Change, Direction, Line, Status
from ticker.core.submission import Decision, Finding, ReceiptStatus

if TYPE_CHECKING:
    from ticker.store.editions import StoredEdition

_PAST: Final = {Decision.APPROVE: "approved", Decision.REJECT: "rejected", Decision.CANCEL: "cancelled"}
_MISSING: Final = {
    Missing.TRIMMED: "its entry is older than what is retained",
    Missing.ANOTHER_LOG: "its entry isn't in this log: that was begun anew, or put back from a backup, since",
}
_LOUD: Final = "bold white on red"


def tell_audit(console: Console, stored: StoredEdition, found: Audit) -> None:
    """The acts and how far the log proves them, or all of it as one document."""
    if console.json:
        console.give(found)
        return
    title, count = bidi.isolated(stored.edition.title), messages.count(len(found.acts), "act")
    console.tell(f"{messages.name_of(stored)}  {title}  {count}")
    _show(console, [row for act in found.acts for row in _rows(act, stored.edition)])
    console.say(_proof(found.chain))
    if found.unread:
        warning = click.style("warning", fg="yellow", bold=True)
        console.tell(
            f"{warning}: what was refused, held or late of {', '.join(found.unread)} isn't here: this user may not "
            "read those receipts, a chief's may (`ticker editor add NAME -e … --role chief`)"
        )


def _show(console: Console, rows: list[tuple[Row, str]]) -> None:
    if not console.is_for_people:
        show_rows(console, [row for row, _ in rows])
        return
    from rich.console import Console as Terminal  # noqa: PLC0415 -- slow to import, and only for terminals

    terminal = Terminal(file=console.out, no_color=not console.has_colour, highlight=False)
    terminal.print(fitted([row for row, _ in rows], terminal, [style for _, style in rows]))


def _proof(chain: Chain) -> str:
    span = f"entries {chain.first:,}–{chain.last:,}" if chain.last >= chain.first else "there is no entry"
    if not chain.holds:
        broken = click.style("THE LOG DOESN'T HOLD", fg="white", bg="red", bold=True)
        return f"{broken}  at {chain.fails_at}: {chain.detail}; before it, every link holds: {span}"
    trust = "; what is older was trimmed, and the first that is left is taken on trust" if chain.first > 1 else ""
    return f"every link checked: {span}{trust}"


def _rows(act: Act, edition: Edition) -> Iterator[tuple[Row, str]]:
    """The headline, then each detail, with the style that it has on a terminal."""
    yield _row(_place(act), _headline(act, edition), style="bold")
    if act.break_glass is not None:
        overrode = f" (overrode {', '.join(act.overridden)})" if act.overridden else ""
        yield _row("  BREAK GLASS", f"no second person: {bidi.isolated(act.break_glass)}{overrode}", style=_LOUD)
    elif act.overridden:
        yield _row("  overrode", ", ".join(act.overridden), style="yellow")
    yield from ((row, "") for row in _texts(act))
    for label, text in _details(act, edition):
        yield _row(f"  {label}", text)


def _row(label: str, text: str, *, style: str = "") -> tuple[Row, str]:
    return Row((label,), text, Direction.LTR), style


def _place(act: Act) -> str:
    return str(act.outcome) if act.position is None else act.position.partition("-")[0]


def _headline(act: Act, edition: Edition) -> str:
    """When, what, of which line, by whom."""
    what = act.action or "something held"
    line_id = act.id or act.held
    version = f" v{act.version}" if act.version is not None and act.after is not None else ""
    whose = "" if act.editor is None else f"  by {act.editor}"
    if act.decided_by is not None and act.decision is not None and act.outcome is not ReceiptStatus.REFUSED:
        whose += f", {_PAST[act.decision]} by {act.decided_by}"
    return f"{_time(act.settled_at, edition)}  {what}{'' if line_id is None else f'  {line_id}{version}'}{whose}"


def _time(instant: datetime, edition: Edition) -> str:
    """In the desk's zone, with what sets that apart from others."""
    return f"{instant.astimezone(find_zone(edition.zone)):%Y-%m-%d %H:%M:%S %z}"


def _texts(act: Act) -> Iterator[Row]:
    """What readers had before, and after it."""
    before, after = act.before, act.after
    if after is None:
        return
    if before is None:
        if after.version > 1:
            yield Row(("  before",), "trimmed from the log", Direction.LTR)
        yield Row(("  text",), _composed(after, after.text), after.dir)
        return
    if after.text == before.text and after.attribution == before.attribution:
        yield Row(("  text",), _composed(after, after.text), after.dir)
        return
    if not (before.text and after.text):
        yield Row(("  before",), _composed(before, before.text), before.dir)
        yield Row(("  after",), _composed(after, after.text), after.dir)
        return
    was, becomes = marked(before.text, after.text)
    yield Row(("  before",), _composed(before, was), before.dir)
    yield Row(("  after",), _composed(after, becomes), after.dir)


def _composed(line: Line, text: str) -> str:
    if line.status is not Status.USABLE:
        return messages.composed(line)
    return messages.attributed(line.attribution, text, line.dir)


def _details(act: Act, edition: Edition) -> Iterator[tuple[str, str]]:
    if act.before is not None and act.after is not None:
        yield from (_difference(each, edition) for each in differences(act.before, act.after))
    refused = "refused" if act.outcome is ReceiptStatus.REFUSED else "because"
    yield from ((refused, _found(finding)) for finding in act.errors)
    yield from (("waits", _found(finding)) for finding in act.needs)
    corrected = act.after if act.after is not None and act.after.change is Change.CORRECT else None
    told = (
        ("readers told", None if corrected is None else corrected.correction),
        ("held as", None if act.id is None or act.held == act.id else act.held),
        ("reason", act.reason),
        ("approved by", act.approved_by),
        ("posted by", act.posted_by),
        (
            "waits until" if act.position is None else "waited until",
            None if act.due_at is None else _time(act.due_at, edition),
        ),
        ("note", act.note),
        ("says", None if act.origin is None else f"{bidi.isolated(act.origin)} (the client's own word)"),
        ("submitted", None if act.submitted_at is None else _time(act.submitted_at, edition)),
        ("NOT IN LOG", None if act.missing is None else _MISSING[act.missing]),
    )
    yield from ((label, bidi.isolated(text)) for label, text in told if text is not None)


def _found(finding: Finding) -> str:
    return f"{bidi.isolated(finding.detail)}  [{finding.code}]"


def _difference(difference: Difference, edition: Edition) -> tuple[str, str]:
    return difference.field, f"{_value(difference.before, edition)} → {_value(difference.after, edition)}"


def _value(value: object, edition: Edition) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, datetime):
        return _time(value, edition)
    return bidi.isolated(", ".join(map(str, value)) if isinstance(value, tuple) else str(value))
