"""The house rules: the findings of each rule, their effects by edition, and the rules for each change."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from tests.support.strategies import START, context, likely_submissions, nasty_submissions, post
from ticker.core.board import Board
from ticker.core.edition import DEFAULT_EDITIONS, Edition, Effect, Quotes
from ticker.core.held import Held
from ticker.core.line import Change, Direction
from ticker.core.outcome import Hold, Outcome, Publish, Refuse, decide, publish_held
from ticker.core.rules.effects import HOUSE_RULES
from ticker.core.rules.house_rules import DUPLICATE_LINES, check_house_rules
from ticker.core.submission import Finding, Submission

ENGLISH = DEFAULT_EDITIONS["en"]  # with its house rules, which other tests switch off
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
HABITS = {"en": Quotes.CURLY, "ar": Quotes.GUILLEMETS, "es": Quotes.GUILLEMETS}
CASES = [(code, language) for code, texts in BAD.items() for language in texts]


def edition_of(language: str, **rules: str) -> Edition:
    effects = {code: Effect(effect) for code, effect in rules.items()}
    return msgspec.structs.replace(DEFAULT_EDITIONS[language], rules=effects, quotes=HABITS[language])


def new(text: str, **fields: object) -> Submission:
    return msgspec.structs.replace(Submission(key="k", change=Change.NEW, text=text), **fields)


def outcome_of(submission: Submission, edition: Edition = ENGLISH, board: Board | None = None) -> Outcome:
    board = board or Board()
    return decide(submission, context(board, 1000, START + timedelta(minutes=5), "line-new", edition))


def refused(outcome: Outcome) -> list[str]:
    return [finding.code for finding in outcome.errors] if isinstance(outcome, Refuse) else []


def warned(outcome: Outcome) -> list[str]:
    return [finding.code for finding in outcome.warnings]


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


# Duplicates

SAID = "Weather office: Storm Odile reaches the coast of Valmora"
AGAIN = "Ferry office: Storm Odile reaches the cost of Valmora!"


def board_of(*texts: str, at: datetime = START) -> Board:
    board = Board()
    for text in texts:
        assert isinstance(post(board, new(text, again=True), at), Publish), text
    return board


def test_a_duplicate_is_refused_with_the_id_of_the_other_line() -> None:
    outcome = outcome_of(new(AGAIN), board=board_of("Weather office: Rain", SAID, "Weather office: Snow"))
    assert isinstance(outcome, Refuse)
    assert outcome.errors == (
        Finding(
            "duplicate",
            "the text is 98 % similar to the line line-2: update that line, or post yours anyway (`--again`)",
        ),
    )


def test_a_text_with_the_same_words_matches() -> None:
    outcome = outcome_of(new(SAID), board=board_of(SAID))
    assert isinstance(outcome, Refuse)
    assert outcome.errors[0].detail.startswith("the text matches the line line-1: ")


def test_a_duplicate_with_again_is_published_and_recorded_as_overridden() -> None:
    outcome = outcome_of(new(AGAIN, again=True), board=board_of(SAID))
    assert isinstance(outcome, Publish)
    assert outcome.entry.overridden == ("duplicate",)


def test_again_overrides_nothing_without_a_duplicate() -> None:
    outcome = outcome_of(new(AGAIN, again=True), board=board_of("Weather office: Rain"))
    assert isinstance(outcome, Publish)
    assert outcome.entry.overridden == ()


@pytest.mark.parametrize("effect", ["warn", "off"])
def test_a_duplicate_passes_if_the_edition_allows_it(effect: str) -> None:
    outcome = outcome_of(new(AGAIN), edition_of("en", duplicate=effect), board_of(SAID))
    assert isinstance(outcome, Publish)
    assert warned(outcome) == (["duplicate"] if effect == "warn" else [])


@pytest.mark.parametrize("change", [Change.UPDATE, Change.REFILE, Change.CORRECT])
def test_a_change_of_a_line_is_not_a_duplicate(change: Change) -> None:
    reason = "A word was wrong" if change is Change.CORRECT else None
    again = Submission(key="k", change=change, id="line-1", text=SAID, reason=reason, urgency=2)
    assert isinstance(outcome_of(again, board=board_of(SAID, "Weather office: Rain")), Publish)
    assert isinstance(outcome_of(again, board=board_of("Weather office: Rain", SAID)), Publish)


def held_with(text: str, held_id: str = "held-1", change: Change = Change.NEW) -> Held:
    submission = Submission(key="k", change=change, id=None if change is Change.NEW else "line-1", text=text)
    return Held(id=held_id, editor="omar", submission=submission, submitted_at=START)


def outcome_with_held(submission: Submission, *held: Held) -> Outcome:
    return decide(submission, msgspec.structs.replace(context(Board(), 1, START, "line-x", ENGLISH), held=held))


def test_a_new_line_like_a_held_one_is_a_duplicate() -> None:
    outcome = outcome_with_held(new(AGAIN), held_with("Rain in Valmora", "held-2"), held_with(SAID.partition(": ")[2]))
    assert isinstance(outcome, Refuse)
    (error,) = outcome.errors
    assert error.code == "duplicate"
    assert "similar to the held line held-1: cancel that one, or post yours anyway (`--again`)" in error.detail


def test_again_overrides_a_duplicate_of_a_held_line() -> None:
    outcome = outcome_with_held(new(SAID, again=True), held_with(SAID.partition(": ")[2]))
    assert isinstance(outcome, Publish)
    assert outcome.entry.overridden == ("duplicate",)


def test_a_held_change_of_a_line_is_not_a_duplicate() -> None:
    assert isinstance(outcome_with_held(new(SAID), held_with(SAID.partition(": ")[2], change=Change.UPDATE)), Publish)


def test_a_hidden_or_withdrawn_line_is_not_a_duplicate() -> None:
    for change, reason in ((Change.WITHDRAW, "It was wrong"), (Change.HIDE, None)):
        board = board_of(SAID)
        assert isinstance(post(board, Submission(key="k", change=change, id="line-1", reason=reason)), Publish)
        assert isinstance(outcome_of(new(AGAIN), board=board), Publish)


def numbered(many: int) -> list[str]:
    return [f"Count: {number} of the votes" for number in range(many)]


def outcome_later(board: Board, later: timedelta, edition: Edition = ENGLISH) -> Outcome:
    return decide(new(AGAIN), context(board, 1000, START + later, "line-new", edition))


def test_a_line_of_the_last_hour_counts_after_it_has_left_the_board() -> None:
    board = board_of(SAID, *numbered(ENGLISH.board_lines))
    assert refused(outcome_later(board, timedelta(minutes=59))) == ["duplicate"]
    assert isinstance(outcome_later(board, timedelta(minutes=60)), Publish)


def test_a_line_on_the_board_counts_regardless_of_its_age() -> None:
    board = board_of(SAID, *numbered(ENGLISH.board_lines - 1))
    assert refused(outcome_later(board, timedelta(days=3))) == ["duplicate"]


def test_expired_lines_do_not_push_older_lines_off_the_board() -> None:
    board = board_of(SAID)
    for text in numbered(ENGLISH.board_lines):
        assert isinstance(post(board, new(text, expires_at=START + timedelta(minutes=1))), Publish)
    assert refused(outcome_later(board, timedelta(hours=2))) == ["duplicate"]


def test_a_pinned_line_counts_until_its_pin_ends() -> None:
    board = board_of(SAID, *numbered(ENGLISH.board_lines))
    pin = Submission(key="k", change=Change.PIN, id="line-1", pinned_until=START + timedelta(hours=5))
    assert isinstance(post(board, pin), Publish)
    assert refused(outcome_later(board, timedelta(hours=4))) == ["duplicate"]
    assert isinstance(outcome_later(board, timedelta(hours=6)), Publish)


def test_only_the_newest_lines_are_compared() -> None:
    board = board_of(SAID, *numbered(DUPLICATE_LINES - 1))
    assert refused(outcome_of(new(AGAIN), board=board)) == ["duplicate"]
    board = board_of(SAID, *numbered(DUPLICATE_LINES))
    assert isinstance(outcome_of(new(AGAIN), board=board), Publish)


def test_a_held_item_that_became_a_duplicate_is_refused() -> None:
    held = outcome_of(new(AGAIN, publish_at=START + timedelta(minutes=10)))
    assert isinstance(held, Hold)
    at = context(board_of(SAID), 2, START + timedelta(minutes=10), "line-x", ENGLISH)
    outcome = publish_held(held.held, at)
    assert isinstance(outcome, Refuse)
    assert [finding.code for finding in outcome.errors] == ["duplicate"]


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
    assert list(check_house_rules(ENGLISH, withdrawal, entry.line, [], START)) == []


def test_a_new_language_is_compared_with_the_existing_text() -> None:
    board = board_of(SAID)
    assert refused(outcome_of(Submission(key="k", change=Change.UPDATE, id="line-1", lang="ar"), board=board)) == [
        "script"
    ]


# Any submission

NEWSROOM = board_of(SAID, "Maduro: Caracas will not negotiate under threat", "AFP: " + "word " * 15)
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
