"""Drafts: what the fields of the compose line mean, and what the desk would decide."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from publisher_cli.tui.draft import (
    Draft,
    DraftFields,
    asks_first,
    complete_terms,
    draft_of,
    submission_of,
    text_graphemes,
    validate,
    with_undo_window,
    without_label,
)
from tests.support.strategies import ENGLISH, START
from tests.support.tui_harness import held_item, model_of
from ticker.core.edition import Effect, Role, SecondPerson
from ticker.core.errors import SettingsError
from ticker.core.line import Change, Line


def typed(**fields: object) -> Draft:
    return Draft(fields=msgspec.structs.replace(DraftFields(text="Ferries stop"), **fields))


def line_of(text: str) -> Line:
    (entry,) = model_of(text).board.newest_first()
    return entry.line


def changed(line: Line, change: Change = Change.UPDATE) -> Draft:
    """Return a draft of a change that adds a word."""
    draft = draft_of(change, line)
    return msgspec.structs.replace(draft, fields=msgspec.structs.replace(draft.fields, text=f"{line.text} today"))


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


@pytest.mark.parametrize(("text", "urgency"), [("flash", 1), (" Bulletin ", 2), ("3", 3), ("٢", 2)])
def test_urgency_is_a_name_or_a_number(text: str, urgency: int) -> None:
    assert submission_of(typed(urgency=text), "k", START, None).urgency == urgency


def test_unknown_urgency_is_rejected() -> None:
    with pytest.raises(SettingsError, match="urgency 'soon' isn't a number"):
        submission_of(typed(urgency="soon"), "k", START, None)


def test_item_that_is_decided_but_still_listed_is_no_duplicate() -> None:
    edition = msgspec.structs.replace(ENGLISH, rules={**ENGLISH.rules, "duplicate": Effect.REFUSE})
    model = model_of(edition=edition)
    model.held = [held_item()]
    assert validate(typed(), model, START).submission is None
    assert validate(typed(), model, START, {"held-1"}.__contains__).submission is not None


def test_error_shows_arabic_as_typed_and_escapes_control_characters() -> None:
    with pytest.raises(SettingsError, match=r"urgency 'عاجل\\x1b' isn't a number"):
        submission_of(typed(urgency="عاجل\x1b"), "k", START, None)


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


def test_limit_of_a_time_is_reported_with_the_field_and_what_was_typed() -> None:
    validation = validate(typed(at="500d"), model_of(), START)
    assert [error.detail for error in validation.errors] == [
        "at 500d is more than 366 days away: choose an earlier one"
    ]
    assert validation.field == "at"


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
        (typed(), False),
        (typed(urgency="1"), True),
        (typed(urgency="2"), False),
        (typed(glass="Minutes away."), True),
        (changed(line_of("Ferries stop")), True),
    ],
)
def test_flash_break_glass_and_change_ask_before_they_are_sent(draft: Draft, expected: bool) -> None:
    model = model_of("Ferries stop")
    model.role = Role.CHIEF
    assert asks_first(draft, validate(draft, model, START)) is expected


def test_what_a_rule_asks_about_is_confirmed_and_no_error() -> None:
    edition = msgspec.structs.replace(ENGLISH, rules={**ENGLISH.rules, "short": Effect.ASK})
    validation = validate(typed(), model_of(edition=edition), START)
    assert validation.errors == ()
    assert [finding.code for finding in validation.asks] == ["short"]
    assert validation.submission is not None
    assert validation.submission.confirmed
    assert asks_first(typed(), validation)


@pytest.mark.parametrize(
    ("fields", "undo_s"),
    [({}, 5.0), ({"urgency": "2"}, 5.0), ({"urgency": "1"}, None), ({"urgency": "flash"}, None)],
)
def test_line_gets_the_undo_window_of_the_application_unless_it_is_a_flash(
    fields: dict[str, str], undo_s: float | None
) -> None:
    edition = msgspec.structs.replace(ENGLISH, terminal_undo_s=5.0)
    validation = validate(typed(**fields), model_of(edition=edition), START)
    assert validation.submission is not None
    assert validation.submission.undo_s == undo_s


@pytest.mark.parametrize(("terminal_undo_s", "undo_s", "sent"), [(0.0, 0.0, None), (5.0, 8.0, None), (9.0, 8.0, 9.0)])
def test_edition_sets_the_undo_window_of_the_application(
    terminal_undo_s: float, undo_s: float, sent: float | None
) -> None:
    edition = msgspec.structs.replace(ENGLISH, terminal_undo_s=terminal_undo_s, undo_s=undo_s)
    submission = submission_of(typed(), "k", START, None)
    assert with_undo_window(submission, typed(), edition).undo_s == sent


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"urgency": "soon"}, "urgency"),
        ({"at": "soon"}, "at"),
        ({"embargo": "soon"}, "embargo"),
        ({"expires": "soon"}, "expires"),
        ({"url": "news.example"}, "url"),
        ({"section": "gardening"}, "section"),
        ({"regions": "atlantis"}, "regions"),
        ({"text": "x" * 200}, "text"),
    ],
)
def test_validation_names_the_field_to_correct(fields: dict[str, str], name: str) -> None:
    assert validate(typed(**fields), model_of(), START).field == name


def test_correction_without_a_reason_names_the_reason() -> None:
    draft = changed(line_of("Ferries stop"), Change.CORRECT)
    assert validate(draft, model_of("Ferries stop"), START).field == "reason"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BREAKING: Storm nears", ("Storm nears", "2")),
        ("عاجل: زلزال قوي", ("زلزال قوي", "3")),
        ("ÚLTIMA HORA: Sube la marea", ("Sube la marea", "2")),
        ("UPDATE: Storm nears", ("Storm nears", "")),
    ],
)
def test_label_is_replaced_by_its_urgency(text: str, expected: tuple[str, str]) -> None:
    found = without_label(DraftFields(text=text))
    assert found is not None
    assert (found.text, found.urgency) == expected
    assert without_label(DraftFields(text="Weather office: Storm nears")) is None
