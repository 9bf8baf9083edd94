"""The key bindings: which keys apply to which list, and which ones a dialog blocks."""

from __future__ import annotations

import pytest
from textual.binding import Binding

from publisher_cli.tui.bindings import (
    BLOCKED_BY_DIALOGS,
    EVERYWHERE,
    ON_COMPOSER,
    ON_LIST,
    Pane,
    is_applicable,
    why_not_here,
)


@pytest.mark.parametrize(
    ("action", "panes"),
    [
        ("update", {Pane.BOARD}),
        ("withdraw", {Pane.BOARD}),
        ("undo", {Pane.BOARD}),
        ("approve", {Pane.PENDING}),
        ("reject", {Pane.PENDING}),
        ("take_back", {Pane.PENDING, Pane.SCHEDULED}),
    ],
)
def test_action_applies_only_to_the_rows_of_its_lists(action: str, panes: set[Pane]) -> None:
    assert {pane for pane in Pane if is_applicable("act", (action,), pane)} == panes


@pytest.mark.parametrize(
    ("key", "pane", "reason"),
    [
        ("w", Pane.PENDING, "withdraw applies to the lines of the board: press b first"),
        ("ص", Pane.SCHEDULED, "withdraw applies to the lines of the board: press b first"),
        ("a", Pane.BOARD, "approve applies to the pending items: press d first"),
        ("w", Pane.BOARD, None),
        ("z", Pane.SCHEDULED, None),
        ("j", Pane.PENDING, None),
    ],
)
def test_key_of_another_list_has_an_explanation(key: str, pane: Pane, reason: str | None) -> None:
    assert why_not_here(key, pane) == reason


def test_list_offers_only_the_other_lists() -> None:
    assert not is_applicable("other_pane", ("BOARD",), Pane.BOARD)
    assert is_applicable("other_pane", ("BOARD",), Pane.PENDING)


def test_dialog_blocks_everything_but_undo_and_quit() -> None:
    assert {"act", "pane", "other_pane", "edition", "next_edition", "write_new", "help"} <= BLOCKED_BY_DIALOGS
    assert BLOCKED_BY_DIALOGS.isdisjoint({"interrupt", "leave"})


@pytest.mark.parametrize("bindings", [EVERYWHERE, ON_COMPOSER])
def test_no_letter_has_priority_over_typing(bindings: list[Binding]) -> None:
    assert all(len(key) > 1 for binding in Binding.make_bindings(bindings) for key in [binding.key])


def test_every_key_on_a_list_acts_before_the_next_key() -> None:
    assert all(binding.priority for binding in Binding.make_bindings(ON_LIST))
