"""Labels in place of a source: which words are one, and what to use instead."""

from __future__ import annotations

import pytest

from ticker.core.rules.labels import Label, find_label, is_label

LABELS = [
    *("BREAKING", "Breaking", "breaking news", "BREAKING NEWS", "JUST IN", "URGENT", "FLASH", "UPDATE", "UPDATE 2"),
    *("🔴 BREAKING", "*URGENT*", "[Alert]", "Developing", "EXCLUSIVE", "LIVE", "CORRECTION"),
    *("عاجل", "عَاجِل", "عــاجل", "#عاجل", "خبر عاجل", "تحديث", "تصحيح", "حصري", "مباشر"),
    *("ÚLTIMA HORA", "Ultima hora", "ÚLTIMO MOMENTO", "URGENTE", "Actualización", "Alerta", "EN VIVO", "Exclusiva"),
]
SOURCES = [
    *("Weather office", "Reuters", "Breaking Defense", "Update Kenya", "The Bulletin of Valmora", "Live Nation"),
    *("مكتب الأرصاد", "قناة العاجل", "Alerta Roja", "Diario Última Hora", "", "!!!"),
]


@pytest.mark.parametrize("words", LABELS)
def test_word_for_the_urgency_or_the_kind_of_a_line_is_a_label(words: str) -> None:
    assert is_label(words)
    found = find_label(f"{words}: Storm nears the coast")
    assert found is not None
    assert (found.words, found.rest) == (words, "Storm nears the coast")


@pytest.mark.parametrize("words", SOURCES)
def test_name_of_a_source_is_no_label(words: str) -> None:
    assert not is_label(words)
    assert find_label(f"{words}: Storm nears the coast") is None


@pytest.mark.parametrize("mark", [": ", ":", " | ", "| ", " - ", " – ", " — "])
def test_label_is_found_before_a_colon_a_bar_and_a_dash(mark: str) -> None:
    assert find_label(f"BREAKING{mark}Storm nears") == Label("BREAKING", "Storm nears", urgency=2)


@pytest.mark.parametrize(
    "text", ["BREAKING", "Breaking waves reach the coast: ferries stop", "Live-fire exercise ends"]
)
def test_text_that_only_begins_like_a_label_has_none(text: str) -> None:
    assert find_label(text) is None


@pytest.mark.parametrize(
    ("words", "urgency", "command"),
    [
        ("FLASH", 1, None),
        ("BREAKING", 2, None),
        ("ÚLTIMA HORA", 2, None),
        ("URGENT", 3, None),
        ("عاجل", 3, None),
        ("UPDATE", None, "update"),
        ("تصحيح", None, "correct"),
        ("EXCLUSIVE", None, None),
    ],
)
def test_label_names_what_to_use_instead(words: str, urgency: int | None, command: str | None) -> None:
    found = find_label(f"{words}: Storm nears")
    assert found is not None
    assert (found.urgency, found.command) == (urgency, command)
