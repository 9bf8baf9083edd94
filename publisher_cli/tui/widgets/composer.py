"""The composer: the text of a line, its fields, and the findings of the rules below them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import DescendantBlur, DescendantFocus, Mount, Paste
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label, Static, TextArea

from publisher_cli.output import bidi
from publisher_cli.times import spell_moment
from publisher_cli.tui.bindings import ON_COMPOSER
from publisher_cli.tui.draft import (
    Draft,
    DraftFields,
    Validation,
    asks_first,
    complete_terms,
    text_graphemes,
    without_label,
)
from publisher_cli.tui.keys import OwnKeys
from publisher_cli.tui.widgets.status_bar import Bar
from publisher_cli.tui.wrapping import wrapped
from ticker.core.edition import Edition
from ticker.core.line import Change, Direction
from ticker.core.submission import Finding, Submission
from ticker.store.editions import StoredEdition

FINDINGS_MAX: Final = 4
"""Maximum number of findings shown below the fields."""

_FIELDS: Final = (("urgency", "urg"), ("section", "section"), ("regions", "regions"), ("at", "at"))
_DETAILS: Final = (("story", "story"), ("url", "url"), ("embargo", "embargo"), ("expires", "expires"))
_REASONS: Final = (("reason", "what was wrong (readers see it)"), ("glass", "why without a second person"))
_INPUTS: Final = (*_FIELDS, *_DETAILS, *_REASONS)
_OWN_FIELDS: Final = "Composer TextArea, Composer Input"
"""The selector of the widgets between which Tab moves."""
_WRITING: Final = "WRITING: letters are text · Esc: to the list"
_COMMANDS: Final = "LETTERS ARE COMMANDS for the selected row · Enter: write"
_NOT_LIVE: Final = Content.styled("✗ not connected: nothing can go on air now", "bold $text-error")


class LineText(TextArea, OwnKeys):
    """A text without line breaks, wrapped over several rows."""

    def _on_paste(self, event: Paste) -> None:  # type: ignore[override]
        # Textual calls the handler of each class, this one before the one of TextArea.
        event.text = " ".join(event.text.split())


class Field(Input, OwnKeys):
    """A field of one row."""


class Composer(Vertical):
    """Shows a draft, and returns it as the editor has changed it."""

    BINDINGS = ON_COMPOSER

    class Changed(Message):
        """The editor, or the application, changed a field."""

    def __init__(self) -> None:
        super().__init__()
        self._draft = Draft()
        self._again = False
        self._is_restored = False
        self._edition: Edition | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(id="over"):
            yield Static(id="what")
            yield Static(id="count")
        yield LineText(id="text", compact=True, highlight_cursor_line=False, placeholder="Who: what happened")
        yield Static(id="preview")
        with Horizontal(id="fields"):
            yield from _inputs(_FIELDS)
        with Horizontal(id="details"):
            yield from _inputs(_DETAILS)
        for field in _REASONS:
            with Horizontal(id=f"{field[0]}-row", classes="reason"):
                yield from _inputs([field])
        yield Bar(id="findings")

    @property
    def draft(self) -> Draft:
        """The draft as it stands now."""
        if not self.is_mounted:
            return self._draft
        values = {name: self._input(name).value for name, _ in _INPUTS}
        typed = DraftFields(text=self._text.text, again=self._again, **values)
        return Draft(change=self._draft.change, line=self._draft.line, fields=typed)

    def load(self, draft: Draft, stored: StoredEdition, *, is_restored: bool = False) -> None:
        """Show another draft. `is_restored`: its editor typed it before, and left it."""
        edition = stored.edition
        self._draft, self._again, self._is_restored = draft, draft.fields.again, is_restored
        if self._edition is not edition:
            self._edition = edition
            sections = [*edition.sections, *edition.sections.values()]
            self._input("section").suggester = SuggestFromList(sections, case_sensitive=False)
            self._input("regions").suggester = SuggestFromList(list(edition.regions), case_sensitive=False)
        with self.prevent(TextArea.Changed, Input.Changed):
            self._text.load_text(draft.fields.text)
            self._text.move_cursor(self._text.document.end)
            for name, _ in _INPUTS:
                self._input(name).value = getattr(draft.fields, name)
        self.query_one("#details").display = any(getattr(draft.fields, name) for name, _ in _DETAILS)
        self.query_one("#reason-row").display = draft.change is Change.CORRECT
        self.query_one("#glass-row").display = bool(draft.fields.glass)
        self._show_title(stored)
        self.post_message(self.Changed())

    @on(Mount)
    @on(DescendantFocus)
    @on(DescendantBlur)
    def _show_focus(self) -> None:
        """Show whether letters are text or commands. The focus may come before or after the mount."""
        focused = self.screen.focused
        is_writing = focused is not None and self in focused.ancestors
        self.border_title = _WRITING if is_writing else _COMMANDS

    def focus_text(self) -> None:
        """Focus the text now, not after the keys that are waiting: those are text."""
        self.screen.set_focus(self._text)

    def focus_field(self, name: str) -> None:
        """Focus a field by its name, and show its row if that is hidden."""
        if name in dict(_DETAILS):
            self.query_one("#details").display = True
        if name in dict(_REASONS):
            self.query_one(f"#{name}-row").display = True
        self.screen.set_focus(self.query_one(f"#{name}"))

    def toggle_glass(self) -> None:
        """Show the field for the reason to break the glass, or clear and hide it."""
        row = self.query_one("#glass-row")
        row.display = not row.display
        self._input("glass").value = ""
        self.screen.set_focus(self._input("glass") if row.display else self._text)

    def show_count(self, edition: Edition) -> None:
        """Show the length of the text and the edition's limit. Update the preview."""
        count, warn, most = text_graphemes(self.draft), edition.text_warn_graphemes, edition.text_graphemes
        style = "$text-error bold" if count > most else "$text-warning" if count > warn else "$foreground 60%"
        over = f" · {count - most} too long" if count > most else " · long" if count > warn else ""
        self.query_one("#count", Static).update(Content.styled(f"{count}/{most}{over}", style))
        self._show_preview(edition)

    def show_validation(
        self, validation: Validation | None, now: datetime, zone: tzinfo | None, *, is_live: bool
    ) -> None:
        """Show what the desk would decide. `validation` is None for a blank draft."""
        asks = validation is not None and asks_first(self._draft, validation)
        if validation is None and is_live:
            state = "type a line" if self._draft.line is None else "nothing has been changed"
            content = Content.styled(f"{state}: the rules are checked as you type", "$foreground 60%")
        else:
            content = _findings(validation, now, zone, is_again=self._again, is_live=is_live, asks=asks)
        self.query_one("#findings", Bar).show(content)

    def _show_title(self, stored: StoredEdition) -> None:
        line, change = self._draft.line, self._draft.change
        title = "NEW LINE" if line is None else f"{change.upper()} {line.id[:4]} v{line.version}"
        parts = [Content.styled(f" {title} ", "bold reverse"), Content.styled(f" {stored.name} ", "bold")]
        parts.append(Content(bidi.isolated(stored.edition.title)))
        if stored.edition.test:
            parts.append(Content.styled("  TEST EDITION ", "bold $text-error"))
        if self._is_restored:
            parts.append(Content.styled("  what you typed before · Ctrl+L: start over", "bold $text-warning"))
        self.query_one("#what", Static).update(Content("").join(parts))

    def _show_preview(self, edition: Edition) -> None:
        """Show the line as readers will see it, in right-to-left editions: an input can't show two directions."""
        text = self.draft.quoted(edition.dir)
        preview = self.query_one("#preview", Static)
        preview.display = bool(text) and edition.dir is Direction.RTL
        preview.update(wrapped(Content(text), self.app.size.width - 2))

    @property
    def _text(self) -> LineText:
        return self.query_one("#text", LineText)

    def _input(self, name: str) -> Input:
        return self.query_one(f"#{name}", Input)

    def complete_fields(self) -> None:
        """Complete the section and the regions, before the draft is sent."""
        for name in ("section", "regions"):
            self._complete(name)

    def action_toggle_details(self) -> None:
        """Show the fields that few lines have, or hide them if they are all empty."""
        row, inputs = self.query_one("#details"), [self._input(name) for name, _ in _DETAILS]
        row.display = not row.display or any(field.value for field in inputs)
        self.screen.set_focus(inputs[0] if row.display else self._text)

    def action_next_field(self) -> None:
        self.screen.focus_next(_OWN_FIELDS)

    def action_previous_field(self) -> None:
        self.screen.focus_previous(_OWN_FIELDS)

    def action_use_urgency(self) -> None:
        """Replace a label such as `BREAKING:` by its urgency."""
        typed = without_label(self.draft.fields)
        if typed is not None:
            self._input("urgency").value = typed.urgency
            self._text.load_text(typed.text)
            self._text.move_cursor(self._text.document.end)
            self.post_message(self.Changed())

    def action_toggle_again(self) -> None:
        """Allow this line to be a duplicate, or no longer."""
        self._again = not self._again
        self.post_message(self.Changed())

    def _complete(self, name: str | None) -> None:
        """Complete the beginning of a section or of regions."""
        if self._edition is not None and name in ("section", "regions"):
            vocabulary = self._edition.sections if name == "section" else self._edition.regions
            field = self._input(name)
            field.value = complete_terms(vocabulary, field.value)

    def on_input_blurred(self, event: Input.Blurred) -> None:
        event.stop()
        self._complete(event.input.id)

    @on(Input.Changed)
    @on(TextArea.Changed)
    def _field_changed(self, event: Message) -> None:
        event.stop()
        self.post_message(self.Changed())


def _inputs(names: Iterable[tuple[str, str]]) -> ComposeResult:
    for name, label in names:
        yield Label(label)
        yield Field(id=name, compact=True)


def _findings(
    validation: Validation | None, now: datetime, zone: tzinfo | None, *, is_again: bool, is_live: bool, asks: bool
) -> Content:
    if validation is None:
        return _NOT_LIVE
    lines = [
        *(_finding("✗ refused: ", finding, "$text-error") for finding in validation.errors),
        *(
            _finding("‖ waits for a second person: ", finding, "$text-warning", " (Ctrl+G breaks the glass)")
            for finding in validation.needs
        ),
        *(_finding("? asks first: ", finding, "$text-warning") for finding in validation.asks),
        *(_finding("! ", finding, "$text-warning") for finding in validation.warnings),
    ]
    if (more := len(lines) - FINDINGS_MAX) > 0:
        lines[FINDINGS_MAX:] = [Content.styled(f"… and {more} more", "$foreground 60%")]
    if not is_live:
        lines.append(_NOT_LIVE)
    elif validation.submission is not None:
        next_step = _next_step(validation.submission, validation, now, zone, asks=asks)
        lines.append(Content.styled(next_step, "$text-success"))
    if is_again:
        lines.append(Content.styled("sent although a duplicate (Ctrl+R: no)", "$text-warning"))
    return Content("\n").join(lines)


def _finding(label: str, finding: Finding, style: str, remedy: str = "") -> Content:
    remedy = remedy or _REMEDIES.get(finding.code, "")
    return Content.styled(label, f"bold {style}") + Content.styled(f"{finding.detail}{remedy}", style)


_REMEDIES: Final = {"duplicate": " (Ctrl+R: send it anyway)", "label": " (Ctrl+T: do that)"}
"""The keys that help, by the code of the finding."""


def _next_step(
    submission: Submission, validation: Validation, now: datetime, zone: tzinfo | None, *, asks: bool
) -> str:
    """Return a description of what Enter does, with the parsed times. For a line that has to wait, it says so."""
    due_at = validation.due_at
    if validation.needs:
        what = "sent to a second person"
    elif due_at is None:
        what = "on air" if asks else "on air at once"
    elif due_at in (submission.publish_at, submission.embargo_until):
        what = f"on air {spell_moment(due_at, now, zone)}"
    else:
        what = f"on air after {(due_at - now).total_seconds():.0f} s in which Ctrl+C takes it back"
    until = f", expires {spell_moment(submission.expires_at, now, zone)}" if submission.expires_at else ""
    return f"✓ Enter: {'asks first, then ' if asks else ''}{what}{until}"
