"""The compose line: from key presses to the log, with a real server and a real desk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from tests.support.desk_harness import DeskHarness, lines_of, new
from tests.support.strategies import ENGLISH, WITHOUT_HOUSE_RULES
from tests.support.tui_harness import configure, run_desks, run_tui
from ticker.core.edition import DEFAULT_EDITIONS, Effect, Role, SecondPerson
from ticker.store.editors import set_role
from ticker.store.held import read_held

STORM = "Weather office: Storm nears the coast"


async def test_enter_publishes_the_typed_line_and_clears_the_compose_line(newsroom: DeskHarness) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await tui.type(STORM)
        await tui.shows("21/160", "✓ Enter: on air at once")
        await tui.press("enter")
        await tui.shows("ON AIR", "en 1 “Weather office: Storm nears the coast”")
        await tui.until(lambda: tui.typed == "", "the compose line is empty")
    (entry,) = await newsroom.entries()
    assert (entry.line.attribution, entry.line.text) == ("Weather office", "Storm nears the coast")
    assert entry.editor == "maha"


async def test_typed_urgency_section_and_regions_are_published_with_the_line(newsroom: DeskHarness) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await tui.paste(STORM)
        await tui.press("tab")
        await tui.type("2")
        await tui.press("tab")
        await tui.type("envi")
        await tui.press("tab")
        await tui.type("europe, me")
        await tui.press("enter")
        await tui.shows("ON AIR", "BULLETIN", "Environme")
    (entry,) = await newsroom.entries()
    assert (entry.line.urgency, entry.line.section, entry.line.regions) == (2, "environment", ("europe", "mena"))


async def test_ctrl_o_shows_more_fields_with_the_meaning_of_the_command_options(
    newsroom: DeskHarness,
) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        assert "embargo" not in tui.text
        await tui.paste(STORM)
        await tui.press("ctrl+o")
        await tui.type("storm-odile\t")
        await tui.paste("https://news.example/storm")
        await tui.press("tab", "tab")
        await tui.type("12h")
        await tui.shows("✓ Enter: on air at once, expires ", "(in 12 h)")
        await tui.press("enter")
        await tui.shows("ON AIR", "story storm-odile", "https://news.example/storm", "expires in 12 h")
        assert "embargo" not in tui.text
    (entry,) = await newsroom.entries()
    line = entry.line
    assert (line.text, line.coverage, line.url) == (
        "Storm nears the coast",
        "storm-odile",
        "https://news.example/storm",
    )
    assert line.expires_at is not None
    assert timedelta(hours=11, minutes=59) < line.expires_at - line.created_at <= timedelta(hours=12)


async def test_line_with_embargo_is_held_and_its_expiry_counts_from_the_embargo(newsroom: DeskHarness) -> None:
    configure(newsroom, undo_s=5.0)
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await tui.paste(STORM)
        await tui.press("ctrl+o", "tab", "tab")
        await tui.type("2h\t3h")
        await tui.shows("✓ Enter: on air ", "(in 2 h), expires ", "(in 5 h)")
        await tui.press("enter")
        await tui.shows("HELD", "until", "Scheduled 1")
        assert "takes it back" not in tui.text  # an embargo isn't an undo window
        await tui.press("f4")
        await tui.shows("EMBARGO Weather office: Storm nears the coast")
        ((_, held),) = (await read_held(newsroom.redis, "en")).values()
    embargo, expires = held.submission.embargo_until, held.submission.expires_at
    assert isinstance(embargo, datetime)
    assert expires == embargo + timedelta(hours=3)


async def test_change_starts_with_the_fields_of_the_line_and_removes_emptied_ones(newsroom: DeskHarness) -> None:
    until = datetime.now(UTC) + timedelta(hours=5)
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        fields = {"coverage": "storm", "url": "https://news.example/a", "expires_at": until}
        await newsroom.ask("omar", new("k1", "Ferries stop", **fields))
        await tui.shows("Ferries stop")
        await tui.press("escape", "u")
        await tui.shows("UPDATE", "story storm", "url https://news.example/a", f"expires {until:%Y-%m-%dT%H:%MZ}")
        await tui.press("ctrl+o", "tab", "ctrl+u", "enter", "ctrl+y")
        await tui.shows("UPDATED", "NEW LINE")
        assert "embargo" not in tui.text
    first, second = [entry.line for entry in await newsroom.entries()]
    assert (second.coverage, second.url, second.expires_at) == ("storm", None, first.expires_at)


async def test_invalid_field_is_reported_while_typing_and_not_sent(newsroom: DeskHarness) -> None:
    async with newsroom.desk() as state, run_tui(newsroom.url) as tui:
        await tui.paste(STORM)
        await tui.press("ctrl+o", "tab")
        await tui.type("news.example\t\t")
        await tui.shows("✗ refused: ", "'news.example'")
        await tui.type("soon")
        await tui.shows("'soon' is not a time")
        await tui.press("enter")
        await tui.shows("REFUSED", "nothing was sent")
        assert state.outcomes == {}


async def test_ctrl_o_hides_the_extra_fields_only_while_they_are_empty(newsroom: DeskHarness) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await tui.press("ctrl+o", "ctrl+o")
        await tui.until(lambda: "embargo" not in tui.text, "the fields are away")
        await tui.type("Ferries stop")
        assert tui.typed == "Ferries stop"
        await tui.press("ctrl+o")
        await tui.type("storm")
        await tui.press("ctrl+o")
        await tui.shows("story storm", "embargo")


async def test_findings_are_shown_while_typing_and_a_refused_line_is_not_sent(newsroom: DeskHarness) -> None:
    async with newsroom.desk() as state, run_tui(newsroom.url) as tui:
        await tui.paste("x" * 170)
        await tui.shows("170/160 · 10 too long", "refused: the text has 170 characters")
        await tui.press("tab", "tab")
        await tui.type("gardening")
        await tui.shows("this edition has no section 'gardening'")
        await tui.press("enter")
        await tui.shows("REFUSED", "nothing was sent")
        assert tui.typed == "x" * 170
        assert state.outcomes == {}


async def test_line_refused_by_the_desk_stays_in_the_compose_line(newsroom: DeskHarness) -> None:
    configure(newsroom, text_graphemes=20, text_warn_graphemes=20)
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        assert tui.app.model is not None
        # The application still has the settings before the change.
        tui.app.model.stored = msgspec.structs.replace(tui.app.model.stored, edition=ENGLISH)
        await tui.paste("Storm nears the coast of Tal Amar")
        await tui.press("enter")
        await tui.shows("REFUSED", "shorten it by 13")
        assert tui.typed == "Storm nears the coast of Tal Amar"
    assert await newsroom.entries() == []


async def test_flash_needs_ctrl_y_and_any_other_key_returns_to_the_text(newsroom: DeskHarness) -> None:
    async with newsroom.desk() as state, run_tui(newsroom.url) as tui:
        await tui.paste(STORM)
        await tui.press("tab", "1", "enter")
        await tui.shows("SEND THIS FLASH TO EN?")
        for key in ("enter", "y", "ctrl+j"):
            await tui.press(key)
            await tui.shows("nothing was done")
            assert (tui.typed, state.outcomes) == (STORM, {})
            await tui.press("enter")
            await tui.shows("SEND THIS FLASH TO EN?")
        await tui.press("ctrl+y")
        await tui.shows("ON AIR")
    (entry,) = await newsroom.entries()
    assert entry.line.urgency == 1


async def test_sentence_after_a_line_that_was_sent_from_a_field_is_text(newsroom: DeskHarness) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await tui.paste(STORM)
        await tui.press("tab", "4", "enter")
        await tui.shows("ON AIR")
        await tui.type("Next")
        assert tui.typed == "Next"


async def test_only_a_chief_may_break_the_glass_with_a_reason(newsroom: DeskHarness) -> None:
    configure(newsroom, second_person=(SecondPerson.FLASH,))
    await set_role(newsroom.redis, "en", "chief", Role.CHIEF)
    async with newsroom.desk():
        async with run_tui(newsroom.url, editor="maha") as tui:
            await tui.press("ctrl+g")
            await tui.shows("only a chief may go without a second person")
        async with run_tui(newsroom.url, editor="chief") as tui:
            await tui.paste(STORM)
            await tui.press("tab", "1", "ctrl+g")
            await tui.type("The wave is minutes away.")
            await tui.press("enter")
            await tui.shows("SEND WITHOUT A SECOND PERSON TO EN?")
            await tui.press("ctrl+y")
            await tui.shows("ON AIR")
    (entry,) = await newsroom.entries()
    assert (entry.break_glass, entry.overridden) == ("The wave is minutes away.", ("flash",))


async def test_duplicate_is_refused_until_ctrl_r_allows_it(newsroom: DeskHarness) -> None:
    configure(newsroom, rules={**ENGLISH.rules, "duplicate": Effect.REFUSE})
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await newsroom.ask("omar", new("k1", STORM))
        await tui.shows("Storm nears the coast")
        await tui.paste(STORM)
        await tui.shows("✗ refused: ", "(Ctrl+R: send it anyway)")
        await tui.press("ctrl+r")
        await tui.shows("sent although a duplicate", "✓ Enter: on air at once")
        await tui.press("enter")
        await tui.shows("ON AIR", "en 2")


async def test_ctrl_c_in_the_undo_window_takes_the_line_back_into_the_compose_line(newsroom: DeskHarness) -> None:
    configure(newsroom, undo_s=60.0)
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await tui.paste(STORM)
        await tui.press("enter")
        await tui.shows("HELD", "s left: Ctrl+C takes it back")
        await tui.press("ctrl+c")
        await tui.shows("DROPPED", "never went on air")
        assert tui.typed == STORM
    assert await newsroom.entries() == []


async def test_line_that_was_taken_back_is_sent_by_the_next_enter(newsroom: DeskHarness) -> None:
    configure(newsroom, terminal_undo_s=60.0, rules={**ENGLISH.rules, "duplicate": Effect.REFUSE})
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await tui.paste(STORM)
        await tui.press("enter")
        await tui.shows("HELD", "Scheduled 1")
        assert tui.app.model is not None
        listed = tui.app.model.held
        await tui.press("ctrl+c")
        await tui.shows("DROPPED", "Scheduled 0")
        tui.app.model.held = listed  # as it is until the next round
        await tui.press("enter")
        assert "REFUSED" not in tui.text
        await tui.shows("HELD", "s left: Ctrl+C takes it back")


async def test_each_edition_has_its_own_board_and_draft(redis_url: str) -> None:
    arabic = msgspec.structs.replace(DEFAULT_EDITIONS["ar"], rules=WITHOUT_HOUSE_RULES)
    async with run_desks(redis_url, ar=arabic, en=ENGLISH) as rooms:
        await rooms["en"].ask("omar", new("k1", "Ferries stop"))
        await rooms["ar"].ask("omar", new("k1", "توقف العبّارات"))
        async with run_tui(redis_url, "en") as tui:
            await tui.shows("Ferries stop")
            await tui.paste(STORM)
            await tui.press("ctrl+n")
            await tui.shows("أخبار عاجلة", "توقف العبّارات", "0/160")
            assert tui.typed == ""
            assert "Ferries stop" not in tui.text
            await tui.paste("زلزال قوي")
            await tui.press("ctrl+n")
            await tui.shows("Ferries stop", "21/160")
            assert tui.typed == STORM
            await tui.press("enter")
            await tui.shows("ON AIR")
            await tui.press("ctrl+n")
            await tui.shows("توقف العبّارات")
            assert tui.typed == "زلزال قوي"
        assert lines_of(await rooms["en"].entries()) == ["Ferries stop", "Storm nears the coast"]
        assert lines_of(await rooms["ar"].entries()) == ["توقف العبّارات"]
