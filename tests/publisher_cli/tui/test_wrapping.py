"""Wrapping of text with directional isolates."""

from __future__ import annotations

from textual.content import Content

from publisher_cli.tui.wrapping import wrapped
from tests.support.tui_harness import run_desks, run_tui
from ticker.core.edition import DEFAULT_EDITIONS


async def test_every_row_closes_the_isolates_that_it_opens(redis_url: str) -> None:
    async with run_desks(redis_url, ar=DEFAULT_EDITIONS["ar"]), run_tui(redis_url, "ar", size=(80, 24)) as tui:
        await tui.paste("عاصفة قوية تقترب من الساحل الغربي للبلاد وتوقف حركة العبّارات حتى صباح الغد في الميناء")
        await tui.press("enter")
        await tui.shows("ON AIR")
        await tui.until(lambda: sum("\u2067" in line for line in tui.screen) > 3, "the board shows the line, too")
        lines = [line for line in tui.screen if "\u2067" in line or "\u2069" in line]
    for line in lines:
        assert line.count("\u2067") + line.count("\u2068") == line.count("\u2069"), ascii(line)


def test_isolate_keeps_the_direction_of_its_first_letter_in_the_next_row() -> None:
    reason = "تصحيح من الوكالة Reuters said so"
    first, second = wrapped(Content(f"told: \u2068{reason}\u2069"), 24).plain.split("\n")
    assert first == "told: \u2068تصحيح من الوكالة\u2069"
    assert second == "\u2067Reuters said so\u2069"
