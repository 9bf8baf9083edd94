"""The tables of three editions in `ticker.toml`, for pictures. More settings of the English one may follow it."""

from __future__ import annotations

from typing import Final

ENGLISH: Final = """
[editions.en]
title = "Breaking news"
lang = "en"
dir = "ltr"
second_person = ["flash"]
"""
ARABIC_AND_SPANISH: Final = """
[editions.ar]
title = "أخبار عاجلة"
lang = "ar"
dir = "rtl"

[editions.es]
title = "Última hora"
lang = "es"
dir = "ltr"
"""
