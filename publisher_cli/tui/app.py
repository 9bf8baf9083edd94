"""The application: it shows a picture of an edition, and hands in what the editor decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker

from publisher_cli.history import RelatedLine
from publisher_cli.session import Session, origin
from publisher_cli.tui import bindings, permitting
from publisher_cli.tui.actions import Acting
from publisher_cli.tui.bindings import Pane
from publisher_cli.tui.compose import Writing
from publisher_cli.tui.draft import DEADLINE_S, Draft
from publisher_cli.tui.drafts import Drafts
from publisher_cli.tui.help import Help
from publisher_cli.tui.mail import Mail
from publisher_cli.tui.model import Connection, Picture, State
from publisher_cli.tui.outbox import Sent, carry
from publisher_cli.tui.sync import Listener
from publisher_cli.tui.widgets import status_bar
from publisher_cli.tui.widgets.composer import Composer
from publisher_cli.tui.widgets.line_list import held_rows, line_rows
from publisher_cli.tui.widgets.lists import LineList
from publisher_cli.tui.widgets.prompt import Asking, Question
from publisher_cli.tui.widgets.receipt_bar import Telling
from publisher_cli.tui.wrapping import wrapped
from ticker.core.line import Line
from ticker.core.submission import Receipt, ReceiptStatus, Request

TICK_S: Final = 1.0
LOUD: Final = frozenset({ReceiptStatus.REFUSED, ReceiptStatus.LATE, ReceiptStatus.NOT_ON_AIR})


def utc_now() -> datetime:
    return datetime.now(UTC)


class DeskView(App[str]):
    """The desk view of one editor. Its result is the text that was left unsent.

    `find` is asked for the session at each connection; `edition` None takes the first that there is.
    """

    TITLE = "tick desk"
    CSS_PATH = "tui.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = bindings.EVERYWHERE

    def __init__(
        self,
        find: Callable[[], Session],
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
        self._telling = Telling(self.mail, deadline_s)
        self._editions: list[str] = []
        self._ear: Worker[None] | None = None
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
        self._writing = Writing(self, self._composer, self.drafts)
        self._asking = self.query_one("#asking", Asking)
        self._statics = {widget.id: widget for widget in self.screen.query(Static) if widget.id}
        self._composer.focus_text()
        self.set_interval(TICK_S, self.show)
        self._listen(self._wanted)
        self.show()

    def _listen(self, edition: str | None) -> None:
        self._wanted = edition
        if self._ear is not None:
            self._ear.cancel()
        self.connection = Connection(State.CONNECTING, self._clock())
        listener = Listener(self._find, edition, self._editor, self, self._clock)
        self._ear = self.run_worker(listener.run(), name="listener", group="listener", exclusive=True)

    # What is heard

    def hear_connection(self, connection: Connection) -> None:
        self.connection = connection
        self._writing.check_soon()
        self.show()

    def hear_editions(self, names: list[str]) -> None:
        self._editions = names

    def hear_picture(self, picture: Picture) -> None:
        before, self.picture = self.picture, picture
        if before is None or before.name != picture.name:
            self._writing.load(Draft())
        if before is None or (before.name, before.seq, before.role) != (picture.name, picture.seq, picture.role):
            self._writing.check_soon()
        self.show()

    def hear_receipt(self, receipt: Receipt) -> None:
        """A receipt that no errand waits for: of what was held, or of what was given up for lost."""
        if receipt.key in self.mail.under_way or self.mail.was_told(receipt):
            return
        unsettled = self.drafts.sent_with(receipt.key)
        if unsettled is not None:
            self._settle(unsettled, receipt)
        elif receipt.held is not None and receipt.status is not ReceiptStatus.HELD:
            sent = self.mail.held(receipt.held)
            self._tell_receipt(receipt, "" if sent is None else sent.quoted)

    # What is shown

    def _is_up(self) -> bool:
        """Whether there is anything to show on: news may come before the first picture, and after the last."""
        return bool(self._statics) and self._lines.is_attached

    def show(self) -> None:
        """Everything that time or news can have changed. What is the same isn't drawn again."""
        if not self._is_up():
            return
        now, picture = self._clock(), self.picture
        self._put("title", status_bar.title(picture, self._wanted))
        self._put("state", status_bar.state(self.connection, picture, now, self.size.width))
        self._put("banner", status_bar.banner(self.connection, now))
        self._statics["banner"].display = self.connection.state is State.LOST
        self._statics["test"].display = picture is not None and picture.stored.edition.test
        self._put("places", status_bar.places(self._editions, picture, self.pane, now))
        self._put("keys", bindings.keys_lines(self._keys(), self.size.width - 2))
        if picture is not None:
            self._show_rows(picture, now)
            self._put("chosen", wrapped(status_bar.chosen(picture, self.pane, self.chosen, now), self.size.width - 2))
        self._put("told", wrapped(self._telling.words(picture, now), self.size.width - 2))

    def _show_rows(self, picture: Picture, now: datetime) -> None:
        width = self.size.width
        match self.pane:
            case Pane.BOARD:
                rows, below = line_rows(picture, now, width)
                self._lines.show(rows, below, "nothing is on the board")
            case Pane.PENDING:
                nothing = status_bar.nothing(picture, "to decide on")
                self._lines.show(held_rows(picture.pending(), picture, now, width), (), nothing)
            case Pane.SCHEDULED:
                nothing = status_bar.nothing(picture, "scheduled")
                self._lines.show(held_rows(picture.scheduled(), picture, now, width), (), nothing)

    def _put(self, name: str, content: Content) -> None:
        widget = self._statics[name]
        if not isinstance(widget.content, Content) or not widget.content.is_same(content):
            widget.update(content)

    def _keys(self) -> tuple[tuple[str, str], ...]:
        if self._asks():
            return bindings.ASKED
        if self.focused is self._lines:
            return bindings.KEYS[self.pane]
        opinion = self._writing.opinion
        glass = (bindings.GLASS,) if opinion is not None and opinion.needs else ()
        is_repetition = opinion is not None and any(finding.code == "duplicate" for finding in opinion.errors)
        return (*glass, *((bindings.AGAIN,) if is_repetition else ()), *bindings.COMPOSING)

    def _tell_receipt(self, receipt: Receipt, quoted: str, sisters: Sequence[RelatedLine] = ()) -> None:
        if receipt.status in LOUD:
            self.bell()
        self._telling.tell(receipt, quoted, sisters)
        self.show()

    def _tell(self, word: str, sentence: str, style: str) -> None:
        self._telling.say(word, sentence, style)
        self.show()

    # The compose line

    def on_composer_changed(self) -> None:
        self._writing.changed()

    def on_composer_sent(self) -> None:
        self._writing.send()

    def on_composer_left(self) -> None:
        """Back to the board; a change of a line gives way to the new line that stood there before."""
        if self._composer.draft.line is not None:
            self.write(Draft())
        self._lines.focus()
        self.show()

    def write(self, draft: Draft) -> None:
        if self.picture is not None:
            self._writing.stash()
            self._writing.load(draft)
            self._composer.focus_text()
            self.show()

    def bring_back(self, draft: Draft) -> None:
        self._writing.bring_back(draft)

    # Sending

    def send(
        self,
        request: Request,
        quoted: str,
        *,
        edition: str | None = None,
        line: Line | None = None,
        draft: Draft | None = None,
    ) -> None:
        if edition is None:
            if self.picture is None:
                return
            edition = self.picture.name
        request = msgspec.structs.replace(request, deadline_s=self._deadline_s, origin=origin())
        sent = Sent(edition, request, quoted, self._clock(), draft, line)
        self.mail.under_way[request.key] = sent
        self.run_worker(carry(self._find, self._editor, sent, self._heard), name=request.key, group="errands")
        self.show()

    def _heard(self, sent: Sent, receipt: Receipt, sisters: Sequence[RelatedLine]) -> None:
        """What became of an errand; a second time, how far it has come, and what is still up of its story."""
        if self.mail.under_way.pop(sent.request.key, None) is not None:
            self._settle(sent, receipt)
        elif self._telling.is_of(receipt.key):
            self._tell_receipt(receipt, sent.quoted, sisters)

    def _settle(self, sent: Sent, receipt: Receipt) -> None:
        """Take in a receipt: words leave the compose line only once they are on air or held."""
        self.mail.keep(sent, receipt)
        is_done = self.drafts.settle(sent, receipt)
        self._tell_receipt(receipt, sent.quoted)
        if is_done and self._is_up() and self.picture is not None and sent.edition == self.picture.name:
            self._clear(sent.draft)

    def _clear(self, draft: Draft | None) -> None:
        """Make room in the compose line; after a change of a line, the board is where its editor was."""
        if draft is not None and self._writing.clear(draft) and draft.line is not None:
            self._lines.focus()

    # What the keys on the list act on

    @property
    def chosen(self) -> str | None:
        return self._lines.chosen

    def now(self) -> datetime:
        return self._clock()

    def refuse(self, why: str, word: str = "NOT DONE") -> None:
        self.bell()
        self._tell(word, why, "bold $text-error")

    def ask(self, question: Question) -> None:
        if self.focused is None or self._asking not in self.focused.ancestors_with_self:
            self._focus_before = self.focused
        self._composer.display = False
        self._asking.ask(question)
        self.show()

    def on_asking_over(self, event: Asking.Over) -> None:
        self._composer.display = True
        (self._focus_before or self._lines).focus()
        if event.given is None:
            self._tell("LEFT", "nothing was done", "bold $text-warning")
        else:
            event.question.answer(event.given)
        self.show()

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is asked, or help is shown, nothing else of ours happens but leaving."""
        is_busy = bool(self._statics) and (len(self.screen_stack) > 1 or self._asks())
        return not is_busy or action not in bindings.OURS

    def _asks(self) -> bool:
        return self._asking.question is not None

    def action_act(self, what: str) -> None:
        getattr(self._acting, what)()

    def action_write_new(self) -> None:
        self.write(Draft())

    def action_pane(self, name: str) -> None:
        self.pane = Pane[name]
        self._lines.focus()
        self.show()

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
            self._writing.stash()
            self._listen(name)

    def action_details(self) -> None:
        self._composer.toggle_details()

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
        text = self._writing.unsent
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
        self.exit(self._writing.unsent)

    def on_option_list_option_highlighted(self) -> None:
        self.show()

    def on_descendant_focus(self) -> None:
        self.show()

    def on_resize(self) -> None:
        self.call_after_refresh(self.show)
