"""Made-up lines, for trying the system out: posted as any editor posts, by the editor `demo`.

Every place, person and institution in them is invented.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, Final

import msgspec
import structlog

from ticker.core.edition import Edition
from ticker.core.errors import TickerError
from ticker.core.line import Change
from ticker.core.submission import ReceiptStatus, Submission
from ticker.settings import Settings
from ticker.store.connection import CLIENT_ERRORS, Redis, connect
from ticker.store.editors import register
from ticker.store.inbox import deadline_at_ms, submit
from ticker.store.log_reader import last_seq
from ticker.store.receipts import await_receipt, last_receipt_id

EDITOR: Final = "demo"
PACE_S: Final = 8.0
"""From one line of an edition to its next, more or less: about as much as a busy desk."""

AT_ONCE: Final = 6
"""How many lines an empty edition gets at once, so that there is something to see."""

DEADLINE_S: Final = 10.0

_logger = structlog.get_logger("ticker.demo")


class Story(msgspec.Struct, frozen=True):
    """An event and its lines in each language: the first is posted, the next one updates it.

    `correction` makes the next one a correction instead: it is what readers are told was wrong.
    """

    section: str
    regions: tuple[str, ...]
    urgency: int
    lines: dict[str, tuple[str, ...]]
    correction: dict[str, str] = {}


async def run_demo(url: str, settings: Settings) -> None:
    """Post to every edition whose language there are lines in, until cancelled; goes on through failures of Redis."""
    async with asyncio.TaskGroup() as group:
        for name, edition in settings.editions.items():
            language = edition.lang.partition("-")[0]
            stories = [story for story in STORIES if language in story.lines]
            if stories:
                group.create_task(_Teller(url, name, edition, language, stories).run(), name=f"demo {name}")


class _Teller:
    """Tells one edition's stories in turn, for ever."""

    def __init__(self, url: str, name: str, edition: Edition, language: str, stories: Sequence[Story]) -> None:
        self._url = url
        self._name = name
        self._edition = edition
        self._language = language
        self._stories = stories

    async def run(self) -> None:
        async with (
            aclosing(connect(self._url, role="ticker")) as redis,
            aclosing(connect(self._url, role="ticker", blocking=True)) as ears,
        ):
            while True:
                try:
                    await self._tell(redis, ears)
                except (OSError, TickerError, *CLIENT_ERRORS) as error:
                    _logger.warning(
                        "demo-interrupted", edition=self._name, why=f"{type(error).__name__}: {error}"[:200]
                    )
                await asyncio.sleep(PACE_S)

    async def _tell(self, redis: Redis, ears: Redis) -> None:
        await register(redis, self._name, EDITOR)
        told = await last_seq(redis, self._name)
        at_once = AT_ONCE if told == 0 else 0
        while True:
            story = self._stories[told % len(self._stories)]
            line_id = None
            texts = story.lines[self._language]
            for number, text in enumerate(texts[:1] if at_once > 0 else texts):
                if number:
                    await _pause()
                line_id = await self._post(redis, ears, self._submission(story, number, text, line_id))
                if line_id is None:
                    break
            told += 1
            at_once -= 1
            if at_once <= 0:
                await _pause()

    async def _post(self, redis: Redis, ears: Redis, submission: Submission) -> str | None:
        """The id of the line that is on air now; None if it isn't."""
        after = await last_receipt_id(redis, self._name, EDITOR)
        inbox_id = await submit(redis, self._name, EDITOR, submission)
        stored = await await_receipt(
            ears,
            self._name,
            EDITOR,
            key=submission.key,
            after=after,
            deadline_at_ms=deadline_at_ms(inbox_id, submission.deadline_s),
        )
        if stored is None or stored.receipt.status is not ReceiptStatus.ON_AIR:
            errors = () if stored is None else stored.receipt.errors
            _logger.warning("demo-not-on-air", edition=self._name, errors=[finding.code for finding in errors])
            return None
        return stored.receipt.id

    def _submission(self, story: Story, number: int, text: str, line_id: str | None) -> Submission:
        key = f"demo-{secrets.token_hex(8)}"
        if number == 0:
            return Submission(
                key=key,
                change=Change.NEW,
                deadline_s=DEADLINE_S,
                text=text,
                again=True,  # the stories are told in rounds, several in an hour
                **_facets(story, self._edition),
            )
        reason = story.correction.get(self._language)
        change = Change.UPDATE if reason is None else Change.CORRECT
        return Submission(key=key, change=change, deadline_s=DEADLINE_S, id=line_id, text=text, reason=reason)


def _facets(story: Story, edition: Edition) -> dict[str, Any]:
    """Urgency, section and regions, as far as the edition has them: it may have a vocabulary of its own."""
    regions = tuple(region for region in story.regions if region in edition.regions)
    section = {"section": story.section} if story.section in edition.sections else {}
    return {"urgency": story.urgency, "regions": regions, **section}


async def _pause() -> None:
    await asyncio.sleep(PACE_S * random.uniform(0.5, 1.5))  # noqa: S311 -- no secret


STORIES: Final = (
    Story(
        "environment",
        ("europe",),
        3,
        {
            "en": (
                "Weather office: Storm Odile to reach the coast of Valmora at noon",
                "Weather office: Storm Odile reaches the coast of Valmora, ferries stop",
            ),
            "ar": (
                "مكتب الأرصاد: العاصفة أوديل تصل إلى ساحل فالمورا ظهرًا",
                "مكتب الأرصاد: العاصفة أوديل تبلغ ساحل فالمورا وتوقف العبّارات",
            ),
            "es": (
                "Servicio meteorológico: La tormenta Odile llegará a la costa de Valmora al mediodía",
                "Servicio meteorológico: La tormenta Odile llega a la costa de Valmora y paran los ferris",
            ),
        },
    ),
    Story(
        "politics",
        ("europe",),
        2,
        {
            "en": ("Electoral commission: Polls close in Valmora, turnout at 71 per cent",),
            "ar": ("مفوضية الانتخابات: إغلاق صناديق الاقتراع في فالمورا والمشاركة 71 بالمئة",),
            "es": ("Comisión electoral: Cierran las urnas en Valmora con una participación del 71 por ciento",),
        },
    ),
    Story(
        "technology",
        ("us-canada",),
        4,
        {
            "en": ("Space agency: Probe Halcyon enters orbit around the asteroid Tessaly",),
            "ar": ("وكالة الفضاء: المسبار هالسيون يدخل مدارًا حول الكويكب تيسالي",),
            "es": ("Agencia espacial: La sonda Halcyon entra en órbita del asteroide Tessaly",),
        },
    ),
    Story(
        "sports",
        ("africa",),
        4,
        {
            "en": (
                "Cup of the Lakes: Karanga beat Port Isel 2-0 and reach the final",
                "Cup of the Lakes: Karanga beat Port Isel 2-1 and reach the final",
            ),
            "ar": (
                "كأس البحيرات: كارانغا يهزم بورت إيزل 2-0 ويبلغ النهائي",
                "كأس البحيرات: كارانغا يهزم بورت إيزل 2-1 ويبلغ النهائي",
            ),
            "es": (
                "Copa de los Lagos: Karanga vence 2-0 a Port Isel y llega a la final",
                "Copa de los Lagos: Karanga vence 2-1 a Port Isel y llega a la final",
            ),
        },
        {
            "en": "An earlier line gave the score as 2-0.",
            "ar": "ذكر خبر سابق أن النتيجة 2-0.",
            "es": "Una línea anterior daba el resultado de 2-0.",
        },
    ),
    Story(
        "economy",
        ("asia-pacific",),
        3,
        {
            "en": ("Central bank of Lyonesse: Main rate stays at 3.25 per cent",),
            "ar": ("البنك المركزي في ليونيس: تثبيت سعر الفائدة الرئيسي عند 3.25 بالمئة",),
            "es": ("Banco central de Lyonesse: El tipo principal sigue en el 3,25 por ciento",),
        },
    ),
    Story(
        "environment",
        ("asia",),
        1,
        {
            "en": (
                "Coast guard: Earthquake of magnitude 5.8 off the island of Sarune, no tsunami warning",
                "Seismological institute: Quake off Sarune had magnitude 5.6, no damage reported",
            ),
            "ar": (
                "خفر السواحل: زلزال بقوة 5.8 درجات قبالة جزيرة سارونه ولا تحذير من تسونامي",
                "معهد الزلازل: قوة زلزال سارونه 5.6 درجات ولا أنباء عن أضرار",
            ),
            "es": (
                "Guardacostas: Terremoto de magnitud 5,8 frente a la isla de Sarune, sin alerta de tsunami",
                "Instituto sismológico: El sismo de Sarune fue de magnitud 5,6 y no hay daños",
            ),
        },
    ),
    Story(
        "arts-culture",
        ("latin-america",),
        4,
        {
            "en": ("Film festival of Bramar: Golden Heron goes to “The Salt Road”",),
            "ar": ("مهرجان برامار السينمائي: جائزة مالك الحزين الذهبي لفيلم «طريق الملح»",),
            "es": ("Festival de cine de Bramar: La Garza de Oro es para «El camino de la sal»",),
        },
    ),
    Story(
        "health",
        ("mena",),
        4,
        {
            "en": ("Health ministry: Vaccination against winter flu begins in Tal Amar on Sunday",),
            "ar": ("وزارة الصحة: بدء التطعيم ضد إنفلونزا الشتاء في تل عمار يوم الأحد",),
            "es": ("Ministerio de Salud: La vacunación contra la gripe empieza el domingo en Tal Amar",),
        },
    ),
    Story(
        "politics",
        ("europe",),
        2,
        {
            "en": (
                "First projection: Ada Merel ahead in Valmora with 52 per cent",
                "Electoral commission: Ada Merel wins in Valmora with 51.3 per cent",
            ),
            "ar": (
                "التقديرات الأولى: آدا ميريل تتقدم في فالمورا بنسبة 52 بالمئة",
                "مفوضية الانتخابات: آدا ميريل تفوز في فالمورا بنسبة 51.3 بالمئة",
            ),
            "es": (
                "Primera proyección: Ada Merel gana en Valmora con el 52 por ciento",
                "Comisión electoral: Ada Merel gana en Valmora con el 51,3 por ciento",
            ),
        },
    ),
    Story(
        "economy",
        ("europe", "africa"),
        4,
        {
            "en": ("Rail company: Night train from Port Isel to Karanga starts in spring",),
            "ar": ("شركة القطارات: قطار ليلي من بورت إيزل إلى كارانغا في الربيع",),
            "es": ("Compañía ferroviaria: El tren nocturno de Port Isel a Karanga saldrá en primavera",),
        },
    ),
    Story(
        "sports",
        ("asia",),
        4,
        {
            "en": ("Marathon of Sarune: Ines Oduya wins in 2:19:48, a record for the course",),
            "ar": ("ماراثون سارونه: إينيس أودويا تفوز بزمن 2:19:48 وهو رقم قياسي للمسار",),
            "es": ("Maratón de Sarune: Ines Oduya gana en 2:19:48, récord de la prueba",),
        },
    ),
    Story(
        "miscellaneous",
        ("us-canada",),
        4,
        {
            "en": ("City of Northam: The clock tower strikes again after three years of repairs",),
            "ar": ("مدينة نورثام: برج الساعة يدق من جديد بعد ثلاث سنوات من الإصلاح",),
            "es": ("Ciudad de Northam: La torre del reloj vuelve a sonar tras tres años de obras",),
        },
    ),
)
