"""Backups and restores with a real server and a real desk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from tests.support.desk_harness import DeskHarness, NewHarness, lines_of, new
from tests.support.strategies import ENGLISH
from ticker.backup.reader import BackupFile
from ticker.backup.restoring import Restored, Restoring, plan_edition, restore_edition
from ticker.backup.saving import save_backup
from ticker.backup.writer import BackupWriter
from ticker.core.board import Board
from ticker.core.edition import Role
from ticker.core.errors import StoreError
from ticker.core.line import Change, Status
from ticker.core.submission import Receipt, ReceiptStatus, Submission
from ticker.store.connection import Redis, connect
from ticker.store.editions import edition_names
from ticker.store.editors import roles
from ticker.store.log_reader import last_seq, verify_log
from ticker.store.streams import read_range, seq_of

TEXTS = ("Ferries run again", "Bridge reopens", "School stays shut", "Rain moves east", "Airport is open")


@pytest_asyncio.fixture
async def harness(empty_url: str) -> AsyncIterator[DeskHarness]:
    harness = DeskHarness(empty_url)
    yield harness
    await harness.aclose()


async def save(redis: Redis, path: Path) -> Path:
    with BackupWriter(path) as writer:
        await save_backup(redis, writer, (), datetime.now(UTC), "0.1")
    return path


async def restore(redis: Redis, path: Path, *, hides: bool = False, name: str = "en") -> Restored:
    with BackupFile(path) as file:
        section = file.check().sections[name]
        return await restore_edition(redis, file, section, datetime.now(UTC), hides=hides)


async def plan(redis: Redis, path: Path) -> Restoring:
    with BackupFile(path) as file:
        return await plan_edition(redis, file, file.check().sections["en"], datetime.now(UTC), hides=False)


async def post_all(harness: DeskHarness) -> list[Receipt]:
    return [await harness.ask("ann", new(f"k{number}", text)) for number, text in enumerate(TEXTS, start=1)]


async def change(harness: DeskHarness, kind: Change, receipt: Receipt, **fields: object) -> Receipt:
    key = f"{kind}-{receipt.id}"
    request = msgspec.convert(
        {"key": key, "change": kind, "id": receipt.id, "version": receipt.version, **fields}, Submission
    )
    changed = await harness.ask("bob", request)
    assert changed.status is ReceiptStatus.ON_AIR, changed
    return changed


async def board(harness: DeskHarness) -> dict[str, str]:
    """Return the texts that show, by id."""
    shown = Board()
    for entry in await harness.entries():
        shown.apply(entry)
    return {each.line.id: each.line.text for each in shown.newest_first() if each.line.status is Status.USABLE}


async def flush(redis: Redis) -> None:
    await redis.flushall()


async def test_an_empty_server_gets_everything_and_answers_the_keys_of_the_backup(
    harness: DeskHarness, tmp_path: Path
) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    await harness.set_roles(ann=Role.CHIEF)
    async with harness.desk():
        posted = await post_all(harness)
        await change(harness, Change.WITHDRAW, posted[0], reason="It was wrong")
        held = await harness.ask("bob", new("s1", "Ships sail at noon", publish_at=later))
    before = await harness.entries()
    path = await save(harness.redis, tmp_path / "a.backup")
    await flush(harness.redis)
    done = await restore(harness.redis, path)
    assert await harness.entries() == before
    assert (done.entries, done.held, done.archive) == (len(before), 1, None)
    assert str((await verify_log(harness.redis, "en")).head) == done.position
    assert await edition_names(harness.redis) == ["en"]
    assert await roles(harness.redis, "en") == {"ann": Role.CHIEF, "bob": None}
    assert await harness.redis.keys("*restore*") == []
    async with harness.desk():
        again = [await harness.ask("ann", new(f"k{number}", text)) for number, text in enumerate(TEXTS, start=1)]
        assert [each.id for each in again] == [each.id for each in posted]
        approved = await harness.approve("ann", held)
        assert approved.status is ReceiptStatus.HELD  # it waits for its time, as before
        await change(harness, Change.WITHDRAW, posted[1], reason="It was wrong")
    assert len(await harness.entries()) == len(before) + 1


async def test_no_position_of_the_replaced_history_is_valid_also_when_the_log_has_grown_past_it(
    harness: DeskHarness, tmp_path: Path
) -> None:
    async with harness.desk():
        await post_all(harness)
        path = await save(harness.redis, tmp_path / "a.backup")
        before = await marks(harness)
        await restore(harness.redis, path)
        await harness.ask("ann", new("k9", "Trains run again"))
        after = await marks(harness)
    assert [seq for seq, _ in after] == [1, 2, 3, 4, 5, 6]
    assert not set(before) & set(after)


async def marks(harness: DeskHarness) -> list[tuple[int, bytes]]:
    found = await read_range(harness.redis, harness.keys.log)
    return [(seq_of(stream_id), fields[b"link"]) for stream_id, fields in found]


async def test_what_was_taken_back_since_the_backup_stays_off_the_board(harness: DeskHarness, tmp_path: Path) -> None:
    async with harness.desk():
        posted = await post_all(harness)
        path = await save(harness.redis, tmp_path / "a.backup")
        await change(harness, Change.WITHDRAW, posted[0], reason="It was wrong")
        await change(harness, Change.HIDE, posted[1])
        await change(harness, Change.CORRECT, posted[2], text="School opens", reason="It is open")
        await change(harness, Change.UPDATE, posted[3], text="Rain moves west")
        new_line = await harness.ask("ann", new("k9", "Trains run again"))
        planned = await plan(harness.redis, path)
        assert {each.id: each.effect for each in planned.plan.repair.lost} == {
            posted[0].id: "withdrawn",
            posted[1].id: "hidden",
            posted[2].id: "hidden",
            posted[3].id: "stale",
            new_line.id: "gone",
        }
        assert (planned.replaced, planned.plan.gone) == (10, 1)
        await restore(harness.redis, path)
        assert await board(harness) == {posted[3].id: TEXTS[3], posted[4].id: TEXTS[4]}
        assert [entry.line.correction for entry in await harness.entries()][len(TEXTS)] == "It was wrong"
        again = await harness.ask("ann", new("k9", "Trains run again"))
        assert again.id != new_line.id  # its key counts as new: the line is gone
        # The log with the withdrawal is gone as well. Its receipts still keep the text off the board.
        await restore(harness.redis, path)
        assert posted[0].id not in await board(harness)


async def test_a_withdrawal_without_a_receipt_stays_as_long_as_the_log_has_it(
    harness: DeskHarness, tmp_path: Path
) -> None:
    async with harness.desk():
        posted = await post_all(harness)
        path = await save(harness.redis, tmp_path / "a.backup")
        await change(harness, Change.WITHDRAW, posted[0], reason="It was wrong")
    await harness.redis.delete(harness.keys.receipts("bob"))
    await restore(harness.redis, path)
    assert posted[0].id not in await board(harness)


async def test_hidden_restore_shows_nothing_until_an_editor_unhides_it(harness: DeskHarness, tmp_path: Path) -> None:
    async with harness.desk():
        posted = await post_all(harness)
        path = await save(harness.redis, tmp_path / "a.backup")
    await flush(harness.redis)
    await restore(harness.redis, path, hides=True)
    assert await board(harness) == {}
    async with harness.desk():
        shown = msgspec.structs.replace(posted[2], version=2)
        await change(harness, Change.UNHIDE, shown)
    assert await board(harness) == {posted[2].id: TEXTS[2]}


async def test_restored_held_items_wait_for_a_person_and_those_of_the_server_stay(
    harness: DeskHarness, tmp_path: Path
) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    async with harness.desk():
        cancelled = await harness.ask("bob", new("s1", "Ships sail at noon", publish_at=later))
        kept = await harness.ask("bob", new("s2", "Trains stop at noon", publish_at=later))
        path = await save(harness.redis, tmp_path / "a.backup")
        await harness.redis.hdel(harness.keys.held, str(cancelled.held))
        added = await harness.ask("bob", new("s3", "Buses stop at noon", publish_at=later))
        await restore(harness.redis, path)
        waiting = {item.id: item.waits_for_person for item in await harness.held()}
    assert waiting == {cancelled.held: True, kept.held: False, added.held: False}


async def test_a_log_that_changes_before_the_swap_is_planned_again(harness: DeskHarness, tmp_path: Path) -> None:
    async with harness.desk():
        posted = await post_all(harness)
        path = await save(harness.redis, tmp_path / "a.backup")
        withdrawn: list[Receipt] = []

        async def withdraw() -> None:
            if not withdrawn:
                withdrawn.append(await change(harness, Change.WITHDRAW, posted[0], reason="It was wrong"))

        with BackupFile(path) as file:
            section = file.check().sections["en"]
            await restore_edition(harness.redis, file, section, datetime.now(UTC), hides=False, before_swap=withdraw)
        assert posted[0].id not in await board(harness)
        assert await harness.redis.keys("*restore*") == []


async def test_a_log_that_keeps_changing_stays_as_it_was(harness: DeskHarness, tmp_path: Path) -> None:
    async with harness.desk():
        await post_all(harness)
        path = await save(harness.redis, tmp_path / "a.backup")
        count = 0

        async def post() -> None:
            nonlocal count
            count += 1
            await harness.ask("ann", new(f"x{count}", f"Line {count} says {count * 7}", again=True))

        with BackupFile(path) as file, pytest.raises(StoreError, match="keeps changing"):
            await restore_edition(
                harness.redis, file, file.check().sections["en"], datetime.now(UTC), hides=False, before_swap=post
            )
    assert len(await harness.entries()) == len(TEXTS) + count
    assert await harness.redis.keys("*restore*") == []


async def test_a_public_edition_never_replaces_a_test_edition(
    harness: DeskHarness, tmp_path: Path, new_harness: NewHarness
) -> None:
    async with harness.desk():
        await post_all(harness)
    path = await save(harness.redis, tmp_path / "a.backup")
    await flush(harness.redis)
    tests = new_harness(harness.url, like=msgspec.structs.replace(ENGLISH, test=True))
    async with tests.desk():
        await tests.ask("ann", new("k1", "This is only a test"))
        with pytest.raises(StoreError, match=r"en is public in the backup and a test edition on this server"):
            await restore(tests.redis, path)
    assert lines_of(await tests.entries()) == ["This is only a test"]


async def test_a_backup_under_load_is_the_log_at_one_moment(
    empty_url: str, tmp_path: Path, new_harness: NewHarness
) -> None:
    """The desk publishes and trims meanwhile. Every line that it knew at that moment is in the backup."""
    harness = new_harness(empty_url, retained=20, submissions_per_minute=0)
    async with harness.desk():
        for number in range(30):
            await harness.ask("ann", new(f"k{number}", f"Line {number} says {number * 7}", again=True))
        stop = asyncio.Event()

        async def publish() -> None:
            number = 100
            while not stop.is_set():
                number += 1
                await harness.ask("ann", new(f"k{number}", f"Line {number} says {number * 7}", again=True))

        writer = asyncio.create_task(publish())
        paths = [await save(harness.redis, tmp_path / f"{number}.backup") for number in range(8)]
        stop.set()
        await writer
    for path in paths:
        with BackupFile(path) as file:
            section = file.check().sections["en"]
            assert section.entries >= 20
    await flush(harness.redis)
    await restore(harness.redis, paths[-1])
    async with harness.desk():
        again = await harness.ask("ann", new("k29", "Line 29 says 203", again=True))
        assert again.status is ReceiptStatus.ON_AIR


async def test_a_damaged_log_is_not_backed_up(harness: DeskHarness, tmp_path: Path) -> None:
    async with harness.desk():
        await post_all(harness)
    path = await save(harness.redis, tmp_path / "a.backup")
    before = path.read_bytes()
    await harness.redis.xdel(harness.keys.log, "3-0")
    with pytest.raises(StoreError, match=r"damaged.*ticker repair en --dry-run"):
        await save(harness.redis, path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("topology", ["cluster", "sentinel"])
async def test_backup_and_restore_work_through_cluster_and_sentinel(
    topology: str, request: pytest.FixtureRequest, tmp_path: Path, new_harness: NewHarness
) -> None:
    servers = request.getfixturevalue("redis_cluster" if topology == "cluster" else "sentinel_trio")
    editions = [new_harness(servers.url, edition=name) for name in ("en", "es")]
    for harness in editions:
        async with harness.desk():
            await harness.ask("ann", new("k1", f"A line of {harness.edition}"))
    redis = connect(servers.url, role="ticker")
    path = await save(redis, tmp_path / "a.backup")
    for harness in editions:
        async with harness.desk():
            await harness.ask("ann", new("k2", f"A later line of {harness.edition}"))
        await restore(redis, path, name=harness.edition)
        assert lines_of(await harness.entries()) == [f"A line of {harness.edition}"]
        assert await last_seq(redis, harness.edition) == 1
        await harness.aclose()
    await redis.aclose()
