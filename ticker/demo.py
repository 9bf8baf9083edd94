"""Invented lines for trying out the system. An editor called `demo` posts them as any editor would.

Every place, person and institution in them is invented.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import aclosing
from typing import Final, TypedDict

import msgspec
import structlog

from ticker.client.pending_request import new_key
from ticker.client.publisher import DEADLINE_S, Publisher
from ticker.core.edition import Edition
from ticker.core.errors import TickerError
from ticker.core.line import Change
from ticker.core.submission import ReceiptStatus, Submission
from ticker.settings import Settings
from ticker.store.connection import CLIENT_ERRORS, connect
from ticker.store.log_reader import last_seq

EDITOR: Final = "demo"
PACE_S: Final = 8.0
"""The mean time between two lines of an edition: about the pace of a busy desk."""

AT_ONCE: Final = 6
"""How many lines an empty edition gets immediately, so that readers see something."""

_logger = structlog.get_logger("ticker.demo")


class Story(msgspec.Struct, frozen=True):
    """An event and its lines in each language. The first line is posted, and each further line updates it.

    With a `correction`, the further lines are corrections with that reason.
    """

    section: str
    regions: tuple[str, ...]
    urgency: int
    lines: dict[str, tuple[str, ...]]
    correction: dict[str, str] = {}


async def run_demo(url: str, settings: Settings) -> None:
    """Post to every edition in whose language there are lines, until cancelled. Retries after failures of Redis."""
    async with asyncio.TaskGroup() as group:
        for name, edition in settings.editions.items():
            language = edition.lang.partition("-")[0]
            stories = [story for story in STORIES if language in story.lines]
            if stories:
                group.create_task(_Storyteller(url, name, edition, language, stories).run(), name=f"demo {name}")


class _Storyteller:
    """Posts one edition's stories in turn, for ever."""

    def __init__(self, url: str, name: str, edition: Edition, language: str, stories: Sequence[Story]) -> None:
        self._url = url
        self._name = name
        self._edition = edition
        self._language = language
        self._stories = stories

    async def run(self) -> None:
        while True:
            try:
                async with Publisher(self._url, edition=self._name, editor=EDITOR, origin="ticker demo") as publisher:
                    await self._post_stories(publisher)
            except (OSError, TickerError, *CLIENT_ERRORS) as error:
                _logger.warning("demo-interrupted", edition=self._name, why=f"{type(error).__name__}: {error}"[:200])
            await asyncio.sleep(PACE_S)

    async def _post_stories(self, publisher: Publisher) -> None:
        async with aclosing(connect(self._url, role="ticker")) as redis:
            number = await last_seq(redis, self._name)
        at_once = AT_ONCE if number == 0 else 0
        while True:
            story = self._stories[number % len(self._stories)]
            # At the start, only the first line of each story is posted: updates follow at a readable pace.
            await self._post_story(publisher, story, only_first=at_once > 0)
            number += 1
            at_once -= 1
            if at_once <= 0:
                await _pause()

    async def _post_story(self, publisher: Publisher, story: Story, *, only_first: bool) -> None:
        line_id = None
        texts = story.lines[self._language]
        for number, text in enumerate(texts[:1] if only_first else texts):
            if number:
                await _pause()
            receipt = await publisher.submit(self._submission(story, text, line_id))
            if receipt.status is not ReceiptStatus.ON_AIR:
                codes = [finding.code for finding in receipt.errors]
                _logger.warning("demo-not-on-air", edition=self._name, errors=codes)
                return
            line_id = receipt.id

    def _submission(self, story: Story, text: str, line_id: str | None) -> Submission:
        if line_id is None:
            # `again`, because the stories are repeated several times per hour.
            facets = _facets(story, self._edition)
            return Submission(key=new_key(), change=Change.NEW, deadline_s=DEADLINE_S, text=text, again=True, **facets)
        reason = story.correction.get(self._language)
        change = Change.UPDATE if reason is None else Change.CORRECT
        return Submission(key=new_key(), change=change, deadline_s=DEADLINE_S, id=line_id, text=text, reason=reason)


class _Facets(TypedDict, total=False):
    urgency: int
    section: str
    regions: tuple[str, ...]


def _facets(story: Story, edition: Edition) -> _Facets:
    """Return the story's urgency, section and regions, except those that the edition doesn't have."""
    fields = _Facets(
        urgency=story.urgency, regions=tuple(region for region in story.regions if region in edition.regions)
    )
    if story.section in edition.sections:
        fields["section"] = story.section
    return fields


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
