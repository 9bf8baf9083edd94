"""The similarity of texts in each language: duplicates, and other news in similar words."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.support.strategies import nasty_text
from ticker.core.rules.similarity import CHARACTERS_COMPARED, comparable, most_similar

SAME = [
    # English
    ("Quake of magnitude 6.1 strikes off the coast", "Quake of magnitude 6.1 strikes off the coast"),
    ("Quake of magnitude 6.1 strikes off the coast", "QUAKE OF MAGNITUDE 6.1 STRIKES OFF THE COAST!"),
    ("Quake of magnitude 6.1 strikes off the coast", "Quake of magnitude 6.1 strikes of the coast"),
    ("Minister resigns over the ferry disaster", "Minister resigned over the ferry disaster"),
    ("Ferries to Port Selby stop until tomorrow", "The ferries to Port Selby stop until tomorrow"),
    ("Storm Odile reaches the coast of Valmora", "Storm Odile reaches the cost of Valmora"),
    ("Valmora's parliament doesn't vote today", "Valmora’s parliament does not vote today"),
    ("Bank lends 1,000 million to Lyonesse", "Bank lends 1000 million to Lyonesse"),
    # Arabic
    ("زلزال بقوة 6.1 درجات يضرب الساحل", "زلزال بقوة ٦٫١ درجات يضرب الساحل"),
    ("مُحَمَّد يصل إلى القاهرة", "محمد يصل الى القاهره"),
    ("أوديل تبلغ الساحل وتوقف العبّارات", "اوديل تبلغ الساحل وتوقف العبارات"),
    ("عـــاجـــل إغلاق صناديق الاقتراع في فالمورا", "عاجل إغلاق صناديق الاقتراع في فالمورا"),
    ("إغلاق صناديق الاقتراع في فالمورا", "إغلاق صناديق الإقتراع في فالمورا."),
    ("وزير الدفاع يستقيل بعد غرق العبّارة", "وزير الدفاع استقيل بعد غرق العبّارة"),
    # Spanish
    ("Cierran las urnas en Valmora", "Cierran las urnas en Valmora."),
    ("Última hora en Valmora: dimite el ministro", "Ultima hora en Valmora: dimite el ministro"),
    ("El ministro dimitió tras el naufragio del ferri", "El ministro dimitia tras el naufragio del ferri"),
    ("La tormenta Odile llega a la costa de Valmora", "La tormenta Odile llega a la costa de Valmroa"),
    ("El tipo principal sigue en el 3,25 por ciento", "El tipo principal sigue en el 3.25 por ciento"),
    ("«Habrá elecciones», dice el presidente", "“Habrá elecciones”, dice el presidente"),
]
OTHER = [
    # English
    ("3 dead in a fire in the port of Karanga", "13 dead in a fire in the port of Karanga"),
    ("Quake of magnitude 6.1 strikes off the coast", "Quake of magnitude 6.2 strikes off the coast"),
    ("Train services on line 12 stop until evening", "Train services on line 13 stop until evening"),
    ("3 dead and 5 hurt in a fire in the port", "5 dead and 3 hurt in a fire in the port"),
    ("Fire in Lyonesse: 10,500 people have to leave", "Fire in Lyonesse: 10,600 people have to leave"),
    ("Three dead in a fire in the port of Karanga", "Four dead in a fire in the port of Karanga"),
    ("Seven dead in a fire in the port of Karanga", "Seventy dead in a fire in the port of Karanga"),
    ("Bank lends a million to the state of Lyonesse", "Bank lends a billion to the state of Lyonesse"),
    ("Court finds the former mayor guilty of fraud", "Court finds the former mayor not guilty of fraud"),
    ("US says that Iran attacked Iraq near the border", "US says that Iraq attacked Iran near the border"),
    ("The president of Lyonesse resigns after an inquiry", "The vice president of Lyonesse resigns after an inquiry"),
    ("Explosion heard in the north of the capital", "Explosion heard in the south of the capital"),
    ("Tropical storm warning for Sarune issued", "Tropical storm warning for Sarune lifted"),
    ("Karanga beat Port Isel and reach the final", "Port Isel beat Karanga and reach the final"),
    ("Parliament approves the budget", "Parliament rejects the budget"),
    ("Coup fails in the capital of Niger, army says", "Coup fails in the capital of Nigeria, army says"),
    ("Talks on the ceasefire begin on Tuesday", "Talks on the ceasefire begin on Thursday"),
    ("A320 leaves the runway in Northam", "A321 leaves the runway in Northam"),
    # Arabic
    ("3 قتلى في حريق بميناء كارانغا", "13 قتيلا في حريق بميناء كارانغا"),
    ("زلزال بقوة ٦٫١ درجات يضرب الساحل", "زلزال بقوة ٦٫٢ درجات يضرب الساحل"),
    ("توقف القطارات على الخط ١٢ حتى المساء", "توقف القطارات على الخط ١٣ حتى المساء"),
    ("مقتل سبعة في حريق بميناء كارانغا الكبير", "مقتل تسعة في حريق بميناء كارانغا الكبير"),
    ("المحكمة تدين رئيس البلدية في قضية الفساد", "المحكمة لا تدين رئيس البلدية في قضية الفساد"),
    ("انفجار في شمال العاصمة بعد منتصف الليل", "انفجار في جنوب العاصمة بعد منتصف الليل"),
    ("القمة العربية المقبلة تعقد في يونيو", "القمة العربية المقبلة تعقد في يوليو"),
    ("استقالة رئيس ليونيس بعد تحقيق في الفساد", "استقالة نائب رئيس ليونيس بعد تحقيق في الفساد"),
    # Spanish
    ("3 muertos en un incendio en el puerto", "13 muertos en un incendio en el puerto"),
    ("Terremoto de magnitud 5,8 frente a Sarune", "Terremoto de magnitud 5,6 frente a Sarune"),
    ("Sesenta muertos en un incendio en el puerto", "Setenta muertos en un incendio en el puerto"),
    ("El alcalde es culpable, dice el tribunal", "El alcalde no es culpable, dice el tribunal"),
    ("Explosión en el norte de la capital de Valmora", "Explosión en el sur de la capital de Valmora"),
    ("Dimite el presidente de Lyonesse por corrupción", "Dimite el expresidente de Lyonesse por corrupción"),
    ("El Congreso aprueba los presupuestos", "El Congreso rechaza los presupuestos"),
    ("La línea 12 del metro para hasta mañana", "La línea 13 del metro para hasta mañana"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_duplicates_are_found_in_both_directions(one: str, other: str) -> None:
    assert most_similar(one, [other]) is not None
    assert most_similar(other, [one]) is not None


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_other_news_is_not_a_duplicate_in_either_direction(one: str, other: str) -> None:
    assert most_similar(one, [other]) is None
    assert most_similar(other, [one]) is None


def test_the_most_similar_text_is_returned_with_its_similarity() -> None:
    others = ["Ferries stop until night", "Storm Odile reaches cost", "Storm Odile reaches coast.", "Polls close"]
    assert most_similar("Storm Odile reaches coast", others) == (2, 100.0)
    found = most_similar("Storm Odile reaches coast", others[:2])
    assert found is not None
    assert found[0] == 1
    assert 90 <= found[1] < 100


@pytest.mark.parametrize("text", ["", "!!!", "🇵🇸", "\u200b"])
def test_a_text_without_words_has_no_duplicate(text: str) -> None:
    assert most_similar(text, [text, ""]) is None


def test_only_the_start_of_a_long_text_is_compared() -> None:
    assert sum(map(len, comparable("word " * 100_000).words)) <= CHARACTERS_COMPARED


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("القاهرة", "القاهره"),
        ("على", "علي"),
        ("أإآٱا", "ااااا"),
        ("مُحَمَّد", "محمد"),
        ("عـــاجـــل", "عاجل"),
        ("١٢٣ ۱۲۳", "123 123"),
        ("١٬٢٥٠ و٦٫١", "1,250 و6.1"),
        ("کشور", "كشور"),
    ],
)
def test_forms_of_an_arabic_letter_or_digit_are_equal(one: str, other: str) -> None:
    assert comparable(one) == comparable(other)


def test_vowel_signs_of_other_scripts_are_kept() -> None:
    assert comparable("कि").words != comparable("कु").words


def test_two_texts_are_compared_alike_in_both_directions() -> None:
    """A word may be aligned with either of two others."""
    one, other = "AA0000000", "A:A0000000"
    assert most_similar(one, [other]) == most_similar(other, [one])


@given(nasty_text(), nasty_text())
def test_any_text_is_handled(one: str, other: str) -> None:
    found = most_similar(one, [other])
    assert found == most_similar(other, [one])
    assert not comparable(one).words or most_similar(one, [one]) == (0, 100.0)


def test_digits_that_python_does_not_know_yet_are_compared_as_they_are() -> None:
    assert comparable("\U00010d41 boats").words == ("\U00010d41", "boats")
