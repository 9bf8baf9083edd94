"""The keys on the list: what each one does with the selected line or held item. Pure: an action returns a step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from publisher_cli.output import bidi, messages
from publisher_cli.times import name_time, parse_instant, spell_instant
from publisher_cli.tui.draft import draft_of
from publisher_cli.tui.model import EditionModel
from publisher_cli.tui.outbox import Outbox
from publisher_cli.tui.steps import AskText, Confirm, Edit, Refuse, Send, Step
from publisher_cli.tui.widgets.line_list import held_text, held_urgency
from ticker.client.pending_request import new_key
from ticker.core import lifecycle
from ticker.core.edition import Role
from ticker.core.entry import Entry
from ticker.core.errors import SettingsError
from ticker.core.held import Held, Reason, content_mark
from ticker.core.line import URGENCY_FLASH, Change, Status
from ticker.core.rules import approval, fields
from ticker.core.rules.findings import Findings, RuleFinding
from ticker.core.submission import Decision, DecisionRequest, Submission

PIN_DEFAULT: Final = "2h"

_PLACEHOLDER: Final = "assumed"
"""A placeholder for the reason, which the editor has not typed yet."""


class SelectedLine(msgspec.Struct, frozen=True):
    """The line selected on the board, in its latest version."""

    model: EditionModel
    entry: Entry
    clock: Callable[[], datetime]

    @property
    def short_id(self) -> str:
        return self.entry.line.id[:4]

    @property
    def quoted(self) -> str:
        line = self.entry.hidden_version or self.entry.line
        return bidi.isolated(messages.line_text(line), line.dir)


class SelectedItem(msgspec.Struct, frozen=True):
    """The held item selected in the pending or scheduled list. `seen` is its mark, as it is shown now."""

    model: EditionModel
    held: Held
    seen: str

    @classmethod
    def of(cls, model: EditionModel, held: Held) -> SelectedItem:
        entry = None if held.submission.id is None else model.board.get(held.submission.id)
        return cls(model, held, content_mark(held, None if entry is None else entry.line.version))

    @property
    def name(self) -> str:
        """A name for prompts, such as `MAHA'S NEW FLASH`."""
        is_flash = held_urgency(self.held, self.model) <= URGENCY_FLASH
        change = self.held.submission.change
        if change is Change.NEW:
            return f"{self.held.editor.upper()}'S NEW {'FLASH' if is_flash else 'LINE'}"
        return f"{self.held.editor.upper()}'S {'FLASH ' if is_flash else ''}{change.upper()}"

    @property
    def quoted(self) -> str:
        return bidi.isolated(*held_text(self.held, self.model))


def act(name: str, model: EditionModel | None, selected: str | None, clock: Callable[[], datetime]) -> Step:
    """Return the first step of the action `name` on the line or held item with the id `selected`."""
    if name in _DECISIONS:
        held = None if model is None or selected is None else model.held_by_id(selected)
        if model is None or held is None:
            return Refuse("select a held item first (d or s, then ↑ ↓)")
        return _decide(name, SelectedItem.of(model, held))
    entry = None if model is None or selected is None else model.board.get(selected)
    if model is None or entry is None:
        return Refuse("select a line on the board first (b, then ↑ ↓)")
    return _change(name, SelectedLine(model, entry, clock))


def undo(model: EditionModel | None, outbox: Outbox, now: datetime) -> Send | None:
    """Take back the line that was sent last, or return None if none is in its undo window.

    Its draft returns to the compose line. A line that is being taken back already is not taken back twice.
    """
    if model is None or (held_id := _undoable(model, outbox, now)) is None:
        return None
    sent = outbox.held_request(held_id)
    return Send(
        edition=model.name,
        request=DecisionRequest(key=new_key(), decision=Decision.CANCEL, held=held_id),
        quoted="" if sent is None else sent.quoted,
        restore=None if sent is None else sent.draft,
    )


def _undoable(model: EditionModel, outbox: Outbox, now: datetime) -> str | None:
    """Return the id of the editor's item in its undo window. It may come from another application."""
    found = [held.id for held in model.scheduled() if held.reason is Reason.UNDO and held.editor == model.editor]
    if (window := outbox.undo_window(now)) is not None:
        found.append(window[0])
    return next((held_id for held_id in reversed(found) if not outbox.is_decided(held_id)), None)


def _required(what: str, reason: str) -> str:
    """Return the reason that the editor has entered.

    Raises:
        SettingsError: If it is blank.

    """
    if fields.is_blank(reason):
        raise SettingsError(f"{what} needs a reason")
    return reason


# On a line


def _change(name: str, line: SelectedLine) -> Step:
    change = _change_of(name, line)
    if (problem := why_not_change(change, line.entry)) is not None:
        return Refuse(problem)
    match change:
        case Change.WITHDRAW:
            return _withdraw(line)
        case Change.PIN:
            return _pin(line)
        case Change.UNPIN:
            return _confirm_change(line, change, f"UNPIN {line.short_id}?")
        case Change.HIDE:
            return _confirm_change(line, change, f"HIDE {line.short_id} FROM THE BOARD?")
        case Change.UNHIDE:
            return _confirm_change(line, change, f"PUT {line.short_id} BACK ON THE BOARD?")
        case _:
            return Edit(draft_of(change, line.entry.line))


def _change_of(name: str, line: SelectedLine) -> Change:
    """Return the change of an action. The actions that hide and pin a line also undo that."""
    if name == "hide" and line.entry.line.status is Status.WITHHELD:
        return Change.UNHIDE
    if name == "pin" and line.entry.line.is_pinned(line.clock()):
        return Change.UNPIN
    return Change(name)


def _withdraw(line: SelectedLine) -> Step:
    return AskText(
        title=f"WITHDRAW {line.short_id} FOR GOOD",
        about=line.quoted,
        hint="the reason, which readers see · Enter: continue, Esc: cancel",
        then=lambda reason: _confirm_withdrawal(line, _required("a withdrawal", reason)),
    )


def _confirm_withdrawal(line: SelectedLine, reason: str) -> Step:
    reach = line.model.reach(line.entry.line.id)
    readers = "" if reach is None else f" FROM {messages.count(reach.followers, 'READER', 'READERS')}"
    return Confirm(
        title=f"WITHDRAW {line.short_id}{readers}?",
        about=f"{line.quoted}\nreaders see the reason: {bidi.isolated(reason)}",
        hint="Ctrl+Y: withdraw it now · any other key: cancel",
        then=lambda: _send_change(line, Change.WITHDRAW, reason=reason),
    )


def _pin(line: SelectedLine) -> Step:
    return AskText(
        title=f"PIN {line.short_id} ON TOP FOR",
        about=line.quoted,
        hint="how long (2h, 90m) or until when (14:30) · Enter: continue, Esc: cancel",
        value=PIN_DEFAULT,
        then=lambda typed: _confirm_pin(line, typed),
    )


def _confirm_pin(line: SelectedLine, typed: str) -> Step:
    until = parse_instant(typed, line.clock(), line.model.zone)
    if (problem := _first_error(fields.check_pinned(until, line.clock()))) is not None:
        raise SettingsError(name_time(problem, "pinned_until", typed))
    return _confirm_change(
        line,
        Change.PIN,
        f"PIN {line.short_id} UNTIL {spell_instant(until, line.clock(), line.model.zone).upper()}?",
        pinned_until=until,
    )


def _confirm_change(line: SelectedLine, change: Change, title: str, *, pinned_until: datetime | None = None) -> Step:
    return Confirm(
        title=title,
        about=line.quoted,
        hint="Ctrl+Y: do it · any other key: cancel",
        then=lambda: _send_change(line, change, pinned_until=pinned_until),
    )


def _send_change(
    line: SelectedLine, change: Change, *, reason: str | None = None, pinned_until: datetime | None = None
) -> Send:
    latest = line.entry.line
    submission = Submission(
        key=new_key(),
        change=change,
        id=latest.id,
        version=latest.version,
        reason=reason,
        pinned_until=pinned_until,
    )
    return Send(edition=line.model.name, request=submission, quoted=line.quoted, line=latest)


# On a held item


def _decide(name: str, item: SelectedItem) -> Step:
    decision, first_step = _DECISIONS[name]
    problem = why_not_decide(decision, item, breaks_glass=first_step is _break_glass)
    return first_step(item) if problem is None else Refuse(problem)


def _approve(item: SelectedItem) -> Step:
    return Confirm(
        title=f"APPROVE {item.name}?",
        about=item.quoted,
        hint="Ctrl+Y: approve it · any other key: cancel",
        then=lambda: _send_decision(item, Decision.APPROVE),
    )


def _break_glass(item: SelectedItem) -> Step:
    return AskText(
        title=f"BREAK THE GLASS FOR {item.name}",
        about=item.quoted,
        hint="why without a second person; everyone can see it · Enter: continue, Esc: cancel",
        then=lambda reason: _confirm_break_glass(item, _required("break-glass", reason)),
    )


def _confirm_break_glass(item: SelectedItem, reason: str) -> Step:
    return Confirm(
        title="APPROVE WITHOUT A SECOND PERSON?",
        about=f"{item.quoted}\nreason: {bidi.isolated(reason)}",
        hint="Ctrl+Y: put it on air now · any other key: cancel",
        then=lambda: _send_decision(item, Decision.APPROVE, break_glass=reason),
    )


def _reject(item: SelectedItem) -> Step:
    return AskText(
        title=f"REJECT {item.name}",
        about=item.quoted,
        hint="the reason, which its author sees · Enter: continue, Esc: cancel",
        then=lambda reason: _confirm_rejection(item, _required("a rejection", reason)),
    )


def _confirm_rejection(item: SelectedItem, reason: str) -> Step:
    return Confirm(
        title=f"REJECT {item.name}?",
        about=f"{item.quoted}\nits author sees the reason: {bidi.isolated(reason)}",
        hint="Ctrl+Y: reject it now · any other key: cancel",
        then=lambda: _send_decision(item, Decision.REJECT, reason=reason),
    )


def _take_back(item: SelectedItem) -> Step:
    return Confirm(
        title=f"TAKE BACK {item.name}?",
        about=item.quoted,
        hint="Ctrl+Y: it never goes on air · any other key: cancel",
        then=lambda: _send_decision(item, Decision.CANCEL),
    )


def _send_decision(
    item: SelectedItem, decision: Decision, *, reason: str | None = None, break_glass: str | None = None
) -> Send:
    request = DecisionRequest(
        key=new_key(), decision=decision, held=item.held.id, seen=item.seen, reason=reason, break_glass=break_glass
    )
    return Send(edition=item.model.name, request=request, quoted=item.quoted)


_DECISIONS: Final[Mapping[str, tuple[Decision, Callable[[SelectedItem], Step]]]] = {
    "approve": (Decision.APPROVE, _approve),
    "approve_alone": (Decision.APPROVE, _break_glass),
    "reject": (Decision.REJECT, _reject),
    "take_back": (Decision.CANCEL, _take_back),
}
"""The decision and the first step of each action on a held item."""


# Permissions, as the core decides them


def why_not_change(change: Change, entry: Entry) -> str | None:
    """Return why a change can't follow the latest entry of a line, or None if it can."""
    request = Submission(key=_PLACEHOLDER, change=change, id=entry.line.id, version=entry.line.version)
    return _first_error(lifecycle.check_may_follow(request, entry.line))


def why_not_decide(decision: Decision, item: SelectedItem, *, breaks_glass: bool = False) -> str | None:
    """Return why this editor may not approve, reject or cancel a held item, or None if they may."""
    request = DecisionRequest(
        key=_PLACEHOLDER,
        decision=decision,
        held=item.held.id,
        reason=None if decision is Decision.APPROVE else _PLACEHOLDER,
        break_glass=_PLACEHOLDER if breaks_glass else None,
    )
    return _first_error(approval.check_decision(request, item.held, item.model.editor, item.model.role))


def why_not_break_glass(role: Role) -> str | None:
    """Return why this role may not break the glass, or None if it may."""
    return _first_error(approval.check_break_glass(role, _PLACEHOLDER))


def _first_error(check: Iterable[RuleFinding]) -> str | None:
    errors = Findings.of(check).errors
    return errors[0].detail if errors else None
