"""The list: selection, marks, and the layout of right-to-left text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rich.cells import cell_len

from publisher_cli.decisions import LATELY, Decided
from publisher_cli.tui.widgets.line_list import decided_rows
from tests.support.desk_harness import DeskHarness, lines_of, new
from tests.support.strategies import START
from tests.support.tui_harness import model_of, run_desks, run_tui
from ticker.core.edition import DEFAULT_EDITIONS


async def test_selected_line_stays_selected_when_newer_lines_push_it_down(newsroom: DeskHarness) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        receipt = await newsroom.ask("omar", new("k1", "Ferries stop"))
        await tui.shows("Ferries stop")
        await tui.press("escape")
        assert tui.lines.selected == receipt.id
        for number in range(3):
            await newsroom.ask("omar", new(f"n{number}", f"Another line, number {number}"))
        await tui.shows("number 2")
        assert tui.lines.selected == receipt.id
    assert lines_of(await newsroom.entries())[0] == "Ferries stop"


async def test_right_to_left_line_is_isolated_per_row_and_aligned_to_the_right(redis_url: str) -> None:
    text = "بي بي سي: " + "عاصفة قوية تقترب من الساحل الغربي للبلاد " * 3
    async with run_desks(redis_url, ar=DEFAULT_EDITIONS["ar"]) as rooms:
        await rooms["ar"].ask("omar", new("k1", "AFP: انقطاع الكهرباء", urgency=2))
        await rooms["ar"].ask("omar", new("k2", text))
        async with run_tui(redis_url, "ar", size=(80, 24)) as tui:
            await tui.shows("انقطاع الكهرباء")
            rows = [line for line in tui.screen if "عاصفة" in line or "الكهرباء" in line]
    pieces = [line.rstrip(" ▁▂▃▄▅▆▇█") for line in rows]
    assert len(pieces) > 2
    assert all(piece[-1] == "\u2069" and piece.count("\u2067") == 1 for piece in pieces)
    assert len({cell_len(piece) for piece in pieces}) == 1  # all end in the same column
    assert any("\u2067\u2068AFP\u2069: انقطاع الكهرباء\u2069" in piece for piece in pieces)


async def test_latin_attribution_before_a_number_in_arabic_text_is_isolated(redis_url: str) -> None:
    shown = "\u2067\u2068AFP\u2069: 12 قتيلا\u2069"
    async with run_desks(redis_url, ar=DEFAULT_EDITIONS["ar"]), run_tui(redis_url, "ar") as tui:
        await tui.paste("AFP: 12 قتيلا")
        await tui.shows(shown)
        await tui.press("enter")
        await tui.shows(f"ON AIR ar 1 “{shown}”", f" {shown} ")
        await tui.paste("AFP: 17 قتيلا")
        await tui.press("tab", "tab", "tab", "tab")
        await tui.type("2h")
        await tui.press("enter")
        await tui.shows("HELD")
        await tui.press("f4")
        await tui.shows("in 2 h \u2067\u2068AFP\u2069: 17 قتيلا\u2069")


async def test_attribution_is_italic_except_in_arabic(redis_url: str) -> None:
    async with run_desks(redis_url, ar=DEFAULT_EDITIONS["ar"]) as rooms:
        await rooms["ar"].ask("omar", new("k1", "Reuters: انقطاع الكهرباء"))
        await rooms["ar"].ask("omar", new("k2", "بي بي سي: عاصفة قوية"))
        async with run_tui(redis_url, "ar") as tui:
            await tui.shows("انقطاع", "عاصفة")
            assert "Reuters" in tui.italic
            assert "بي بي سي" not in tui.italic


async def test_lines_expire_and_pins_end_by_the_clock(newsroom: DeskHarness) -> None:
    ahead = timedelta()
    now = datetime.now(UTC)
    async with newsroom.desk(), run_tui(newsroom.url, clock=lambda: datetime.now(UTC) + ahead) as tui:
        await newsroom.ask("omar", new("k1", "Ferries stop", pinned_until=now + timedelta(hours=1)))
        await newsroom.ask("omar", new("k2", "Polls are open", expires_at=now + timedelta(hours=2)))
        await tui.shows("PIN", "Board 2")
        ahead = timedelta(hours=1)
        await tui.until(lambda: "PIN" not in tui.text, "the pin has ended")
        ahead = timedelta(hours=2)
        await tui.shows("Board 1", "not on the board", "EXPIRED")


def test_pending_items_are_followed_by_what_others_decided_about_own_items() -> None:
    model = model_of()
    decided = Decided(
        id="1-0", at=START, held="k7m2x9ab3c", action="new", text="Palace: The king has died", decision="rejected",
        decided_by="omar", reason="One source only",
    )  # fmt: skip
    model.decided = {decided.id: decided}
    (row,) = decided_rows(model, START + timedelta(hours=1), 100)
    assert (row.cells[0], row.cells[2], row.marks) == ("k7m2", "by omar", ("REJECTED",))
    assert row.text == "Palace: The king has died  [One source only]"
    assert decided_rows(model, START + LATELY, 100) == []
