"""Placeholders in each language, and news with the same words that must pass."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.support.strategies import nasty_text
from ticker.core.rules.placeholders import find_placeholder

FOUND = {
    "en": [
        ("TEST", "TEST"),
        ("test", "test"),
        ("Test 1 2 3", "Test 1 2 3"),
        ("testing, testing", "testing, testing"),
        ("TEST: Quake strikes off the coast", "TEST"),
        ("Quake strikes off the coast (TEST)", "TEST"),
        ("QUAKE STRIKES OFF THE COAST - TEST", "TEST"),
        ("TEST President resigns", "TEST"),
        ("test please ignore", "test please ignore"),
        ("Minister: TK people were hurt", "TK"),
        ("TK PEOPLE HURT IN QUAKE", "TK"),
        ("President XXX resigns", "XXX"),
        ("XXXX dead in quake", "XXXX"),
        ("Polls close at TBC", "TBC"),
        ("Kick-off TBD", "TBD"),
        ("DRAFT: Parliament approves budget", "DRAFT"),
        ("DO NOT PUBLISH", "DO NOT PUBLISH"),
        ("Prince Philip dies DO NOT PUBLISH", "DO NOT PUBLISH"),
        ("Do not publish: president dies", "Do not publish"),
        ("do not publish president dies", "do not publish"),
        ("President dies (do not publish)", "do not publish"),
        ("President dies - not for publication", "not for publication"),
        ("Embargoed until 10:00: Bank cuts rates", "Embargoed until"),
        ("Bank cuts rates, embargoed until noon", "embargoed until"),
        ("Lorem ipsum dolor sit amet", "Lorem ipsum"),
        ("Headline here", "Headline here"),
        ("Met office: headline goes here", "headline goes here"),
        ("This is a test", "This is a test"),
        ("Test alert", "Test alert"),
        ("Do\u00a0not\u200b publish: president dies", "Do not publish"),
    ],
    "ar": [
        ("اختبار", "اختبار"),
        ("اختبار ١٢٣", "اختبار ١٢٣"),
        ("تجربة", "تجربة"),
        ("تجربة تجربة", "تجربة تجربة"),
        ("اختبار: زلزال يضرب الساحل", "اختبار"),
        ("تجربة - زلزال يضرب الساحل", "تجربة"),
        ("زلزال يضرب الساحل (اختبار)", "اختبار"),
        ("مسودة: البرلمان يقر الموازنة", "مسودة"),
        ("لا تنشر", "لا تنشر"),
        ("لا تنشر: وفاة الرئيس", "لا تنشر"),
        ("وفاة الرئيس (لا تنشروا)", "لا تنشروا"),
        ("ليس للنشر: وفاة الرئيس", "ليس للنشر"),
        ("وفاة الرئيس، الرجاء عدم النشر", "الرجاء عدم النشر"),
        ("هذا اختبار", "هذا اختبار"),
        ("هذه مجرد تجربة", "هذه مجرد تجربة"),
        ("خبر تجريبي", "خبر تجريبي"),
        ("رسالة تجريبية: زلزال", "رسالة تجريبية"),
        ("العنوان هنا", "العنوان هنا"),
        ("حظر النشر حتى الساعة 10:00: خفض الفائدة", "حظر النشر حتى الساعة 10"),
        ("TEST زلزال يضرب الساحل", "TEST"),
        ("وفاة XXX في حادث", "XXX"),
        ("اِخْتِبَارٌ", "اختبار"),
        ("لا تنـشر", "لا تنشر"),
    ],
    "es": [
        ("PRUEBA", "PRUEBA"),
        ("prueba", "prueba"),
        ("Prueba 1", "Prueba 1"),
        ("PRUEBA: Terremoto en la costa", "PRUEBA"),
        ("Terremoto en la costa (PRUEBA)", "PRUEBA"),
        ("Terremoto en la costa PRUEBA", "PRUEBA"),
        ("BORRADOR: El Congreso aprueba la ley", "BORRADOR"),
        ("NO PUBLICAR", "NO PUBLICAR"),
        ("No publicar: muere el presidente", "No publicar"),
        ("Muere el presidente NO PUBLICAR", "NO PUBLICAR"),
        ("Muere el presidente, no difundir", "no difundir"),
        ("XXX muertos en un accidente", "XXX"),
        ("Muere el presidente XXXX", "XXXX"),
        ("Esto es una prueba", "Esto es una prueba"),
        ("Texto de prueba", "Texto de prueba"),
        ("Titular aquí", "Titular aquí"),
        ("Ministerio: inserte titular", "inserte titular"),
        ("Embargado hasta las 10: baja el tipo", "Embargado hasta las 10"),
        ("TEST Terremoto en la costa", "TEST"),
        ("Lorem ipsum", "Lorem ipsum"),
    ],
}
PASSES = {
    "en": [
        "Test match: England all out for 220",
        "Test: England all out for 220",
        "North Korea carries out nuclear test",
        "COVID tests are free from Monday",
        "TEST MATCH: ENG 220 all out",
        "NORTH KOREA CARRIES OUT MISSILE TEST",
        "NORTH KOREA TEST-FIRES MISSILE",
        "NBA DRAFT: Vance is the first pick",
        "Draft law on nurses' pay passes",
        "Draft: EU to ban imports",
        "Flight TK 1980 lands safely",
        "TK1980 lands safely",
        "TBC Bank raises its forecast",
        "Super Bowl XXX is played again on television",
        "Games of the XXX Olympiad are remembered",
        "XXXTentacion's killers are sentenced",
        "Judge orders papers not to publish names",
        "Court: “Do not publish the names”",
        "Governments do not publish their losses",
        "Arms embargo until 2027, council decides",
        "Testing times for the coalition",
        "Headlines here and abroad praise the deal",
        "Fire at a placeholder factory",
        "Florida wakes to an emergency test alert",
        "Iran says all this is a test of will",
        "Ten dead in quake",
        "Text",
    ],
    "ar": [
        "كوريا الشمالية تجري اختبارا نوويا",
        "اختبار نووي جديد في كوريا الشمالية",
        "اختبار كورونا مجاني من الإثنين",
        "تجربة صاروخية إيرانية ناجحة",
        "نجاح تجربة لقاح ضد الملاريا",
        "رويترز: تجربة نووية جديدة",
        "مسودة قرار في مجلس الأمن لوقف إطلاق النار",
        "مجلس الأمن يبحث مسودة قرار",
        "الصحف لا تنشر أسماء الضحايا",
        "لا تنشر الصحف الإيرانية خبر الاحتجاجات",
        "النيابة تقرر حظر النشر في القضية",
        "النائب العام: حظر النشر حتى انتهاء التحقيق",
        "وزير: هذا اختبار لإرادة المجتمع الدولي",
        "إطلاق قمر تجريبي",
    ],
    "es": [
        "Corea del Norte hace pruebas nucleares",
        "Una prueba de ADN confirma su identidad",
        "Prueba de fuego para el Gobierno",
        "La prueba del delito desaparece",
        "Tests gratuitos de covid desde el lunes",
        "Casos de TBC aumentan en Lima",
        "Se inaugura la XXX edición del festival",
        "La XXX Cumbre termina sin acuerdo",
        "XXX Congreso de la lengua en Lima",
        "El Gobierno presenta el borrador de la ley",
        "Borrador: la UE prohibirá las importaciones",
        "Todo listo para la final",
        "TODO LISTO PARA LA FINAL DE LA COPA EN LIMA",
        "Los medios deciden no publicar los nombres",
        "Barco embargado hasta el lunes",
        "Jugador: «Quiero ser titular aquí otro año»",
        "Medio centenar de víctimas por confirmar en Lima",
        "Teste",
    ],
}


@pytest.mark.parametrize(
    ("language", "text", "words"), [(language, *case) for language, cases in FOUND.items() for case in cases]
)
def test_placeholders_are_found(language: str, text: str, words: str) -> None:
    assert find_placeholder(text, language) == words


@pytest.mark.parametrize(
    ("language", "text"), [(language, text) for language, texts in PASSES.items() for text in texts]
)
def test_news_with_the_same_words_passes(language: str, text: str) -> None:
    assert find_placeholder(text, language) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Storm Ada reaches the coast, CHECK", "CHECK"),
        ("Storm Ada: to be written", "to be written"),
        ("Storm Ada: To  be WRITTEN", "To be WRITTEN"),
        ("Price (+) rises", "(+)"),
        ("Cafe\u0301 opens", "Café"),
    ],
)
def test_an_editions_own_words_are_found(text: str, words: str) -> None:
    assert find_placeholder(text, "en", ("CHECK", "to be written", "(+)", "café", " ")) == words


@pytest.mark.parametrize(
    "text", ["Police check the coast", "CHECKS at the border", "News to be written about", "Caféteria"]
)
def test_an_editions_own_words_are_not_found_in_parts_of_words(text: str) -> None:
    assert find_placeholder(text, "en", ("CHECK", "to be writ", "café")) is None


@given(nasty_text(), nasty_text(8))
def test_any_text_is_handled(text: str, own: str) -> None:
    find_placeholder(text, "en", (own,) if own else ())
