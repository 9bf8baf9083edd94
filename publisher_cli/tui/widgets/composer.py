"""The compose line: a text and its fields, what the rules say of them, and nothing sent before Enter."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Key, Paste
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label, Static, TextArea

from publisher_cli.output import bidi, messages
from publisher_cli.times import spell_instant
from publisher_cli.tui.draft import Draft, Kind, Opinion, Typed, completed, graphemes_of, shown_words
from publisher_cli.tui.wrapping import wrapped
from ticker.core.edition import Edition
from ticker.core.line import Change, Direction
from ticker.store.editions import StoredEdition

FINDINGS_SHOWN: Final = 4
_FIELDS: Final = (("urgency", "urg"), ("section", "section"), ("regions", "regions"), ("at", "at"))
_DETAILS: Final = (("story", "story"), ("url", "url"), ("embargo", "embargo"), ("expires", "expires"))
_REASONS: Final = (("reason", "what was wrong (readers are told)"), ("glass", "why without a second person"))
_INPUTS: Final = (*_FIELDS, *_DETAILS, *_REASONS)
_KINDS: Final = {
    Kind.REFUSED: ("✗ refused: ", "$text-error"),
    Kind.NEEDS: ("‖ waits for a second person: ", "$text-warning"),
    Kind.WARNING: ("! ", "$text-warning"),
}
_NOT_LIVE: Final = Content.styled("✗ not connected: nothing can go on air now", "bold $text-error")
_TITLES: Final = {Change.NEW: "NEW LINE", Change.UPDATE: "UPDATE", Change.CORRECT: "CORRECT", Change.REFILE: "REFILE"}


class LineText(TextArea):
    """A text of one line, wrapped over several: Enter sends it, and what is pasted loses its line breaks."""

    class Sent(Message):
        """Enter was pressed."""

    def _on_key(self, event: Key) -> None:  # type: ignore[override]
        # Textual calls the handler of each class, this one first.
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(self.Sent())

    def _on_paste(self, event: Paste) -> None:  # type: ignore[override]
        event.text = " ".join(event.text.split())


class Composer(Vertical):
    """Shows a draft and gives it back as it was changed. What it means is for whoever hears its messages."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "board", show=False)]

    class Changed(Message):
        """A field has another value."""

    class Sent(Message):
        """The editor wants it on air."""

    class Left(Message):
        """The editor wants to go back to the lists."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 -- Textual's own name for it
        super().__init__(id=id)
        self._draft = Draft()
        self._again = False
        self._edition: Edition | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(id="over"):
            yield Static(id="what")
            yield Static(id="count")
        yield LineText(id="text", compact=True, highlight_cursor_line=False, placeholder="Who: what happened")
        yield Static(id="preview")
        with Horizontal(id="fields"):
            for name, label in _FIELDS:
                yield Label(label)
                yield Input(id=name, compact=True)
        with Horizontal(id="details"):
            for name, label in _DETAILS:
                yield Label(label)
                yield Input(id=name, compact=True)
        for name, label in _REASONS:
            with Horizontal(id=f"{name}-row", classes="reason"):
                yield Label(label)
                yield Input(id=name, compact=True)
        yield Static(id="findings")

    @property
    def draft(self) -> Draft:
        """What stands here now."""
        values = {name: self._input(name).value for name, _ in _INPUTS}
        typed = Typed(text=self._text.text, again=self._again, **values)
        return Draft(change=self._draft.change, line=self._draft.line, typed=typed)

    @property
    def breaks_glass(self) -> bool:
        return bool(self.query_one("#glass-row").display)

    def load(self, draft: Draft, stored: StoredEdition) -> None:
        """Show another draft."""
        edition = stored.edition
        self._draft, self._again = draft, draft.typed.again
        if self._edition is not edition:
            self._edition = edition
            sections = [*edition.sections, *edition.sections.values()]
            self._input("section").suggester = SuggestFromList(sections, case_sensitive=False)
            self._input("regions").suggester = SuggestFromList(list(edition.regions), case_sensitive=False)
        with self.prevent(TextArea.Changed, Input.Changed):
            self._text.load_text(draft.typed.text)
            self._text.move_cursor(self._text.document.end)
            for name, _ in _INPUTS:
                self._input(name).value = getattr(draft.typed, name)
        self.query_one("#details").display = any(getattr(draft.typed, name) for name, _ in _DETAILS)
        self.query_one("#reason-row").display = draft.change is Change.CORRECT
        self.query_one("#glass-row").display = bool(draft.typed.glass)
        self._show_what(stored)
        self.post_message(self.Changed())

    def focus_text(self) -> None:
        self._text.focus()

    def toggle_glass(self) -> None:
        """Ask for the reason to go without a second person, or no longer."""
        row = self.query_one("#glass-row")
        row.display = not row.display
        self._input("glass").value = ""
        (self._input("glass") if row.display else self._text).focus()

    def toggle_details(self) -> None:
        """Show the fields that few lines have, or put them away: never while something stands in one."""
        row, inputs = self.query_one("#details"), [self._input(name) for name, _ in _DETAILS]
        row.display = not row.display or any(field.value for field in inputs)
        (inputs[0] if row.display else self._text).focus()

    def toggle_again(self) -> None:
        """It is meant though it looks like a repetition; or no longer."""
        self._again = not self._again
        self.post_message(self.Changed())

    def show_count(self, edition: Edition) -> None:
        """At each key: how long the text is, against what the edition warns of and what it refuses."""
        count, warn, most = graphemes_of(self.draft), edition.text_warn_graphemes, edition.text_graphemes
        style = "$text-error bold" if count > most else "$text-warning" if count > warn else "$foreground 60%"
        over = f" · {count - most} too long" if count > most else " · long" if count > warn else ""
        self.query_one("#count", Static).update(Content.styled(f"{count}/{most}{over}", style))
        self._show_preview(edition)

    def show_opinion(self, opinion: Opinion | None, now: datetime, zone: tzinfo | None, *, is_live: bool) -> None:
        """What the desk would say; None while there is nothing to judge."""
        self.query_one("#findings", Static).update(_opinion_words(opinion, self.draft, now, zone, is_live=is_live))

    def _show_what(self, stored: StoredEdition) -> None:
        line, change = self._draft.line, self._draft.change
        which = "" if line is None else f" {line.id[:4]} v{line.version}"
        title = f"{_TITLES.get(change, change.upper())}{which}"
        parts = [Content.styled(f" {title} ", "bold reverse"), Content.styled(f" {stored.name} ", "bold")]
        parts.append(Content(bidi.isolated(stored.edition.title)))
        if stored.edition.test:
            parts.append(Content.styled("  TEST EDITION ", "bold $text-error"))
        self.query_one("#what", Static).update(Content("").join(parts))

    def _show_preview(self, edition: Edition) -> None:
        """How it reads: worth a line only where an input can't show it, with its parts in two directions."""
        line = shown_words(self.draft, edition.dir)
        preview = self.query_one("#preview", Static)
        preview.display = line is not None and edition.dir is Direction.RTL
        if line is not None:
            preview.update(wrapped(Content(bidi.isolated(messages.composed(line), line.dir)), self.app.size.width - 2))

    @property
    def _text(self) -> LineText:
        return self.query_one("#text", LineText)

    def _input(self, name: str) -> Input:
        return self.query_one(f"#{name}", Input)

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def on_line_text_sent(self, event: LineText.Sent) -> None:
        event.stop()
        self.post_message(self.Sent())

    def _complete(self, name: str | None) -> None:
        """Make whole what is the beginning of a section or of regions."""
        if self._edition is not None and name in ("section", "regions"):
            vocabulary = self._edition.sections if name == "section" else self._edition.regions
            field = self._input(name)
            field.value = completed(vocabulary, field.value)

    def on_input_blurred(self, event: Input.Blurred) -> None:
        event.stop()
        self._complete(event.input.id)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._complete(event.input.id)
        self.post_message(self.Sent())

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())


def _opinion_words(
    opinion: Opinion | None, draft: Draft, now: datetime, zone: tzinfo | None, *, is_live: bool
) -> Content:
    if opinion is None and not is_live:
        return _NOT_LIVE
    if opinion is None:
        return Content.styled("Enter puts it on air; the rules are shown as you type", "$foreground 60%")
    lines = []
    for kind, finding in opinion.findings()[:FINDINGS_SHOWN]:
        label, style = _KINDS[kind]
        lines.append(Content.styled(label, f"bold {style}") + Content.styled(finding.detail, style))
    if (more := len(opinion.findings()) - FINDINGS_SHOWN) > 0:
        lines.append(Content.styled(f"… and {more} more", "$foreground 60%"))
    if not is_live:
        lines.append(_NOT_LIVE)
    elif opinion.can_be_sent and not opinion.needs:
        lines.append(Content.styled(_way(opinion, now, zone), "$text-success"))
    if draft.typed.again:
        lines.append(Content.styled("meant as a repetition (Ctrl+R: not)", "$text-warning"))
    return Content("\n").join(lines)


def _way(opinion: Opinion, now: datetime, zone: tzinfo | None) -> str:
    """What Enter does, with the times as they were understood."""
    submission, due = opinion.submission, opinion.due_at
    assert submission is not None
    if due is None:
        way = "at once"
    elif due in (submission.publish_at, submission.embargo_until):
        way = spell_instant(due, now, zone)
    else:
        way = f"after {(due - now).total_seconds():.0f} s in which it can be taken back"
    until = f", expires {spell_instant(submission.expires_at, now, zone)}" if submission.expires_at else ""
    return f"✓ Enter: on air {way}{until}"
