"""The life of a line: which change may follow which status, and the version that a change makes."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from msgspec import UNSET

from ticker.core.edition import Edition
from ticker.core.entry import Entry
from ticker.core.line import Change, Direction, Facets, Line, Status
from ticker.core.rules import fields
from ticker.core.rules.fields import Findings
from ticker.core.submission import Submission

FACETS_MAX: Final = 64
"""How many different (urgency, section, regions) the versions of one line may have had."""

_USABLE: Final = frozenset({Status.USABLE})
MAY_FOLLOW: Final[dict[Change, frozenset[Status]]] = {
    Change.NEW: frozenset(),
    Change.UPDATE: _USABLE,
    Change.REFILE: _USABLE,
    Change.CORRECT: _USABLE,
    Change.WITHDRAW: frozenset({Status.USABLE, Status.WITHHELD}),
    Change.HIDE: _USABLE,
    Change.UNHIDE: frozenset({Status.WITHHELD}),
    Change.PIN: _USABLE,
    Change.UNPIN: _USABLE,
}
_REWRITES: Final = frozenset({Change.UPDATE, Change.REFILE, Change.CORRECT})
PUTS_WORDS: Final = _REWRITES | {Change.NEW}
"""Changes that put words on air. What takes something off the screens is never made to wait."""

_NEEDS_REASON: Final = frozenset({Change.CORRECT, Change.WITHDRAW})
_CONTENT: Final = (
    "text", "attribution", "lang", "dir", "urgency", "section", "regions", "coverage", "url", "expires_at",
)  # fmt: skip


def check_may_follow(checked: Findings, submission: Submission, latest: Line) -> None:
    """Refuse a change of a version that is no longer the latest, or that the line's status doesn't allow."""
    if submission.version is not None and submission.version != latest.version:
        checked.refuse(
            "stale",
            f"version {submission.version} of {latest.id} is not the latest: look at version {latest.version} "
            f"({latest.change}) and decide again",
        )
    elif latest.status not in MAY_FOLLOW[submission.change]:
        checked.refuse("status", f"{latest.id} is {latest.status}: {submission.change} can't follow")
    elif submission.change is Change.UNPIN and latest.pinned_until is None:
        checked.refuse("status", f"{latest.id} is not pinned")


def check_fields(checked: Findings, submission: Submission) -> None:
    """Refuse fields that the change needs and lacks, or has and can't use."""
    change = submission.change
    if change is Change.NEW and submission.text is UNSET:
        checked.refuse("empty", "a line needs a text")
    if change is not Change.NEW and change not in _REWRITES:
        for field in _CONTENT:
            if getattr(submission, field) is not UNSET:
                checked.refuse("field", f"{change} doesn't take `{field}`: use update or correct to change it")
    if change in _REWRITES and all(getattr(submission, field) is UNSET for field in _CONTENT):
        checked.refuse("empty", f"this {change} changes nothing: give a text or another field")
    if change in _NEEDS_REASON and fields.is_blank(submission.reason or ""):
        checked.refuse("reason", f"{change} needs a reason: it is what readers are told")
    if change not in _NEEDS_REASON and submission.reason is not None:
        checked.refuse("field", f"{change} tells readers nothing: leave the reason out, or use correct or withdraw")
    if change is Change.PIN and submission.pinned_until is None:
        checked.refuse("field", "pin needs the time when it ends")
    if change not in (Change.NEW, Change.PIN) and submission.pinned_until is not None:
        checked.refuse("field", f"{change} doesn't take `pinned`: use pin")


def first_version(
    checked: Findings, edition: Edition, submission: Submission, line_id: str, number: int, now: datetime
) -> Line:
    """A new line of an edition; only of use where `checked` has no errors."""
    blank = Line(
        id=line_id,
        version=1,
        number=number,
        change=Change.NEW,
        text="",
        lang=edition.lang,
        dir=edition.dir,
        created_at=now,
        updated_at=now,
        test=edition.test,
    )
    line = _with_content(checked, edition, submission, blank, now)
    if submission.pinned_until is not None:
        fields.check_pinned(checked, submission.pinned_until, now)
        line = msgspec.structs.replace(line, pinned_until=submission.pinned_until)
    return line


def next_version(checked: Findings, edition: Edition, submission: Submission, latest: Entry, now: datetime) -> Line:
    """The version that a change makes of a line; only of use where `checked` has no errors."""
    line = latest.line
    match submission.change:
        case Change.UPDATE | Change.REFILE:
            line = _with_content(checked, edition, submission, line, now)
        case Change.CORRECT:
            line = _with_content(checked, edition, submission, line, now)
            line = msgspec.structs.replace(line, correction=_reason(checked, submission))
        case Change.WITHDRAW:
            # The notice outlives the text's own time: a withdrawal just before it, or after it, would else be silent.
            line = line.without_text(Status.CANCELED)
            line = msgspec.structs.replace(line, correction=_reason(checked, submission), expires_at=None)
        case Change.HIDE:
            line = line.without_text(Status.WITHHELD)
        case Change.UNHIDE:
            line = latest.hidden_version or line
        case Change.PIN:
            if submission.pinned_until is not None:
                fields.check_pinned(checked, submission.pinned_until, now)
            line = msgspec.structs.replace(line, pinned_until=submission.pinned_until)
        case Change.UNPIN:
            line = msgspec.structs.replace(line, pinned_until=None)
        case Change.NEW:
            raise AssertionError("a new line has no latest version")
    return msgspec.structs.replace(
        line,
        change=submission.change,
        version=latest.line.version + 1,
        updated_at=max(now, latest.line.updated_at),
    )


def _reason(checked: Findings, submission: Submission) -> str:
    reason = fields.normal_text(submission.reason or "")
    fields.check_notice(checked, "reason", reason)
    return reason


def earlier_facets(checked: Findings, line: Line, latest: Entry) -> tuple[Facets, ...]:
    """The facets of a line's earlier versions that differ from those of `line`, its next version."""
    earlier = dict.fromkeys((*latest.earlier_facets, latest.line.facets))
    earlier.pop(line.facets, None)
    if len(earlier) > FACETS_MAX:
        checked.refuse(
            "facets",
            f"{line.id} has changed its section, regions or urgency more than {FACETS_MAX} times: "
            "withdraw it and post a new line",
        )
    return tuple(earlier)


def _with_content(checked: Findings, edition: Edition, submission: Submission, line: Line, now: datetime) -> Line:
    """`line` with the fields that the submission sets, each checked and in its normal form."""
    line = _with_text(checked, edition, submission, line)
    line = _with_language(checked, edition, submission, line)
    changes: dict[str, object] = {}
    if submission.urgency is not UNSET:
        fields.check_urgency(checked, submission.urgency)
        changes["urgency"] = submission.urgency
    if submission.section is not UNSET:
        section = submission.section
        changes["section"] = (
            None if section is None else fields.check_term(checked, "section", edition.sections, section)
        )
    if submission.regions is not UNSET:
        changes["regions"] = fields.check_regions(checked, edition.regions, submission.regions)
    if submission.coverage is not UNSET:
        coverage = _text_or_none(submission.coverage)
        fields.check_notice(checked, "coverage", coverage)
        changes["coverage"] = coverage
    if submission.url is not UNSET:
        if submission.url is not None:
            fields.check_url(checked, submission.url)
        changes["url"] = submission.url
    if submission.expires_at is not UNSET:
        if submission.expires_at is not None:
            fields.check_expires(checked, submission.expires_at, now)
        changes["expires_at"] = submission.expires_at
    return msgspec.structs.replace(line, **changes)


def _with_text(checked: Findings, edition: Edition, submission: Submission, line: Line) -> Line:
    if submission.text is UNSET:
        text, attribution = line.text, line.attribution
    else:
        text, attribution = fields.normal_text(submission.text), line.attribution
        if submission.split_attribution and submission.attribution is UNSET:
            attribution, text = fields.split_attribution(text)
        fields.check_text(checked, edition, text)
    if submission.attribution is not UNSET:
        attribution = _text_or_none(submission.attribution)
    if attribution is not None:
        fields.check_attribution(checked, attribution)
    return msgspec.structs.replace(line, text=text, attribution=attribution)


def _text_or_none(given: str | None) -> str | None:
    return None if given is None or fields.is_blank(given) else fields.normal_text(given)


def _with_language(checked: Findings, edition: Edition, submission: Submission, line: Line) -> Line:
    lang, direction = line.lang, line.dir
    if submission.lang is not UNSET:
        errors_before = len(checked.errors)
        lang = fields.check_lang(checked, submission.lang)
        if len(checked.errors) == errors_before:
            direction = fields.usual_direction(edition, lang)
    if submission.dir is not UNSET:
        direction = Direction(submission.dir)
    return msgspec.structs.replace(line, lang=lang, dir=direction)
