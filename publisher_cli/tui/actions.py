"""The keys on a line and on what waits: what each asks before anything is handed in."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from publisher_cli.output import bidi, messages
from publisher_cli.submit.request import new_key
from publisher_cli.times import parse_instant
from publisher_cli.tui import permitting
from publisher_cli.tui.bindings import Pane
from publisher_cli.tui.draft import DEADLINE_S, draft_of
from publisher_cli.tui.messages import Stage
from publisher_cli.tui.widgets.line_list import held_text, held_urgency
from publisher_cli.tui.widgets.prompt import Question
from ticker.core.entry import Entry
from ticker.core.errors import SettingsError
from ticker.core.held import Held, Reason
from ticker.core.line import URGENCY_FLASH, Change, Status
from ticker.core.rules import fields
from ticker.core.submission import Decision, DecisionRequest, Submission

PIN_GIVEN: Final = "2h"


class Acting:
    """One method for each key: named in the bindings, called by the application."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    # On a line

    def _entry(self) -> Entry | None:
        """The latest version of the line that is chosen; None, said, where none is."""
        chosen = self._stage.chosen
        entry = (
            None
            if self._stage.picture is None or self._stage.pane is not Pane.BOARD or chosen is None
            else self._stage.picture.board.get(chosen)
        )
        if entry is None:
            self._stage.refuse("choose a line on the board first (b, then ↑ ↓)")
        return entry

    def _allowed(self, change: Change, entry: Entry) -> bool:
        why_not = permitting.why_not_change(change, entry)
        if why_not is not None:
            self._stage.refuse(why_not)
        return why_not is None

    def update(self) -> None:
        self._rewrite(Change.UPDATE)

    def correct(self) -> None:
        self._rewrite(Change.CORRECT)

    def refile(self) -> None:
        self._rewrite(Change.REFILE)

    def _rewrite(self, change: Change) -> None:
        entry = self._entry()
        if entry is not None and self._allowed(change, entry):
            self._stage.write(draft_of(change, entry.line))

    def withdraw(self) -> None:
        entry = self._entry()
        if entry is None or not self._allowed(Change.WITHDRAW, entry):
            return
        self._stage.ask(
            Question(
                title=f"WITHDRAW {entry.line.id[:4]} FOR GOOD",
                about=_quoted(entry),
                hint="the reason, which readers are told · Enter goes on, Esc leaves it",
                check=lambda reason: "a withdrawal needs a reason" if fields.is_blank(reason) else None,
                answer=lambda reason: self._confirm_withdrawal(entry, reason),
            )
        )

    def _confirm_withdrawal(self, entry: Entry, reason: str) -> None:
        reach = None if self._stage.picture is None else self._stage.picture.reach(entry.line.id)
        whom = "" if reach is None else f" FROM {messages.count(reach.followers, 'READER', 'READERS')}"
        self._stage.ask(
            Question(
                title=f"WITHDRAW {entry.line.id[:4]}{whom}?",
                about=f"{_quoted(entry)}\nreaders are told: {bidi.isolated(reason)}",
                hint="y: withdraw it now · any other key: leave it",
                key="y",
                answer=lambda _: self._change(Change.WITHDRAW, entry, reason=reason),
            )
        )

    def hide(self) -> None:
        entry = self._entry()
        if entry is None:
            return
        change = Change.UNHIDE if entry.line.status is Status.WITHHELD else Change.HIDE
        if self._allowed(change, entry):
            what = "HOLD {} OFF THE BOARD?" if change is Change.HIDE else "RELEASE {} TO THE BOARD?"
            self._ask_enter(what.format(entry.line.id[:4]), change, entry)

    def pin(self) -> None:
        entry = self._entry()
        if entry is None:
            return
        if entry.line.is_pinned(self._stage.now()):
            if self._allowed(Change.UNPIN, entry):
                self._ask_enter(f"UNPIN {entry.line.id[:4]}?", Change.UNPIN, entry)
        elif self._allowed(Change.PIN, entry):
            self._stage.ask(
                Question(
                    title=f"PIN {entry.line.id[:4]} ON TOP FOR",
                    about=_quoted(entry),
                    hint="how long (2h, 90m), or until when · Enter pins it, Esc leaves it",
                    given=PIN_GIVEN,
                    check=self._why_no_time,
                    answer=lambda given: self._change(Change.PIN, entry, pinned_until=self._instant(given)),
                )
            )

    def _instant(self, given: str) -> datetime:
        picture = self._stage.picture
        return parse_instant(given, self._stage.now(), None if picture is None else picture.zone)

    def _why_no_time(self, given: str) -> str | None:
        try:
            self._instant(given)
        except SettingsError as error:
            return str(error)
        return None

    def _ask_enter(self, title: str, change: Change, entry: Entry) -> None:
        """By Enter, not by a letter: whoever types a sentence on the board by mistake changes nothing."""
        self._stage.ask(
            Question(
                title=title,
                about=_quoted(entry),
                hint="Enter: do it · any other key: leave it",
                key="enter",
                answer=lambda _: self._change(change, entry),
            )
        )

    def _change(self, change: Change, entry: Entry, **fields: object) -> None:
        if self._stage.picture is None:
            return
        line = entry.line
        submission = Submission(
            key=new_key(), change=change, id=line.id, version=line.version, deadline_s=DEADLINE_S, **fields,  # type: ignore[arg-type]
        )  # fmt: skip
        self._stage.send(submission, _quoted(entry), line=line)

    # On what waits

    def _waiting(self) -> Held | None:
        chosen = self._stage.chosen
        held = None if self._stage.picture is None or chosen is None else self._stage.picture.held_by_id(chosen)
        if held is None or self._stage.pane is Pane.BOARD:
            self._stage.refuse("choose what waits first (d or s, then ↑ ↓)")
            return None
        return held

    def _may_rule(self, decision: Decision, held: Held, *, breaks_glass: bool = False) -> bool:
        assert self._stage.picture is not None
        why_not = permitting.why_not_ruling(
            decision, held, self._stage.picture.editor, self._stage.picture.role, breaks_glass=breaks_glass
        )
        if why_not is not None:
            self._stage.refuse(why_not)
        return why_not is None

    def approve(self) -> None:
        held = self._waiting()
        if held is None or self._stage.picture is None or not self._may_rule(Decision.APPROVE, held):
            return
        self._stage.ask(
            Question(
                title=f"APPROVE {self._what(held)}?",
                about=self._held_quoted(held),
                hint="y: approve it · any other key: leave it",
                key="y",
                answer=lambda _: self._rule(Decision.APPROVE, held),
            )
        )

    def approve_alone(self) -> None:
        held = self._waiting()
        if held is None or not self._may_rule(Decision.APPROVE, held, breaks_glass=True):
            return
        self._stage.ask(
            Question(
                title=f"BREAK THE GLASS FOR {self._what(held)}",
                about=self._held_quoted(held),
                hint="why without a second person: everybody will see it · Enter goes on, Esc leaves it",
                check=lambda reason: "it takes a reason" if fields.is_blank(reason) else None,
                answer=lambda reason: self._confirm_glass(held, reason),
            )
        )

    def _confirm_glass(self, held: Held, reason: str) -> None:
        self._stage.ask(
            Question(
                title="GO WITHOUT A SECOND PERSON?",
                about=f"{self._held_quoted(held)}\nbecause: {bidi.isolated(reason)}",
                hint="y: put it on air now · any other key: leave it",
                key="y",
                answer=lambda _: self._rule(Decision.APPROVE, held, break_glass=reason),
            )
        )

    def reject(self) -> None:
        held = self._waiting()
        if held is None or not self._may_rule(Decision.REJECT, held):
            return
        self._stage.ask(
            Question(
                title=f"REJECT {self._what(held)}",
                about=self._held_quoted(held),
                hint="the reason, which its author is told · Enter rejects it, Esc leaves it",
                check=lambda reason: "a rejection needs a reason" if fields.is_blank(reason) else None,
                answer=lambda reason: self._rule(Decision.REJECT, held, reason=reason),
            )
        )

    def take_back(self) -> None:
        if self._stage.pane is Pane.BOARD:
            if not self.undo():
                self._stage.refuse(
                    "nothing that you sent can be taken back unseen any more: hide (h) or withdraw (w) it"
                )
            return
        held = self._waiting()
        if held is None or not self._may_rule(Decision.CANCEL, held):
            return
        self._stage.ask(
            Question(
                title=f"TAKE BACK {self._what(held)}?",
                about=self._held_quoted(held),
                hint="Enter: it never goes on air · any other key: leave it",
                key="enter",
                answer=lambda _: self._rule(Decision.CANCEL, held),
            )
        )

    def undo(self) -> bool:
        """Take back what was sent last, if it still waits to be undone; its words come back to the compose line."""
        held_id = self._undoable_id()
        if held_id is None:
            return False
        sent = self._stage.mail.held(held_id)
        if sent is not None and sent.draft is not None:
            self._stage.bring_back(sent.draft)
        ruling = DecisionRequest(key=new_key(), decision=Decision.CANCEL, held=held_id, deadline_s=DEADLINE_S)
        self._stage.send(ruling, "" if sent is None else sent.quoted)
        return True

    def _undoable_id(self) -> str | None:
        picture, undoable = self._stage.picture, self._stage.mail.undoable(self._stage.now())
        if picture is None or undoable is not None:
            return None if undoable is None else undoable[0]
        own = [held for held in picture.scheduled() if held.reason is Reason.UNDO and held.editor == picture.editor]
        return own[-1].id if own else None

    def _rule(
        self, decision: Decision, held: Held, *, reason: str | None = None, break_glass: str | None = None
    ) -> None:
        if self._stage.picture is not None:
            ruling = DecisionRequest(
                key=new_key(),
                decision=decision,
                held=held.id,
                reason=reason,
                break_glass=break_glass,
                deadline_s=DEADLINE_S,
            )
            self._stage.send(ruling, self._held_quoted(held))

    def _what(self, held: Held) -> str:
        assert self._stage.picture is not None
        is_flash = held_urgency(held, self._stage.picture) <= URGENCY_FLASH
        change = held.submission.change
        if change is Change.NEW:
            return f"{held.editor.upper()}'S NEW {'FLASH' if is_flash else 'LINE'}"
        return f"{held.editor.upper()}'S {'FLASH ' if is_flash else ''}{change.upper()}"

    def _held_quoted(self, held: Held) -> str:
        assert self._stage.picture is not None
        return bidi.isolated(*held_text(held, self._stage.picture))


def _quoted(entry: Entry) -> str:
    line = entry.hidden_version or entry.line
    return bidi.isolated(messages.composed(line), line.dir)
