"""Writing in the desk view: from keys to the log, on a real server with a real desk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from publisher_cli.tui.widgets.lists import LineList
from tests.support.desk_harness import Newsroom, lines_of, new
from tests.support.strategies import ENGLISH
from tests.support.tui_harness import view_of
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
    async with newsroom.desk(), view_of(newsroom.url) as view:
        await view.type(STORM)
        await view.shows("21/160", "✓ Enter: on air at once")
        await view.press("enter")
        await view.shows("ON AIR", "en 1 “Weather office: Storm nears the coast”")
        await view.until(lambda: view.typed == "", "the compose line is empty")
    (entry,) = await newsroom.entries()
    assert (entry.line.attribution, entry.line.text) == ("Weather office", "Storm nears the coast")
    assert entry.editor == "maha"


async def test_urgency_section_and_regions_are_typed_beside_the_text(newsroom: Newsroom) -> None:
    async with newsroom.desk(), view_of(newsroom.url) as view:
        await view.paste(STORM)
        await view.press("tab")
        await view.type("2")
        await view.press("tab")
        await view.type("envi")
        await view.press("tab")
        await view.type("europe, me")
        await view.press("enter")
        await view.shows("ON AIR", "BULLETIN", "Environme")
    (entry,) = await newsroom.entries()
    assert (entry.line.urgency, entry.line.section, entry.line.regions) == (2, "environment", ("europe", "mena"))


async def test_what_few_lines_have_is_asked_for_by_a_key_and_understood_as_on_the_command_line(
    newsroom: Newsroom,
) -> None:
    async with newsroom.desk(), view_of(newsroom.url) as view:
        assert "embargo_until" not in view.text
        await view.paste(STORM)
        await view.press("ctrl+o")
        await view.type("storm-odile\t")
        await view.paste("https://news.example/storm")
        await view.press("tab", "tab")
        await view.type("12h")
        await view.shows("✓ Enter: on air at once, expires ", "(in 12 h)")
        await view.press("enter")
        await view.shows("ON AIR", "story storm-odile", "https://news.example/storm", "expires in 12 h")
        assert "embargo_until" not in view.text
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
    async with newsroom.desk(), view_of(newsroom.url) as view:
        await view.paste(STORM)
        await view.press("ctrl+o", "tab", "tab")
        await view.type("2h\t3h")
        await view.shows("✓ Enter: on air ", "(in 2 h), expires ", "(in 5 h)")
        await view.press("enter")
        await view.shows("HELD", "until", "Scheduled 1")
        assert "takes it back" not in view.text  # its time is its own, and no undo window
        await view.press("f4")
        await view.shows("EMBARGO Weather office: Storm nears the coast")
        ((_, held),) = (await read_held(newsroom.redis, "en")).values()
    embargo, expires = held.submission.embargo_until, held.submission.expires_at
    assert isinstance(embargo, datetime)
    assert expires == embargo + timedelta(hours=3)


async def test_a_change_begins_with_what_the_line_has_and_what_is_emptied_is_taken_away(newsroom: Newsroom) -> None:
    until = datetime.now(UTC) + timedelta(hours=5)
    async with newsroom.desk(), view_of(newsroom.url) as view:
        fields = {"coverage": "storm", "url": "https://news.example/a", "expires_at": until}
        await newsroom.ask("omar", new("k1", "Ferries stop", **fields))
        await view.shows("Ferries stop")
        await view.press("escape", "u")
        await view.shows("UPDATE", "story storm", "url https://news.example/a", f"expires {until:%Y-%m-%dT%H:%MZ}")
        await view.press("ctrl+o", "tab", "ctrl+u", "enter", "enter")
        await view.shows("UPDATED", "NEW LINE")
        assert "embargo_until" not in view.text
    first, second = [entry.line for entry in await newsroom.entries()]
    assert (second.coverage, second.url, second.expires_at) == ("storm", None, first.expires_at)


async def test_a_field_that_cant_be_understood_is_said_as_it_is_typed_and_nothing_is_sent(newsroom: Newsroom) -> None:
    async with newsroom.desk() as state, view_of(newsroom.url) as view:
        await view.paste(STORM)
        await view.press("ctrl+o", "tab")
        await view.type("news.example\t\t")
        await view.shows("✗ refused: ", "'news.example'")
        await view.type("soon")
        await view.shows("'soon' is no time")
        await view.press("enter")
        await view.shows("REFUSED", "nothing was sent")
        assert state.outcomes == {}


async def test_fields_are_put_away_again_but_never_with_something_in_them(newsroom: Newsroom) -> None:
    async with newsroom.desk(), view_of(newsroom.url) as view:
        await view.press("ctrl+o", "ctrl+o")
        await view.until(lambda: "embargo_until" not in view.text, "the fields are away")
        await view.type("Ferries stop")
        assert view.typed == "Ferries stop"
        await view.press("ctrl+o")
        await view.type("storm")
        await view.press("ctrl+o")
        await view.shows("story storm", "embargo_until")


async def test_each_finding_shows_while_the_text_is_typed_and_nothing_refused_is_sent(newsroom: Newsroom) -> None:
    async with newsroom.desk() as state, view_of(newsroom.url) as view:
        await view.paste("x" * 170)
        await view.shows("170/160 · 10 too long", "refused: the text has 170 characters")
        await view.press("tab", "tab")
        await view.type("gardening")
        await view.shows("this edition has no section 'gardening'")
        await view.press("enter")
        await view.shows("REFUSED", "nothing was sent")
        assert view.typed == "x" * 170
        assert state.outcomes == {}


async def test_what_the_desk_refuses_stays_in_the_compose_line(newsroom: Newsroom) -> None:
    with_edition(newsroom, text_graphemes=20, text_warn_graphemes=20)
    async with newsroom.desk(), view_of(newsroom.url) as view:
        assert view.app.picture is not None
        view.app.picture.stored = msgspec.structs.replace(view.app.picture.stored, edition=ENGLISH)  # as it was before
        await view.paste("Storm nears the coast of Tal Amar")
        await view.press("enter")
        await view.shows("REFUSED", "shorten it by 13")
        assert view.typed == "Storm nears the coast of Tal Amar"
    assert await newsroom.entries() == []


async def test_a_flash_asks_once_more_and_any_key_but_y_goes_back_to_the_text(newsroom: Newsroom) -> None:
    async with newsroom.desk() as state, view_of(newsroom.url) as view:
        await view.paste(STORM)
        await view.press("tab", "1", "enter")
        await view.shows("SEND THIS FLASH TO EN?")
        await view.press("enter")
        await view.shows("nothing was done")
        assert (view.typed, state.outcomes) == (STORM, {})
        await view.press("enter")
        await view.shows("SEND THIS FLASH TO EN?")
        await view.press("y")
        await view.shows("ON AIR")
    (entry,) = await newsroom.entries()
    assert entry.line.urgency == 1


async def test_a_line_is_withdrawn_by_a_key_a_reason_and_a_yes(newsroom: Newsroom) -> None:
    async with newsroom.desk(), view_of(newsroom.url) as view:
        await newsroom.ask("omar", new("k1", "Ferries stop"))
        await view.shows("Ferries stop")
        await view.press("escape", "w")
        await view.shows("WITHDRAW", "FOR GOOD")
        await view.press("enter")
        await view.shows("a withdrawal needs a reason")
        await view.type("The ferries are running.")
        await view.press("enter")
        await view.shows("readers are told: The ferries are running.")
        await view.press("y")
        await view.shows("WITHDRAWN", "[withdrawn] The ferries are running.")
    assert [entry.line.status for entry in await newsroom.entries()] == [Status.USABLE, Status.CANCELED]


async def test_a_withdrawal_that_isnt_confirmed_withdraws_nothing(newsroom: Newsroom) -> None:
    async with newsroom.desk() as state, view_of(newsroom.url) as view:
        await newsroom.ask("omar", new("k1", "Ferries stop"))
        await view.shows("Ferries stop")
        await view.press("escape", "w")
        await view.type("wrong\n")
        await view.press("n")
        await view.shows("nothing was done")
        assert state.outcomes == {ReceiptStatus.ON_AIR: 1}


@pytest.mark.parametrize(
    ("key", "typed", "change"),
    [("u", " today", Change.UPDATE), ("c", " today", Change.CORRECT), ("r", " today", Change.REFILE)],
)
async def test_a_line_is_rewritten_from_what_it_says(newsroom: Newsroom, key: str, typed: str, change: Change) -> None:
    async with newsroom.desk(), view_of(newsroom.url) as view:
        await newsroom.ask("omar", new("k1", "Harbour: Ferries stop", section="economy"))
        await view.shows("Ferries stop")
        await view.press("escape", key)
        await view.shows(f"{change.upper()} ")
        assert view.typed == "Harbour: Ferries stop"
        await view.type(typed)
        if change is Change.CORRECT:
            await view.shows("correct needs a reason")
            await view.press("tab", "tab", "tab", "tab", "tab")
            await view.type("It was today.")
        await view.press("enter")
        await view.shows("was: Harbour: Ferries stop now: Harbour: Ferries stop today")
        await view.press("enter")
        await view.shows("en 2 “Harbour: Ferries stop today”", "NEW LINE")
    entry = (await newsroom.entries())[-1]
    assert (entry.line.change, entry.line.text, entry.line.section) == (change, "Ferries stop today", "economy")


async def test_a_line_is_held_released_pinned_and_unpinned_by_key(newsroom: Newsroom) -> None:
    async with newsroom.desk(), view_of(newsroom.url) as view:
        await newsroom.ask("omar", new("k1", "Ferries stop"))
        await view.shows("Ferries stop")
        for keys, marked in ((("h",), "HELD"), (("h",), "ON AIR AGAIN"), (("p",), "PIN "), (("p",), "UNPINNED")):
            await view.press("escape", *keys, "enter")
            await view.shows(marked)
    changes = [entry.line.change for entry in await newsroom.entries()]
    assert changes == [Change.NEW, Change.HIDE, Change.UNHIDE, Change.PIN, Change.UNPIN]


async def test_a_sentence_typed_on_the_board_by_mistake_changes_nothing(newsroom: Newsroom) -> None:
    async with newsroom.desk() as state, view_of(newsroom.url) as view:
        await newsroom.ask("omar", new("k1", "Ferries stop"))
        await view.shows("Ferries stop")
        await view.press("escape")
        for sentence in ("hydro plant, why\n", "up in fire\n", "no news, w x\n"):
            await view.type(sentence)
            await view.press("escape", "escape")
        assert view.app.query_one(LineList).has_focus
        assert state.outcomes == {ReceiptStatus.ON_AIR: 1}


async def test_a_change_that_cant_follow_says_why(newsroom: Newsroom) -> None:
    async with newsroom.desk(), view_of(newsroom.url) as view:
        receipt = await newsroom.ask("omar", new("k1", "Ferries stop"))
        withdrawal = new("k2", reason="Wrong.", id=receipt.id)
        await newsroom.ask("omar", msgspec.structs.replace(withdrawal, change=Change.WITHDRAW, text=msgspec.UNSET))
        await view.shows("[withdrawn] Wrong.")
        await view.press("escape", "u")
        await view.shows("NOT DONE", "is canceled: update can't follow")


async def test_what_waits_for_a_second_person_is_approved_by_another_editor(newsroom: Newsroom) -> None:
    with_edition(newsroom, second_person=(SecondPerson.FLASH,))
    async with newsroom.desk(), view_of(newsroom.url, editor="maha") as view:
        await view.paste(STORM)
        await view.press("tab", "1")
        await view.shows("waits for a second person")
        await view.press("enter", "y")
        await view.shows("HELD", "not on air yet", "Decide 1")
        await view.until(lambda: view.typed == "", "the compose line is empty")
        await view.press("f3", "a")
        await view.shows("is your own: another person has to approve it")
        async with view_of(newsroom.url, editor="omar") as other:
            await other.press("escape", "d")
            await other.shows("maha", "Storm nears the coast")
            await other.press("a")
            await other.shows("APPROVE MAHA'S NEW FLASH?")
            await other.press("y")
            await other.shows("ON AIR", "Decide 0")
        await view.shows("ON AIR", "en 1 “Weather office: Storm nears the coast”")
    (entry,) = await newsroom.entries()
    assert (entry.editor, entry.approved_by) == ("maha", "omar")


async def test_a_rejection_tells_its_author_why(newsroom: Newsroom) -> None:
    with_edition(newsroom, second_person=(SecondPerson.FLASH,))
    async with newsroom.desk(), view_of(newsroom.url, editor="maha") as view:
        await view.paste(STORM)
        await view.press("tab", "1", "enter", "y")
        await view.shows("HELD", "Decide 1")
        async with view_of(newsroom.url, editor="omar") as other:
            await other.press("escape", "d")
            await other.shows("Storm nears the coast")
            await other.press("x")
            await other.type("Not confirmed.\n")
            await other.shows("DROPPED", "rejected by omar: Not confirmed.")
        await view.shows("DROPPED", "rejected by omar: Not confirmed.")
    assert await newsroom.entries() == []


async def test_what_is_scheduled_is_taken_back_before_its_time(newsroom: Newsroom) -> None:
    async with newsroom.desk(), view_of(newsroom.url) as view:
        await view.paste(STORM)
        await view.press("tab", "tab", "tab", "tab")
        await view.type("2h")
        await view.shows("✓ Enter: on air", "(in 2 h")
        await view.press("enter")
        await view.shows("HELD", "Scheduled 1")
        await view.press("f4")
        await view.shows("scheduled · due")
        await view.press("z", "enter")
        await view.shows("DROPPED", "never went on air", "Scheduled 0")
        assert await read_held(newsroom.redis, "en") == {}
    assert await newsroom.entries() == []


async def test_within_the_undo_window_ctrl_c_takes_it_back_with_its_words(newsroom: Newsroom) -> None:
    with_edition(newsroom, undo_s=60.0)
    async with newsroom.desk(), view_of(newsroom.url) as view:
        await view.paste(STORM)
        await view.press("enter")
        await view.shows("HELD", "s left: Ctrl+C takes it back")
        await view.press("ctrl+c")
        await view.shows("DROPPED", "never went on air")
        assert view.typed == STORM
    assert await newsroom.entries() == []


async def test_only_a_chief_may_break_the_glass_and_gives_a_reason(newsroom: Newsroom) -> None:
    with_edition(newsroom, second_person=(SecondPerson.FLASH,))
    await set_role(newsroom.redis, "en", "chief", Role.CHIEF)
    async with newsroom.desk():
        async with view_of(newsroom.url, editor="maha") as view:
            await view.press("ctrl+g")
            await view.shows("only a chief may go without a second person")
        async with view_of(newsroom.url, editor="chief") as view:
            await view.paste(STORM)
            await view.press("tab", "1", "ctrl+g")
            await view.type("The wave is minutes away.")
            await view.press("enter")
            await view.shows("GO WITHOUT A SECOND PERSON TO EN?")
            await view.press("y")
            await view.shows("ON AIR")
    (entry,) = await newsroom.entries()
    assert (entry.break_glass, entry.overridden) == ("The wave is minutes away.", ("flash",))


async def test_a_repetition_is_refused_until_it_is_meant(newsroom: Newsroom) -> None:
    with_edition(newsroom, rules={**ENGLISH.rules, "duplicate": Effect.REFUSE})
    async with newsroom.desk(), view_of(newsroom.url) as view:
        await newsroom.ask("omar", new("k1", STORM))
        await view.shows("Storm nears the coast")
        await view.paste(STORM)
        await view.shows("✗ refused: ", "^R meant again")
        await view.press("ctrl+r")
        await view.shows("meant as a repetition", "✓ Enter: on air at once")
        await view.press("enter")
        await view.shows("ON AIR", "en 2")


async def test_a_line_chosen_stays_chosen_when_newer_ones_push_it_down(newsroom: Newsroom) -> None:
    async with newsroom.desk(), view_of(newsroom.url) as view:
        receipt = await newsroom.ask("omar", new("k1", "Ferries stop"))
        await view.shows("Ferries stop")
        await view.press("escape")
        assert view.chosen == receipt.id
        for number in range(3):
            await newsroom.ask("omar", new(f"n{number}", f"Another line, number {number}"))
        await view.shows("number 2")
        assert view.chosen == receipt.id
    assert lines_of(await newsroom.entries())[0] == "Ferries stop"
