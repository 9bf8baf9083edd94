"""The house rules: the findings of each rule, their effects by edition, and the rules for each change."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from tests.support.house_rules import ENGLISH, SAID, board_of, edition_of, new, outcome_of, refused, warned
from tests.support.strategies import START, likely_submissions, nasty_submissions, post
from ticker.core.board import Board
from ticker.core.edition import DEFAULT_EDITIONS, Edition, Effect
from ticker.core.line import Change, Direction
from ticker.core.outcome import Hold, Publish, Refuse
from ticker.core.rules.effects import HOUSE_RULES
from ticker.core.rules.house_rules import check_house_rules
from ticker.core.rules.recent_lines import RecentLines
from ticker.core.submission import Submission

GOOD = {
    "en": "Weather office: Storm Odile reaches the coast of Valmora",
    "ar": "مكتب الأرصاد: العاصفة أوديل تبلغ ساحل فالمورا",
    "es": "Servicio meteorológico: La tormenta Odile llega a la costa de Valmora",
}
# For each rule and language, a line with a finding of this rule alone.
BAD = {
    "attribution": {
        "en": "Storm Odile reaches the coast",
        "ar": "العاصفة أوديل تبلغ الساحل",
        "es": "La tormenta Odile llega a la costa",
    },
    "short": {"en": "Reuters: Storm", "ar": "رويترز: زلزال", "es": "Reuters: Terremoto"},
    "script": {"en": f"Al Arabiya: {GOOD['ar']}", "ar": f"أوديل: {GOOD['en']}", "es": f"Al Arabiya: {GOOD['ar']}"},
    "placeholder": {
        "en": "Weather office: XXX reaches the coast",
        "ar": "مكتب الأرصاد: العاصفة تبلغ الساحل (لا تنشر)",
        "es": "Servicio meteorológico: La tormenta llega, NO PUBLICAR",
    },
    "capitals": {
        "en": "Weather office: STORM ODILE REACHES THE COAST",
        "es": "Servicio meteorológico: LA TORMENTA ODILE LLEGA A LA COSTA",
    },
    "spaces": {
        "en": "Weather office: Storm Odile  reaches the coast",
        "ar": "مكتب الأرصاد: العاصفة أوديل  تبلغ الساحل",
        "es": "Servicio meteorológico: La tormenta , al mediodía",
    },
    "quotes": {
        "en": 'Weather office: "Stay at home"',
        "ar": 'مكتب الأرصاد: "ابقوا في البيوت"',
        "es": 'Servicio meteorológico: "Quédense en casa"',
    },
}
CASES = [(code, language) for code, texts in BAD.items() for language in texts]


@pytest.mark.parametrize("language", list(GOOD))
def test_a_good_line_passes_without_a_warning(language: str) -> None:
    outcome = outcome_of(new(GOOD[language]), edition_of(language))
    assert isinstance(outcome, Publish)
    assert outcome.warnings == ()


@pytest.mark.parametrize(("code", "language"), CASES)
def test_an_edition_can_make_each_rule_refuse(code: str, language: str) -> None:
    edition = edition_of(language, **{**dict.fromkeys(HOUSE_RULES, "off"), code: "refuse"})
    assert refused(outcome_of(new(BAD[code][language]), edition)) == [code]


@pytest.mark.parametrize(("code", "language"), CASES)
def test_an_edition_can_make_each_rule_warn(code: str, language: str) -> None:
    outcome = outcome_of(new(BAD[code][language]), edition_of(language, **{code: "warn"}))
    assert isinstance(outcome, Publish)
    assert warned(outcome) == [code]


@pytest.mark.parametrize(("code", "language"), CASES)
def test_an_edition_can_make_each_rule_require_a_review(code: str, language: str) -> None:
    outcome = outcome_of(new(BAD[code][language]), edition_of(language, **{code: "review"}))
    assert isinstance(outcome, Hold)
    assert [finding.code for finding in outcome.held.needs] == [code]


@pytest.mark.parametrize(("code", "language"), CASES)
def test_an_edition_can_switch_off_each_rule(code: str, language: str) -> None:
    outcome = outcome_of(new(BAD[code][language]), edition_of(language, **{code: "off"}))
    assert isinstance(outcome, Publish)
    assert outcome.warnings == ()


@pytest.mark.parametrize(("code", "language"), CASES)
def test_each_rule_has_its_default_effect(code: str, language: str) -> None:
    outcome = outcome_of(new(BAD[code][language]), edition_of(language))
    is_refused = HOUSE_RULES[code].effect in (Effect.REFUSE, Effect.ASK)
    assert (refused(outcome), warned(outcome)) == (([code], []) if is_refused else ([], [code]))


@pytest.mark.parametrize(("code", "language"), CASES)
def test_an_edition_can_make_each_rule_ask(code: str, language: str) -> None:
    edition = edition_of(language, **{**dict.fromkeys(HOUSE_RULES, "off"), code: "ask"})
    asked = outcome_of(new(BAD[code][language]), edition)
    assert isinstance(asked, Refuse)
    assert [(finding.code, finding.asks) for finding in asked.errors] == [(code, True)]
    confirmed = outcome_of(new(BAD[code][language], confirmed=True), edition)
    assert isinstance(confirmed, Publish)
    assert (confirmed.warnings, confirmed.entry.overridden) == ((), (code,))


# Short lines and labels


@pytest.mark.parametrize("text", ["q", "Storm", "Ferries stop", "زلزال قوي", "Última hora", "!!!"])
def test_line_with_fewer_than_three_words_is_refused_until_it_is_confirmed(text: str) -> None:
    edition = edition_of("en", script="off", attribution="off")
    assert refused(outcome_of(new(text), edition)) == ["short"]
    assert isinstance(outcome_of(new(text, confirmed=True), edition), Publish)


def test_confirmation_overrides_no_rule_that_refuses() -> None:
    assert refused(outcome_of(new("TK TK", confirmed=True))) == ["placeholder"]


def test_change_to_a_short_text_is_found_too() -> None:
    update = Submission(key="k", change=Change.UPDATE, id="line-1", text="Storm")
    assert refused(outcome_of(update, board=board_of(SAID))) == ["short"]
    urgency = Submission(key="k", change=Change.UPDATE, id="line-1", urgency=2)
    assert refused(outcome_of(urgency, board=board_of(SAID))) == []


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("BREAKING: Storm Odile reaches the coast", "use --urgency 2 instead"),
        ("URGENT: Storm Odile reaches the coast", "use --urgency 3 instead"),
        ("UPDATE: Storm Odile reaches the coast", "use `tick update` to change a line"),
        ("عاجل: العاصفة أوديل تبلغ الساحل", "use --urgency 3 instead"),
        ("ÚLTIMA HORA: La tormenta Odile llega a la costa", "use --urgency 2 instead"),
    ],
)
def test_label_stays_in_the_text_and_the_urgency_is_offered(text: str, remedy: str) -> None:
    outcome = outcome_of(new(text), edition_of("en", script="off", capitals="off"))
    assert isinstance(outcome, Publish)
    assert (outcome.entry.line.attribution, outcome.entry.line.text) == (None, text)
    assert warned(outcome) == ["attribution", "label"]
    assert remedy in outcome.warnings[1].detail


def test_label_given_as_the_attribution_is_found() -> None:
    assert warned(outcome_of(new("Storm Odile reaches the coast", attribution="BREAKING"))) == ["label"]


def test_any_quotation_marks_pass_without_a_setting() -> None:
    assert warned(outcome_of(new("Weather office: \"Stay\", «stay», “stay”, 'stay'"))) == []


# Language and direction


def test_a_line_may_have_another_language_than_its_edition() -> None:
    assert refused(outcome_of(new(GOOD["ar"]))) == ["script"]
    assert isinstance(outcome_of(new(GOOD["ar"], lang="ar")), Publish)


@pytest.mark.parametrize(
    ("language", "fields", "codes"),
    [
        ("en", {"dir": Direction.LTR}, []),
        ("en", {"dir": Direction.RTL}, ["direction"]),
        ("ar", {"dir": Direction.RTL}, []),
        ("ar", {"dir": Direction.LTR}, ["direction"]),
        ("es", {"dir": Direction.RTL}, ["direction"]),
        ("ar", {"lang": "ur-Arab", "dir": Direction.RTL}, []),
        ("ar", {"lang": "ur-Arab", "dir": Direction.LTR}, ["direction"]),
    ],
)
def test_a_direction_that_differs_from_the_language_is_found(
    language: str, fields: dict[str, object], codes: list[str]
) -> None:
    assert warned(outcome_of(new(GOOD[language], **fields), DEFAULT_EDITIONS[language])) == codes


def test_an_edition_sets_the_direction_of_its_own_language() -> None:
    kurdish = msgspec.structs.replace(DEFAULT_EDITIONS["ar"], lang="ku-Latn", dir=Direction.RTL)
    assert warned(outcome_of(new("Rûdaw: Erdhejek", dir=Direction.RTL), kurdish)) == []


def test_an_invalid_language_gets_no_other_finding() -> None:
    assert refused(outcome_of(new(GOOD["en"], lang="no tag", dir=Direction.RTL))) == ["lang"]


# Placeholders


def test_a_placeholder_only_warns_in_a_test_edition() -> None:
    edition = msgspec.structs.replace(ENGLISH, test=True)
    assert warned(outcome_of(new("Weather office: TEST"), edition)) == ["placeholder"]
    strict = msgspec.structs.replace(edition, rules={"placeholder": Effect.REFUSE})
    assert refused(outcome_of(new("Weather office: TEST"), strict)) == ["placeholder"]


def test_a_placeholder_is_found_in_the_attribution() -> None:
    assert refused(outcome_of(new("TEST: Storm Odile reaches the coast"))) == ["placeholder"]
    assert refused(outcome_of(new("Storm Odile", attribution="TK"))) == ["placeholder"]


def test_an_editions_own_placeholders_are_found() -> None:
    edition = msgspec.structs.replace(ENGLISH, placeholders=("nn",))
    assert refused(outcome_of(new("Weather office: NN reaches the coast"), edition)) == ["placeholder"]
    assert refused(outcome_of(new("Weather office: Storm Anna"), edition)) == []


# Rules by change

UNATTRIBUTED = "STORM  ODILE REACHES THE COAST"


def changed(**fields: object) -> list[str]:
    """Return the warnings about an update of a line that has every small fault."""
    board = Board()
    assert isinstance(post(board, new(UNATTRIBUTED, dir=Direction.RTL)), Publish)
    update = Submission(key="k", change=Change.UPDATE, id="line-1", url="https://news.example/1")
    update = msgspec.structs.replace(update, **fields)
    outcome = outcome_of(update, board=board)
    assert isinstance(outcome, Publish), outcome
    return warned(outcome)


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({"urgency": 2}, []),
        ({"section": "politics"}, []),
        ({"attribution": None}, ["attribution"]),
        ({"attribution": "Weather office"}, []),
        ({"dir": Direction.RTL}, ["direction"]),
        ({"lang": "en-GB"}, []),
        ({"text": UNATTRIBUTED}, ["attribution", "capitals", "spaces"]),
    ],
)
def test_a_rule_checks_only_the_fields_that_a_change_sets(fields: dict[str, object], codes: list[str]) -> None:
    assert changed(**fields) == codes


@pytest.mark.parametrize("change", [Change.WITHDRAW, Change.HIDE, Change.PIN])
def test_a_change_without_text_is_not_checked(change: Change) -> None:
    board = Board()
    assert isinstance(post(board, new(UNATTRIBUTED)), Publish)
    submission = Submission(
        key="k",
        change=change,
        id="line-1",
        reason="It was wrong" if change is Change.WITHDRAW else None,
        pinned_until=START + timedelta(hours=1) if change is Change.PIN else None,
    )
    outcome = outcome_of(submission, board=board)
    assert isinstance(outcome, Publish)
    assert outcome.warnings == ()


def test_a_text_in_a_change_without_text_gets_no_other_finding() -> None:
    withdrawal = Submission(key="k", change=Change.WITHDRAW, id="line-1", reason="It was wrong", text=UNATTRIBUTED)
    outcome = outcome_of(withdrawal, board=board_of(SAID))
    assert (refused(outcome), warned(outcome)) == (["field"], [])
    entry = next(board_of(UNATTRIBUTED).newest_first())
    assert list(check_house_rules(ENGLISH, withdrawal, entry.line, RecentLines(), START)) == []


def test_a_new_language_is_compared_with_the_existing_text() -> None:
    board = board_of(SAID)
    assert refused(outcome_of(Submission(key="k", change=Change.UPDATE, id="line-1", lang="ar"), board=board)) == [
        "script"
    ]


# Any submission

NEWSROOM = board_of(
    SAID,
    "Maduro: Caracas will not negotiate under threat",
    "AFP: " + "word " * 15,
)
STRICT = edition_of("en", **dict.fromkeys(HOUSE_RULES, "review"))


@settings(max_examples=300)
@given(nasty_submissions(["line-1", "line-2"]) | likely_submissions(), st.sampled_from([STRICT, edition_of("ar")]))
def test_any_submission_gets_few_and_short_findings(submission: Submission, edition: Edition) -> None:
    outcome = outcome_of(submission, edition, NEWSROOM)
    needs = outcome.held.needs if isinstance(outcome, Hold) else ()
    errors = outcome.errors if isinstance(outcome, Refuse) else ()
    found = [finding for finding in (*outcome.warnings, *needs, *errors) if finding.code in HOUSE_RULES]
    assert len({finding.code for finding in found}) == len(found)
    assert all(len(finding.detail) < 200 for finding in found)


def test_long_texts_get_short_findings() -> None:
    text = "TK " * 800 + "\u0627" * 5000 + "  " + "X" * 300 + ' "'
    outcome = outcome_of(new(text, lang="fr-" + "x" * 30, attribution="A" * 500), STRICT)
    assert isinstance(outcome, Refuse)
    assert all(len(finding.detail) < 200 for finding in outcome.errors)


def test_a_submission_without_a_text_gets_no_other_finding() -> None:
    assert refused(outcome_of(Submission(key="k", change=Change.NEW, text=UNSET))) == ["empty"]
    assert refused(outcome_of(new(""))) == ["empty"]
