"""The compose line: load and keep drafts, validate them while the editor types, and decide what Enter does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from publisher_cli.output import bidi, messages
from publisher_cli.tui.draft import Draft, needs_confirmation, submission_of, validate
from publisher_cli.tui.model import EditionModel
from publisher_cli.tui.outbox import Drafts, Outbox
from publisher_cli.tui.steps import Confirm, Refuse, Send, Step
from publisher_cli.tui.widgets.composer import Composer
from ticker.core.errors import SettingsError
from ticker.core.line import Line


class ComposeLine:
    """The draft in the composer, and the drafts kept for later."""

    def __init__(self, composer: Composer, drafts: Drafts, clock: Callable[[], datetime]) -> None:
        self._composer = composer
        self._drafts = drafts
        self._clock = clock

    @property
    def unsent(self) -> str:
        """The text in the composer that was not sent."""
        draft = self._composer.draft
        return "" if draft.is_blank else draft.fields.text

    def load(self, draft: Draft, model: EditionModel) -> None:
        """Show a draft, or the one that was kept in its place."""
        self._composer.load(self._drafts.restore(model.name, draft), model.stored)

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

    def validate(self, model: EditionModel | None, *, is_live: bool) -> None:
        """Validate the draft and show the findings."""
        draft, now = self._composer.draft, self._clock()
        validation = None if draft.is_blank or model is None else validate(draft, model, now)
        self._composer.show_validation(validation, now, None if model is None else model.zone, is_live=is_live)

    def submit(self, model: EditionModel | None, outbox: Outbox) -> Step:
        """Return what happens when the editor sends the draft: a refusal, a confirmation, or the request."""
        draft = self._composer.draft
        if model is None:
            return Refuse("there is no connection yet, and nothing was sent: the text stays here")
        if outbox.is_draft_waiting:
            return Refuse("wait for the desk's answer to the previous line")
        if draft.is_blank:
            return Refuse("there is nothing to send: type a line" if draft.line is None else "nothing has been changed")
        validation = validate(draft, model, self._clock())
        if validation.submission is None:
            details = "; ".join(finding.detail for finding in validation.errors)
            return Refuse(f"{details}: nothing was sent", word="REFUSED")
        if needs_confirmation(draft, validation.submission):
            return self._confirm_by_y(draft, model)
        if draft.line is not None:
            return self._confirm_change(draft, draft.line, model)
        return self._send(draft, model)

    def _confirm_by_y(self, draft: Draft, model: EditionModel) -> Step:
        what = "SEND WITHOUT A SECOND PERSON" if draft.fields.glass.strip() else "SEND THIS FLASH"
        return Confirm(
            title=f"{what} TO {model.name.upper()}?",
            about=_quoted(draft, model),
            hint="y: send it now · any other key: back to the text",
            key="y",
            then=lambda: self._send(draft, model),
        )

    def _confirm_change(self, draft: Draft, line: Line, model: EditionModel) -> Step:
        """Show the text before and after: an editor who typed on the board by mistake notices it here."""
        before, after = bidi.isolated(messages.line_text(line), line.dir), _quoted(draft, model)
        return Confirm(
            title=f"{draft.change.upper()} {line.id[:4]} IN {model.name.upper()}?",
            about=f"before: {before}\nafter: {after}" if before != after else after,
            hint="Enter: send it now · any other key: back to the text",
            key="enter",
            then=lambda: self._send(draft, model),
        )

    def _send(self, draft: Draft, model: EditionModel) -> Step:
        try:
            request = submission_of(draft, self._drafts.key_for(model.name, draft), self._clock(), model.zone)
        except SettingsError as error:
            return Refuse(str(error))
        return Send(edition=model.name, request=request, quoted=_quoted(draft, model), line=draft.line, draft=draft)


def _quoted(draft: Draft, model: EditionModel) -> str:
    return draft.quoted(model.stored.edition.dir)
