"""Capitals, spaces and quotation marks in each language: faults, and correct texts that must pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import nasty_text
from ticker.core.edition import Quotes
from ticker.core.rules.typography import is_shouted, loose_space, wrong_quotes


@pytest.mark.parametrize(
    "text",
    [
        "NORTH KOREA FIRES MISSILE",
        "PRESIDENT RESIGNS",
        "QUAKE OF MAGNITUDE 6.1 STRIKES",
        "STORM ODILE REACHES THE COAST OF VALMORA, FERRIES STOP",
        "DIMITE EL PRESIDENTE",
        "EL NIÑO LLEGA A LA COSTA",
        "ÚLTIMA HORA EN ESPAÑA",
        "TERREMOTO DE MAGNITUD 5,8",
        "ЗЕМЛЕТРЯСЕНИЕ У ПОБЕРЕЖЬЯ",
    ],
)
def test_a_text_in_capitals_is_found(text: str) -> None:
    assert is_shouted(text)


@pytest.mark.parametrize(
    "text",
    [
        "North Korea fires missile",
        "NATO",
        "GOAL!",
        "FIFA: USA 3, NED 1",
        "USA 3, NED 1",
        "NATO, EU and UN meet in New York",
        "BREAKING: President resigns in Valmora",
        "UNESCO",
        "OTAN y UE se reúnen en Madrid",
        "PSOE, PP y ERC pactan en el Congreso",
        "¡GOL DE MESSI!",
        "LA UE Y EE. UU.",
        "PSOE PNV ERC BNG",
        "ONU: Nueva resolución",
        "قمة NATO وUNESCO وUNICEF وUNRWA",
        "زلزال يضرب الساحل",
        "地震が海岸を襲う",
        "",
    ],
)
def test_acronyms_short_texts_and_scripts_without_case_pass(text: str) -> None:
    assert not is_shouted(text)


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("en", "Storm  Odile", "two spaces"),
        ("en", "Storm \u00a0Odile", "two spaces"),
        ("en", "Storm Odile , at noon", "a space before ,"),
        ("en", "Storm Odile reaches the coast .", "a space before ."),
        ("en", "Is it over ?", "a space before ?"),
        ("en", "Storm : at noon", "a space before :"),
        ("es", "La tormenta  Odile", "two spaces"),
        ("es", "La tormenta , al mediodía", "a space before ,"),
        ("es", "¿Ha terminado ?", "a space before ?"),
        ("es", "¡Gol !", "a space before !"),
        ("es", "Ya llega .", "a space before ."),
        ("ar", "زلزال  يضرب", "two spaces"),
        ("ar", "زلزال ، يضرب", "a space before ،"),
        ("ar", "هل انتهت ؟", "a space before ؟"),
        ("ar", "انتهت .", "a space before ."),
        ("fr", "La  tempête", "two spaces"),
    ],
)
def test_misplaced_spaces_are_found(language: str, text: str, said: str) -> None:
    fault = loose_space(text, language)
    assert fault is not None
    assert fault.startswith(said)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Storm Odile: at noon, ferries stop. Is it over?"),
        ("en", "And then ... nothing"),
        ("en", "And then … nothing"),
        ("en", "Microsoft opens .NET again"),
        ("en", "Pistol of .45 calibre"),
        ("en", "Karanga 2 : 1 Port Isel"),
        ("en", "Price\u00a0rises to 5\u202f%"),
        ("en", "Storm – at noon – reaches"),
        ("es", "La tormenta, al mediodía; ¿y después? ¡Nada!"),
        ("es", "Y luego ... nada"),
        ("es", "Karanga 2 : 1 Port Isel"),
        ("es", "Dijo: «Ya llega»"),
        ("es", "El dominio .es cumple años"),
        ("es", "El 5 % de los votos"),
        ("ar", "زلزال، ثم موجة؛ هل انتهت؟"),
        ("ar", "ثم ... لا شيء"),
        ("ar", "كارانغا 2 : 1 بورت إيزل"),
        ("ar", "قال: «انتهت»"),
        ("ar", "النسبة ٥ ٪ فقط"),
        ("ar", "فالمورا - مراسلنا"),
        ("fr", "Est-ce fini ? Non !"),
        ("en", ""),
    ],
)
def test_correct_spaces_pass(language: str, text: str) -> None:
    assert loose_space(text, language) is None


@pytest.mark.parametrize(
    ("habit", "text", "mark"),
    [
        (Quotes.CURLY, 'Minister: "No deal"', '"'),
        (Quotes.CURLY, "Valmora's parliament votes", "'"),
        (Quotes.CURLY, "It 'ends' here", "'"),
        (Quotes.CURLY, '"At least 40"', '"'),
        (Quotes.CURLY, "«Camino de la sal»", "«"),
        (Quotes.CURLY, 'فيلم "طريق الملح"', '"'),
        (Quotes.STRAIGHT, "Minister: “No deal”", "“"),
        (Quotes.STRAIGHT, "Valmora’s parliament votes", "’"),
        (Quotes.STRAIGHT, "«Habrá elecciones»", "«"),
        (Quotes.STRAIGHT, "فيلم «طريق الملح»", "«"),
        (Quotes.GUILLEMETS, '"Habrá elecciones"', '"'),
        (Quotes.GUILLEMETS, "“Habrá elecciones”", "“"),
        (Quotes.GUILLEMETS, 'فيلم "طريق الملح"', '"'),
        (Quotes.GUILLEMETS, "فيلم “طريق الملح”", "“"),
        (Quotes.GUILLEMETS, "«Sí», dijo, “y no”", "“"),
    ],
)
def test_quotation_marks_of_another_style_are_found(habit: Quotes, text: str, mark: str) -> None:
    fault = wrong_quotes(text, habit)
    assert fault is not None
    assert fault.startswith(f"{mark}, but this edition writes")


@pytest.mark.parametrize(
    ("habit", "text"),
    [
        (Quotes.CURLY, "Minister: “No deal”, and Valmora’s parliament votes"),
        (Quotes.CURLY, "He is 6'2\" tall"),
        (Quotes.CURLY, 'A 5" gun'),
        (Quotes.CURLY, 'צה"ל'),
        (Quotes.CURLY, "فيلم “طريق الملح”"),
        (Quotes.CURLY, "“Habrá elecciones”"),
        (Quotes.STRAIGHT, 'Minister: "No deal", and Valmora\'s parliament votes'),
        (Quotes.STRAIGHT, '"Habrá elecciones"'),
        (Quotes.STRAIGHT, 'فيلم "طريق الملح"'),
        (Quotes.GUILLEMETS, "«Habrá elecciones»"),
        (Quotes.GUILLEMETS, "«Dijo “sí” y se fue»"),
        (Quotes.GUILLEMETS, "فيلم «طريق الملح»"),
        (Quotes.GUILLEMETS, "O'Neil vuelve"),
        (Quotes.GUILLEMETS, 'Un cañón de 5"'),
        (Quotes.CURLY, "No marks at all"),
    ],
)
def test_quotation_marks_of_the_right_style_pass(habit: Quotes, text: str) -> None:
    assert wrong_quotes(text, habit) is None


@given(nasty_text(), st.sampled_from(["en", "es", "ar", "fr", ""]), st.sampled_from(Quotes))
def test_any_text_is_handled(text: str, language: str, habit: Quotes) -> None:
    for fault in (loose_space(text, language), wrong_quotes(text, habit)):
        assert fault is None or len(fault) < 80
    is_shouted(text)
