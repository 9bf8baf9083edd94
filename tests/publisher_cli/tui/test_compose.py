"""Writing in the desk view: from keys to the log, on a real server with a real desk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.support.desk_harness import Newsroom, lines_of, new
from tests.support.strategies import ENGLISH
from tests.support.tui_harness import run_tui
from ticker.core.edition import Effect, Role, SecondPerson
from ticker.core.line import Change, Status
from ticker.core.submission import ReceiptStatus
from ticker.settings import Settings
from ticker.store.editors import set_role
from ticker.store.held import read_held

STORM = "Weather office: Storm nears the coast"


def with_edition(newsroom: Newsroom, **fields: Any) -> None:
    edition = msgspec.structs.replace(ENGLISH, **fields)
    newsroom.settings = msgspec.structs.replace(Settings(), editions={"en": edition})


async def test_what_is_typed_goes_on_air_with_enter_and_leaves_the_compose_line(newsroom: Newsroom) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await tui.type(STORM)
        await tui.shows("21/160", "✓ Enter: on air at once")
        await tui.press("enter")
        await tui.shows("ON AIR", "en 1 “Weather office: Storm nears the coast”")
        await tui.until(lambda: tui.typed == "", "the compose line is empty")
    (entry,) = await newsroom.entries()
    assert (entry.line.attribution, entry.line.text) == ("Weather office", "Storm nears the coast")
    assert entry.editor == "maha"


async def test_urgency_section_and_regions_are_typed_beside_the_text(newsroom: Newsroom) -> None:
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


async def test_what_few_lines_have_is_asked_for_by_a_key_and_understood_as_on_the_command_line(
    newsroom: Newsroom,
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


async def test_until_its_embargo_is_over_a_line_is_held_and_its_expiry_counts_from_then(newsroom: Newsroom) -> None:
    with_edition(newsroom, undo_s=5.0)
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await tui.paste(STORM)
        await tui.press("ctrl+o", "tab", "tab")
        await tui.type("2h\t3h")
        await tui.shows("✓ Enter: on air ", "(in 2 h), expires ", "(in 5 h)")
        await tui.press("enter")
        await tui.shows("HELD", "until", "Scheduled 1")
        assert "takes it back" not in tui.text  # its time is its own, and no undo window
        await tui.press("f4")
        await tui.shows("EMBARGO Weather office: Storm nears the coast")
        ((_, held),) = (await read_held(newsroom.redis, "en")).values()
    embargo, expires = held.submission.embargo_until, held.submission.expires_at
    assert isinstance(embargo, datetime)
    assert expires == embargo + timedelta(hours=3)


async def test_a_change_begins_with_what_the_line_has_and_what_is_emptied_is_taken_away(newsroom: Newsroom) -> None:
    until = datetime.now(UTC) + timedelta(hours=5)
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        fields = {"coverage": "storm", "url": "https://news.example/a", "expires_at": until}
        await newsroom.ask("omar", new("k1", "Ferries stop", **fields))
        await tui.shows("Ferries stop")
        await tui.press("escape", "u")
        await tui.shows("UPDATE", "story storm", "url https://news.example/a", f"expires {until:%Y-%m-%dT%H:%MZ}")
        await tui.press("ctrl+o", "tab", "ctrl+u", "enter", "enter")
        await tui.shows("UPDATED", "NEW LINE")
        assert "embargo" not in tui.text
    first, second = [entry.line for entry in await newsroom.entries()]
    assert (second.coverage, second.url, second.expires_at) == ("storm", None, first.expires_at)


async def test_a_field_that_cant_be_understood_is_said_as_it_is_typed_and_nothing_is_sent(newsroom: Newsroom) -> None:
    async with newsroom.desk() as state, run_tui(newsroom.url) as tui:
        await tui.paste(STORM)
        await tui.press("ctrl+o", "tab")
        await tui.type("news.example\t\t")
        await tui.shows("✗ refused: ", "'news.example'")
        await tui.type("soon")
        await tui.shows("'soon' is no time")
        await tui.press("enter")
        await tui.shows("REFUSED", "nothing was sent")
        assert state.outcomes == {}


async def test_fields_are_put_away_again_but_never_with_something_in_them(newsroom: Newsroom) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await tui.press("ctrl+o", "ctrl+o")
        await tui.until(lambda: "embargo" not in tui.text, "the fields are away")
        await tui.type("Ferries stop")
        assert tui.typed == "Ferries stop"
        await tui.press("ctrl+o")
        await tui.type("storm")
        await tui.press("ctrl+o")
        await tui.shows("story storm", "embargo")


async def test_each_finding_shows_while_the_text_is_typed_and_nothing_refused_is_sent(newsroom: Newsroom) -> None:
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


async def test_what_the_desk_refuses_stays_in_the_compose_line(newsroom: Newsroom) -> None:
    with_edition(newsroom, text_graphemes=20, text_warn_graphemes=20)
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        assert tui.app.model is not None
        tui.app.model.stored = msgspec.structs.replace(tui.app.model.stored, edition=ENGLISH)  # as it was before
        await tui.paste("Storm nears the coast of Tal Amar")
        await tui.press("enter")
        await tui.shows("REFUSED", "shorten it by 13")
        assert tui.typed == "Storm nears the coast of Tal Amar"
    assert await newsroom.entries() == []


async def test_a_flash_asks_once_more_and_any_key_but_y_goes_back_to_the_text(newsroom: Newsroom) -> None:
    async with newsroom.desk() as state, run_tui(newsroom.url) as tui:
        await tui.paste(STORM)
        await tui.press("tab", "1", "enter")
        await tui.shows("SEND THIS FLASH TO EN?")
        await tui.press("enter")
        await tui.shows("nothing was done")
        assert (tui.typed, state.outcomes) == (STORM, {})
        await tui.press("enter")
        await tui.shows("SEND THIS FLASH TO EN?")
        await tui.press("y")
        await tui.shows("ON AIR")
    (entry,) = await newsroom.entries()
    assert entry.line.urgency == 1


async def test_a_line_is_withdrawn_by_a_key_a_reason_and_a_yes(newsroom: Newsroom) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await newsroom.ask("omar", new("k1", "Ferries stop"))
        await tui.shows("Ferries stop")
        await tui.press("escape", "w")
        await tui.shows("WITHDRAW", "FOR GOOD")
        await tui.press("enter")
        await tui.shows("a withdrawal needs a reason")
        await tui.type("The ferries are running.")
        await tui.press("enter")
        await tui.shows("readers see the reason: The ferries are running.")
        await tui.press("y")
        await tui.shows("WITHDRAWN", "[withdrawn] The ferries are running.")
    assert [entry.line.status for entry in await newsroom.entries()] == [Status.USABLE, Status.CANCELED]


async def test_a_withdrawal_that_isnt_confirmed_withdraws_nothing(newsroom: Newsroom) -> None:
    async with newsroom.desk() as state, run_tui(newsroom.url) as tui:
        await newsroom.ask("omar", new("k1", "Ferries stop"))
        await tui.shows("Ferries stop")
        await tui.press("escape", "w")
        await tui.type("wrong\n")
        await tui.press("n")
        await tui.shows("nothing was done")
        assert state.outcomes == {ReceiptStatus.ON_AIR: 1}


@pytest.mark.parametrize(
    ("key", "typed", "change"),
    [("u", " today", Change.UPDATE), ("c", " today", Change.CORRECT), ("r", " today", Change.REFILE)],
)
async def test_a_line_is_rewritten_from_what_it_says(newsroom: Newsroom, key: str, typed: str, change: Change) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await newsroom.ask("omar", new("k1", "Harbour: Ferries stop", section="economy"))
        await tui.shows("Ferries stop")
        await tui.press("escape", key)
        await tui.shows(f"{change.upper()} ")
        assert tui.typed == "Harbour: Ferries stop"
        await tui.type(typed)
        if change is Change.CORRECT:
            await tui.shows("correct needs a reason")
            await tui.press("tab", "tab", "tab", "tab", "tab")
            await tui.type("It was today.")
        await tui.press("enter")
        await tui.shows("before: Harbour: Ferries stop after: Harbour: Ferries stop today")
        await tui.press("enter")
        await tui.shows("en 2 “Harbour: Ferries stop today”", "NEW LINE")
    entry = (await newsroom.entries())[-1]
    assert (entry.line.change, entry.line.text, entry.line.section) == (change, "Ferries stop today", "economy")


async def test_a_line_is_held_released_pinned_and_unpinned_by_key(newsroom: Newsroom) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await newsroom.ask("omar", new("k1", "Ferries stop"))
        await tui.shows("Ferries stop")
        for keys, marked in ((("h",), "HIDDEN"), (("h",), "ON AIR AGAIN"), (("p",), "PIN "), (("p",), "UNPINNED")):
            await tui.press("escape", *keys, "enter")
            await tui.shows(marked)
    changes = [entry.line.change for entry in await newsroom.entries()]
    assert changes == [Change.NEW, Change.HIDE, Change.UNHIDE, Change.PIN, Change.UNPIN]


async def test_a_sentence_typed_on_the_board_by_mistake_changes_nothing(newsroom: Newsroom) -> None:
    async with newsroom.desk() as state, run_tui(newsroom.url) as tui:
        await newsroom.ask("omar", new("k1", "Ferries stop"))
        await tui.shows("Ferries stop")
        await tui.press("escape")
        for sentence in ("hydro plant, why\n", "up in fire\n", "no news, w x\n"):
            await tui.type(sentence)
            await tui.press("escape", "escape")
        assert tui.lines.has_focus
        assert state.outcomes == {ReceiptStatus.ON_AIR: 1}


async def test_a_change_that_cant_follow_says_why(newsroom: Newsroom) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        receipt = await newsroom.ask("omar", new("k1", "Ferries stop"))
        withdrawal = new("k2", reason="Wrong.", id=receipt.id)
        await newsroom.ask("omar", msgspec.structs.replace(withdrawal, change=Change.WITHDRAW, text=msgspec.UNSET))
        await tui.shows("[withdrawn] Wrong.")
        await tui.press("escape", "u")
        await tui.shows("NOT DONE", "is canceled: update can't follow")


async def test_what_waits_for_a_second_person_is_approved_by_another_editor(newsroom: Newsroom) -> None:
    with_edition(newsroom, second_person=(SecondPerson.FLASH,))
    async with newsroom.desk(), run_tui(newsroom.url, editor="maha") as tui:
        await tui.paste(STORM)
        await tui.press("tab", "1")
        await tui.shows("waits for a second person")
        await tui.press("enter", "y")
        await tui.shows("HELD", "not on air yet", "Pending 1")
        await tui.until(lambda: tui.typed == "", "the compose line is empty")
        await tui.press("f3", "a")
        await tui.shows("is your own: another person has to approve it")
        async with run_tui(newsroom.url, editor="omar") as other:
            await other.press("escape", "d")
            await other.shows("maha", "Storm nears the coast")
            await other.press("a")
            await other.shows("APPROVE MAHA'S NEW FLASH?")
            await other.press("y")
            await other.shows("ON AIR", "Pending 0")
        await tui.shows("ON AIR", "en 1 “Weather office: Storm nears the coast”")
    (entry,) = await newsroom.entries()
    assert (entry.editor, entry.approved_by) == ("maha", "omar")


async def test_a_rejection_tells_its_author_why(newsroom: Newsroom) -> None:
    with_edition(newsroom, second_person=(SecondPerson.FLASH,))
    async with newsroom.desk(), run_tui(newsroom.url, editor="maha") as tui:
        await tui.paste(STORM)
        await tui.press("tab", "1", "enter", "y")
        await tui.shows("HELD", "Pending 1")
        async with run_tui(newsroom.url, editor="omar") as other:
            await other.press("escape", "d")
            await other.shows("Storm nears the coast")
            await other.press("x")
            await other.type("Not confirmed.\n")
            await other.shows("DROPPED", "rejected by omar: Not confirmed.")
        await tui.shows("DROPPED", "rejected by omar: Not confirmed.")
    assert await newsroom.entries() == []


async def test_what_is_scheduled_is_taken_back_before_its_time(newsroom: Newsroom) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await tui.paste(STORM)
        await tui.press("tab", "tab", "tab", "tab")
        await tui.type("2h")
        await tui.shows("✓ Enter: on air", "(in 2 h")
        await tui.press("enter")
        await tui.shows("HELD", "Scheduled 1")
        await tui.press("f4")
        await tui.shows("scheduled · due")
        await tui.press("z", "enter")
        await tui.shows("DROPPED", "never went on air", "Scheduled 0")
        assert await read_held(newsroom.redis, "en") == {}
    assert await newsroom.entries() == []


async def test_within_the_undo_window_ctrl_c_takes_it_back_with_its_words(newsroom: Newsroom) -> None:
    with_edition(newsroom, undo_s=60.0)
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await tui.paste(STORM)
        await tui.press("enter")
        await tui.shows("HELD", "s left: Ctrl+C takes it back")
        await tui.press("ctrl+c")
        await tui.shows("DROPPED", "never went on air")
        assert tui.typed == STORM
    assert await newsroom.entries() == []


async def test_only_a_chief_may_break_the_glass_and_gives_a_reason(newsroom: Newsroom) -> None:
    with_edition(newsroom, second_person=(SecondPerson.FLASH,))
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
            await tui.press("y")
            await tui.shows("ON AIR")
    (entry,) = await newsroom.entries()
    assert (entry.break_glass, entry.overridden) == ("The wave is minutes away.", ("flash",))


async def test_a_repetition_is_refused_until_it_is_meant(newsroom: Newsroom) -> None:
    with_edition(newsroom, rules={**ENGLISH.rules, "duplicate": Effect.REFUSE})
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await newsroom.ask("omar", new("k1", STORM))
        await tui.shows("Storm nears the coast")
        await tui.paste(STORM)
        await tui.shows("✗ refused: ", "(Ctrl+R: send it anyway)")
        await tui.press("ctrl+r")
        await tui.shows("sent although a duplicate", "✓ Enter: on air at once")
        await tui.press("enter")
        await tui.shows("ON AIR", "en 2")


async def test_a_line_chosen_stays_chosen_when_newer_ones_push_it_down(newsroom: Newsroom) -> None:
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
