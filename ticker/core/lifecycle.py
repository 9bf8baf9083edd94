"""The life of a line: the changes that each status allows, and the version that a change makes.

`first_version` and `next_version` only build a version. `check_version` applies the rules to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import UNSET

from ticker.core.edition import Edition
from ticker.core.entry import Entry
from ticker.core.line import (
    LINE_ID,
    REWRITES,
    TEXT_CHANGES,
    VERSION_LAST,
    Change,
    Direction,
    Facets,
    Line,
    Status,
)
from ticker.core.rules import fields
from ticker.core.rules.findings import RuleFinding, refuse
from ticker.core.submission import Submission

FACETS_MAX: Final = 64
"""The maximum number of different facets (urgency, section, regions) among the versions of one line."""

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
_NEEDS_REASON: Final = frozenset({Change.CORRECT, Change.WITHDRAW})
_NOTICES: Final = {
    "coverage": "coverage",
    "reason": "reason",
    "note": "note",
    "origin": "origin",
    "break_glass": "reason to break the glass",
}
"""The names in messages of the fields with at most `fields.NOTICE_GRAPHEMES` characters."""

_CONTENT: Final = (
    "text", "attribution", "lang", "dir", "urgency", "section", "regions", "coverage", "url", "expires_at",
)  # fmt: skip
_KEPT: Final = tuple(field for field in _CONTENT if field not in ("lang", "dir"))
"""The fields of a submission in its normal form that a version has as they are."""


def check_may_follow(submission: Submission, latest: Line) -> Iterator[RuleFinding]:
    """Refuse a change of a version that is no longer the latest, or that the line's status doesn't allow."""
    if submission.version is not None and submission.version != latest.version:
        yield refuse(
            "stale",
            f"version {submission.version} of {latest.id} is not the latest: look at version {latest.version} "
            f"({latest.change}) and decide again",
        )
    elif latest.status not in MAY_FOLLOW[submission.change]:
        yield refuse("status", _status_fault(submission.change, latest))
    elif submission.change is Change.UNPIN and latest.pinned_until is None:
        yield refuse("status", f"{latest.id} is not pinned")


def _status_fault(change: Change, latest: Line) -> str:
    match latest.status:
        case Status.CANCELED:
            already = "already " if change is Change.WITHDRAW else ""
            return f"{latest.id} is {already}withdrawn: its text is gone for good"
        case Status.WITHHELD:
            return f"{latest.id} is {'already hidden' if change is Change.HIDE else 'hidden: unhide it first'}"
        case Status.USABLE:
            return f"{latest.id} is not hidden"


def check_differs(submission: Submission, line: Line, latest: Line) -> Iterator[RuleFinding]:
    """Refuse a rewrite that makes a version with the content of the `latest` one."""
    if submission.change not in REWRITES:
        return
    same = msgspec.structs.replace(line, change=latest.change, version=latest.version, updated_at=latest.updated_at)
    if same == latest:
        yield refuse("unchanged", f"{latest.id} has exactly this content already: change something, or leave it")


def check_sizes(edition: Edition, submission: Submission) -> Iterator[RuleFinding]:
    """Refuse texts and lists that are far above their limits, so that no rule spends time on them."""
    limits = {
        "text": edition.text_graphemes,
        "attribution": fields.ATTRIBUTION_GRAPHEMES,
        **dict.fromkeys(_NOTICES, fields.NOTICE_GRAPHEMES),
    }
    for field, graphemes in limits.items():
        text = getattr(submission, field)
        if isinstance(text, str):
            # The attribution may still be in front of the text.
            more = fields.ATTRIBUTION_GRAPHEMES + len(": ") if field == "text" else 0
            yield from fields.check_size(_NOTICES.get(field, field), text, graphemes, more)
    if submission.regions is not UNSET:
        yield from fields.check_number_of_regions(submission.regions)


def check_removed(submission: Submission) -> Iterator[RuleFinding]:
    """Warn of the characters in texts for readers that `normal_form` removes. Check this before it."""
    for name in ("text", "attribution", "reason"):
        if isinstance(text := getattr(submission, name), str):
            yield from fields.check_removed(name, text)


def normal_form(edition: Edition, submission: Submission) -> Submission:
    """Return the submission with its texts and terms as they are published and stored. Check the sizes first.

    An attribution in front of the text is split off. A normal form doesn't change if it is normalized again.
    """
    changes: dict[str, object] = {}
    for field in _NOTICES:
        if isinstance(text := getattr(submission, field), str):
            changes[field] = fields.normal_text(text)
    if submission.change in TEXT_CHANGES:
        changes |= dict(_normal_content(edition, submission))
    return msgspec.structs.replace(submission, **changes)


def _normal_content(edition: Edition, given: Submission) -> Iterator[tuple[str, object]]:
    if given.text is not UNSET:
        text = fields.normal_text(given.text)
        if given.split_attribution and given.attribution is UNSET:
            attribution, text = fields.split_attribution(text)
            yield "attribution", attribution
            yield "split_attribution", False
        yield "text", text
    if given.attribution is not UNSET:
        yield "attribution", _text_or_none(given.attribution)
    if given.coverage is not UNSET:
        yield "coverage", _text_or_none(given.coverage)
    if given.lang is not UNSET and fields.is_lang(given.lang):
        yield "lang", fields.normal_lang(given.lang)
    if isinstance(given.section, str):
        yield "section", fields.normal_term(edition.sections, given.section)
    if given.regions is not UNSET:
        yield "regions", fields.normal_regions(edition.regions, given.regions)


def check_fields(submission: Submission) -> Iterator[RuleFinding]:
    """Refuse a submission that lacks a field that its change needs, or has one that its change can't use."""
    change = submission.change
    if change is Change.NEW and submission.text is UNSET:
        yield refuse("empty", "a line needs a text")
    if change not in TEXT_CHANGES:
        for field in _CONTENT:
            if getattr(submission, field) is not UNSET:
                yield refuse("field", f"{change} doesn't take `{field}`: use update or correct to change it")
    if change in REWRITES and all(getattr(submission, field) is UNSET for field in _CONTENT):
        yield refuse("empty", f"this {change} changes nothing: give a text or another field")
    if change in _NEEDS_REASON and fields.is_blank(submission.reason or ""):
        yield refuse("reason", f"{change} needs a reason: readers see it")
    if change not in _NEEDS_REASON and submission.reason is not None:
        yield refuse("field", f"readers see no reason for {change}: leave it out, or use correct or withdraw")
    if change is Change.PIN and submission.pinned_until is None:
        yield refuse("field", "pin needs the time when it ends")
    if change not in (Change.NEW, Change.PIN) and submission.pinned_until is not None:
        yield refuse("field", f"{change} doesn't take `pinned_until`: use pin")


def check_version(edition: Edition, submission: Submission, line: Line, now: datetime) -> Iterator[RuleFinding]:
    """Check the fields of `line`, the version that the submission would make."""
    if submission.change in TEXT_CHANGES:
        yield from _check_text(edition, submission, line)
        yield from _check_metadata(edition, submission, line, now)
    if submission.change in _NEEDS_REASON:
        yield from fields.check_notice("reason", line.correction)
    if submission.change in (Change.NEW, Change.PIN) and submission.pinned_until is not None:
        yield from fields.check_pinned(submission.pinned_until, now)


def _check_text(edition: Edition, submission: Submission, line: Line) -> Iterator[RuleFinding]:
    if submission.text is not UNSET:
        yield from fields.check_text(edition, line.text)
    if line.attribution is not None:
        yield from fields.check_attribution(line.attribution)
    if submission.lang is not UNSET:
        yield from fields.check_lang(submission.lang)


def _check_metadata(edition: Edition, submission: Submission, line: Line, now: datetime) -> Iterator[RuleFinding]:
    if submission.urgency is not UNSET:
        yield from fields.check_urgency(submission.urgency)
    if submission.section is not UNSET and submission.section is not None:
        yield from fields.check_term("section", edition.sections, submission.section)
    if submission.regions is not UNSET:
        yield from fields.check_regions(edition.regions, submission.regions)
    if submission.coverage is not UNSET:
        yield from fields.check_notice("coverage", line.coverage)
    if submission.url is not UNSET and submission.url is not None:
        yield from fields.check_url(submission.url)
    if submission.expires_at is not UNSET and submission.expires_at is not None:
        yield from fields.check_expires(submission.expires_at, now)


def check_facets(line_id: str, earlier: tuple[Facets, ...]) -> Iterator[RuleFinding]:
    """Refuse one more change of section, regions or urgency once the line has had 64 different combinations."""
    if len(earlier) > FACETS_MAX:
        yield refuse(
            "facets",
            f"{line_id} has changed its section, regions or urgency more than {FACETS_MAX} times: "
            "withdraw it and post a new line",
        )


def first_version(edition: Edition, submission: Submission, line_id: str, number: int, now: datetime) -> Line:
    """Build a new line. The submission must be in its normal form, and have a text."""
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
        pinned_until=submission.pinned_until,
        test=edition.test,
    )
    return _with_content(edition, submission, blank)


def check_unknown(submission: Submission) -> Iterator[RuleFinding]:
    """Refuse a change of a line that isn't known. A line that was forgotten can only be withdrawn."""
    hint = "in this edition's log: `tick log` shows the ids"
    if submission.id is None:
        yield refuse("unknown", f"no line is named {hint}")
    elif LINE_ID.fullmatch(submission.id) is None or submission.change is not Change.WITHDRAW:
        yield refuse("unknown", f"there is no line {submission.id[:40]!r} {hint}")
    elif not submission.forgotten:
        old = "if it is so old that it was forgotten, withdraw it with --forgotten"
        yield refuse("unknown", f"there is no line {submission.id[:40]!r} {hint}; {old}")


def forgotten_version(edition: Edition, submission: Submission, number: int, now: datetime) -> Line:
    """Build the withdrawal of a line that the desk no longer knows.

    Its version is higher than every version of that line, so a reader that still has the line replaces it. It has
    expired already, so that it leaves no notice on the boards of the other readers.
    """
    assert submission.id is not None, "the caller has checked it"
    return Line(
        id=submission.id,
        version=VERSION_LAST,
        number=number,
        change=Change.WITHDRAW,
        status=Status.CANCELED,
        text="",
        lang=edition.lang,
        dir=edition.dir,
        created_at=now,
        updated_at=now,
        expires_at=now,
        correction=submission.reason,
        test=edition.test,
    )


def next_version(edition: Edition, submission: Submission, latest: Entry, now: datetime) -> Line:
    """Build the version that a change makes of an existing line. The submission must be in its normal form."""
    line = latest.line
    match submission.change:
        case Change.UPDATE | Change.REFILE:
            line = _with_content(edition, submission, line)
        case Change.CORRECT:
            line = msgspec.structs.replace(_with_content(edition, submission, line), correction=submission.reason)
        case Change.WITHDRAW:
            # The notice doesn't expire with the text: readers must see a withdrawal shortly before or after the expiry.
            # It has its own end, so that notices don't stay on a board for days.
            line = line.without_text(Status.CANCELED)
            end = max(now, line.updated_at) + timedelta(seconds=edition.notice_s)
            line = msgspec.structs.replace(line, correction=submission.reason, expires_at=end)
        case Change.HIDE:
            line = line.without_text(Status.WITHHELD)
        case Change.UNHIDE:
            line = latest.hidden_version or line
        case Change.PIN:
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


def earlier_facets(line: Line, latest: Entry) -> tuple[Facets, ...]:
    """Return the facets of a line's earlier versions that differ from those of `line`, its next version."""
    earlier = dict.fromkeys((*latest.earlier_facets, latest.line.facets))
    earlier.pop(line.facets, None)
    return tuple(earlier)


def _with_content(edition: Edition, given: Submission, line: Line) -> Line:
    """Return `line` with the fields that the submission sets."""
    lang, direction = _language(edition, given, line)
    given_fields = {name: value for name in _KEPT if (value := getattr(given, name)) is not UNSET}
    return msgspec.structs.replace(line, lang=lang, dir=direction, **given_fields)


def _language(edition: Edition, submission: Submission, line: Line) -> tuple[str, Direction]:
    lang, direction = line.lang, line.dir
    if submission.lang is not UNSET:
        lang = submission.lang
        if fields.is_lang(lang):
            direction = fields.usual_direction(edition, lang)
    if submission.dir is not UNSET:
        direction = Direction(submission.dir)
    return lang, direction


def _text_or_none(given: str | None) -> str | None:
    return None if given is None or fields.is_blank(given) else fields.normal_text(given)
