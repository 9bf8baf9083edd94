"""The application: it shows a picture of an edition, and hands in what the editor decides."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Key, Resize
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.worker import Worker

from publisher_cli import words
from publisher_cli.desk_view import keys, permitting, status
from publisher_cli.desk_view.asking import Asking, Question
from publisher_cli.desk_view.composer import Composer
from publisher_cli.desk_view.drafting import (
    DEADLINE_S,
    Draft,
    Opinion,
    asks_twice,
    draft_of,
    opinion_of,
    submission_of,
)
from publisher_cli.desk_view.errands import Sent, carry
from publisher_cli.desk_view.keys import Pane
from publisher_cli.desk_view.listening import Listener
from publisher_cli.desk_view.lists import LineList
from publisher_cli.desk_view.picture import Connection, Picture, State
from publisher_cli.desk_view.receipts import Told, told_of
from publisher_cli.desk_view.rows import held_rows, held_text, held_urgency, line_rows
from publisher_cli.newsroom import Newsroom
from publisher_cli.times import parse_instant
from ticker.core import rules
from ticker.core.entry import Entry, Logged
from ticker.core.errors import SettingsError
from ticker.core.held import Held, Reason
from ticker.core.line import URGENCY_FLASH, Change, Line, Status
from ticker.core.position import Position
from ticker.core.submission import Finding, Handling, Outcome, Receipt, Request, Ruling, Submission
from ticker.store.reach import reach_of

CHECK_S: Final = 0.06
"""After the last key, before the rules are run: nobody reads a finding between two keys."""

TICK_S: Final = 1.0
TOLD_KEPT: Final = 500
PIN_GIVEN: Final = "2h"
NOT_SETTLED: Final = frozenset({Outcome.LATE, Outcome.NOT_ON_AIR})

Slot = tuple[str, Change, str | None]
"""Where a draft is kept: in which edition, of which change, of which line."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Help(ModalScreen[None]):
    """The keys. Any key closes it."""

    def compose(self) -> ComposeResult:
        yield Static(keys.HELP, markup=False)

    async def on_key(self, event: Key) -> None:
        event.stop()
        await self.dismiss()


class DeskView(App[str]):
    """The desk view of one editor. Its result is the text that was left unsent."""

    CSS_PATH = "desk_view.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = keys.EVERYWHERE

    def __init__(
        self,
        find: Callable[[], Newsroom],
        edition: str | None = None,
        editor: str | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__()
        self._find = find
        self._editor = editor
        self._clock = clock
        self._asked_edition = edition
        self.connection = Connection(State.CONNECTING, clock())
        self.picture: Picture | None = None
        self.pane = Pane.BOARD
        self.opinion: Opinion | None = None
        self.told: Told | None = None
        self._receipt: tuple[Receipt, str] | None = None
        self._editions: list[str] = []
        self._drafts: dict[Slot, Draft] = {}
        self._unsettled: dict[Slot, Sent] = {}
        self._under_way: dict[str, Sent] = {}
        self._kept: dict[str, Sent] = {}  # what is held, by its id: to have the words again when it is taken back
        self._receipts_told: dict[tuple[str, Outcome], None] = {}
        self._undoable: tuple[str, datetime] | None = None
        self._ear: Worker[None] | None = None
        self._check_timer: Timer | None = None
        self._focus_before: Widget | None = None
        self._statics: dict[str, Static] = {}

    @property
    def unsettled(self) -> list[Sent]:
        """What was handed in and never heard of again."""
        return list(self._unsettled.values())

    # What is there

    def compose(self) -> ComposeResult:
        with Horizontal(id="head"):
            yield Static(id="title")
            yield Static(id="state")
        yield Static(" TEST EDITION · nothing here is for the public ", id="test", markup=False)
        yield Static(id="banner")
        yield Static(id="places")
        yield LineList(id="lines")
        yield Static(id="chosen")
        yield Composer(id="composer")
        yield Asking(id="asking")
        yield Static(id="told")
        yield Static(id="keys")

    def on_mount(self) -> None:
        self._lines: LineList = self.query_one("#lines", LineList)
        self._composer = self.query_one("#composer", Composer)
        self._asking = self.query_one("#asking", Asking)
        self._statics = {widget.id: widget for widget in self.screen.query(Static) if widget.id}
        self._composer.focus_text()
        self.set_interval(TICK_S, self._show)
        self._listen(self._asked_edition)
        self._show()

    def _listen(self, edition: str | None) -> None:
        """Turn to an edition; None is the first that there is."""
        if self._ear is not None:
            self._ear.cancel()
        self.connection = Connection(State.CONNECTING, self._clock())
        listener = Listener(self._find, edition, self._editor, self, self._clock)
        self._ear = self.run_worker(listener.run(), name="listener", group="listener", exclusive=True)

    # What is heard

    def hear_connection(self, connection: Connection) -> None:
        self.connection = connection
        self._show()

    def hear_editions(self, names: list[str]) -> None:
        self._editions = names

    def hear_entry(self, logged: Logged) -> None:
        """The picture has it already."""

    def hear_picture(self, picture: Picture) -> None:
        before, self.picture = self.picture, picture
        if before is None or before.name != picture.name:
            self._load(self._drafts.get((picture.name, Change.NEW, None), Draft()))
        if before is None or before.seq != picture.seq or before.role != picture.role:
            self._check_soon()
        self._show()

    def hear_receipt(self, receipt: Receipt) -> None:
        """A receipt that nobody here waits for: of what was held, or of what was given up for lost."""
        if receipt.key in self._under_way or (receipt.key, receipt.status) in self._receipts_told:
            return
        unsettled = next((sent for sent in self._unsettled.values() if sent.request.key == receipt.key), None)
        if unsettled is not None:
            self._settle(unsettled, receipt)
        elif receipt.held is not None and receipt.status is not Outcome.HELD:
            kept = self._kept.get(receipt.held)
            self._tell_receipt(receipt, "" if kept is None else kept.quoted)

    # What is shown

    def _show(self) -> None:
        """Everything that time or news can have changed. What is the same isn't drawn again."""
        if not self._is_up():
            return
        now, picture = self._clock(), self.picture
        self._put("title", status.title(picture, self._asked_edition))
        self._put("state", status.state(self.connection, picture, now, self.size.width))
        self._put("banner", status.banner(self.connection, now))
        self._statics["banner"].display = self.connection.state is State.LOST
        self._statics["test"].display = picture is not None and picture.stored.edition.test
        self._put("places", status.places(self._editions, picture, self.pane, now))
        self._put("keys", keys.keys_lines(self._keys(), self.size.width - 2))
        if picture is not None:
            self._show_rows(picture, now)
            self._put("chosen", status.chosen(picture, self.pane, self._lines.chosen, now))
        self._put("told", self._told_words(now))

    def _show_rows(self, picture: Picture, now: datetime) -> None:
        width = self.size.width
        match self.pane:
            case Pane.BOARD:
                rows, below = line_rows(picture, now, width)
                self._lines.show(rows, below, "nothing is on the board")
            case Pane.PENDING:
                self._lines.show(
                    held_rows(picture.pending(), picture, now, width), (), status.nothing(picture, "to decide on")
                )
            case Pane.SCHEDULED:
                self._lines.show(
                    held_rows(picture.scheduled(), picture, now, width), (), status.nothing(picture, "scheduled")
                )

    def _is_up(self) -> bool:
        """Whether there is anything to show on: news may come before the first picture, and after the last."""
        return bool(self._statics) and self._lines.is_attached

    def _put(self, name: str, content: Content) -> None:
        widget = self._statics[name]
        if not isinstance(widget.content, Content) or not widget.content.is_same(content):
            widget.update(content)

    def _keys(self) -> tuple[tuple[str, str], ...]:
        if self._asks():
            return keys.ASKED
        if self.focused is self._lines:
            return keys.KEYS[self.pane]
        more = []
        if self.opinion is not None and self.opinion.needs:
            more.append(keys.GLASS)
        if self.opinion is not None and any(finding.code == "duplicate" for finding in self.opinion.errors):
            more.append(keys.AGAIN)
        return (*more, *keys.COMPOSING)

    def _told_words(self, now: datetime) -> Content:
        if self._under_way:
            oldest = min(sent.at for sent in self._under_way.values())
            waited = f"{(now - oldest).total_seconds():.0f} s of {DEADLINE_S:.0f}"
            return Content.styled(" SENDING ", "bold reverse") + Content(f" waiting for the desk · {waited}")
        self._tell_reach()
        if self.told is None:
            return Content("")
        said = Content.styled(f" {self.told.word} ", self.told.style) + Content(f" {self.told.sentence}")
        if self._undoable is not None and self._undoable[1] > now:
            left = (self._undoable[1] - now).total_seconds()
            said += Content.styled(f"  {left:.0f} s left: Ctrl+C takes it back", "bold $text-warning")
        return said

    def _tell_reach(self) -> None:
        """How far it has come is known a moment after it is on air."""
        if self._receipt is None or self.picture is None:
            return
        receipt, quoted = self._receipt
        if receipt.position is not None and receipt.reach is None and receipt.edition == self.picture.name:
            reach = reach_of(Position.parse(receipt.position).seq, self.picture.reports)
            if reach is not None:
                receipt = msgspec.structs.replace(receipt, reach=reach)
                self._receipt, self.told = (receipt, quoted), told_of(receipt, quoted, self._clock())

    def _tell(self, word: str, sentence: str, style: str = "bold $text-warning") -> None:
        self._receipt = None
        self.told = Told(word, style, sentence)
        self._show()

    def _refuse(self, why: str) -> None:
        """Say why something can't be done."""
        self.bell()
        self._tell("NOT DONE", why, "bold $text-error")

    # The compose line

    def on_composer_changed(self) -> None:
        if self.picture is not None:
            self._composer.show_count(self.picture.stored.edition)
            self._check_soon()

    def _check_soon(self) -> None:
        if self._check_timer is not None:
            self._check_timer.stop()
        self._check_timer = self.set_timer(CHECK_S, self._check)

    def _check(self) -> None:
        """What the desk would say of what stands there now."""
        if not self._is_up():
            return
        draft = self._composer.draft
        self.opinion = None if draft.is_blank or self.picture is None else self._opinion(draft, self.picture)
        self._composer.show_opinion(self.opinion, self._clock())
        self._show()

    def _opinion(self, draft: Draft, picture: Picture) -> Opinion:
        return opinion_of(draft, picture, self._clock())

    def _load(self, draft: Draft) -> None:
        assert self.picture is not None
        self._composer.load(draft, self.picture.stored)

    def _slot(self, draft: Draft) -> Slot:
        return (self.picture.name if self.picture is not None else "", *draft.place)

    def _stash(self) -> None:
        """Keep what stands in the compose line for when the editor comes back to it."""
        draft = self._composer.draft
        if draft.is_blank:
            self._drafts.pop(self._slot(draft), None)
        else:
            self._drafts[self._slot(draft)] = draft

    def _write(self, draft: Draft) -> None:
        """Turn the compose line to another draft, or to what was typed of it before."""
        self._stash()
        kept = self._drafts.get(self._slot(draft))
        if kept is not None and kept.line != draft.line:
            kept = None  # of a version that is no longer the latest
        self._load(kept or draft)
        self._composer.focus_text()
        self._show()

    def on_composer_left(self) -> None:
        """Back to the board; a change of a line gives way to the new line that stood there before."""
        if self._composer.draft.line is not None:
            self._write(Draft())
        self._lines.focus()
        self._show()

    def on_composer_sent(self) -> None:
        picture, draft = self.picture, self._composer.draft
        if picture is None:
            self._refuse("there is no connection yet, and nothing was sent: the text stays here")
            return
        if any(sent.draft is not None for sent in self._under_way.values()):
            self._refuse("wait for the desk's answer to the line before this one")
            return
        if draft.is_blank:
            self._refuse("there is nothing to send: type a line" if draft.line is None else "nothing has been changed")
            return
        self._check()
        opinion = self.opinion
        if opinion is None or opinion.submission is None or not opinion.can_be_sent:
            errors = () if opinion is None else opinion.errors
            self._tell("REFUSED", f"{_details(errors)}: nothing was sent", "bold $text-error")
            return
        if asks_twice(draft, opinion.submission):
            self._ask_twice(draft, picture)
        elif draft.line is not None:
            self._ask_change(draft, draft.line, picture)
        else:
            self._send_draft(draft, picture)

    def _ask_twice(self, draft: Draft, picture: Picture) -> None:
        what = "GO WITHOUT A SECOND PERSON" if draft.typed.glass.strip() else "SEND THIS FLASH"
        self._ask(
            Question(
                title=f"{what} TO {picture.name.upper()}?",
                about=words.isolated(rules.normal_text(draft.typed.text)),
                hint="y: send it now · any other key: back to the text",
                key="y",
                answer=lambda _: self._send_draft(draft, picture),
            )
        )

    def _ask_change(self, draft: Draft, line: Line, picture: Picture) -> None:
        """Show before and after: whoever typed on the board by mistake sees it here, and not on air."""
        now = words.isolated(rules.normal_text(draft.typed.text), line.dir)
        was = words.isolated(words.composed(line), line.dir)
        self._ask(
            Question(
                title=f"{draft.change.upper()} {line.id[:4]} IN {picture.name.upper()}?",
                about=f"was: {was}\nnow: {now}" if now != was else now,
                hint="Enter: send it now · any other key: back to the text",
                key="enter",
                answer=lambda _: self._send_draft(draft, picture),
            )
        )

    def _send_draft(self, draft: Draft, picture: Picture) -> None:
        slot = (picture.name, *draft.place)
        again = self._unsettled.get(slot)
        # The very same words once more, after nobody answered: with the same key they can't become a second line.
        key = again.request.key if again is not None and again.draft == draft else new_key()
        try:
            submission = submission_of(draft, key, self._clock())
        except SettingsError as error:
            self._refuse(str(error))
            return
        quoted = words.isolated(rules.normal_text(draft.typed.text), picture.stored.edition.dir)
        self._send(submission, quoted, picture.name, draft)

    # Sending

    def _send(self, request: Request, quoted: str, edition: str, draft: Draft | None = None) -> None:
        sent = Sent(edition, request, quoted, self._clock(), draft)
        self._under_way[request.key] = sent
        self.run_worker(carry(self._find, self._editor, sent, self._heard), name=request.key, group="errands")
        self._show()

    def _heard(self, sent: Sent, receipt: Receipt) -> None:
        self._under_way.pop(sent.request.key, None)
        self._settle(sent, receipt)

    def _settle(self, sent: Sent, receipt: Receipt) -> None:
        """Take in a receipt: the words leave the compose line only once they are on air or held."""
        self._tell_receipt(receipt, sent.quoted)
        draft = sent.draft
        if draft is None:
            return
        slot = (sent.edition, *draft.place)
        if receipt.status in NOT_SETTLED:
            self._unsettled[slot] = sent
            return
        self._unsettled.pop(slot, None)
        if receipt.status is Outcome.REFUSED:
            return
        if receipt.held is not None:
            self._keep(receipt.held, sent)
            if receipt.due is not None and isinstance(sent.request, Submission) and sent.request.at is None:
                self._undoable = (receipt.held, receipt.due)
        self._done_with(slot, draft)

    def _done_with(self, slot: Slot, draft: Draft) -> None:
        if self._drafts.get(slot) == draft:
            del self._drafts[slot]
        if self.picture is not None and self._slot(self._composer.draft) == slot and self._composer.draft == draft:
            self._load(self._drafts.get((slot[0], Change.NEW, None), Draft()) if draft.line is not None else Draft())
            if draft.line is not None:
                self._lines.focus()
        self._show()

    def _keep(self, held_id: str, sent: Sent) -> None:
        self._kept[held_id] = sent
        while len(self._kept) > TOLD_KEPT:
            self._kept.pop(next(iter(self._kept)))

    def _tell_receipt(self, receipt: Receipt, quoted: str) -> None:
        self._receipts_told[(receipt.key, receipt.status)] = None
        while len(self._receipts_told) > TOLD_KEPT:
            self._receipts_told.pop(next(iter(self._receipts_told)))
        if self._undoable is not None and receipt.held == self._undoable[0] and receipt.status is not Outcome.HELD:
            self._undoable = None
        if receipt.status in NOT_SETTLED or receipt.status is Outcome.REFUSED:
            self.bell()
        self._receipt, self.told = (receipt, quoted), told_of(receipt, quoted, self._clock())
        self._show()

    # What is asked in place

    def _ask(self, question: Question) -> None:
        if self._asking.question is None:
            self._focus_before = self.focused
        self._composer.display = False
        self._asking.ask(question)
        self._show()

    def on_asking_over(self, event: Asking.Over) -> None:
        self._composer.display = True
        (self._focus_before or self._lines).focus()
        if event.given is None:
            self._tell("LEFT", "nothing was done")
        else:
            event.question.answer(event.given)
        self._show()

    # Keys on a line

    def _entry(self) -> Entry | None:
        """The latest version of the line that is chosen; None, said, where none is."""
        chosen = self._lines.chosen
        entry = (
            None
            if self.picture is None or self.pane is not Pane.BOARD or chosen is None
            else self.picture.board.get(chosen)
        )
        if entry is None:
            self._refuse("choose a line on the board first (b, then ↑ ↓)")
        return entry

    def _allowed(self, change: Change, entry: Entry) -> bool:
        why_not = permitting.why_not_change(change, entry)
        if why_not is not None:
            self._refuse(why_not)
        return why_not is None

    def action_compose_new(self) -> None:
        if self.picture is not None:
            self._write(Draft())

    def action_write(self, change: str) -> None:
        entry = self._entry()
        if entry is not None and self._allowed(Change(change), entry):
            self._write(draft_of(Change(change), entry.line))

    def action_withdraw(self) -> None:
        entry = self._entry()
        if entry is None or not self._allowed(Change.WITHDRAW, entry):
            return
        self._ask(
            Question(
                title=f"WITHDRAW {entry.line.id[:4]} FOR GOOD",
                about=_quoted(entry),
                hint="the reason, which readers are told · Enter goes on, Esc leaves it",
                check=lambda reason: "a withdrawal needs a reason" if rules.is_blank(reason) else None,
                answer=lambda reason: self._confirm_withdrawal(entry, reason),
            )
        )

    def _confirm_withdrawal(self, entry: Entry, reason: str) -> None:
        reach = None if self.picture is None else self.picture.reach(entry.line.id)
        whom = "" if reach is None else f" FROM {words.count(reach.followers, 'READER')}"
        self._ask(
            Question(
                title=f"WITHDRAW {entry.line.id[:4]}{whom}?",
                about=f"{_quoted(entry)}\nreaders are told: {words.isolated(reason)}",
                hint="y: withdraw it now · any other key: leave it",
                key="y",
                answer=lambda _: self._change(Change.WITHDRAW, entry, reason=reason),
            )
        )

    def action_hold(self) -> None:
        entry = self._entry()
        if entry is None:
            return
        change = Change.RELEASE if entry.line.status is Status.WITHHELD else Change.HOLD
        if self._allowed(change, entry):
            what = "HOLD {} OFF THE BOARD?" if change is Change.HOLD else "RELEASE {} TO THE BOARD?"
            self._ask_enter(what.format(entry.line.id[:4]), change, entry)

    def action_pin(self) -> None:
        entry = self._entry()
        if entry is None:
            return
        if entry.line.is_pinned(self._clock()):
            if self._allowed(Change.UNPIN, entry):
                self._ask_enter(f"UNPIN {entry.line.id[:4]}?", Change.UNPIN, entry)
        elif self._allowed(Change.PIN, entry):
            self._ask(
                Question(
                    title=f"PIN {entry.line.id[:4]} ON TOP FOR",
                    about=_quoted(entry),
                    hint="how long (2h, 90m), or until when · Enter pins it, Esc leaves it",
                    given=PIN_GIVEN,
                    check=self._why_no_time,
                    answer=lambda given: self._change(Change.PIN, entry, pinned=parse_instant(given, self._clock())),
                )
            )

    def _why_no_time(self, given: str) -> str | None:
        try:
            parse_instant(given, self._clock())
        except SettingsError as error:
            return str(error)
        return None

    def _ask_enter(self, title: str, change: Change, entry: Entry) -> None:
        """By Enter, not by a letter: whoever types a sentence on the board by mistake changes nothing."""
        self._ask(
            Question(
                title=title,
                about=_quoted(entry),
                hint="Enter: do it · any other key: leave it",
                key="enter",
                answer=lambda _: self._change(change, entry),
            )
        )

    def _change(self, change: Change, entry: Entry, **fields: object) -> None:
        if self.picture is None:
            return
        line = entry.line
        submission = Submission(
            key=new_key(), change=change, id=line.id, version=line.version, deadline_s=DEADLINE_S, **fields,  # type: ignore[arg-type]
        )  # fmt: skip
        self._send(submission, _quoted(entry), self.picture.name)

    # Keys on what waits

    def _waiting(self) -> Held | None:
        chosen = self._lines.chosen
        held = None if self.picture is None or chosen is None else self.picture.held_by_id(chosen)
        if held is None or self.pane is Pane.BOARD:
            self._refuse("choose what waits first (d or s, then ↑ ↓)")
            return None
        return held

    def _may_rule(self, handling: Handling, held: Held, *, breaks_glass: bool = False) -> bool:
        assert self.picture is not None
        why_not = permitting.why_not_ruling(
            handling, held, self.picture.editor, self.picture.role, breaks_glass=breaks_glass
        )
        if why_not is not None:
            self._refuse(why_not)
        return why_not is None

    def action_approve(self) -> None:
        held = self._waiting()
        if held is None or self.picture is None or not self._may_rule(Handling.APPROVE, held):
            return
        flash = "FLASH " if held_urgency(held, self.picture) <= URGENCY_FLASH else ""
        self._ask(
            Question(
                title=f"APPROVE {held.editor.upper()}'S {flash}{held.submission.change.upper()}?",
                about=self._held_quoted(held),
                hint="y: approve it · any other key: leave it",
                key="y",
                answer=lambda _: self._rule(Handling.APPROVE, held),
            )
        )

    def action_approve_alone(self) -> None:
        held = self._waiting()
        if held is None or not self._may_rule(Handling.APPROVE, held, breaks_glass=True):
            return
        self._ask(
            Question(
                title=f"BREAK THE GLASS FOR {held.editor.upper()}'S {held.submission.change.upper()}",
                about=self._held_quoted(held),
                hint="why without a second person: everybody will see it · Enter goes on, Esc leaves it",
                check=lambda reason: "it takes a reason" if rules.is_blank(reason) else None,
                answer=lambda reason: self._confirm_glass(held, reason),
            )
        )

    def _confirm_glass(self, held: Held, reason: str) -> None:
        self._ask(
            Question(
                title="GO WITHOUT A SECOND PERSON?",
                about=f"{self._held_quoted(held)}\nbecause: {words.isolated(reason)}",
                hint="y: put it on air now · any other key: leave it",
                key="y",
                answer=lambda _: self._rule(Handling.APPROVE, held, break_glass=reason),
            )
        )

    def action_reject(self) -> None:
        held = self._waiting()
        if held is None or not self._may_rule(Handling.REJECT, held):
            return
        self._ask(
            Question(
                title=f"REJECT {held.editor.upper()}'S {held.submission.change.upper()}",
                about=self._held_quoted(held),
                hint="the reason, which its author is told · Enter rejects it, Esc leaves it",
                check=lambda reason: "a rejection needs a reason" if rules.is_blank(reason) else None,
                answer=lambda reason: self._rule(Handling.REJECT, held, reason=reason),
            )
        )

    def action_take_back(self) -> None:
        if self.pane is Pane.BOARD:
            if not self._undo():
                self._refuse("nothing that you sent can be taken back unseen any more: hold (h) or withdraw (w) it")
            return
        held = self._waiting()
        if held is None or not self._may_rule(Handling.CANCEL, held):
            return
        self._ask(
            Question(
                title=f"TAKE BACK {held.editor.upper()}'S {held.submission.change.upper()}?",
                about=self._held_quoted(held),
                hint="Enter: it never goes on air · any other key: leave it",
                key="enter",
                answer=lambda _: self._rule(Handling.CANCEL, held),
            )
        )

    def _undo(self) -> bool:
        """Take back what was sent last, if it still waits to be undone; its words come back to the compose line."""
        held_id = self._undoable_id()
        if held_id is None or self.picture is None:
            return False
        self._undoable = None
        sent = self._kept.get(held_id)
        if sent is not None and sent.draft is not None and self._composer.draft.is_blank:
            self._load(sent.draft)
        ruling = Ruling(key=new_key(), handling=Handling.CANCEL, held=held_id, deadline_s=DEADLINE_S)
        self._send(ruling, "" if sent is None else sent.quoted, self.picture.name)
        return True

    def _undoable_id(self) -> str | None:
        if self._undoable is not None and self._undoable[1] > self._clock():
            return self._undoable[0]
        scheduled = [] if self.picture is None else self.picture.scheduled()
        own = [
            held
            for held in scheduled
            if held.reason is Reason.UNDO and self.picture and held.editor == self.picture.editor
        ]
        return own[-1].id if own else None

    def _rule(
        self, handling: Handling, held: Held, *, reason: str | None = None, break_glass: str | None = None
    ) -> None:
        if self.picture is not None:
            ruling = Ruling(
                key=new_key(),
                handling=handling,
                held=held.id,
                reason=reason,
                break_glass=break_glass,
                deadline_s=DEADLINE_S,
            )
            self._send(ruling, self._held_quoted(held), self.picture.name)

    def _held_quoted(self, held: Held) -> str:
        assert self.picture is not None
        return words.isolated(*held_text(held, self.picture))

    # Keys everywhere

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is asked, or help is shown, only leaving is possible besides."""
        is_busy = len(self.screen_stack) > 1 or (self.is_running and self._asks())
        return not is_busy or action in ("interrupt", "leave", "quit", "simulate_key") or action.startswith("cursor")

    def _asks(self) -> bool:
        return any(asking.question is not None for asking in self.screen_stack[0].query(Asking))

    def action_pane(self, name: str) -> None:
        self.pane = Pane[name]
        self._lines.focus()
        self._show()

    def action_next_edition(self) -> None:
        if self.picture is not None and len(self._editions) > 1:
            index = self._editions.index(self.picture.name) if self.picture.name in self._editions else -1
            self._turn_to(self._editions[(index + 1) % len(self._editions)])

    def action_edition(self, number: int) -> None:
        if number <= len(self._editions):
            self._turn_to(self._editions[number - 1])

    def _turn_to(self, name: str) -> None:
        if self.picture is not None and name != self.picture.name:
            self._stash()
            self._listen(name)

    def action_glass(self) -> None:
        why_not = None if self.picture is None else permitting.why_not_glass(self.picture.role)
        if why_not is not None:
            self._refuse(why_not)
        else:
            self._composer.toggle_glass()

    def action_again(self) -> None:
        self._composer.toggle_again()

    def action_light(self) -> None:
        self.theme = "textual-light" if self.current_theme.dark else "textual-dark"

    async def action_help(self) -> None:
        await self.push_screen(Help())

    def action_interrupt(self) -> None:
        if not self._undo():
            self.action_leave()

    def action_leave(self) -> None:
        """End; asked first where a line would be left unsent, or its receipt unheard."""
        text = self._composer.draft.typed.text if not self._composer.draft.is_blank else ""
        if not text and not self._under_way:
            self.exit("")
        elif self._asks():
            self.exit(text)
        else:
            what = "A LINE IS ON ITS WAY" if self._under_way else "A LINE ISN'T SENT"
            self._ask(
                Question(
                    title=f"{what}: LEAVE ALL THE SAME?",
                    about=text,
                    hint="Enter: leave · any other key: stay",
                    key="enter",
                    answer=lambda _: self.exit(text),
                )
            )

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._show()

    def on_descendant_focus(self) -> None:
        self._show()

    def on_resize(self, _: Resize) -> None:
        self.call_after_refresh(self._show)


def new_key() -> str:
    return f"k-{secrets.token_hex(8)}"


def _quoted(entry: Entry) -> str:
    line = entry.kept or entry.line
    return words.isolated(words.composed(line), line.dir)


def _details(errors: tuple[Finding, ...]) -> str:
    return "; ".join(finding.detail for finding in errors)
