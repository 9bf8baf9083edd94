"""The script of a text and of its language: texts of another edition are found, foreign names pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import nasty_text
from ticker.core.rules.writing_system import foreign_script


@pytest.mark.parametrize(
    ("lang", "text", "script"),
    [
        ("en", "عاجل", "Arabic"),
        ("en", "زلزال بقوة 6.1 درجات يضرب الساحل", "Arabic"),
        ("en", "قمة NATO في مدريد", "Arabic"),
        ("en", "إطلاق iPhone 17 في القاهرة وبيروت", "Arabic"),
        ("en", "Землетрясение у побережья", "Cyrillic"),
        ("en", "地震が海岸を襲う", "Cjk"),
        ("ar", "Quake strikes off the coast", "Latin"),
        ("ar", "NATO", "Latin"),
        ("ar", "President Resigns", "Latin"),
        ("ar", "El Gobierno aprueba los presupuestos", "Latin"),
        ("ar", "عاجل: quake strikes off the coast", "Latin"),
        ("ar", "رئيس says that he will resign", "Latin"),
        ("ar-EG", "Землетрясение", "Cyrillic"),
        ("es", "الحكومة تقر الموازنة", "Arabic"),
        ("es", "زلزال يضرب: España", "Arabic"),
        ("es-MX", "عاجل", "Arabic"),
        ("es", "Правительство утвердило бюджет", "Cyrillic"),
        ("es", "הממשלה", "Hebrew"),
        ("es", "La palabra «الحكومة العراقية»", "Arabic"),
        ("sr-Latn", "Земљотрес", "Cyrillic"),
        ("ja", "Quake strikes off the coast", "Latin"),
        ("ko", "زلزال", "Arabic"),
    ],
)
def test_a_text_mostly_in_another_script_is_found(lang: str, text: str, script: str) -> None:
    assert foreign_script(text, lang) == script


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "Quake strikes off the coast"),
        ("en", "“ألف ليلة وليلة” is the book of the year"),
        ("en", "Al Jazeera (الجزيرة) is off air"),
        ("en", "Café in Malmö reopens"),
        ("en", "3–2"),
        ("en", "🇵🇸"),
        ("en", "µ-wave link fails, 5 Ω short"),
        ("ar", "زلزال بقوة ٦٫١ درجات يضرب الساحل"),
        ("ar", "قمة NATO"),
        ("ar", "NATO: قمة"),
        ("ar", "إطلاق iPhone 17 Pro Max"),
        ("ar", "CNN وBBC وAFP وUNRWA"),
        ("ar", "غارة على CNN Plaza وسط المدينة"),
        ("ar", "مُحَمَّد"),
        ("ar", "٣–٢"),
        ("es", "El Niño llega a la costa"),
        ("es", "Las «مظاهرات» siguen en Bagdad"),
        ("es", "Δ-8 queda prohibido en México"),
        ("es", "«Война и мир», en Madrid"),
        ("es", "2.º lugar para España"),
        ("es", "¡Gol!"),
        ("es-MX", "Sismo en la costa"),
        ("ur", "زلزلہ"),
        ("ur-Aran", "زلزلہ"),
        ("fa", "می‌خواهم"),
        ("ja", "地震が海岸を襲うテロ"),
        ("ko", "지진 發生"),
        ("zh", "地震"),
        ("zh-TW", "地震"),
        ("sr", "Земљотрес"),
        ("ku-Arab", "بوومەلەرزە"),
        # A language of unknown script, and an invalid language tag.
        ("und", "عاجل"),
        ("mul", "عاجل"),
        ("qaa", "عاجل"),
        ("x-house", "عاجل"),
        ("en-Zyyy", "عاجل"),
        ("en-Zxxx", "عاجل"),
        ("", "عاجل"),
        ("no tag", "عاجل"),
    ],
)
def test_a_text_mostly_in_its_own_script_passes(lang: str, text: str) -> None:
    assert foreign_script(text, lang) is None


@given(nasty_text(), nasty_text(8) | st.from_regex(r"[a-zA-Z]{1,8}([-_][a-zA-Z0-9]{0,8}){0,3}", fullmatch=True))
def test_any_text_and_any_tag_are_handled(text: str, lang: str) -> None:
    foreign_script(text, lang)
