"""The receipt bar: the text for a receipt, and the reach that is added later."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from publisher_cli.tui.model import EditionModel
from publisher_cli.tui.outbox import Outbox
from publisher_cli.tui.widgets.receipt_bar import ReceiptBar
from tests.support.strategies import ENGLISH
from ticker.core.position import Position
from ticker.core.submission import Receipt, ReceiptStatus
from ticker.store.editions import StoredEdition
from ticker.store.reach import Report

NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
ON_AIR = Receipt(
    status=ReceiptStatus.ON_AIR,
    edition="en",
    key="k1",
    action="new",
    id="k7m2x9ab3c",
    position=str(Position(1, "ab" * 8)),
)


def model_of(name: str) -> EditionModel:
    return EditionModel(StoredEdition(name, ENGLISH, "0" * 64), "maha")


def test_reach_is_added_once_gateways_report_it() -> None:
    bar, model = ReceiptBar(Outbox(), 10.0), model_of("en")
    bar.show_receipt(ON_AIR, "Ferries stop", NOW)
    assert bar.text(model, NOW).plain == " ON AIR  en 1 “Ferries stop” (id k7m2x9ab3c)"
    model.reports = [Report("g1", 1, 1, 9_000, 12.0)]
    assert bar.text(model, NOW).plain.endswith(" · 1 gateway · 9,000 readers · 12 ms")


def test_reach_of_another_edition_is_not_added() -> None:
    bar, model = ReceiptBar(Outbox(), 10.0), model_of("ar")
    bar.show_receipt(ON_AIR, "Ferries stop", NOW)
    model.reports = [Report("g1", 1, 1, 9_000, 12.0)]
    assert "readers" not in bar.text(model, NOW).plain


def test_source_that_was_split_off_is_shown() -> None:
    bar = ReceiptBar(Outbox(), 10.0)
    bar.show_receipt(msgspec.structs.replace(ON_AIR, attribution="Harbour"), "Harbour: Ferries stop", NOW)
    assert bar.text(None, NOW).plain.endswith("(id k7m2x9ab3c) · source: Harbour")
