"""The model of an edition: board, held items and reach."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from publisher_cli.tui import model as model_module
from tests.support.strategies import ENGLISH, START
from tests.support.tui_harness import held_item, model_of
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
