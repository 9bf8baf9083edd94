"""Drafts: the fields of the compose line, their submission, and its validation. Pure: no I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

import msgspec
from msgspec import UNSET

from publisher_cli.output import bidi, messages
from publisher_cli.submit.dry_run import EditionState, preview
from publisher_cli.submit.request import content_fields
from publisher_cli.times import parse_times
from publisher_cli.tui.model import EditionModel
from ticker.core.errors import SettingsError
from ticker.core.line import TEXT_CHANGES, URGENCY_FLASH, Change, Direction, Line
from ticker.core.outcome import Hold, Publish, Refuse
from ticker.core.rules import fields
from ticker.core.submission import Finding, Submission

CHECK_KEY: Final = "checking"
"""The key of submissions that are only validated, never sent."""

_SEPARATORS: Final = re.compile(r"[,،;\s]+")
_URGENCIES: Final = {"flash": 1, "bulletin": 2, "urgent": 3, "routine": 4, "": 4}


class DraftFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of the compose line, as the editor typed them."""

    text: str = ""
    urgency: str = ""
    section: str = ""
    regions: str = ""
    at: str = ""
    story: str = ""
    url: str = ""
    embargo: str = ""
    expires: str = ""
    reason: str = ""
    glass: str = ""
    again: bool = False


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A change that an editor writes. `line` is the version that they change; None for a new line."""

    change: Change = Change.NEW
    line: Line | None = None
    fields: DraftFields = DraftFields()

    @property
    def is_blank(self) -> bool:
        """Whether the editor has changed nothing yet."""
        return self.fields == self.original.fields

    @property
    def original(self) -> Draft:
        """The draft before the editor typed anything."""
        return Draft() if self.line is None else draft_of(self.change, self.line)

    def quoted(self, edition_dir: Direction) -> str:
        """Return the text as readers will see it, isolated: for a prompt, a receipt or the preview."""
        attribution, text = fields.split_attribution(fields.normal_text(self.fields.text))
        direction = edition_dir if self.line is None else self.line.dir
        return bidi.isolated(messages.attributed(attribution, text, direction), direction) if text else ""


def draft_of(change: Change, line: Line) -> Draft:
    """Return a draft of a change to `line`, with the fields of the line filled in."""
    filled_in = DraftFields(
        text=line.text if line.attribution is None else f"{line.attribution}: {line.text}",
        urgency=str(line.urgency),
        section=line.section or "",
        regions=", ".join(line.regions),
        story=line.coverage or "",
        url=line.url or "",
        expires="" if line.expires_at is None else f"{line.expires_at.astimezone(UTC):%Y-%m-%dT%H:%MZ}",
    )
    return Draft(change=change, line=line, fields=filled_in)


class Validation(msgspec.Struct, frozen=True, kw_only=True):
    """The decision that the desk would make about a draft now.

    `submission` is None if the draft can't be sent, because of `errors`. `needs` are the reasons why a second person
    must review it.
    """

    submission: Submission | None = None
    errors: tuple[Finding, ...] = ()
    needs: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    due_at: datetime | None = None


def text_graphemes(draft: Draft) -> int:
    """Return the length of the text as the rules count it: in graphemes, without the attribution."""
    _, text = fields.split_attribution(fields.normal_text(draft.fields.text))
    return fields.count_graphemes(text)


def submission_of(draft: Draft, key: str, now: datetime, zone: tzinfo | None) -> Submission:
    """Return the submission for a draft.

    Raises:
        SettingsError: If the urgency is not a number, or a time can't be parsed.

    """
    content, times = content_fields(**_changed_fields(draft))
    content |= parse_times(times, now, zone)
    if draft.line is None:
        content["text"] = draft.fields.text
    else:
        content |= {"id": draft.line.id, "version": draft.line.version}
        if draft.fields.text != draft.original.fields.text:
            content["text"] = draft.fields.text
    if draft.fields.reason.strip():
        content["reason"] = draft.fields.reason
    if draft.fields.glass.strip():
        content["break_glass"] = draft.fields.glass
    return Submission(key=key, change=draft.change, **content)


def _changed_fields(draft: Draft) -> dict[str, Any]:
    """Return the options of `tick post` that correspond to the fields that the editor changed or filled in."""
    typed, before = draft.fields, draft.original.fields
    changed: dict[str, Any] = {"again": typed.again}
    for name in ("section", "at", "story", "url", "embargo", "expires"):
        value = getattr(typed, name).strip()
        if value != getattr(before, name):
            changed[name] = value
    if typed.urgency.strip() != before.urgency:
        changed["urgency"] = _parse_urgency(typed.urgency)
    if _parse_regions(typed.regions) != _parse_regions(before.regions):
        changed["regions"] = _parse_regions(typed.regions) or ("",)
    return changed


def _parse_urgency(text: str) -> int:
    folded = text.strip().casefold()
    if folded in _URGENCIES:
        return _URGENCIES[folded]
    if re.fullmatch("[0-9]{1,2}", folded, re.ASCII) is None:
        raise SettingsError(f"urgency {text.strip()[:10]!a} isn't a number: 1 flash, 2 bulletin, 3 urgent, 4 routine")
    return int(folded)


def _parse_regions(text: str) -> tuple[str, ...]:
    return tuple(region for region in _SEPARATORS.split(text) if region)


def complete_terms(vocabulary: Mapping[str, str], typed: str) -> str:
    """Replace each typed term by the id of the only term whose id or name starts with it. Keep all other terms."""
    return ", ".join(_complete_term(vocabulary, term.strip()) for term in re.split("[,،;]", typed))


def _complete_term(vocabulary: Mapping[str, str], typed: str) -> str:
    folded = typed.casefold()
    found = {term for term, name in vocabulary.items() if term.startswith(folded) or name.casefold().startswith(folded)}
    return found.pop() if typed and len(found) == 1 else typed


def validate(draft: Draft, model: EditionModel, now: datetime) -> Validation:
    """Apply the desk's rules to a draft, without sending it."""
    try:
        submission = submission_of(draft, CHECK_KEY, now, model.zone)
    except SettingsError as error:
        return Validation(errors=(Finding("field", str(error)),))
    others = (model.held or [])[::-1]
    state = EditionState(model.stored, model.editor, model.role, model.board, model.seq, others)
    match preview(state, submission, now):
        case Publish(warnings=warnings):
            return Validation(submission=submission, warnings=warnings)
        case Hold(held=held, warnings=warnings):
            return Validation(submission=submission, needs=held.needs, warnings=warnings, due_at=held.due_at)
        case Refuse(errors=errors, warnings=warnings):
            return Validation(errors=errors, warnings=warnings)


def needs_confirmation(draft: Draft, submission: Submission) -> bool:
    """Return whether the editor must press y before sending: a flash, a withdrawal, or a line that skips review."""
    if submission.break_glass is not None or submission.change is Change.WITHDRAW:
        return True
    urgency = submission.urgency
    if urgency is UNSET:
        urgency = draft.line.urgency if draft.line is not None else urgency
    return isinstance(urgency, int) and urgency <= URGENCY_FLASH and submission.change in TEXT_CHANGES
