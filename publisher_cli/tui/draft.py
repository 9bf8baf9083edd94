"""Drafts: the fields of the compose line, their submission, and its validation. Pure: no I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

import msgspec

from publisher_cli.output import bidi, messages
from publisher_cli.submit.confirmation import only_asks
from publisher_cli.submit.dry_run import EditionState, preview
from publisher_cli.submit.request import TIME_OPTIONS, content_fields
from publisher_cli.times import name_time, parse_times
from publisher_cli.tui.model import EditionModel
from ticker.core.edition import Edition
from ticker.core.errors import SettingsError
from ticker.core.line import URGENCY_FLASH, URGENCY_ROUTINE, Change, Direction, Line
from ticker.core.outcome import Hold, Publish, Refuse
from ticker.core.rules import fields
from ticker.core.rules.labels import find_label
from ticker.core.submission import Finding, Submission

CHECK_KEY: Final = "checking"
"""The key of submissions that are only validated, never sent."""

_SEPARATORS: Final = re.compile(r"[,،;\s]+")
_COMPOSER_FIELDS: Final = {
    "publish_at": "at",
    "embargo_until": "embargo",
    "expires_at": "expires",
    "coverage": "story",
    "break-glass": "glass",
    "section": "section",
    "region": "regions",
    "urgency": "urgency",
    "url": "url",
    "reason": "reason",
}
"""The field of the compose line for each field of a submission, and for each code of a finding that names one."""

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


class FieldError(SettingsError):
    """A value that can't be parsed. `field` is the name of the field in the compose line."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


class Validation(msgspec.Struct, frozen=True, kw_only=True):
    """The decision that the desk would make about a draft now.

    `submission` is None if the draft can't be sent, because of `errors`, and `field` is then the field to correct.
    `asks` are findings that the editor must confirm. `needs` are the reasons why a second person must review it.
    """

    submission: Submission | None = None
    errors: tuple[Finding, ...] = ()
    field: str = "text"
    asks: tuple[Finding, ...] = ()
    needs: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    due_at: datetime | None = None


def without_label(typed: DraftFields) -> DraftFields | None:
    """Return the fields without a label such as `BREAKING:`, and with its urgency, or None without a label."""
    label = find_label(fields.normal_text(typed.text))
    if label is None:
        return None
    urgency = typed.urgency if label.urgency is None else str(label.urgency)
    return msgspec.structs.replace(typed, text=label.rest, urgency=urgency)


def text_graphemes(draft: Draft) -> int:
    """Return the length of the text as the rules count it: in graphemes, without the attribution."""
    _, text = fields.split_attribution(fields.normal_text(draft.fields.text))
    return fields.count_graphemes(text)


def submission_of(draft: Draft, key: str, now: datetime, zone: tzinfo | None) -> Submission:
    """Return the submission for a draft.

    Raises:
        FieldError: If the urgency is not a number, or a time can't be parsed.

    """
    content, times = content_fields(**_changed_fields(draft))
    content |= _parse_times(times, now, zone)
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


def _parse_times(texts: Mapping[str, str], now: datetime, zone: tzinfo | None) -> dict[str, datetime]:
    """Return the times of a submission, as `parse_times`, and name the field of an error."""
    parsed: dict[str, str] = {}
    for name in sorted(texts, key=list(_COMPOSER_FIELDS).index):  # the expiry counts from the times before it
        parsed[name] = texts[name]
        try:
            parse_times(parsed, now, zone)
        except SettingsError as error:
            raise FieldError(_COMPOSER_FIELDS[name], str(error)) from error
    return parse_times(parsed, now, zone)


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
    if re.fullmatch(r"\d{1,2}", folded) is None:
        raise FieldError(
            "urgency", f"urgency {text.strip()[:10]!r} isn't a number: 1 flash, 2 bulletin, 3 urgent, 4 routine"
        )
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


def validate(
    draft: Draft, model: EditionModel, now: datetime, is_decided: Callable[[str], bool] = lambda _: False
) -> Validation:
    """Apply the desk's rules to a draft, without sending it.

    `is_decided` returns whether the desk no longer holds an item with this id, though `model` may still list it.
    """
    try:
        submission = submission_of(draft, CHECK_KEY, now, model.zone)
    except FieldError as error:
        return Validation(errors=(Finding("field", str(error)),), field=error.field)
    submission = with_undo_window(submission, draft, model.stored.edition)
    others = [held for held in reversed(model.held or ()) if not is_decided(held.id)]
    state = EditionState(model.stored, model.editor, model.role, model.board, model.seq, others)
    outcome, asks = preview(state, submission, now), tuple[Finding, ...]()
    if isinstance(outcome, Refuse) and only_asks(outcome.errors):
        asks, submission = outcome.errors, msgspec.structs.replace(submission, confirmed=True)
        outcome = preview(state, submission, now)
    match outcome:
        case Publish(warnings=warnings):
            return Validation(submission=submission, asks=asks, warnings=warnings)
        case Hold(held=held, warnings=warnings):
            return Validation(submission=submission, asks=asks, needs=held.needs, warnings=warnings, due_at=held.due_at)
        case Refuse(errors=errors, warnings=warnings):
            errors = tuple(_in_typed_words(error, draft.fields) for error in errors)
            return Validation(errors=errors, warnings=warnings, field=_field_of(errors))


def _in_typed_words(error: Finding, typed: DraftFields) -> Finding:
    """Return an error about a time with the field of the compose line and what the editor typed there."""
    if error.code not in TIME_OPTIONS or (field := _COMPOSER_FIELDS.get(error.code)) is None:
        return error
    return msgspec.structs.replace(
        error, detail=name_time(error.detail, error.code, f"{field} {getattr(typed, field)}")
    )


def _field_of(errors: Sequence[Finding]) -> str:
    """Return the field of the compose line to correct first."""
    return next((_COMPOSER_FIELDS[error.code] for error in errors if error.code in _COMPOSER_FIELDS), "text")


def with_undo_window(submission: Submission, draft: Draft, edition: Edition) -> Submission:
    """Return the submission with the undo window of the terminal application, which a flash doesn't have."""
    if urgency_of(draft, submission) <= URGENCY_FLASH or edition.terminal_undo_s <= edition.undo_s:
        return submission
    return msgspec.structs.replace(submission, undo_s=edition.terminal_undo_s)


def urgency_of(draft: Draft, submission: Submission) -> int:
    """Return the urgency that the line will have."""
    if isinstance(submission.urgency, int):
        return submission.urgency
    return URGENCY_ROUTINE if draft.line is None else draft.line.urgency


def asks_first(draft: Draft, validation: Validation) -> bool:
    """Return whether Enter asks before it sends a valid draft.

    It asks for a change, a flash, a line that skips review, and for what the rules ask about.
    """
    submission = validation.submission
    if submission is None:
        return False
    is_flash = urgency_of(draft, submission) <= URGENCY_FLASH
    return draft.line is not None or is_flash or submission.break_glass is not None or bool(validation.asks)
