"""The words of the element's interface in other languages than English, which its module contains.

A gateway sends them with the board, so that the module stays small. Their keys are those of
`ticker/widget/src/words.js`.
"""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, dict[str, str]]] = {
    "ar": {
        "breaking": "عاجل",
        "pause": "إيقاف",
        "resume": "استئناف",
        "previous": "السابق",
        "next": "التالي",
        "more": "جديد: ",
        "paused": "متوقف",
        "waiting": "إعادة الاتصال…",
        "offline": "بلا اتصال",
        "stopped": "غير متاح",
        "incomplete": "قد تكون بعض الأخبار ناقصة أو قديمة",
        "empty": "لا أخبار بعد",
        "flash": "فلاش",
        "bulletin": "خبر عاجل",
        "urgent": "عاجل",
        "update": "تحديث",
        "correction": "تصحيح",
        "withdrawn": "سُحب الخبر",
        "test": "اختبار",
    },
    "es": {
        "breaking": "Última hora",
        "pause": "Pausar",
        "resume": "Reanudar",
        "previous": "Anterior",
        "next": "Siguiente",
        "more": "Nuevas: ",
        "paused": "En pausa",
        "waiting": "Reconectando…",
        "offline": "Sin conexión",
        "stopped": "No disponible",
        "incomplete": "Pueden faltar noticias o no estar al día",
        "empty": "Aún no hay noticias",
        "flash": "Flash",
        "bulletin": "Boletín",
        "urgent": "Urgente",
        "update": "Actualizada",
        "correction": "Corrección",
        "withdrawn": "Retirada",
        "test": "PRUEBA",
    },
}
"""The words by language (the first part of a BCP 47 tag) and by key."""


def language_with_words(tag: str) -> str:
    """Return the language of a BCP 47 tag if it has words here, or an empty text: the reader then has English words."""
    language = tag.split("-", 1)[0].lower()
    return language if language in WORDS else ""
