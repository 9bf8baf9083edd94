"""The focus: letters are text in the form and commands only on the list, and only the editor moves the focus."""

from __future__ import annotations

import msgspec
import pytest

from publisher_cli.tui.messages import ReceiptArrived
from publisher_cli.tui.widgets.composer import Composer
from tests.support.desk_harness import DeskHarness, new
from tests.support.strategies import ENGLISH
from tests.support.tui_harness import Tui, configure, held_item, model_of, offline_tui, run_tui
from ticker.core.edition import Effect
from ticker.core.position import Position
from ticker.core.submission import Receipt, ReceiptStatus

STORM = "Weather office: Storm nears the coast"
SENTENCES = ("today a map of the high pass\ny\n", "hush\n", "may day\ny\n", "yes\n", "New axis: why\ny\n")


def focused(tui: Tui) -> str | None:
    widget = tui.app.screen_stack[0].focused
    return None if widget is None else widget.id


async def test_tab_and_shift_tab_stay_in_the_form() -> None:
    async with offline_tui(model_of("Ferries stop")) as tui:
        for key, fields in (
            ("shift+tab", ["at", "regions", "section", "urgency", "text"]),
            ("tab", ["urgency", "section", "regions", "at", "text"]),
        ):
            for field in fields:
                await tui.press(key)
                assert focused(tui) == field


async def test_sentence_after_shift_tab_is_text_and_no_command() -> None:
    model = model_of("Ferries stop")
    model.held = [held_item()]
    async with offline_tui(model) as tui:
        await tui.press("shift+tab")
        await tui.type("today a high wave")
        assert len(tui.app.screen_stack) == 1
        assert tui.app.query_one(Composer).draft.fields.at == "today a high wave"


async def test_tab_on_the_list_returns_to_the_text_as_it_was() -> None:
    async with offline_tui(model_of("Ferries stop")) as tui:
        await tui.type("Half a sent")
        for key in ("tab", "shift+tab"):
            await tui.press("escape")
            assert tui.lines.has_focus
            await tui.press(key)
            assert focused(tui) == "text"
        await tui.type("ence")
        assert tui.typed == "Half a sentence"


async def test_screen_shows_whether_letters_are_text_or_commands() -> None:
    async with offline_tui(model_of("Ferries stop")) as tui:
        await tui.shows("WRITING: letters are text")
        await tui.press("tab")
        await tui.shows("WRITING: letters are text")
        await tui.press("escape")
        await tui.shows("LETTERS ARE COMMANDS")
        await tui.press("tab")
        await tui.shows("WRITING: letters are text")


async def test_function_key_shows_a_list_without_the_focus_while_something_is_typed() -> None:
    model = model_of("Ferries stop")
    model.held = [held_item()]
    async with offline_tui(model) as tui:
        await tui.type("Half")
        await tui.press("f3")
        await tui.shows("a flash needs a second person")
        await tui.type("away")
        assert (tui.typed, len(tui.app.screen_stack)) == ("Halfaway", 1)
        await tui.press("ctrl+a", "ctrl+k", "f2")
        assert tui.lines.has_focus


@pytest.mark.parametrize("pane", ["b", "d", "s"])
@pytest.mark.parametrize("sentence", SENTENCES)
async def test_no_sentence_typed_on_a_list_sends_anything(pane: str, sentence: str) -> None:
    edition = msgspec.structs.replace(ENGLISH, rules={**ENGLISH.rules, "short": Effect.ASK})
    model = model_of("Ferries stop until morning", edition=edition)
    model.held = [held_item(), held_item("held-2", needs=False)]
    async with offline_tui(model) as tui:
        await tui.press("escape", pane)
        await tui.type(sentence)
        assert not tui.app.outbox.is_waiting
        assert tui.app.outbox.latest_receipts == []


async def test_focus_stays_in_the_text_after_a_change_is_published(newsroom: DeskHarness) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await newsroom.ask("omar", new("k1", "Harbour: Ferries stop"))
        await tui.shows("Ferries stop")
        await tui.press("escape", "u")
        await tui.type(" today")
        await tui.press("enter", "ctrl+y")
        await tui.shows("UPDATED", "NEW LINE")
        await tui.type("hw")
        assert (focused(tui), tui.typed, len(tui.app.screen_stack)) == ("text", "hw", 1)


async def test_own_line_is_selected_after_it_is_published(newsroom: DeskHarness) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await newsroom.ask("omar", new("k1", "Polls close"))
        await tui.shows("Polls close")
        await tui.type(f"{STORM}\n")
        await tui.shows("ON AIR", "Storm nears")
        await newsroom.ask("omar", new("k2", "Ferries stop"))
        await tui.shows("Ferries stop")
        own = [entry.line.id for entry in await newsroom.entries() if entry.editor == "maha"]
        await tui.until(lambda: [tui.lines.selected] == own, "the own line is selected")


@pytest.mark.parametrize(("keys", "selected"), [((), "line-1"), (("escape",), "line-2")])
async def test_own_line_is_not_selected_while_the_list_has_the_focus(keys: tuple[str, ...], selected: str) -> None:
    receipt = _on_air("line-1")
    async with offline_tui(model_of("Polls close", "Ferries stop")) as tui:
        await tui.press(*keys)
        assert tui.lines.selected == "line-2"
        tui.app.post_message(ReceiptArrived(receipt))
        await tui.shows("ON AIR")
        assert tui.lines.selected == selected


async def test_receipt_that_arrives_after_the_screens_have_closed_is_no_error() -> None:
    async with offline_tui(model_of("Polls close")) as tui:
        app = tui.app
    assert not app.screen_stack
    app._show_receipt(_on_air("line-1"), "")


def _on_air(line_id: str) -> Receipt:
    return Receipt(
        status=ReceiptStatus.ON_AIR,
        edition="en",
        key="k1",
        action="new",
        id=line_id,
        held=line_id,
        position=str(Position(1, "ab" * 8)),
    )


async def test_refused_form_focuses_the_field_that_is_missing(newsroom: DeskHarness) -> None:
    async with newsroom.desk() as state, run_tui(newsroom.url) as tui:
        await newsroom.ask("omar", new("k1", "Harbour: Ferries stop"))
        await tui.shows("Ferries stop")
        before = dict(state.outcomes)
        await tui.press("escape", "c")
        await tui.type(" today")
        await tui.press("enter")
        await tui.shows("REFUSED", "correct needs a reason")
        assert focused(tui) == "reason"
        await tui.type("It was today.")
        await tui.press("ctrl+o", "tab")
        await tui.type("news.example")
        await tui.press("tab", "enter")
        await tui.shows("'news.example' is not an http")
        assert focused(tui) == "url"
        assert state.outcomes == before


async def test_ctrl_c_does_not_quit_after_a_post_or_while_a_request_is_open(newsroom: DeskHarness) -> None:
    async with newsroom.desk():
        pass  # the edition exists, but its desk has stopped
    async with run_tui(newsroom.url) as tui:
        await tui.paste(STORM)
        await tui.press("enter")
        await tui.shows("SENDING")
        await tui.press("ctrl+c", "ctrl+c")
        assert tui.app.is_running
        async with newsroom.desk():
            await tui.shows("ON AIR")
            await tui.press("ctrl+c", "ctrl+c")
            await tui.shows("there is nothing to take back")
            assert tui.app.is_running
    assert [entry.line.text for entry in await newsroom.entries()] == ["Storm nears the coast"]


async def test_ctrl_c_closes_a_dialog_and_quits_only_an_idle_application() -> None:
    async with offline_tui(model_of("Ferries stop")) as tui:
        for key in ("w", "question_mark"):
            await tui.press("escape", key)
            assert len(tui.app.screen_stack) == 2
            await tui.press("ctrl+c")
            assert len(tui.app.screen_stack) == 1
        assert tui.app.return_value is None
        await tui.press("ctrl+c")
        assert tui.app.return_value == ""


async def test_line_goes_on_air_after_an_undo_window_of_five_seconds_by_default(newsroom: DeskHarness) -> None:
    configure(newsroom, terminal_undo_s=5.0)
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await tui.type(STORM)
        await tui.shows("✓ Enter: on air after 5 s in which Ctrl+C takes it back")
        await tui.press("enter")
        await tui.shows("HELD", "s left: Ctrl+C takes it back")
        await tui.press("ctrl+c", "ctrl+c", "ctrl+c")
        await tui.shows("DROPPED", "never went on air")
        await tui.press("ctrl+c")
        assert "DROPPED" in tui.text
        assert (tui.typed, tui.app.is_running) == (STORM, True)
        assert "REFUSED" not in tui.text
    assert await newsroom.entries() == []


async def test_flash_has_no_undo_window_and_is_never_announced_as_on_air_at_once(newsroom: DeskHarness) -> None:
    configure(newsroom, terminal_undo_s=5.0)
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await tui.type(f"{STORM}\t1")
        await tui.shows("✓ Enter: asks first, then on air")
        assert "at once" not in tui.text
        await tui.press("enter", "ctrl+y")
        await tui.shows("ON AIR", "en 1")


async def test_short_line_and_line_without_a_source_ask_first(newsroom: DeskHarness) -> None:
    rules = {**ENGLISH.rules, "short": Effect.ASK, "attribution": Effect.ASK}
    configure(newsroom, rules=rules)
    async with newsroom.desk() as state, run_tui(newsroom.url) as tui:
        await tui.type("q")
        await tui.shows("? asks first: the line names no source", "? asks first: the line has 1 word")
        await tui.press("enter")
        await tui.shows("SEND THIS LINE TO EN?", "! the line has 1 word", "Ctrl+Y: send it")
        await tui.press("y")
        await tui.shows("nothing was done")
        assert state.outcomes == {}
        await tui.press("enter", "ctrl+y")
        await tui.shows("ON AIR", "en 1")
    (entry,) = await newsroom.entries()
    assert set(entry.overridden) == {"short", "attribution"}


async def test_ctrl_t_replaces_a_label_by_its_urgency(newsroom: DeskHarness) -> None:
    configure(newsroom, rules={**ENGLISH.rules, "label": Effect.WARN})
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await tui.type("BREAKING: Storm nears the coast")
        await tui.shows("“BREAKING” is no source", "use --urgency 2 instead (Ctrl+T: do that)")
        await tui.press("ctrl+t")
        await tui.until(lambda: tui.typed == "Storm nears the coast", "the label is gone")
        await tui.press("enter")
        await tui.shows("ON AIR", "BULLETIN")
    (entry,) = await newsroom.entries()
    assert (entry.line.urgency, entry.line.attribution) == (2, None)


async def test_receipt_shows_the_source_that_was_split_off(newsroom: DeskHarness) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await tui.type(f"{STORM}\n")
        await tui.shows("ON AIR", "source: Weather office")
