"""What became of what was handed in last, told again as more of it is known."""

from __future__ import annotations

from datetime import UTC, datetime

from publisher_cli.tui.mail import Mail
from publisher_cli.tui.model import Picture
from publisher_cli.tui.widgets.receipt_bar import Telling
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


def picture_of(name: str) -> Picture:
    return Picture(StoredEdition(name, ENGLISH, "0" * 64), "maha")


def test_how_far_it_came_is_told_as_soon_as_gateways_say_it() -> None:
    telling, picture = Telling(Mail(), 10.0), picture_of("en")
    telling.tell(ON_AIR, "Ferries stop")
    assert telling.words(picture, NOW).plain == " ON AIR  en 1 “Ferries stop” (id k7m2x9ab3c)"
    picture.reports = [Report("g1", 1, 1, 9_000, 12.0)]
    assert telling.words(picture, NOW).plain.endswith(" · 1 gateway · 9,000 readers · 12 ms")


def test_reports_of_the_edition_that_was_turned_to_say_nothing_of_it() -> None:
    telling, picture = Telling(Mail(), 10.0), picture_of("ar")
    telling.tell(ON_AIR, "Ferries stop")
    picture.reports = [Report("g1", 1, 1, 9_000, 12.0)]
    assert "readers" not in telling.words(picture, NOW).plain
