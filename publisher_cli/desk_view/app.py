"""The application: it shows a picture of an edition, and hands in what the editor decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final

import msgspec
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker

from publisher_cli import words
from publisher_cli.desk_view import keys, permitting, status
from publisher_cli.desk_view.acting import Acting
from publisher_cli.desk_view.asking import Asking, Question
from publisher_cli.desk_view.composer import Composer
from publisher_cli.desk_view.directions import wrapped
from publisher_cli.desk_view.drafting import DEADLINE_S, Draft, Opinion, asks_twice, opinion_of, submission_of
from publisher_cli.desk_view.drafts import Drafts
from publisher_cli.desk_view.errands import Sent, carry
from publisher_cli.desk_view.help import Help
from publisher_cli.desk_view.keys import Pane
from publisher_cli.desk_view.listening import Listener
from publisher_cli.desk_view.lists import LineList
from publisher_cli.desk_view.mail import Mail
from publisher_cli.desk_view.picture import Connection, Picture, State
from publisher_cli.desk_view.receipts import Told, sister_words, told_of
from publisher_cli.desk_view.rows import held_rows, line_rows
from publisher_cli.newsroom import Newsroom, origin
from publisher_cli.sisters import Sister
from ticker.core import rules
from ticker.core.errors import SettingsError
from ticker.core.line import Line
from ticker.core.position import Position
from ticker.core.submission import Outcome, Receipt, Request
from ticker.store.reach import reach_of

CHECK_S: Final = 0.06
"""After the last key, before the rules are run: nobody reads a finding between two keys."""

TICK_S: Final = 1.0
LOUD: Final = frozenset({Outcome.REFUSED, Outcome.LATE, Outcome.NOT_ON_AIR})


def utc_now() -> datetime:
    return datetime.now(UTC)


class DeskView(App[str]):
    """The desk view of one editor. Its result is the text that was left unsent.

    `find` is asked for the newsroom at each connection; `edition` None takes the first that there is.
    """

    TITLE = "tick desk"
    CSS_PATH = "desk_view.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = keys.EVERYWHERE

    def __init__(
        self,
        find: Callable[[], Newsroom],
        edition: str | None = None,
        editor: str | None = None,
        *,
        deadline_s: float = DEADLINE_S,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__()
        self._find = find
        self._editor = editor
        self._deadline_s = deadline_s
        self._clock = clock
        self._wanted = edition
        self.connection = Connection(State.CONNECTING, clock())
        self.picture: Picture | None = None
        self.pane = Pane.BOARD
        self.mail = Mail()
        self.drafts = Drafts()
        self._acting = Acting(self)
        self._opinion: Opinion | None = None
        self._told: Told | None = None
        self._receipt: tuple[Receipt, str] | None = None
        self._sisters: Sequence[Sister] = ()
        self._editions: list[str] = []
        self._ear: Worker[None] | None = None
        self._check_timer: Timer | None = None
        self._focus_before: Widget | None = None
        self._statics: dict[str, Static] = {}

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
        self._lines = self.query_one("#lines", LineList)
        self._composer = self.query_one("#composer", Composer)
        self._asking = self.query_one("#asking", Asking)
        self._statics = {widget.id: widget for widget in self.screen.query(Static) if widget.id}
        self._composer.focus_text()
        self.set_interval(TICK_S, self._show)
        self._listen(self._wanted)
        self._show()

    def _listen(self, edition: str | None) -> None:
        self._wanted = edition
        if self._ear is not None:
            self._ear.cancel()
        self.connection = Connection(State.CONNECTING, self._clock())
        listener = Listener(self._find, edition, self._editor, self, self._clock)
        self._ear = self.run_worker(listener.run(), name="listener", group="listener", exclusive=True)

    @property
    def _zone(self) -> tzinfo | None:
        return None if self.picture is None else self.picture.zone

    # What is heard

    def hear_connection(self, connection: Connection) -> None:
        self.connection = connection
        self._check_soon()
        self._show()

    def hear_editions(self, names: list[str]) -> None:
        self._editions = names

    def hear_picture(self, picture: Picture) -> None:
        before, self.picture = self.picture, picture
        if before is None or before.name != picture.name:
            self._load(self.drafts.recall(picture.name, Draft()))
        if before is None or (before.name, before.seq, before.role) != (picture.name, picture.seq, picture.role):
            self._check_soon()
        self._show()

    def hear_receipt(self, receipt: Receipt) -> None:
        """A receipt that no errand waits for: of what was held, or of what was given up for lost."""
        if receipt.key in self.mail.under_way or self.mail.was_told(receipt):
            return
        unsettled = self.drafts.sent_with(receipt.key)
        if unsettled is not None:
            self._settle(unsettled, receipt)
        elif receipt.held is not None and receipt.status is not Outcome.HELD:
            sent = self.mail.held(receipt.held)
            self._tell_receipt(receipt, "" if sent is None else sent.quoted)

    # What is shown

    def _is_up(self) -> bool:
        """Whether there is anything to show on: news may come before the first picture, and after the last."""
        return bool(self._statics) and self._lines.is_attached

    def _show(self) -> None:
        """Everything that time or news can have changed. What is the same isn't drawn again."""
        if not self._is_up():
            return
        now, picture = self._clock(), self.picture
        self._put("title", status.title(picture, self._wanted))
        self._put("state", status.state(self.connection, picture, now, self.size.width))
        self._put("banner", status.banner(self.connection, now))
        self._statics["banner"].display = self.connection.state is State.LOST
        self._statics["test"].display = picture is not None and picture.stored.edition.test
        self._put("places", status.places(self._editions, picture, self.pane, now))
        self._put("keys", keys.keys_lines(self._keys(), self.size.width - 2))
        if picture is not None:
            self._show_rows(picture, now)
            self._put("chosen", wrapped(status.chosen(picture, self.pane, self.chosen, now), self.size.width - 2))
        self._put("told", wrapped(self._told_words(now), self.size.width - 2))

    def _show_rows(self, picture: Picture, now: datetime) -> None:
        width = self.size.width
        match self.pane:
            case Pane.BOARD:
                rows, below = line_rows(picture, now, width)
                self._lines.show(rows, below, "nothing is on the board")
            case Pane.PENDING:
                nothing = status.nothing(picture, "to decide on")
                self._lines.show(held_rows(picture.pending(), picture, now, width), (), nothing)
            case Pane.SCHEDULED:
                nothing = status.nothing(picture, "scheduled")
                self._lines.show(held_rows(picture.scheduled(), picture, now, width), (), nothing)

    def _put(self, name: str, content: Content) -> None:
        widget = self._statics[name]
        if not isinstance(widget.content, Content) or not widget.content.is_same(content):
            widget.update(content)

    def _keys(self) -> tuple[tuple[str, str], ...]:
        if self._asks():
            return keys.ASKED
        if self.focused is self._lines:
            return keys.KEYS[self.pane]
        opinion = self._opinion
        glass = (keys.GLASS,) if opinion is not None and opinion.needs else ()
        is_repetition = opinion is not None and any(finding.code == "duplicate" for finding in opinion.errors)
        return (*glass, *((keys.AGAIN,) if is_repetition else ()), *keys.COMPOSING)

    def _told_words(self, now: datetime) -> Content:
        if self.mail.under_way:
            waited = f"{self.mail.waited_s(now):.0f} s of {self._deadline_s:g}"
            return Content.styled(" SENDING ", "bold reverse") + Content(f" waiting for the desk · {waited}")
        self._tell_reach()
        if self._told is None:
            return Content("")
        said = Content.styled(f" {self._told.word} ", self._told.style) + Content(f" {self._told.sentence}")
        if self._sisters and self._receipt is not None:
            said += Content.styled(f"\n{sister_words(self._sisters)}", "bold $text-warning")
        if (undoable := self.mail.undoable(now)) is not None:
            said += Content.styled(f"  {undoable[1]:.0f} s left: Ctrl+C takes it back", "bold $text-warning")
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
                self._receipt, self._told = (receipt, quoted), self._told_of(receipt, quoted)

    def _tell_receipt(self, receipt: Receipt, quoted: str) -> None:
        self.mail.tell(receipt)
        if receipt.status in LOUD:
            self.bell()
        self._receipt, self._told, self._sisters = (receipt, quoted), self._told_of(receipt, quoted), ()
        self._show()

    def _told_of(self, receipt: Receipt, quoted: str) -> Told:
        return told_of(receipt, quoted, self._clock(), self._zone)

    def _tell(self, word: str, sentence: str, style: str = "bold $text-warning") -> None:
        self._receipt, self._told = None, Told(word, style, sentence)
        self._show()

    # The compose line

    def on_composer_changed(self) -> None:
        if self.picture is not None:
            self._composer.show_count(self.picture.stored.edition)
            self._check_soon()

    def _check_soon(self) -> None:
        if self._check_timer is not None:
            self._check_timer.stop()
        self._check_timer = self.set_timer(CHECK_S, self._check)

    def _check(self) -> Opinion | None:
        """What the desk would say of what stands there now; None while there is nothing to judge."""
        if not self._is_up():
            return None
        draft, now = self._composer.draft, self._clock()
        self._opinion = None if draft.is_blank or self.picture is None else opinion_of(draft, self.picture, now)
        self._composer.show_opinion(self._opinion, now, self._zone, is_live=self.connection.state is State.LIVE)
        self._show()
        return self._opinion

    def _load(self, draft: Draft) -> None:
        assert self.picture is not None
        self._composer.load(draft, self.picture.stored)

    def on_composer_left(self) -> None:
        """Back to the board; a change of a line gives way to the new line that stood there before."""
        if self._composer.draft.line is not None:
            self.write(Draft())
        self._lines.focus()
        self._show()

    def on_composer_sent(self) -> None:
        picture, draft = self.picture, self._composer.draft
        if picture is None:
            self.refuse("there is no connection yet, and nothing was sent: the text stays here")
        elif self.mail.is_writing:
            self.refuse("wait for the desk's answer to the line before this one")
        elif draft.is_blank:
            self.refuse("there is nothing to send: type a line" if draft.line is None else "nothing has been changed")
        else:
            self._submit(draft, picture)

    def _submit(self, draft: Draft, picture: Picture) -> None:
        opinion = self._check()
        if opinion is None or opinion.submission is None or not opinion.can_be_sent:
            errors = () if opinion is None else opinion.errors
            details = "; ".join(finding.detail for finding in errors)
            self._tell("REFUSED", f"{details}: nothing was sent", "bold $text-error")
        elif asks_twice(draft, opinion.submission):
            self._ask_twice(draft, picture)
        elif draft.line is not None:
            self._ask_change(draft, draft.line, picture)
        else:
            self._send_draft(draft, picture)

    def _ask_twice(self, draft: Draft, picture: Picture) -> None:
        what = "GO WITHOUT A SECOND PERSON" if draft.typed.glass.strip() else "SEND THIS FLASH"
        self.ask(
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
        self.ask(
            Question(
                title=f"{draft.change.upper()} {line.id[:4]} IN {picture.name.upper()}?",
                about=f"was: {was}\nnow: {now}" if now != was else now,
                hint="Enter: send it now · any other key: back to the text",
                key="enter",
                answer=lambda _: self._send_draft(draft, picture),
            )
        )

    def _send_draft(self, draft: Draft, picture: Picture) -> None:
        try:
            submission = submission_of(draft, self.drafts.key_for(picture.name, draft), self._clock(), picture.zone)
        except SettingsError as error:
            self.refuse(str(error))
            return
        quoted = words.isolated(rules.normal_text(draft.typed.text), picture.stored.edition.dir)
        self._hand_in(submission, quoted, picture.name, draft=draft, line=draft.line)

    # Sending

    def _hand_in(
        self, request: Request, quoted: str, edition: str, *, draft: Draft | None = None, line: Line | None = None
    ) -> None:
        request = msgspec.structs.replace(request, deadline_s=self._deadline_s, origin=origin())
        sent = Sent(edition, request, quoted, self._clock(), draft, line)
        self.mail.under_way[request.key] = sent
        self.run_worker(carry(self._find, self._editor, sent, self._heard), name=request.key, group="errands")
        self._show()

    def _heard(self, sent: Sent, receipt: Receipt, sisters: Sequence[Sister]) -> None:
        """What became of an errand; a second time, how far it has come, and what is still up of its story."""
        if self.mail.under_way.pop(sent.request.key, None) is not None:
            self._settle(sent, receipt)
        elif self._receipt is not None and self._receipt[0].key == receipt.key:
            self._tell_receipt(receipt, sent.quoted)
            self._sisters = sisters
            self._show()

    def _settle(self, sent: Sent, receipt: Receipt) -> None:
        """Take in a receipt: words leave the compose line only once they are on air or held."""
        self.mail.keep(sent, receipt)
        is_done = self.drafts.settle(sent, receipt)
        self._tell_receipt(receipt, sent.quoted)
        if is_done and self._is_up() and self.picture is not None and sent.edition == self.picture.name:
            self._clear(sent.draft)

    def _clear(self, draft: Draft | None) -> None:
        """Make room in the compose line, unless something else has been typed there meanwhile."""
        if draft is None or self._composer.draft != draft:
            return
        assert self.picture is not None
        self._load(self.drafts.recall(self.picture.name, Draft()))
        if draft.line is not None:
            self._lines.focus()

    # What the keys on the list act on

    @property
    def chosen(self) -> str | None:
        return self._lines.chosen

    def now(self) -> datetime:
        return self._clock()

    def send(self, request: Request, quoted: str, line: Line | None = None) -> None:
        if self.picture is not None:
            self._hand_in(request, quoted, self.picture.name, line=line)

    def write(self, draft: Draft) -> None:
        if self.picture is not None:
            self.drafts.stash(self.picture.name, self._composer.draft)
            self._load(self.drafts.recall(self.picture.name, draft))
            self._composer.focus_text()
            self._show()

    def bring_back(self, draft: Draft) -> None:
        if self._composer.draft.is_blank:
            self._load(draft)

    def refuse(self, why: str) -> None:
        self.bell()
        self._tell("NOT DONE", why, "bold $text-error")

    def ask(self, question: Question) -> None:
        if self.focused is None or self._asking not in self.focused.ancestors_with_self:
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

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is asked, or help is shown, nothing else of ours happens but leaving."""
        is_busy = bool(self._statics) and (len(self.screen_stack) > 1 or self._asks())
        return not is_busy or action not in keys.OURS

    def _asks(self) -> bool:
        return self._asking.question is not None

    def action_act(self, what: str) -> None:
        getattr(self._acting, what)()

    def action_write_new(self) -> None:
        self.write(Draft())

    def action_pane(self, name: str) -> None:
        self.pane = Pane[name]
        self._lines.focus()
        self._show()

    def action_next_edition(self) -> None:
        wanted = self._wanted or (None if self.picture is None else self.picture.name)
        if wanted in self._editions:
            self._turn_to(self._editions[(self._editions.index(wanted) + 1) % len(self._editions)])

    def action_edition(self, number: int) -> None:
        if number <= len(self._editions):
            self._turn_to(self._editions[number - 1])

    def _turn_to(self, name: str) -> None:
        """Another edition; also back from one that this editor may not read, while the one before still shows."""
        if self.picture is not None and name != (self._wanted or self.picture.name):
            self.drafts.stash(self.picture.name, self._composer.draft)
            self._listen(name)

    def action_glass(self) -> None:
        why_not = None if self.picture is None else permitting.why_not_glass(self.picture.role)
        if why_not is not None:
            self.refuse(why_not)
        else:
            self._composer.toggle_glass()

    def action_again(self) -> None:
        self._composer.toggle_again()

    def action_light(self) -> None:
        self.theme = "textual-light" if self.current_theme.dark else "textual-dark"

    async def action_help(self) -> None:
        await self.push_screen(Help())

    def action_interrupt(self) -> None:
        if not self._acting.undo():
            self.action_leave()

    def action_leave(self) -> None:
        """End; asked first where a line would be left unsent, or its receipt unheard."""
        text = self._unsent()
        if self._asks() or not (text or self.mail.under_way):
            self.end()
            return
        self.ask(
            Question(
                title=f"{'A LINE IS ON ITS WAY' if self.mail.under_way else 'A LINE ISN’T SENT'}: LEAVE ALL THE SAME?",
                about=text,
                hint="Enter: leave · any other key: stay",
                key="enter",
                answer=lambda _: self.end(),
            )
        )

    def end(self) -> None:
        """Leave at once, with what is unsent as the result."""
        self.exit(self._unsent())

    def _unsent(self) -> str:
        draft = self._composer.draft
        return "" if draft.is_blank else draft.typed.text

    def on_option_list_option_highlighted(self) -> None:
        self._show()

    def on_descendant_focus(self) -> None:
        self._show()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)
