"""The terminal application: it shows one edition and sends what the editor decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.filter import LineFilter
from textual.reactive import reactive
from textual.timer import Timer
from textual.widgets import OptionList

from publisher_cli.history import RelatedLine
from publisher_cli.session import Session, origin
from publisher_cli.submit.request import WAIT_S
from publisher_cli.tui import actions, bindings
from publisher_cli.tui.bindings import HelpScreen, Pane
from publisher_cli.tui.compose import ComposeLine
from publisher_cli.tui.draft import Draft
from publisher_cli.tui.escaping_filter import EscapingFilter
from publisher_cli.tui.keys import KeysInOrder
from publisher_cli.tui.messages import (
    ConnectionChanged,
    EditionsListed,
    ModelChanged,
    ReachMeasured,
    ReceiptArrived,
    RequestSettled,
)
from publisher_cli.tui.model import Connection, EditionModel, State
from publisher_cli.tui.outbox import Drafts, Outbox
from publisher_cli.tui.steps import AskText, Confirm, Edit, Quit, Refuse, Send, Step
from publisher_cli.tui.sync import EditionSync, deliver
from publisher_cli.tui.widgets.composer import Composer
from publisher_cli.tui.widgets.key_footer import KeyFooter
from publisher_cli.tui.widgets.line_list import LineList
from publisher_cli.tui.widgets.prompt import ConfirmPrompt, Prompt, TextPrompt
from publisher_cli.tui.widgets.receipt_bar import Notice, ReceiptBar
from publisher_cli.tui.widgets.status_bar import DetailsBar, StatusBar
from ticker.core.line import TEXT_CHANGES
from ticker.core.submission import Receipt, ReceiptStatus

REDRAW_S: Final = 1.0
"""How often everything that depends on the time is redrawn."""

VALIDATE_S: Final = 0.06
"""How long after the last key press the draft is validated: nobody reads findings between two keys."""

_BELL: Final = frozenset({ReceiptStatus.REFUSED, ReceiptStatus.LATE, ReceiptStatus.NOT_ON_AIR, ReceiptStatus.UNKNOWN})
"""Receipts that ring the bell."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class DeskApp(KeysInOrder):
    """The terminal application of one editor. Its result is the text that was not sent.

    `find` returns the session; it is called for each connection. `edition` None shows the first edition that exists.
    """

    TITLE = "tick desk"
    CSS_PATH = "tui.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = bindings.EVERYWHERE

    pane = reactive(Pane.BOARD, init=False, bindings=True)

    def __init__(
        self,
        find: Callable[[], Session],
        edition: str | None = None,
        editor: str | None = None,
        *,
        deadline_s: float = WAIT_S,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__()
        self._find = find
        self._editor = editor
        self._deadline_s = deadline_s
        self._clock = clock
        self._requested = edition
        self.connection = Connection(State.CONNECTING, clock())
        self.model: EditionModel | None = None
        self.outbox = Outbox()
        self.drafts = Drafts()
        self._escaping = EscapingFilter()
        self._editions: list[str] = []
        self._validate_timer: Timer | None = None
        self._status = StatusBar()
        self._lines = LineList()
        self._details = DetailsBar()
        self._composer = Composer()
        self._receipts = ReceiptBar(self.outbox, deadline_s)
        self._compose_line = ComposeLine(self._composer, self.drafts, clock)

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), self._escaping]

    def compose(self) -> ComposeResult:
        yield from (self._status, self._lines, self._details, self._composer, self._receipts)
        yield KeyFooter(compact=True)

    def on_mount(self) -> None:
        self._composer.focus_text()
        self.set_interval(REDRAW_S, self.redraw)
        self._follow(self._requested)
        self.redraw()

    def _follow(self, edition: str | None) -> None:
        """Start to follow an edition in place of the current one: the exclusive worker cancels the one before."""
        self._requested = edition
        self.connection = Connection(State.CONNECTING, self._clock())
        sync = EditionSync(self._find, edition, self._editor, self.post_message)
        self.run_worker(sync.run(), name="sync", group="sync", exclusive=True)

    # Messages from sync

    @on(ConnectionChanged)
    def _connection_changed(self, message: ConnectionChanged) -> None:
        if message.requested == self._requested:
            since = self.connection.since if message.state is self.connection.state else self._clock()
            self.connection = Connection(message.state, since, message.reason)
            self._validate_soon()
            self.redraw()

    @on(EditionsListed)
    def _editions_listed(self, message: EditionsListed) -> None:
        if message.requested == self._requested:
            self._editions = message.names

    @on(ModelChanged)
    def _model_changed(self, message: ModelChanged) -> None:
        if message.requested != self._requested:
            return
        before, self.model = self.model, message.model
        if before is None:
            self._compose_line.begin(self.model)
        elif before.name != self.model.name:
            self._compose_line.load(Draft(), self.model)
        self._validate_soon()
        self.redraw()

    @on(ReceiptArrived)
    def _receipt_arrived(self, message: ReceiptArrived) -> None:
        """Show a receipt that no request waits for: of a held item, or of a request without a receipt in time."""
        receipt = message.receipt
        if self.outbox.waits_for(receipt.key) or self.outbox.was_shown(receipt):
            return
        unsettled = self.drafts.unsettled_request(receipt.key)
        if unsettled is not None:
            self._settle(unsettled, receipt)
        elif receipt.held is not None and receipt.status is not ReceiptStatus.HELD:
            sent = self.outbox.held_request(receipt.held)
            self._show_receipt(receipt, "" if sent is None else sent.quoted)

    @on(RequestSettled)
    def _request_settled(self, message: RequestSettled) -> None:
        if self.outbox.waits_for(message.sent.request.key):
            self._settle(message.sent, message.receipt)

    @on(ReachMeasured)
    def _reach_measured(self, message: ReachMeasured) -> None:
        if self._receipts.shows(message.receipt.key):
            self._show_receipt(message.receipt, message.sent.quoted, message.related)

    def _settle(self, sent: Send, receipt: Receipt) -> None:
        """Record and show a receipt. The text leaves the compose line only once it is on air or held."""
        self.outbox.settle(sent, receipt)
        is_done = self.drafts.settle(sent, receipt)
        self._show_receipt(receipt, sent.quoted)
        if is_done and sent.draft is not None and self.model is not None and sent.edition == self.model.name:
            # The focus stays in the form: letters that the editor types in this moment must not become commands.
            is_cleared = self._compose_line.clear(sent.draft, self.model)
            if is_cleared and self._composer.has_focus_within:  # the next sentence must not end up in a field
                self._composer.focus_text()

    # Drawing

    @on(OptionList.OptionHighlighted)
    def redraw(self) -> None:
        """Draw everything that time or a message may have changed. Widgets skip content that is the same."""
        if not (self.is_running and self._lines.is_attached):  # a message may arrive while the application closes
            return
        now, model = self._clock(), self.model
        self._status.show(
            model, self.connection, now, requested=self._requested, editions=self._editions, pane=self.pane
        )
        if model is not None:
            self._lines.show_pane(model, self.pane, now, self.size.width)
            self._details.show_row(model, self.pane, self._lines.selected, now)
        self._receipts.refresh_text(model, now)

    def _show_receipt(self, receipt: Receipt, quoted: str, related: Sequence[RelatedLine] = ()) -> None:
        if receipt.status in _BELL:
            self.bell()
        self._receipts.show_receipt(receipt, quoted, self._clock(), related)
        is_own_line = receipt.status is ReceiptStatus.ON_AIR and receipt.action in TEXT_CHANGES
        uses_list = any(screen.focused is self._lines for screen in self.screen_stack[:1])  # no screen: it is closing
        if is_own_line and receipt.id is not None and not uses_list:
            self._lines.select_once_shown(receipt.id)
        self.redraw()

    def _show_notice(self, notice: Notice) -> None:
        self._receipts.show_notice(notice)
        self.redraw()

    def watch_pane(self) -> None:
        self.redraw()

    def on_resize(self) -> None:
        self.call_after_refresh(self.redraw)

    # The compose line

    @on(Composer.Changed)
    def _draft_changed(self) -> None:
        if self.model is not None:
            self._composer.show_count(self.model.stored.edition)
            self._validate_soon()

    def _validate_soon(self) -> None:
        if self._validate_timer is not None:
            self._validate_timer.stop()
        self._validate_timer = self.set_timer(VALIDATE_S, self._validate)

    def _validate(self) -> None:
        # While the application closes, the fields are removed before the timers stop.
        if self.is_running and self._composer.is_attached:
            self._compose_line.validate(self.model, self.outbox, is_live=self.connection.state is State.LIVE)

    async def action_submit(self) -> None:
        """Send the draft, or ask about it, before the next key: that one may already belong to the prompt."""
        self._composer.complete_fields()
        await self._perform(self._compose_line.submit(self.model, self.outbox))

    def action_leave_composer(self) -> None:
        """Go back to the list. A new line replaces the change of a line."""
        if self._composer.draft.line is not None:
            self._edit(Draft())
        self.screen.set_focus(self._lines)

    def action_return_to_text(self) -> None:
        self._composer.focus_text()

    def action_start_over(self) -> None:
        """Drop the typed text, and the draft that was kept from before. The same key restores them."""
        if self.model is not None:
            self._compose_line.start_over(self.model)

    def action_toggle_glass(self) -> None:
        problem = None if self.model is None else actions.why_not_break_glass(self.model.role)
        if problem is None:
            self._composer.toggle_glass()
        else:
            self._refuse(Refuse(problem))

    def _edit(self, draft: Draft) -> None:
        if self.model is not None:
            self._compose_line.keep(self.model)
            self._compose_line.load(draft, self.model)
            self._composer.focus_text()

    # Steps

    async def _perform(self, step: Step) -> None:
        match step:
            case Refuse():
                self._refuse(step)
            case Edit(draft):
                self._edit(draft)
            case Send():
                self._send(step)
            case Quit():
                self.end()
            case Confirm():
                await self.push_screen(ConfirmPrompt(step), self._continue)
            case AskText():
                await self.push_screen(TextPrompt(step), self._continue)

    async def _continue(self, step: Step | None) -> None:
        """Perform the step after a prompt, or report that the editor canceled it."""
        if step is None:
            self._show_notice(Notice("CANCELED", "bold $text-warning", "nothing was done"))
        else:
            await self._perform(step)

    def _refuse(self, refusal: Refuse) -> None:
        self.bell()
        self._show_notice(Notice(refusal.word, "bold $text-error", refusal.reason))
        if refusal.field is not None:
            self._composer.focus_field(refusal.field)

    def _send(self, step: Send) -> None:
        if step.restore is not None and self.model is not None:
            self._compose_line.bring_back(step.restore, self.model)
        request = msgspec.structs.replace(step.request, deadline_s=self._deadline_s, origin=origin())
        sent = msgspec.structs.replace(step, request=request)
        self.outbox.add(sent, self._clock())
        self.run_worker(deliver(self._find, self._editor, sent, self.post_message), name=request.key, group="requests")
        self.redraw()

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Allow only to quit while a dialog is open. Hide the keys that don't apply to the current list."""
        if len(self.screen_stack) > 1:
            return action not in bindings.BLOCKED_BY_DIALOGS
        return bindings.is_applicable(action, parameters, self.pane)

    async def action_act(self, name: str) -> None:
        if name == "undo":
            if not await self._undo():
                self._refuse(Refuse("nothing that you sent is in its undo window: hide (h) or withdraw (w) the line"))
            return
        await self._perform(actions.act(name, self.model, self._lines.selected, self._clock))

    def action_explain_key(self, key: str) -> None:
        """Show why a key did nothing, if it applies to another list."""
        if (reason := bindings.why_not_here(key, self.pane)) is not None:
            self._refuse(Refuse(reason))

    async def _undo(self) -> bool:
        """Take back the line that was sent last. Return False if none is in its undo window."""
        step = actions.undo(self.model, self.outbox, self._clock())
        if step is not None:
            await self._perform(step)
        return step is not None

    def action_write_new(self) -> None:
        self._edit(Draft())

    def action_other_pane(self, name: str) -> None:
        self.pane = Pane[name]
        self.screen.set_focus(self._lines)

    def action_pane(self, name: str) -> None:
        """Show a list. While something is typed, the focus stays in the text."""
        if self._composer.draft.is_blank:
            self.action_other_pane(name)
        else:
            self.pane = Pane[name]

    def action_next_edition(self) -> None:
        current = self._requested or (None if self.model is None else self.model.name)
        if current in self._editions:
            self._switch_to(self._editions[(self._editions.index(current) + 1) % len(self._editions)])

    def action_edition(self, number: int) -> None:
        if number <= len(self._editions):
            self._switch_to(self._editions[number - 1])

    def _switch_to(self, name: str) -> None:
        """Show another edition. Also works from an edition that this editor may not read: the last one still shows."""
        if self.model is not None and name != (self._requested or self.model.name):
            self._compose_line.keep(self.model)
            self._follow(name)
            self.redraw()

    def action_toggle_light(self) -> None:
        self.theme = "textual-light" if self.current_theme.dark else "textual-dark"

    async def action_help(self) -> None:
        await self.push_screen(HelpScreen())

    async def action_interrupt(self) -> None:
        """Take back the line that was sent last, or else close a dialog, or else quit if nothing was sent lately."""
        if await self._undo():
            return
        if isinstance(self.screen, Prompt):
            self.screen.answer(None)
        elif len(self.screen_stack) > 1:
            await self.pop_screen()
        elif (reason := self.outbox.why_stay(self._clock())) is not None:
            if not self.outbox.has_just_taken_back:  # after several Ctrl-C, that receipt stays on the screen
                self._refuse(Refuse(reason))
        else:
            await self.action_leave()

    async def action_leave(self) -> None:
        """Quit. Ask first if a line is unsent or waits for its receipt. In a dialog, only close that."""
        unsent, has_unsent = self._compose_line.unsent, self._compose_line.has_unsent
        if isinstance(self.screen, Prompt) and not self.screen.asks_to_quit:
            self.screen.answer(None)
        elif isinstance(self.screen, Prompt) or not (has_unsent or self.outbox.is_waiting):
            self.end()
        else:
            what = "A LINE HAS NO RECEIPT YET" if self.outbox.is_waiting else "A LINE IS NOT SENT"
            hint = "Ctrl+Q again: quit · any other key: stay"
            await self._perform(Confirm(title=f"{what}: QUIT ANYWAY?", about=unsent, hint=hint, then=Quit))

    def end(self) -> None:
        """Quit without asking. The result is the unsent text."""
        self.exit(self._compose_line.unsent)
