"""Drafts: what the fields of the compose line mean, and what the desk would decide."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from publisher_cli.tui.draft import (
    Draft,
    DraftFields,
    complete_terms,
    draft_of,
    needs_confirmation,
    submission_of,
    text_graphemes,
    validate,
)
from tests.support.strategies import ENGLISH, START
from tests.support.tui_harness import model_of
from ticker.core.edition import Effect, SecondPerson
from ticker.core.errors import SettingsError
from ticker.core.line import Change, Line


def typed(**fields: object) -> Draft:
    return Draft(fields=msgspec.structs.replace(DraftFields(text="Ferries stop"), **fields))


def line_of(text: str) -> Line:
    (entry,) = model_of(text).board.newest_first()
    return entry.line


def test_only_changed_fields_are_submitted() -> None:
    line = line_of("Harbour: Ferries stop")
    draft = draft_of(Change.UPDATE, line)
    assert draft.is_blank
    changed = msgspec.structs.replace(draft, fields=msgspec.structs.replace(draft.fields, urgency="2"))
    submission = submission_of(changed, "k", START, None)
    assert (submission.id, submission.version, submission.urgency) == (line.id, 1, 2)
    assert submission.text is msgspec.UNSET


def test_reason_and_break_glass_are_submitted_unless_they_are_blank() -> None:
    submission = submission_of(typed(reason=" ", glass="Minutes away."), "k", START, None)
    assert (submission.reason, submission.break_glass) == (None, "Minutes away.")


@pytest.mark.parametrize(("text", "urgency"), [("flash", 1), (" Bulletin ", 2), ("3", 3)])
def test_urgency_is_a_name_or_a_number(text: str, urgency: int) -> None:
    assert submission_of(typed(urgency=text), "k", START, None).urgency == urgency


def test_unknown_urgency_is_rejected() -> None:
    with pytest.raises(SettingsError, match="urgency 'soon' isn't a number"):
        submission_of(typed(urgency="soon"), "k", START, None)


def test_time_counts_from_now_and_expiry_from_that_time() -> None:
    submission = submission_of(typed(at="1h", expires="2h"), "k", START, None)
    assert submission.publish_at == START + timedelta(hours=1)
    assert submission.expires_at == START + timedelta(hours=3)


def test_length_of_the_text_excludes_the_attribution() -> None:
    assert text_graphemes(typed(text="Harbour: Ferries stop")) == len("Ferries stop")


def test_beginning_of_one_term_is_completed_and_other_terms_are_kept() -> None:
    vocabulary = {"mena": "Middle East", "europe": "Europe", "eurasia": "Eurasia"}
    assert complete_terms(vocabulary, "mid, eur, europ، x") == "mena, eur, europe, x"


def test_validation_reports_an_error_for_a_field_that_cannot_be_parsed() -> None:
    validation = validate(typed(at="soon"), model_of(), START)
    assert validation.submission is None
    assert [finding.code for finding in validation.errors] == ["field"]


def test_validation_reports_the_need_for_review() -> None:
    edition = msgspec.structs.replace(ENGLISH, second_person=(SecondPerson.FLASH,))
    validation = validate(typed(urgency="1"), model_of(edition=edition), START)
    assert validation.submission is not None
    assert [finding.code for finding in validation.needs] == ["flash"]


def test_duplicate_is_an_error_until_it_is_allowed() -> None:
    edition = msgspec.structs.replace(ENGLISH, rules={**ENGLISH.rules, "duplicate": Effect.REFUSE})
    model = model_of("Ferries stop", edition=edition)
    now = START + timedelta(minutes=2)
    assert [finding.code for finding in validate(typed(), model, now).errors] == ["duplicate"]
    assert validate(typed(again=True), model, now).submission is not None


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        (typed(urgency="1"), True),
        (typed(urgency="2"), False),
        (typed(glass="Minutes away."), True),
        (draft_of(Change.UPDATE, msgspec.structs.replace(line_of("Ferries stop"), urgency=1)), True),
        (draft_of(Change.UPDATE, line_of("Ferries stop")), False),
    ],
)
def test_flash_and_break_glass_need_a_confirmation(draft: Draft, expected: bool) -> None:
    assert needs_confirmation(draft, submission_of(draft, "k", START, None)) is expected
