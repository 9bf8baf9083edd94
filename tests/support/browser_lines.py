"""Sample lines in three languages, one of every kind: for screenshots and for axe-core."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.support.browser_harness import BrowserHarness
from ticker.core.line import Change

TEXTS = {
    "en": {
        "flash": "Parliament passes the budget by 112 votes to 97 after a night session that ran past dawn",
        "quote": ("Mayor of Lisbon", "the evacuation of the riverside district is complete, 4,200 people moved"),
        "correct": ("Central bank holds its rate at 2.25%: inflation “is on course”", "the rate is 2.25%, not 2.5%"),
        "withdraw": ("A line that was wrong", "the vote has been postponed"),
        "link": "Striker signs for four years; fee undisclosed",
        "update": "Power restored to 80% of the capital",
    },
    "ar": {
        "flash": "البرلمان يقر الموازنة بأغلبية 112 صوتا مقابل 97 بعد جلسة ليلية امتدت حتى الفجر",
        "quote": ("عمدة Lisbon", "اكتمال إخلاء الحي المطل على النهر ونقل 4200 شخص"),
        "correct": ("البنك المركزي يثبت سعر الفائدة عند 2.25% ويقول إن التضخم «في مساره»", "السعر 2.25% لا 2.5%"),
        "withdraw": ("خبر لم يكن صحيحا", "أُجل التصويت"),
        "link": "Apple تعلن عن هاتف iPhone 18 بسعر 999 دولارا",
        "update": "عودة الكهرباء إلى 80% من العاصمة",
    },
    "es": {
        "flash": "El Parlamento aprueba el presupuesto por 112 votos contra 97 tras una sesión nocturna",
        "quote": ("Alcalde de Lisboa", "completada la evacuación del barrio ribereño, 4.200 personas trasladadas"),
        "correct": ("El banco central mantiene el tipo: la inflación «va por buen camino»", "es 2,25 %, no 2,5 %"),
        "withdraw": ("Una línea equivocada", "la votación fue aplazada"),
        "link": "El delantero firma por cuatro años",
        "update": "Restablecida la luz en el 80 % de la capital",
    },
}  # fmt: skip


def post_sample_lines(harness: BrowserHarness) -> None:
    """Publish the sample lines in every edition, the oldest first."""
    now = datetime.now(UTC)
    for edition, texts in TEXTS.items():
        old = harness.post(edition, str(texts["update"]), created_at=now - timedelta(days=2))
        harness.change(edition, old, Change.UPDATE)
        harness.post(
            edition, str(texts["link"]), created_at=now - timedelta(hours=2), url="https://example.org/transfer"
        )
        wrong = harness.post(edition, texts["withdraw"][0], created_at=now - timedelta(minutes=50))
        harness.withdraw(edition, wrong, texts["withdraw"][1])
        corrected = harness.post(edition, texts["correct"][0], created_at=now - timedelta(minutes=20))
        harness.change(edition, corrected, Change.CORRECT, correction=texts["correct"][1])
        harness.post(edition, texts["quote"][1], attribution=texts["quote"][0], created_at=now - timedelta(minutes=4))
        harness.post(
            edition,
            str(texts["flash"]),
            urgency=1,
            url="https://example.org/budget",
            created_at=now - timedelta(seconds=70),
        )
