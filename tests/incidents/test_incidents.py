"""What went wrong elsewhere, replayed: each incident by its name, with what stops it, and again without.

The second half of each test takes the guard away and sees the incident happen: so the first half can fail. Two more of
them are in `tests/browser/test_incidents.py`: what they were about is what a reader sees.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import redis
from redis.exceptions import NoPermissionError

from tests.access.conftest import GuardedServer
from tests.support.desk_harness import Newsroom, lines_of, new
from tests.support.readers import Reader
from tests.support.strategies import ENGLISH
from tests.support.system import System
from ticker.core.edition import DEFAULT_EDITIONS, Edition, Effect, Role, SecondPerson
from ticker.core.submission import Decision, DecisionRequest, ReceiptStatus, encode_request
from ticker.store.keys import Keys

FALSE_ALARM = "Civil defence: Ballistic missile threat inbound to the islands, seek shelter"
TEST_EDITION = """
[editions.en]
title = "Breaking news"
lang = "en"
dir = "ltr"

[editions.rehearsal]
title = "Rehearsal"
lang = "en"
dir = "ltr"
test = true
"""


def without(rule: str, edition: Edition = ENGLISH) -> Edition:
    return msgspec.structs.replace(edition, rules={**edition.rules, rule: Effect.OFF})


@pytest.fixture
def system(folder: Path) -> Iterator[System]:
    """`ticker up` with a public edition and one for rehearsals."""
    settings = folder / "ticker.toml"
    settings.write_text(TEST_EDITION, encoding="utf-8")
    with System(folder, "--settings", str(settings)) as running:
        yield running


async def test_cnn_2018_readers_get_an_alert_once_however_often_it_is_sent(system: System) -> None:
    """Readers got one alert many times, while the log showed one sending."""
    text = "Court: Sentence of three years for the former lawyer"
    async with Reader(system.url, "en") as reader:
        for _ in range(3):
            assert system.tick("post", text, "-e", "en", "--key", "the-alert", "--no-reach").code == 0
            await reader.drop()
            await reader.reopen()
        again = system.tick("post", text, "-e", "en", "--json")  # by another key: somebody typed it once more
        assert (again.code, again.json["errors"][0]["code"]) == (3, "duplicate")
        assert [line.text for line in reader.lines] == [text.partition(": ")[2]]

        # Without a key of its own for each alert, and told that it is meant, it goes out each time.
        for _ in range(2):
            assert system.tick("post", text, "-e", "en", "--again", "--no-reach").code == 0
        await reader.until(lambda: len(reader.lines) == 3)


async def test_bbc_2014_a_test_alert_does_not_reach_the_public(system: System, redis_url: str) -> None:
    """Alerts of a test ("NYPD Twitter campaign backfires …") went to every phone that had the application."""
    text = "TEST: This is a breaking news alert"
    async with Reader(system.url, "en") as public, Reader(system.url, "rehearsal") as rehearsal:
        assert system.tick("post", text, "-e", "en").code == 3
        assert system.tick("post", "A rehearsed line", "-e", "en", "--dry-run").code == 0
        assert system.tick("post", "A rehearsed line", "-e", "rehearsal", "--no-reach").code == 0
        await rehearsal.until(lambda: len(rehearsal.lines) == 1)
        assert [line.test for line in rehearsal.lines] == [True]
        assert system.tick("post", "The last line", "-e", "en", "--no-reach").code == 0
        await public.until(lambda: bool(public.lines))
        assert [line.text for line in public.lines] == ["The last line"]

        # Rehearsed in the public's edition, and without --dry-run.
        assert system.tick("post", "A rehearsed line", "-e", "en", "--no-reach").code == 0
        await public.until(lambda: len(public.lines) == 2)
        assert [line.test for line in public.lines] == [False, False]

    unguarded = Newsroom(redis_url, like=without("placeholder"))
    async with unguarded.desk():
        assert (await unguarded.ask("ann", new("k1", text))).status is ReceiptStatus.ON_AIR
    await unguarded.aclose()


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "DO NOT PUBLISH: the president's farewell"),
        ("ar", "لا تنشر: خطاب الرئيس الوداعي"),
        ("es", "NO PUBLICAR: el discurso de despedida del presidente"),
    ],
)
async def test_cbs_2018_do_not_publish_is_not_published(redis_url: str, language: str, text: str) -> None:
    """A line that said so was published. The desk looks, not the client: a client can be old, or somebody else's."""
    edition = DEFAULT_EDITIONS[language]
    guarded = Newsroom(redis_url, language, like=edition)
    async with guarded.desk():
        receipt = await guarded.ask("ann", new("k1", text))
    assert (receipt.status, receipt.errors[0].code) == (ReceiptStatus.REFUSED, "placeholder")
    assert await guarded.entries() == []
    await guarded.aclose()

    unguarded = Newsroom(redis_url, f"{language}-2", like=without("placeholder", edition))
    async with unguarded.desk():
        assert (await unguarded.ask("ann", new("k1", text))).status is ReceiptStatus.ON_AIR
    await unguarded.aclose()


async def test_hawaii_2018_a_false_alarm_waits_for_a_second_person(redis_url: str) -> None:
    """One person's wrong choice from a menu sent a missile alert to everybody; it stood for 38 minutes."""
    careful = Newsroom(redis_url, like=msgspec.structs.replace(ENGLISH, second_person=(SecondPerson.FLASH,)))
    async with careful.desk():
        alarm = await careful.ask("ann", new("k1", FALSE_ALARM, urgency=1))
        assert (alarm.status, alarm.needs[0].code) == (ReceiptStatus.HELD, "flash")
        own = await careful.ask("ann", DecisionRequest(key="k2", decision=Decision.APPROVE, held=alarm.held or ""))
        assert (own.status, own.errors[0].code) == (ReceiptStatus.REFUSED, "second-person")
        assert await careful.entries() == []
    await careful.aclose()

    unguarded = Newsroom(redis_url, "careless")
    async with unguarded.desk():
        assert (await unguarded.ask("ann", new("k1", FALSE_ALARM, urgency=1))).status is ReceiptStatus.ON_AIR
    await unguarded.aclose()


async def test_hawaii_2018_a_false_alarm_is_taken_back_by_one_command_that_tells_how_far_it_came(
    system: System,
) -> None:
    async with Reader(system.url, "en") as reader:
        assert system.tick("post", FALSE_ALARM, "-e", "en", "--urgency", "1", "--no-reach").code == 0
        await reader.until(lambda: bool(reader.lines))
        taken_back = system.tick("withdraw", "last", "-e", "en", "--reason", "There is no threat.", "--json")
        assert taken_back.json["reach"]["followers"] == 1
        await reader.until(lambda: len(reader.lines) == 2)
        assert (reader.lines[-1].text, reader.lines[-1].correction) == ("", "There is no threat.")
        async with Reader(system.url, "en") as late:
            assert "missile" not in repr(late.messages)
        assert "missile" in repr(reader.messages[:-1])  # so it was there to be found

        # Without a withdrawal there is only a second line that says better: who comes later reads both, and nobody
        # tells how far the first one came.
        assert system.tick("post", FALSE_ALARM, "-e", "en", "--urgency", "1", "--no-reach").code == 0
        untold = system.tick("post", "Civil defence: There is no threat", "-e", "en", "--no-reach", "--json")
        assert untold.json["reach"] is None
        async with Reader(system.url, "en") as late:
            assert "missile" in repr(late.messages)


def test_ap_2013_a_stolen_account_can_neither_forge_an_author_nor_write_a_log(folder: Path) -> None:
    """A stolen account told of explosions at the White House, and markets fell: it could post as the agency itself."""
    with GuardedServer(folder / "redis") as server:
        server.make_parts()
        with redis.Redis(host="127.0.0.1", port=server.port) as admin:
            admin.sadd("ticker:editions", "en")
            admin.hset(Keys("en").edition, mapping={"settings": msgspec.json.encode(ENGLISH), "nonce": "00" * 32})
        server.add_editor("maha", "-e", "en")
        forged = {"submission": b"{}"}
        with server.client("maha") as stolen:
            stolen.xadd(Keys("en").inbox("maha"), forged)
            for key in (Keys("en").inbox("omar"), Keys("en").log, Keys("ar").inbox("maha")):
                with pytest.raises(NoPermissionError):
                    stolen.xadd(key, forged)
            with pytest.raises(NoPermissionError):
                stolen.hset(Keys("en").editors, "maha", str(Role.CHIEF))
        with redis.Redis(host="127.0.0.1", port=server.port) as unguarded:  # the open default user, without rights
            assert unguarded.xadd(Keys("en").inbox("omar"), forged)


async def test_ap_2013_what_a_stolen_account_says_of_itself_is_refused_and_a_flash_waits(redis_url: str) -> None:
    careful = Newsroom(redis_url, like=msgspec.structs.replace(ENGLISH, second_person=(SecondPerson.FLASH,)))
    async with careful.desk():
        await careful.submit_raw("ann", b'{"key":"k1","change":"new","text":"Explosions","editor":"agency"}')
        (receipt,) = await careful.settled("ann")
        assert (receipt.status, receipt.errors[0].code) == (ReceiptStatus.REFUSED, "malformed")
        flash = await careful.ask("ann", new("k2", "Two explosions at the White House", urgency=1))
        assert flash.status is ReceiptStatus.HELD
        # What isn't a flash goes out, in the name of the inbox that it came from, and can be taken back.
        await careful.ask("ann", new("k3", "Markets open higher"))
    (entry,) = await careful.entries()
    assert entry.editor == "ann"
    await careful.aclose()

    # Without rights in Redis (as here) it writes where the agency does: the agency has said it, to everybody at once.
    unguarded = Newsroom(redis_url, "careless")
    async with unguarded.desk():
        forged = new("k2", "Two explosions at the White House", urgency=1)
        await unguarded.submit_raw("agency", encode_request(forged))
        (receipt,) = await unguarded.settled("agency")
    assert receipt.status is ReceiptStatus.ON_AIR
    assert [entry.editor for entry in await unguarded.entries()] == ["agency"]
    await unguarded.aclose()


async def test_a_typing_mistake_in_the_wrong_edition_is_stopped_by_its_script(redis_url: str) -> None:
    """Not in the table, and it happens every week: a line for one desk, posted to another's edition."""
    arabic = DEFAULT_EDITIONS["ar"]
    guarded, unguarded = (
        Newsroom(redis_url, name, like=like) for name, like in (("ar", arabic), ("ar-2", without("script", arabic)))
    )
    async with guarded.desk():
        receipt = await guarded.ask("ann", new("k1", "Parliament passes the budget"))
    assert (receipt.status, receipt.errors[0].code) == (ReceiptStatus.REFUSED, "script")
    async with unguarded.desk():
        await unguarded.ask("ann", new("k1", "Parliament passes the budget"))
    assert lines_of(await unguarded.entries()) == ["Parliament passes the budget"]
    await guarded.aclose()
    await unguarded.aclose()
