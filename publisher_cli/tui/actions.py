"""The keys on the list: what each one does with the selected line or held item. Pure: an action returns a step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from publisher_cli.output import bidi, messages
from publisher_cli.times import parse_instant
from publisher_cli.tui.draft import DEADLINE_S, draft_of
from publisher_cli.tui.model import EditionModel
from publisher_cli.tui.outbox import Outbox
from publisher_cli.tui.steps import AskText, Confirm, Edit, Refuse, Send, Step
from publisher_cli.tui.widgets.line_list import held_text, held_urgency
from publisher_cli.tui.widgets.prompt import Confirmation, TextRequest
from ticker.client.pending_request import new_key
from ticker.core import lifecycle
from ticker.core.edition import Role
from ticker.core.entry import Entry
from ticker.core.errors import SettingsError
from ticker.core.held import Held, Reason
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
    """The held item selected in the pending or scheduled list."""

    model: EditionModel
    held: Held

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
    if name in _LINE_ACTIONS:
        entry = None if model is None or selected is None else model.board.get(selected)
        if model is None or entry is None:
            return Refuse("select a line on the board first (b, then ↑ ↓)")
        return _LINE_ACTIONS[name](SelectedLine(model, entry, clock))
    held = None if model is None or selected is None else model.held_by_id(selected)
    if model is None or held is None:
        return Refuse("select a held item first (d or s, then ↑ ↓)")
    return _ITEM_ACTIONS[name](SelectedItem(model, held))


def undo(model: EditionModel | None, outbox: Outbox, now: datetime) -> Send | None:
    """Take back the line that was sent last, or return None if none is in its undo window.

    Its draft returns to the compose line.
    """
    held_id = None if model is None else _undoable(model, outbox, now)
    if model is None or held_id is None:
        return None
    sent = outbox.held_request(held_id)
    return Send(
        edition=model.name,
        request=DecisionRequest(key=new_key(), decision=Decision.CANCEL, held=held_id, deadline_s=DEADLINE_S),
        quoted="" if sent is None else sent.quoted,
        restore=None if sent is None else sent.draft,
    )


def _undoable(model: EditionModel, outbox: Outbox, now: datetime) -> str | None:
    """Return the id of the editor's item in its undo window. It may come from another application."""
    if (window := outbox.undo_window(now)) is not None:
        return window[0]
    own = [held for held in model.scheduled() if held.reason is Reason.UNDO and held.editor == model.editor]
    return own[-1].id if own else None


# On a line


def _edit(line: SelectedLine, change: Change) -> Step:
    problem = why_not_change(change, line.entry)
    return Edit(draft_of(change, line.entry.line)) if problem is None else Refuse(problem)


def _withdraw(line: SelectedLine) -> Step:
    if (problem := why_not_change(Change.WITHDRAW, line.entry)) is not None:
        return Refuse(problem)
    prompt = TextRequest(
        title=f"WITHDRAW {line.short_id} FOR GOOD",
        about=line.quoted,
        hint="the reason, which readers see · Enter: continue, Esc: cancel",
        check=lambda reason: "a withdrawal needs a reason" if fields.is_blank(reason) else None,
    )
    return AskText(prompt, lambda reason: _confirm_withdrawal(line, reason))


def _confirm_withdrawal(line: SelectedLine, reason: str) -> Step:
    reach = line.model.reach(line.entry.line.id)
    readers = "" if reach is None else f" FROM {messages.count(reach.followers, 'READER', 'READERS')}"
    prompt = Confirmation(
        title=f"WITHDRAW {line.short_id}{readers}?",
        about=f"{line.quoted}\nreaders see the reason: {bidi.isolated(reason)}",
        hint="y: withdraw it now · any other key: cancel",
        key="y",
    )
    return Confirm(prompt, lambda: _send_change(line, Change.WITHDRAW, reason=reason))


def _hide(line: SelectedLine) -> Step:
    if line.entry.line.status is Status.WITHHELD:
        return _confirm_change(line, Change.UNHIDE, f"PUT {line.short_id} BACK ON THE BOARD?")
    return _confirm_change(line, Change.HIDE, f"HIDE {line.short_id} FROM THE BOARD?")


def _pin(line: SelectedLine) -> Step:
    if line.entry.line.is_pinned(line.clock()):
        return _confirm_change(line, Change.UNPIN, f"UNPIN {line.short_id}?")
    if (problem := why_not_change(Change.PIN, line.entry)) is not None:
        return Refuse(problem)
    prompt = TextRequest(
        title=f"PIN {line.short_id} ON TOP FOR",
        about=line.quoted,
        hint="how long (2h, 90m) or until when (14:30) · Enter: pin it, Esc: cancel",
        value=PIN_DEFAULT,
        check=lambda text: _check_time(line, text),
    )
    return AskText(prompt, lambda text: _send_change(line, Change.PIN, pinned_until=_parse_time(line, text)))


def _parse_time(line: SelectedLine, text: str) -> datetime:
    return parse_instant(text, line.clock(), line.model.zone)


def _check_time(line: SelectedLine, text: str) -> str | None:
    try:
        _parse_time(line, text)
    except SettingsError as error:
        return str(error)
    return None


def _confirm_change(line: SelectedLine, change: Change, title: str) -> Step:
    """Ask for Enter, not for a letter: a sentence typed on the board by mistake must not change anything."""
    if (problem := why_not_change(change, line.entry)) is not None:
        return Refuse(problem)
    prompt = Confirmation(title=title, about=line.quoted, hint="Enter: do it · any other key: cancel", key="enter")
    return Confirm(prompt, lambda: _send_change(line, change))


def _send_change(
    line: SelectedLine, change: Change, *, reason: str | None = None, pinned_until: datetime | None = None
) -> Send:
    latest = line.entry.line
    submission = Submission(
        key=new_key(),
        change=change,
        id=latest.id,
        version=latest.version,
        deadline_s=DEADLINE_S,
        reason=reason,
        pinned_until=pinned_until,
    )
    return Send(edition=line.model.name, request=submission, quoted=line.quoted, line=latest)


# On a held item


def _approve(item: SelectedItem) -> Step:
    if (problem := why_not_decide(Decision.APPROVE, item)) is not None:
        return Refuse(problem)
    prompt = Confirmation(
        title=f"APPROVE {item.name}?", about=item.quoted, hint="y: approve it · any other key: cancel", key="y"
    )
    return Confirm(prompt, lambda: _send_decision(item, Decision.APPROVE))


def _approve_alone(item: SelectedItem) -> Step:
    if (problem := why_not_decide(Decision.APPROVE, item, breaks_glass=True)) is not None:
        return Refuse(problem)
    prompt = TextRequest(
        title=f"BREAK THE GLASS FOR {item.name}",
        about=item.quoted,
        hint="why without a second person; everyone can see it · Enter: continue, Esc: cancel",
        check=lambda reason: "break-glass needs a reason" if fields.is_blank(reason) else None,
    )
    return AskText(prompt, lambda reason: _confirm_break_glass(item, reason))


def _confirm_break_glass(item: SelectedItem, reason: str) -> Step:
    prompt = Confirmation(
        title="APPROVE WITHOUT A SECOND PERSON?",
        about=f"{item.quoted}\nreason: {bidi.isolated(reason)}",
        hint="y: put it on air now · any other key: cancel",
        key="y",
    )
    return Confirm(prompt, lambda: _send_decision(item, Decision.APPROVE, break_glass=reason))


def _reject(item: SelectedItem) -> Step:
    if (problem := why_not_decide(Decision.REJECT, item)) is not None:
        return Refuse(problem)
    prompt = TextRequest(
        title=f"REJECT {item.name}",
        about=item.quoted,
        hint="the reason, which its author sees · Enter: reject it, Esc: cancel",
        check=lambda reason: "a rejection needs a reason" if fields.is_blank(reason) else None,
    )
    return AskText(prompt, lambda reason: _send_decision(item, Decision.REJECT, reason=reason))


def _take_back(item: SelectedItem) -> Step:
    if (problem := why_not_decide(Decision.CANCEL, item)) is not None:
        return Refuse(problem)
    prompt = Confirmation(
        title=f"TAKE BACK {item.name}?",
        about=item.quoted,
        hint="Enter: it never goes on air · any other key: cancel",
        key="enter",
    )
    return Confirm(prompt, lambda: _send_decision(item, Decision.CANCEL))


def _send_decision(
    item: SelectedItem, decision: Decision, *, reason: str | None = None, break_glass: str | None = None
) -> Send:
    request = DecisionRequest(
        key=new_key(),
        decision=decision,
        held=item.held.id,
        reason=reason,
        break_glass=break_glass,
        deadline_s=DEADLINE_S,
    )
    return Send(edition=item.model.name, request=request, quoted=item.quoted)


_LINE_ACTIONS: Final[Mapping[str, Callable[[SelectedLine], Step]]] = {
    "update": lambda line: _edit(line, Change.UPDATE),
    "correct": lambda line: _edit(line, Change.CORRECT),
    "refile": lambda line: _edit(line, Change.REFILE),
    "withdraw": _withdraw,
    "hide": _hide,
    "pin": _pin,
}
_ITEM_ACTIONS: Final[Mapping[str, Callable[[SelectedItem], Step]]] = {
    "approve": _approve,
    "approve_alone": _approve_alone,
    "reject": _reject,
    "take_back": _take_back,
}


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
