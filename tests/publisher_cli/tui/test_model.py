"""The model of an edition: board, held items and reach."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from publisher_cli.tui import model as model_module
from tests.support.strategies import ENGLISH, START
from tests.support.tui_harness import held_item, model_of
from ticker.core.entry import Logged, Trim
from ticker.store.reach import Report

NOW = START + timedelta(minutes=10)


def test_lines_beyond_the_size_of_the_board_are_listed_as_off_the_board() -> None:
    model = model_of("One", "Two", "Three", edition=msgspec.structs.replace(ENGLISH, board_lines=2))
    assert [line.text for line in model.on_board(NOW)] == ["Three", "Two"]
    assert [entry.line.text for entry in model.off_board(NOW)] == ["One"]


def test_held_items_are_split_into_pending_and_scheduled() -> None:
    model = model_of()
    pending, scheduled = held_item("a"), held_item("b", needs=False)
    model.held = [scheduled, pending]
    assert model.pending() == [pending]
    assert model.scheduled() == [scheduled]
    assert model.held_by_id("b") == scheduled
    assert model.held_by_id("c") is None


def test_editor_without_the_right_to_read_held_items_has_none() -> None:
    model = model_of()
    model.held = None
    assert (model.pending(), model.scheduled(), model.held_by_id("a")) == ([], [], None)


def test_reach_of_a_line_counts_the_gateways_that_have_its_latest_entry() -> None:
    model = model_of("One", "Two")
    assert model.reach("line-1") is None
    model.reports = [Report("g1", 2, 2, 9_000, 12.0)]
    reach = model.reach("line-2")
    assert reach is not None
    assert reach.followers == 9_000


def test_readers_of_the_entry_before_are_shown_only_while_the_latest_is_fresh() -> None:
    model = model_of("One", "Two")
    model.reports = [Report("g1", 1, 1, 9_000, 12.0)]
    updated_at = START + timedelta(minutes=2)
    fresh = model.readers(updated_at + timedelta(seconds=1))
    assert fresh is not None
    assert fresh.followers == 9_000
    assert model.readers(updated_at + model_module.REACH_DELAY) is None


def test_unknown_time_zone_falls_back_to_local_time() -> None:
    assert model_of(edition=msgspec.structs.replace(ENGLISH, zone="Nowhere/City")).zone is None


def test_oldest_tenth_is_dropped_when_there_are_too_many_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_module, "LINES_MAX", 10)
    model = model_of(*(f"Line number {number} of this test" for number in range(11)))
    assert len(model.board) == 9
    assert model.reach("line-1") is None


def test_a_pinned_line_is_not_dropped_with_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_module, "LINES_MAX", 10)
    model = model_of("Pinned")
    pinned = model.board.get("line-1")
    assert pinned is not None
    pin = msgspec.structs.replace(pinned.line, version=2, pinned_until=START + timedelta(days=1))
    model.apply(Logged(2, "2" * 64, msgspec.structs.replace(pinned, line=pin)))
    for number in range(3, 40):
        line = msgspec.structs.replace(pinned.line, id=f"line-{number}", number=number)
        model.apply(Logged(number, f"{number:064x}", msgspec.structs.replace(pinned, line=line)))
    assert model.board.get("line-1") is not None
    assert len(model.board) <= 11


def test_a_forgotten_line_leaves_the_board() -> None:
    model = model_of("One", "Two")
    two = model.board.get("line-2")
    assert two is not None
    line = msgspec.structs.replace(two.line, id="line-3", number=3)
    trim = Trim(through=1, forgotten=("line-1",))
    model.apply(Logged(3, "3" * 64, msgspec.structs.replace(two, line=line, trim=trim)))
    assert [entry.line.id for entry in model.board.newest_first()] == ["line-3", "line-2"]
    assert model.reach("line-1") is None
