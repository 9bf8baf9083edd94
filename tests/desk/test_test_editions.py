"""Test editions: their lines are marked, and an edition in use can't change between test and public."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from tests.support.desk_harness import DeskHarness, NewHarness, new
from tests.support.strategies import ENGLISH
from tests.support.waiting import WAIT_S, eventually
from ticker.core.errors import SettingsError
from ticker.core.line import Change
from ticker.core.submission import ReceiptStatus, Submission
from ticker.desk.desk import DeskState, run_desk
from ticker.store.editions import load_edition

TEST = msgspec.structs.replace(ENGLISH, test=True)


async def test_every_version_of_a_test_editions_line_is_marked(redis_url: str, new_harness: NewHarness) -> None:
    harness = new_harness(redis_url, like=TEST)
    async with harness.desk():
        posted = await harness.ask("ann", new("k1"))
        for change in (
            Submission(key="k2", change=Change.UPDATE, id=posted.id, text="Quake of magnitude 6.3"),
            Submission(key="k3", change=Change.WITHDRAW, id=posted.id, reason="A drill."),
        ):
            assert (await harness.ask("ann", change)).status is ReceiptStatus.ON_AIR
    assert [entry.line.test for entry in await harness.entries()] == [True, True, True]


@pytest.mark.parametrize(("first", "second"), [(ENGLISH, TEST), (TEST, ENGLISH)], ids=["public", "test"])
async def test_a_desk_does_not_start_on_an_edition_of_the_other_kind(
    redis_url: str, first: object, second: object, new_harness: NewHarness
) -> None:
    assert isinstance(first, type(ENGLISH))
    assert isinstance(second, type(ENGLISH))
    current, wanted = new_harness(redis_url, like=first), new_harness(redis_url, like=second)
    async with current.desk():
        await current.ask("ann", new("k1"))
    await wanted.submit("ann", new("k2"))
    state = DeskState()
    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(run_desk(wanted.connector, wanted.settings, state=state), WAIT_S)
    (error,) = caught.value.exceptions
    assert isinstance(error, SettingsError)
    assert "[editions.en]" in str(error)
    assert not state.ready.is_set()
    assert len(await current.entries()) == 1
    stored = await load_edition(current.redis, "en")
    assert stored is not None
    assert stored.edition == first


async def test_a_running_desk_stops_when_the_edition_becomes_another_kind(harness: DeskHarness) -> None:
    async with harness.desk() as state:
        await harness.ask("ann", new("k1"))
        kept = await harness.redis.hget(harness.keys.edition, "settings")
        nonce = await harness.redis.hget(harness.keys.edition, "nonce")
        # No command of ours does this. It is like restoring a backup of another system while the desk runs.
        await harness.redis.hset(
            harness.keys.edition, mapping={"settings": msgspec.json.encode(TEST), "nonce": "ab" * 32}
        )
        await harness.redis.delete(harness.keys.log)
        await eventually(lambda: _is(state.fault is not None), "the desk reports the fault")
        assert "[editions.en]" in (state.fault or "")
        assert not state.accepting
        await harness.submit("ann", new("k2"))
        assert kept is not None
        assert nonce is not None
        await harness.redis.hset(harness.keys.edition, mapping={"settings": kept, "nonce": nonce})
        await eventually(lambda: _is(state.fault is None and state.accepting), "the desk continues")
        await harness.settled("ann")
    assert [entry.line.test for entry in await harness.entries()] == [False]


async def _is(value: bool) -> bool:
    await asyncio.sleep(0)
    return value
