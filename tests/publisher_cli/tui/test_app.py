"""The application as a whole: help, quitting, and the layout on a small terminal."""

from __future__ import annotations

import msgspec
from textual.binding import Binding

from publisher_cli.session import Session
from publisher_cli.tui.app import DeskApp
from publisher_cli.tui.bindings import EVERYWHERE, ON_COMPOSER, ON_LIST
from publisher_cli.tui.messages import ConnectionChanged, ModelChanged
from publisher_cli.tui.model import State
from tests.support.desk_harness import DeskHarness, new
from tests.support.strategies import ENGLISH
from tests.support.tui_harness import held_item, model_of, offline_tui, run_desks, run_tui
from ticker.core.escaping import escape

STORM = "Weather office: Storm nears the coast"
TEST_EDITION = msgspec.structs.replace(ENGLISH, title="Trial", test=True)


async def test_test_edition_is_marked_in_three_places(redis_url: str) -> None:
    async with run_desks(redis_url, trial=TEST_EDITION) as rooms:
        await rooms["trial"].ask("omar", new("k1", "Ferries stop"))
        async with run_tui(redis_url, "trial", size=(80, 24)) as tui:
            await tui.shows("TEST EDITION · nothing here is for the public", "TEST Ferries stop", "Trial TEST EDITION")


async def test_help_lists_the_keys_and_any_key_closes_it(newsroom: DeskHarness) -> None:
    async with newsroom.desk(), run_tui(newsroom.url, size=(80, 24)) as tui:
        await tui.press("f1")
        await tui.shows("COMPOSE LINE", "Withdraw for good", "it can't go on air twice.")
        await newsroom.ask("omar", new("k1", "Ferries stop"))
        await tui.press("space")
        await tui.shows("Ferries stop")
        await tui.press("escape", "question_mark")
        await tui.shows("EVERYWHERE")


async def test_help_is_not_cut_off_on_a_terminal_of_80_by_24(redis_url: str) -> None:
    async with run_tui(redis_url, size=(80, 24), live=False) as tui:
        await tui.press("f1")
        await tui.shows("COMPOSE LINE")
        for binding in Binding.make_bindings([*ON_COMPOSER, *ON_LIST, *EVERYWHERE]):
            assert f" {binding.tooltip} " in "\n".join(tui.screen) or not binding.tooltip
        assert "Ctrl+Y confirms." in tui.text


async def test_quit_with_unsent_text_asks_first_and_returns_the_text(newsroom: DeskHarness) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await tui.paste(STORM)
        await tui.press("ctrl+q")
        await tui.shows("A LINE IS NOT SENT: QUIT ANYWAY?")
        await tui.press("n")
        await tui.shows("nothing was done")
        await tui.press("ctrl+q", "ctrl+q")
        assert tui.app.return_value == STORM


async def test_everything_is_visible_at_80_by_24(newsroom: DeskHarness) -> None:
    async with newsroom.desk(), run_tui(newsroom.url, size=(80, 24)) as tui:
        for number in range(12):
            await newsroom.ask(
                "omar", new(f"k{number}", f"Harbour: Ferries stop, in the {number}th hour " + "again " * 8)
            )
        await tui.press("escape", "c")
        await tui.press("ctrl+o", "shift+tab", "shift+tab", "shift+tab", "shift+tab", "shift+tab")
        await tui.paste(" and again" * 9)
        await tui.shows("CORRECT", "correct needs a reason", "too long", "f1 help", "● live", "11th hour")
        await tui.shows("urg 4", "regions", "at", "story", "url", "embargo", "expires", "what was wrong")


async def test_signal_to_end_before_the_first_screen_ends_the_application() -> None:
    app = DeskApp(lambda: Session("redis://127.0.0.1:1"), "en", "maha")
    app.end()
    assert app.return_value == ""


async def test_message_of_an_earlier_edition_is_ignored() -> None:
    model = model_of("Ferries stop")
    async with offline_tui(model) as tui:
        tui.app.post_message(ModelChanged("ar", model_of("Polls are open", name="ar")))
        tui.app.post_message(ConnectionChanged("ar", State.LIVE))
        await tui.settle()
        assert tui.app.model is model
        assert tui.app.connection.state is not State.LIVE


async def test_key_of_another_list_says_why_it_does_nothing() -> None:
    model = model_of("Ferries stop")
    model.held = [held_item()]
    async with offline_tui(model) as tui:
        await tui.press("escape", "a", "x")
        await tui.shows("NOT DONE", "reject applies to the pending items: press d first")
        assert len(tui.app.screen_stack) == 1
        await tui.press("d", "u", "w")
        await tui.shows("NOT DONE", "withdraw applies to the lines of the board: press b first")
        assert len(tui.app.screen_stack) == 1
        await tui.press("a")
        await tui.shows("APPROVE OMAR'S NEW LINE?")


async def test_footer_shows_the_keys_of_the_current_list() -> None:
    model = model_of("Ferries stop")
    model.held = [held_item()]
    async with offline_tui(model) as tui:
        await tui.shows("esc list", "f1 help")
        await tui.press("escape")
        await tui.shows("w withdraw", "d pending")
        assert "a approve" not in tui.text
        await tui.press("d")
        await tui.shows("a approve", "b board")
        assert "w withdraw" not in tui.text


async def test_editor_without_the_right_to_read_held_items_sees_the_remedy() -> None:
    model = model_of()
    model.held = None
    async with offline_tui(model) as tui:
        await tui.press("f3")
        await tui.shows("Pending ?", "your Redis user may not read held items", "`ticker editor add`")


async def test_no_text_can_control_the_terminal() -> None:
    hostile = "\x1b]52;c;cm0gLXJmIH4=\x07 \x9b2J \u202egnp.exe \udcff"
    model = model_of("Ferries stop")
    (entry,) = model.board.newest_first()  # as from a log that somebody has forged
    line = msgspec.structs.replace(entry.line, version=2, text=f"Ferries {hostile} stop")
    model.board.apply(msgspec.structs.replace(entry, line=line))
    async with offline_tui(model, fault=f"Redis said {hostile}") as tui:
        await tui.shows("Ferries ]52;c;cm0gLXJmIH4= 2J gnp.exe ? stop", "Redis said ]52")
        assert escape(tui.text) == tui.text


async def test_second_enter_before_the_prompt_opens_is_ignored() -> None:
    async with offline_tui(model_of()) as tui:
        await tui.paste("Ferries stop")
        await tui.press("tab", "1")
        await tui.burst("enter", "enter")
        await tui.shows("SEND THIS FLASH TO EN?")
        assert len(tui.app.screen_stack) == 2
        await tui.press("n")
        assert len(tui.app.screen_stack) == 1
