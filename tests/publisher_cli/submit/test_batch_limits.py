"""`tick post --from` at the limits of one editor: it waits and goes on, and posts no line twice."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import msgspec

from publisher_cli.output.batch_report import BatchReport
from publisher_cli.submit.batch import Batch, match_answers
from publisher_cli.submit.batch_file import Item
from tests.support.desk_harness import DeskHarness, NewHarness, lines_of, new
from tests.support.strategies import ENGLISH
from ticker.console import Console
from ticker.core.submission import ReceiptStatus
from ticker.store.connection import connect
from ticker.store.editions import load_edition
from ticker.store.log_reader import rotate


def items_of(count: int, **fields: Any) -> list[Item]:
    return [Item(number=n, submission=new(f"k{n}", f"Line {n}", deadline_s=10, **fields)) for n in range(count)]


async def send(harness: DeskHarness, items: list[Item]) -> tuple[Batch, str]:
    """Send a batch, and return it with what it printed to standard error."""
    console = Console(out=io.StringIO(), err=io.StringIO())
    batch = Batch(BatchReport(console), items, asyncio.Event())
    redis = connect(harness.url, role="tick", blocking=True)
    try:
        stored = await load_edition(redis, harness.edition)
        assert stored is not None
        await match_answers(redis, stored, "ann", items)
        await batch.send_all(redis, harness.url, harness.edition, "ann")
        await batch.wait_for_windows(redis, harness.edition, "ann")
    finally:
        await redis.aclose()
    assert isinstance(console.err, io.StringIO)
    return batch, console.err.getvalue()


async def test_a_batch_waits_for_the_rate_limit_and_posts_every_line_once(
    redis_url: str, new_harness: NewHarness
) -> None:
    harness = new_harness(redis_url, submissions_burst=2, submissions_per_minute=6000)
    async with harness.desk():
        batch, told = await send(harness, items_of(4))
    assert {receipt.status for receipt in batch.receipts.values()} == {ReceiptStatus.ON_AIR}
    assert lines_of(await harness.entries()) == ["Line 0", "Line 1", "Line 2", "Line 3"]
    assert told.count("waiting: ") <= 1


async def test_a_batch_with_more_undo_windows_than_an_editor_may_hold_waits_for_them(
    redis_url: str, new_harness: NewHarness
) -> None:
    harness = new_harness(redis_url, like=msgspec.structs.replace(ENGLISH, undo_s=0.3), held_per_editor=2)
    async with harness.desk():
        batch, _ = await send(harness, items_of(5))
    assert {receipt.status for receipt in batch.receipts.values()} == {ReceiptStatus.ON_AIR}
    assert len(await harness.entries()) == 5


async def test_a_second_run_after_a_rotation_posts_the_lines_of_the_old_log_again(
    redis_url: str, new_harness: NewHarness
) -> None:
    harness = new_harness(redis_url)
    async with harness.desk():
        await send(harness, items_of(2))
        again, _ = await send(harness, items_of(2))
        assert len(await harness.entries()) == 2
        await rotate(harness.redis, "en", "ab" * 32)
        await send(harness, items_of(2))
        assert len(await harness.entries()) == 2
    assert all(item.answer is not None for item in again.items)
