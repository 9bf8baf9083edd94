"""The keys on lines and held items: permissions, prompts, and the requests that they send."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest

from publisher_cli.tui import actions
from publisher_cli.tui.model import EditionModel
from publisher_cli.tui.outbox import Outbox
from publisher_cli.tui.steps import CONFIRM_KEY, AskText, Confirm, Refuse, Send, Step
from tests.support.desk_harness import DeskHarness, new
from tests.support.strategies import ENGLISH, START
from tests.support.tui_harness import configure, held_item, model_of, run_desks, run_tui
from ticker.core.edition import DEFAULT_EDITIONS, Role, SecondPerson
from ticker.core.errors import SettingsError
from ticker.core.held import content_mark
from ticker.core.line import Change, Status
from ticker.core.submission import Decision, DecisionRequest, ReceiptStatus, Submission
from ticker.store.held import read_held

STORM = "Weather office: Storm nears the coast"


def now() -> datetime:
    return START + timedelta(minutes=10)


def act(name: str, model: EditionModel, selected: str | None) -> Step:
    return actions.act(name, model, selected, now)


def test_action_without_a_selected_row_is_refused() -> None:
    assert act("hide", model_of(), None) == Refuse("select a line on the board first (b, then ↑ ↓)")
    assert act("approve", model_of(), "gone") == Refuse("select a held item first (d or s, then ↑ ↓)")


def test_hide_is_confirmed_and_sent_with_the_version_that_was_shown() -> None:
    step = act("hide", model_of("Ferries stop"), "line-1")
    assert isinstance(step, Confirm)
    assert (step.key, step.about) == (CONFIRM_KEY, "Ferries stop")
    sent = step.then()
    assert isinstance(sent, Send)
    assert isinstance(sent.request, Submission)
    assert (sent.request.change, sent.request.id, sent.request.version) == (Change.HIDE, "line-1", 1)


def test_pin_for_too_long_is_refused_in_the_prompt() -> None:
    step = act("pin", model_of("Ferries stop"), "line-1")
    assert isinstance(step, AskText)
    with pytest.raises(SettingsError, match=r"^8d is more than 7 days away: choose an earlier one$"):
        step.then("8d")


def test_withdrawal_asks_for_a_reason_and_then_for_a_confirmation() -> None:
    step = act("withdraw", model_of("Ferries stop"), "line-1")
    assert isinstance(step, AskText)
    with pytest.raises(SettingsError, match="a withdrawal needs a reason"):
        step.then(" ")
    confirmation = step.then("The ferries run.")
    assert isinstance(confirmation, Confirm)
    assert confirmation.key == CONFIRM_KEY
    sent = confirmation.then()
    assert isinstance(sent, Send)
    assert isinstance(sent.request, Submission)
    assert (sent.request.change, sent.request.reason) == (Change.WITHDRAW, "The ferries run.")


def test_pin_asks_for_a_time_and_then_for_a_confirmation() -> None:
    step = act("pin", model_of("Ferries stop"), "line-1")
    assert isinstance(step, AskText)
    assert step.value == "2h"
    with pytest.raises(SettingsError, match="is not a time"):
        step.then("soon")
    confirmation = step.then("90m")
    assert isinstance(confirmation, Confirm)
    assert confirmation.key == CONFIRM_KEY
    sent = confirmation.then()
    assert isinstance(sent, Send)
    assert isinstance(sent.request, Submission)
    assert sent.request.pinned_until == now() + timedelta(minutes=90)


def test_editor_may_not_approve_their_own_item_but_may_take_it_back() -> None:
    model = model_of()
    model.held = [held_item(editor="maha")]
    assert isinstance(act("approve", model, "held-1"), Refuse)
    step = act("take_back", model, "held-1")
    assert isinstance(step, Confirm)
    assert step.key == CONFIRM_KEY


def test_approval_is_confirmed() -> None:
    model = model_of()
    model.held = [held_item(urgency=1)]
    step = act("approve", model, "held-1")
    assert isinstance(step, Confirm)
    assert (step.title, step.key) == ("APPROVE OMAR'S NEW FLASH?", CONFIRM_KEY)
    sent = step.then()
    assert isinstance(sent, Send)
    assert isinstance(sent.request, DecisionRequest)
    assert (sent.request.decision, sent.request.held) == (Decision.APPROVE, "held-1")
    assert sent.request.seen == content_mark(model.held[0], None)


def test_approval_names_the_version_that_was_shown_when_the_prompt_opened() -> None:
    model = model_of("Ferries stop")
    held = held_item(urgency=1)
    held = msgspec.structs.replace(
        held, submission=Submission(key="k", change=Change.UPDATE, id="line-1", version=1, urgency=1)
    )
    model.held = [held]
    step = act("approve", model, "held-1")
    assert isinstance(step, Confirm)
    latest = model.board.get("line-1")
    assert latest is not None
    newer = msgspec.structs.replace(latest.line, text="All ferries sink", version=2)
    model.board.apply(msgspec.structs.replace(latest, line=newer))
    sent = step.then()
    assert isinstance(sent, Send)
    assert isinstance(sent.request, DecisionRequest)
    assert sent.request.seen == content_mark(held, 1)


def test_only_a_chief_may_approve_without_a_second_person() -> None:
    model = model_of()
    model.held = [held_item(editor="maha")]
    assert isinstance(act("approve_alone", model, "held-1"), Refuse)
    model.role = Role.CHIEF
    step = act("approve_alone", model, "held-1")
    assert isinstance(step, AskText)
    with pytest.raises(SettingsError, match="break-glass needs a reason"):
        step.then("")
    confirmation = step.then("Minutes away.")
    assert isinstance(confirmation, Confirm)
    assert confirmation.key == CONFIRM_KEY


def test_undo_takes_back_the_editors_own_item_in_its_undo_window() -> None:
    model = model_of()
    assert actions.undo(model, Outbox(), now()) is None
    model.held = [held_item("other", editor="omar", needs=False), held_item("own", editor="maha", needs=False)]
    step = actions.undo(model, Outbox(), now())
    assert step is not None
    assert isinstance(step.request, DecisionRequest)
    assert (step.request.decision, step.request.held) == (Decision.CANCEL, "own")


async def test_withdrawal_needs_a_reason_and_a_confirmation(newsroom: DeskHarness) -> None:
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
        await tui.press("ctrl+y")
        await tui.shows("WITHDRAWN", "[withdrawn] The ferries are running.")
    assert [entry.line.status for entry in await newsroom.entries()] == [Status.USABLE, Status.CANCELED]


async def test_unconfirmed_withdrawal_changes_nothing(newsroom: DeskHarness) -> None:
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
async def test_update_correct_and_refile_start_with_the_text_of_the_line(
    newsroom: DeskHarness, key: str, typed: str, change: Change
) -> None:
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
        await tui.press("ctrl+y")
        await tui.shows("en 2 “Harbour: Ferries stop today”", "NEW LINE")
    entry = (await newsroom.entries())[-1]
    assert (entry.line.change, entry.line.text, entry.line.section) == (change, "Ferries stop today", "economy")


async def test_h_hides_and_unhides_and_p_pins_and_unpins(newsroom: DeskHarness) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await newsroom.ask("omar", new("k1", "Ferries stop"))
        await tui.shows("Ferries stop")
        hide, pin = ("h", "ctrl+y"), ("p", "enter", "ctrl+y")
        for keys, marked in ((hide, "HIDDEN"), (hide, "ON AIR AGAIN"), (pin, "PIN "), (("p", "ctrl+y"), "UNPINNED")):
            await tui.press("escape", *keys)
            await tui.shows(marked)
    changes = [entry.line.change for entry in await newsroom.entries()]
    assert changes == [Change.NEW, Change.HIDE, Change.UNHIDE, Change.PIN, Change.UNPIN]


async def test_keys_of_an_arabic_keyboard_are_commands(newsroom: DeskHarness) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await newsroom.ask("omar", new("k1", "Ferries stop"))
        await tui.shows("Ferries stop")
        await tui.press("escape", "ا", "ctrl+y")  # on the key with the Latin letter h
        await tui.shows("HIDDEN")
        await tui.press("escape", "؟")
        await tui.shows("LINE SELECTED")


async def test_sentence_typed_on_the_board_by_mistake_changes_nothing(newsroom: DeskHarness) -> None:
    async with newsroom.desk() as state, run_tui(newsroom.url) as tui:
        await newsroom.ask("omar", new("k1", "Ferries stop"))
        await tui.shows("Ferries stop")
        await tui.press("escape")
        for sentence in (
            "hydro plant, why\n",
            "up in fire\n\n",
            "no news, w x\n",
            "a map of the high pass\ny\n",
            "h\n",
            "عاجل: حريق في صنعاء\n",
        ):
            await tui.type(sentence)
            await tui.press("escape", "escape")
        assert tui.lines.has_focus
        assert state.outcomes == {ReceiptStatus.ON_AIR: 1}


async def test_change_that_cannot_follow_is_refused_with_the_reason(newsroom: DeskHarness) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        receipt = await newsroom.ask("omar", new("k1", "Ferries stop"))
        withdrawal = new("k2", reason="Wrong.", id=receipt.id)
        await newsroom.ask("omar", msgspec.structs.replace(withdrawal, change=Change.WITHDRAW, text=msgspec.UNSET))
        await tui.shows("[withdrawn] Wrong.")
        await tui.press("escape", "u")
        await tui.shows("NOT DONE", "is withdrawn: its text is gone for good")


async def test_pending_item_is_approved_by_another_editor(newsroom: DeskHarness) -> None:
    configure(newsroom, second_person=(SecondPerson.FLASH,))
    async with newsroom.desk(), run_tui(newsroom.url, editor="maha") as tui:
        await tui.paste(STORM)
        await tui.press("tab", "1")
        await tui.shows("waits for a second person")
        await tui.press("enter", "ctrl+y")
        await tui.shows("HELD", "not on air yet", "Pending 1")
        await tui.until(lambda: tui.typed == "", "the compose line is empty")
        await tui.press("f3", "a")
        await tui.shows("is your own: another person has to approve it")
        async with run_tui(newsroom.url, editor="omar") as other:
            await other.press("escape", "d")
            await other.shows("maha", "Storm nears the coast")
            await other.press("a")
            await other.shows("APPROVE MAHA'S NEW FLASH?")
            await other.press("ctrl+y")
            await other.shows("ON AIR", "Pending 0")
        await tui.shows("ON AIR", "en 1 “Weather office: Storm nears the coast”")
    (entry,) = await newsroom.entries()
    assert (entry.editor, entry.approved_by) == ("maha", "omar")


async def test_author_sees_the_reason_of_a_rejection(newsroom: DeskHarness) -> None:
    configure(newsroom, second_person=(SecondPerson.FLASH,))
    async with newsroom.desk(), run_tui(newsroom.url, editor="maha") as tui:
        await tui.paste(STORM)
        await tui.press("tab", "1", "enter", "ctrl+y")
        await tui.shows("HELD", "Pending 1")
        async with run_tui(newsroom.url, editor="omar") as other:
            await other.press("escape", "d")
            await other.shows("Storm nears the coast")
            await other.press("x")
            await other.type("Not confirmed.\n")
            await other.shows("its author sees the reason: Not confirmed.")
            await other.press("ctrl+y")
            await other.shows("DROPPED", "rejected by omar: Not confirmed.")
        await tui.shows("DROPPED", "rejected by omar: Not confirmed.")
    assert await newsroom.entries() == []


async def test_scheduled_item_is_taken_back_before_its_time(newsroom: DeskHarness) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await tui.paste(STORM)
        await tui.press("tab", "tab", "tab", "tab")
        await tui.type("2h")
        await tui.shows("✓ Enter: on air", "(in 2 h")
        await tui.press("enter")
        await tui.shows("HELD", "Scheduled 1")
        await tui.press("f4")
        await tui.shows("scheduled · due")
        await tui.press("z", "ctrl+y")
        await tui.shows("DROPPED", "never went on air", "Scheduled 0")
        assert await read_held(newsroom.redis, "en") == {}
    assert await newsroom.entries() == []


async def test_withdrawal_lists_related_lines_in_other_editions(redis_url: str) -> None:
    async with run_desks(redis_url, es=DEFAULT_EDITIONS["es"], en=ENGLISH) as rooms:
        await rooms["en"].ask("omar", new("k1", "Ferries stop", coverage="storm"))
        related = await rooms["es"].ask("omar", new("k1", "Paran los ferris", coverage="storm"))
        await rooms["es"].ask("omar", new("k2", "Cierran las urnas", coverage="election"))
        async with run_tui(redis_url, "en") as tui:
            await tui.shows("Ferries stop")
            await tui.press("escape", "w", "n", "o", "enter", "ctrl+y")
            await tui.shows("WITHDRAWN", f"STILL ON AIR, same story (Ctrl+N goes there): es {related.id} Paran los")
            assert "Cierran" not in tui.text
