"""From what stands in the compose line to a submission, and what the desk would say of it: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from enum import Enum
from typing import Any, Final

import msgspec
from msgspec import UNSET

from publisher_cli.submit.dry_run import foretell
from publisher_cli.submit.request import content_fields
from publisher_cli.times import parse_times
from publisher_cli.tui.model import Picture
from ticker.core.errors import SettingsError
from ticker.core.line import TEXT_CHANGES, URGENCY_FLASH, Change, Direction, Line, Status
from ticker.core.outcome import Hold, Publish, Refuse
from ticker.core.rules import fields
from ticker.core.submission import Finding, Submission

DEADLINE_S: Final = 10.0
CHECKING_KEY: Final = "checking"
"""Nothing with this key is ever sent."""

_SEPARATORS: Final = re.compile(r"[,،;\s]+")


class Typed(msgspec.Struct, frozen=True, kw_only=True):
    """The compose line's fields, as they were typed."""

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
    """A change that is being written. `line` is the version that the editor saw; None for a new line."""

    change: Change = Change.NEW
    line: Line | None = None
    typed: Typed = Typed()

    @property
    def place(self) -> tuple[Change, str | None]:
        """What it is a draft of: each edition keeps one for each place."""
        return self.change, None if self.line is None else self.line.id

    @property
    def is_blank(self) -> bool:
        return self.typed == self.fresh.typed

    @property
    def fresh(self) -> Draft:
        """As it was before anything was typed."""
        return Draft() if self.line is None else draft_of(self.change, self.line)


def draft_of(change: Change, line: Line) -> Draft:
    """A change of a line, to begin from what the line has."""
    typed = Typed(
        text=line.text if line.attribution is None else f"{line.attribution}: {line.text}",
        urgency=str(line.urgency),
        section=line.section or "",
        regions=", ".join(line.regions),
        story=line.coverage or "",
        url=line.url or "",
        expires="" if line.expires_at is None else f"{line.expires_at.astimezone(UTC):%Y-%m-%dT%H:%MZ}",
    )
    return Draft(change=change, line=line, typed=typed)


class Kind(Enum):
    """What a finding means for the line."""

    REFUSED = "refused"
    NEEDS = "needs"
    WARNING = "warning"


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """What the desk would say of a draft now. `submission` is None where it can't even be asked."""

    submission: Submission | None = None
    errors: tuple[Finding, ...] = ()
    needs: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    due_at: datetime | None = None

    @property
    def can_be_sent(self) -> bool:
        return self.submission is not None and not self.errors

    def findings(self) -> list[tuple[Kind, Finding]]:
        return [
            *((Kind.REFUSED, finding) for finding in self.errors),
            *((Kind.NEEDS, finding) for finding in self.needs),
            *((Kind.WARNING, finding) for finding in self.warnings),
        ]


def graphemes_of(draft: Draft) -> int:
    """How many characters the rules count of the text: without what is read as its attribution."""
    _, text = fields.split_attribution(fields.normal_text(draft.typed.text))
    return fields.count_graphemes(text)


def submission_of(draft: Draft, key: str, now: datetime, zone: tzinfo | None) -> Submission:
    """What to hand in.

    Raises:
        SettingsError: If the urgency is no number, or a time none.

    """
    typed = draft.typed
    fields, times = content_fields(**_given(draft))
    fields |= parse_times(times, now, zone)
    if draft.line is None:
        fields["text"] = typed.text
    else:
        fields |= {"id": draft.line.id, "version": draft.line.version}
        if typed.text != draft.fresh.typed.text:
            fields["text"] = typed.text
    if typed.reason.strip():
        fields["reason"] = typed.reason
    if typed.glass.strip():
        fields["break_glass"] = typed.glass
    return Submission(key=key, change=draft.change, deadline_s=DEADLINE_S, **fields)


def _given(draft: Draft) -> dict[str, Any]:
    """What a command would have been given: what differs from the line; of a new one, what was filled in."""
    typed, before = draft.typed, draft.fresh.typed
    given: dict[str, Any] = {"again": typed.again}
    for name in ("section", "at", "story", "url", "embargo", "expires"):
        value = getattr(typed, name).strip()
        if value != getattr(before, name):
            given[name] = value
    if typed.urgency.strip() != before.urgency:
        given["urgency"] = _urgency(typed.urgency)
    if _regions(typed.regions) != _regions(before.regions):
        given["regions"] = _regions(typed.regions) or ("",)
    return given


def _urgency(text: str) -> int:
    named = {"flash": 1, "bulletin": 2, "urgent": 3, "routine": 4, "": 4}
    folded = text.strip().casefold()
    if folded in named:
        return named[folded]
    if re.fullmatch("[0-9]{1,2}", folded, re.ASCII) is None:
        raise SettingsError(f"urgency {text.strip()[:10]!a} is no number: 1 flash, 2 bulletin, 3 urgent, 4 routine")
    return int(folded)


def _regions(text: str) -> tuple[str, ...]:
    return tuple(region for region in _SEPARATORS.split(text) if region)


def completed(vocabulary: Mapping[str, str], typed: str) -> str:
    """Each term that was typed as the beginning of one term's id or name, as its id; anything else as it is."""
    return ", ".join(_completed_term(vocabulary, term.strip()) for term in re.split("[,،;]", typed))


def _completed_term(vocabulary: Mapping[str, str], typed: str) -> str:
    folded = typed.casefold()
    found = {term for term, name in vocabulary.items() if term.startswith(folded) or name.casefold().startswith(folded)}
    return found.pop() if typed and len(found) == 1 else typed


def opinion_of(draft: Draft, picture: Picture, now: datetime) -> Opinion:
    """Ask the core what the desk asks it."""
    try:
        submission = submission_of(draft, CHECKING_KEY, now, picture.zone)
    except SettingsError as error:
        return Opinion(errors=(Finding("field", str(error)),))
    match foretell(picture, submission, now):
        case Publish(warnings=warnings):
            return Opinion(submission=submission, warnings=warnings)
        case Hold(held=held, warnings=warnings):
            return Opinion(submission=submission, needs=held.needs, warnings=warnings, due_at=held.due_at)
        case Refuse(errors=errors, warnings=warnings):
            return Opinion(submission=submission, errors=errors, warnings=warnings)


def asks_twice(draft: Draft, submission: Submission) -> bool:
    """Whether a second thought is asked for: what can't be taken back unseen, or goes past a second person."""
    if submission.break_glass is not None or submission.change is Change.WITHDRAW:
        return True
    urgency = submission.urgency
    if urgency is UNSET:
        urgency = draft.line.urgency if draft.line is not None else urgency
    return isinstance(urgency, int) and urgency <= URGENCY_FLASH and submission.change in TEXT_CHANGES


def shown_words(draft: Draft, edition_dir: Direction) -> Line | None:
    """The draft as a line that can be shown, without any rule applied; None while there is no text."""
    attribution, text = fields.split_attribution(fields.normal_text(draft.typed.text))
    if not text:
        return None
    now = datetime.min.replace(tzinfo=UTC)  # it isn't shown
    direction = edition_dir if draft.line is None else draft.line.dir
    return Line(
        id="", version=1, number=0, change=draft.change, status=Status.USABLE, text=text, attribution=attribution,
        lang="und", dir=direction, created_at=now, updated_at=now,
    )  # fmt: skip
