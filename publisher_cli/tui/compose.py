"""The compose line: load and keep drafts, validate them while the editor types, and decide what Enter does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from publisher_cli.output import bidi, messages
from publisher_cli.tui.draft import (
    Draft,
    FieldError,
    Validation,
    asks_first,
    submission_of,
    urgency_of,
    validate,
    with_undo_window,
)
from publisher_cli.tui.model import EditionModel
from publisher_cli.tui.outbox import Drafts, Outbox
from publisher_cli.tui.steps import Confirm, Refuse, Send, Step
from publisher_cli.tui.widgets.composer import Composer
from ticker.core.line import URGENCY_FLASH
from ticker.core.submission import Submission


class ComposeLine:
    """The draft in the composer, and the drafts kept for later."""

    def __init__(self, composer: Composer, drafts: Drafts, clock: Callable[[], datetime]) -> None:
        self._composer = composer
        self._drafts = drafts
        self._clock = clock
        self._dropped: tuple[str, Draft] | None = None

    @property
    def unsent(self) -> str:
        """The text in the composer that was not sent."""
        draft = self._composer.draft
        return "" if draft.is_blank else draft.fields.text

    @property
    def has_unsent(self) -> bool:
        """Whether any field was changed, and not sent."""
        return not self._composer.draft.is_blank

    def begin(self, model: EditionModel) -> None:
        """Show the first edition, with the text that was typed before it was known."""
        self._composer.load(self._composer.draft, model.stored)

    def load(self, draft: Draft, model: EditionModel) -> None:
        """Show a draft, or the one that was kept in its place, and say so."""
        kept = self._drafts.restore(model.name, draft)
        self._composer.load(kept, model.stored, is_restored=not kept.is_blank)

    def start_over(self, model: EditionModel) -> None:
        """Show the draft as it was before its editor typed anything. If it shows already, restore the dropped one."""
        draft = self._composer.draft
        if draft.is_blank:
            if self._dropped is not None and (model.name, draft) == (self._dropped[0], self._dropped[1].original):
                self._composer.load(self._dropped[1], model.stored)
            return
        self._dropped = (model.name, draft)
        self._drafts.keep(model.name, draft.original)
        self._composer.load(draft.original, model.stored)

    def keep(self, model: EditionModel) -> None:
        """Keep the draft in the composer until its editor returns to it."""
        self._drafts.keep(model.name, self._composer.draft)

    def bring_back(self, draft: Draft, model: EditionModel) -> None:
        """Show a draft that was taken back, unless the editor has begun another one."""
        if self._composer.draft.is_blank:
            self._composer.load(draft, model.stored)

    def clear(self, draft: Draft, model: EditionModel) -> bool:
        """Make room for a new line if the composer still shows `draft`. Return whether it did."""
        if self._composer.draft != draft:
            return False
        self.load(Draft(), model)
        return True

    def validate(self, model: EditionModel | None, outbox: Outbox, *, is_live: bool) -> None:
        """Validate the draft and show the findings."""
        draft, now = self._composer.draft, self._clock()
        validation = None if draft.is_blank or model is None else validate(draft, model, now, outbox.is_decided)
        self._composer.show_validation(validation, now, None if model is None else model.zone, is_live=is_live)

    def submit(self, model: EditionModel | None, outbox: Outbox) -> Step:
        """Return what happens when the editor sends the draft: a refusal, a confirmation, or the request."""
        draft = self._composer.draft
        if model is None:
            return Refuse("there is no connection yet, and nothing was sent: the text stays here")
        if outbox.is_draft_waiting:
            return Refuse("wait for the desk's answer to the previous line")
        if draft.is_blank:
            reason = "there is nothing to send: type a line" if draft.line is None else "nothing has been changed"
            return Refuse(reason, field="text")
        validation = validate(draft, model, self._clock(), outbox.is_decided)
        if validation.submission is None:
            first, *more = validation.errors  # the others are listed below the fields
            also = f" (and {len(more)} more)" if more else ""
            return Refuse(f"{first.detail}{also}: nothing was sent", word="REFUSED", field=validation.field)
        if asks_first(draft, validation):
            return self._confirm(draft, validation, model)
        return self._send(draft, model)

    def _confirm(self, draft: Draft, validation: Validation, model: EditionModel) -> Step:
        """Show what will be sent, and for a change the text before it. A line typed by mistake is noticed here."""
        assert validation.submission is not None, "only a valid draft is confirmed"
        return Confirm(
            title=f"{_title(draft, validation.submission)} {model.name.upper()}?",
            about="\n".join((*_before_and_after(draft, model), *(f"! {ask.detail}" for ask in validation.asks))),
            hint="Ctrl+Y: send it · any other key: back to the text",
            then=lambda: self._send(draft, model, is_confirmed=bool(validation.asks)),
        )

    def _send(self, draft: Draft, model: EditionModel, *, is_confirmed: bool = False) -> Step:
        try:
            request = submission_of(draft, self._drafts.key_for(model.name, draft), self._clock(), model.zone)
        except FieldError as error:
            return Refuse(str(error), field=error.field)
        request = with_undo_window(request, draft, model.stored.edition)
        request = msgspec.structs.replace(request, confirmed=is_confirmed)
        return Send(edition=model.name, request=request, quoted=_quoted(draft, model), line=draft.line, draft=draft)


def _title(draft: Draft, submission: Submission) -> str:
    """Return the beginning of a question, which ends with the name of the edition."""
    if draft.fields.glass.strip():
        return "SEND WITHOUT A SECOND PERSON TO"
    is_flash = urgency_of(draft, submission) <= URGENCY_FLASH
    if draft.line is not None:
        return f"{draft.change.upper()} {draft.line.id[:4]}{' AS A FLASH' if is_flash else ''} IN"
    return "SEND THIS FLASH TO" if is_flash else "SEND THIS LINE TO"


def _before_and_after(draft: Draft, model: EditionModel) -> tuple[str, ...]:
    after = _quoted(draft, model)
    if draft.line is None:
        return (after,)
    before = bidi.isolated(messages.line_text(draft.line), draft.line.dir)
    return (after,) if before == after else (f"before: {before}", f"after: {after}")


def _quoted(draft: Draft, model: EditionModel) -> str:
    return draft.quoted(model.stored.edition.dir)
