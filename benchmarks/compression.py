"""Measure permessage-deflate (RFC 7692) without context takeover: bytes saved per message, and CPU per compression.

Without context takeover, each message is compressed independently, so all followers with the same stream options can
share the result.
"""

from __future__ import annotations

import time
import zlib
from datetime import UTC, datetime
from typing import Final

import msgspec

from benchmarks.log_writer import make_line
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.line import Line
from ticker.core.messages import BoardMessage, EditionInfo, encode_line, encode_message
from ticker.core.position import Position

LEVEL: Final = 6
WINDOW_BITS: Final = 15
TIMES: Final = 500
MARK: Final = "0123456789abcdef"
TEXTS: Final = {
    "en": (
        "UN: more than 1.2 million people displaced since the offensive began, half of them children",
        "Central bank raises its main rate by half a point to 4.25 %",
        "Ceasefire talks to resume on Sunday, mediators say",
        "Magnitude 6.3 earthquake strikes off the coast of northern Chile; no tsunami warning",
        "Parliament approves the budget after an all-night session, 212 votes to 198",
        "Spain beat Germany 2–1 to reach the final",
        "Flooding closes the main railway line between Lyon and Marseille",
        "Health ministry reports a third case of avian influenza in a dairy worker",
        "Court suspends a mining licence in protected rainforest",
        "Oil falls below 70 dollars a barrel for the first time since June",
    ),
    "ar": (
        "الأمم المتحدة: أكثر من مليون نازح منذ بدء الهجوم، نصفهم من الأطفال",
        "البنك المركزي يرفع سعر الفائدة الرئيسي نصف نقطة إلى 4.25 %",
        "الوسطاء: استئناف محادثات وقف إطلاق النار يوم الأحد",
        "زلزال بقوة 6.3 درجات قبالة سواحل شمال تشيلي ولا تحذير من تسونامي",
        "البرلمان يقر الميزانية بعد جلسة استمرت طوال الليل بأغلبية 212 صوتا",
        "إسبانيا تهزم ألمانيا 2-1 وتبلغ المباراة النهائية",
        "الفيضانات تغلق خط السكك الحديدية الرئيسي بين ليون ومارسيليا",
        "وزارة الصحة تعلن إصابة ثالثة بإنفلونزا الطيور",
        "المحكمة تعلق رخصة تعدين في غابة محمية",
        "النفط يهبط دون 70 دولارا للبرميل لأول مرة منذ يونيو",
    ),
}


class Compressed(msgspec.Struct, frozen=True):
    """The size of a message before and after compression, and the CPU time of one compression."""

    message: str
    plain_bytes: float
    compressed_bytes: float
    cpu_us: float

    @property
    def saved_share(self) -> float:
        return 1 - self.compressed_bytes / self.plain_bytes


def measure_compression() -> list[Compressed]:
    """Measure a line and a board of ten lines, in a script with one byte per letter and in one with two."""
    found = []
    for edition, texts in TEXTS.items():
        lines = _lines(edition, texts)
        messages = [encode_line(Position(line.number, MARK), line) for line in lines]
        info = EditionInfo.of(edition, DEFAULT_EDITIONS[edition])
        board = encode_message(BoardMessage(f"{len(lines)}-{MARK}", None, info, lines))
        found += [_measure(f"a line ({edition})", messages), _measure(f"a board of {len(lines)} ({edition})", [board])]
    return found


def deflate(data: bytes) -> bytes:
    """Return the payload of a compressed message (RFC 7692, 7.2.1)."""
    deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, -WINDOW_BITS)
    return (deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")


def _lines(edition: str, texts: tuple[str, ...]) -> list[Line]:
    now, settings = datetime.now(UTC), DEFAULT_EDITIONS[edition]
    return [
        make_line(number, text, now, lang=settings.lang, direction=settings.dir) for number, text in enumerate(texts, 1)
    ]


def _measure(message: str, payloads: list[bytes]) -> Compressed:
    begun = time.process_time()
    for number in range(TIMES):
        deflate(payloads[number % len(payloads)])
    cpu_s = time.process_time() - begun
    return Compressed(
        message,
        sum(map(len, payloads)) / len(payloads),
        sum(len(deflate(payload)) for payload in payloads) / len(payloads),
        cpu_s / TIMES * 1e6,
    )
