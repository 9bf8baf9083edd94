"""Incidents of other newsrooms: each test shows the protection against one, and the incident without the protection.

The second half of each test removes the protection and lets the incident happen, which proves that the first half can
fail. `tests/browser/test_incidents.py` has the incidents that concern the reader's page.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import redis
from redis.exceptions import NoPermissionError

from tests.support.desk_harness import NewHarness, lines_of, new
from tests.support.guarded_server import GuardedServer
from tests.support.readers import RecordingReader
from tests.support.strategies import ENGLISH
from tests.support.system import System
from ticker.core.edition import DEFAULT_EDITIONS, Edition, Effect, Role, SecondPerson
from ticker.core.submission import ReceiptStatus, encode_request
from ticker.store.keys import Keys

FALSE_ALARM = "Civil defence: Ballistic missile threat inbound to the islands, seek shelter"
TEST_EDITION = """
[editions.en]
title = "Breaking news"
lang = "en"
dir = "ltr"

[editions.drill]
title = "Drill"
lang = "en"
dir = "ltr"
test = true
"""


def without(rule: str, edition: Edition = ENGLISH) -> Edition:
    return msgspec.structs.replace(edition, rules={**edition.rules, rule: Effect.OFF})


@pytest.fixture
def system(folder: Path) -> Iterator[System]:
    """`ticker up` with a public edition and a test edition."""
    settings = folder / "ticker.toml"
    settings.write_text(TEST_EDITION, encoding="utf-8")
    with System(folder, "--settings", str(settings)) as running:
        yield running


async def test_cnn_2018_readers_get_an_alert_once_even_if_it_is_sent_repeatedly(system: System) -> None:
    """Readers got the same alert many times, although it was sent once."""
    text = "Court: Sentence of three years for the former lawyer"
    async with RecordingReader(system.url, "en") as reader:
        for _ in range(3):
            assert system.tick("post", text, "-e", "en", "--key", "the-alert", "--no-reach").code == 0
            await reader.until(lambda: bool(reader.lines))
            await reader.drop()
            await reader.reopen()
        again = system.tick("post", text, "-e", "en", "--json")  # with another key, as if typed again
        assert (again.code, again.json["errors"][0]["code"]) == (3, "duplicate")
        assert [line.text for line in reader.lines] == [text.partition(": ")[2]]

        # Without a key and with --again, the line is published each time.
        for _ in range(2):
            assert system.tick("post", text, "-e", "en", "--again", "--no-reach").code == 0
        await reader.until(lambda: len(reader.lines) == 3)


async def test_bbc_2014_a_test_alert_does_not_reach_the_public(
    system: System, redis_url: str, new_harness: NewHarness
) -> None:
    """Test alerts ("NYPD Twitter campaign backfires …") went to every phone with the application."""
    text = "TEST: This is a breaking news alert"
    async with RecordingReader(system.url, "en") as public, RecordingReader(system.url, "drill") as drill:
        assert system.tick("post", text, "-e", "en").code == 3
        assert system.tick("post", "A test line", "-e", "en", "--dry-run").code == 0
        assert system.tick("post", "A test line", "-e", "drill", "--no-reach").code == 0
        await drill.until(lambda: len(drill.lines) == 1)
        assert [line.test for line in drill.lines] == [True]
        assert system.tick("post", "The last line", "-e", "en", "--no-reach").code == 0
        await public.until(lambda: bool(public.lines))
        assert [line.text for line in public.lines] == ["The last line"]

        # A test in the public edition without --dry-run.
        assert system.tick("post", "A test line", "-e", "en", "--no-reach").code == 0
        await public.until(lambda: len(public.lines) == 2)
        assert [line.test for line in public.lines] == [False, False]

    unguarded = new_harness(redis_url, like=without("placeholder"))
    async with unguarded.desk():
        assert (await unguarded.ask("ann", new("k1", text))).status is ReceiptStatus.ON_AIR


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "DO NOT PUBLISH: the president's farewell"),
        ("ar", "لا تنشر: خطاب الرئيس الوداعي"),
        ("es", "NO PUBLICAR: el discurso de despedida del presidente"),
    ],
)
async def test_cbs_2018_do_not_publish_is_not_published(
    redis_url: str, language: str, text: str, new_harness: NewHarness
) -> None:
    """A line marked "do not publish" was published. The desk checks this, because a client may be old or foreign."""
    edition = DEFAULT_EDITIONS[language]
    guarded = new_harness(redis_url, language, like=edition)
    async with guarded.desk():
        receipt = await guarded.ask("ann", new("k1", text))
    assert (receipt.status, receipt.errors[0].code) == (ReceiptStatus.REFUSED, "placeholder")
    assert await guarded.entries() == []

    unguarded = new_harness(redis_url, f"{language}-2", like=without("placeholder", edition))
    async with unguarded.desk():
        assert (await unguarded.ask("ann", new("k1", text))).status is ReceiptStatus.ON_AIR


async def test_hawaii_2018_a_false_alarm_needs_a_second_person(redis_url: str, new_harness: NewHarness) -> None:
    """One person chose the wrong menu item and sent a missile alert to everyone. It stayed for 38 minutes."""
    careful = new_harness(redis_url, like=msgspec.structs.replace(ENGLISH, second_person=(SecondPerson.FLASH,)))
    async with careful.desk():
        alarm = await careful.ask("ann", new("k1", FALSE_ALARM, urgency=1))
        assert (alarm.status, alarm.needs[0].code) == (ReceiptStatus.HELD, "flash")
        own = await careful.approve("ann", alarm)
        assert (own.status, own.errors[0].code) == (ReceiptStatus.REFUSED, "second-person")
        assert await careful.entries() == []

    unguarded = new_harness(redis_url, "careless")
    async with unguarded.desk():
        assert (await unguarded.ask("ann", new("k1", FALSE_ALARM, urgency=1))).status is ReceiptStatus.ON_AIR


async def test_hawaii_2018_one_command_withdraws_a_false_alarm_and_shows_its_reach(
    system: System,
) -> None:
    async with RecordingReader(system.url, "en") as reader:
        assert system.tick("post", FALSE_ALARM, "-e", "en", "--urgency", "1", "--no-reach").code == 0
        await reader.until(lambda: bool(reader.lines))
        withdrawn = system.tick("withdraw", "last", "-e", "en", "--reason", "There is no threat.", "--json")
        assert withdrawn.json["reach"]["followers"] == 1
        await reader.until(lambda: len(reader.lines) == 2)
        assert (reader.lines[-1].text, reader.lines[-1].correction) == ("", "There is no threat.")
        async with RecordingReader(system.url, "en") as late:
            assert "missile" not in repr(late.messages)
        assert "missile" in repr(reader.messages[:-1])  # so the search above can succeed

        # Without a withdrawal, only a second line corrects the first. New readers get both, and the editor doesn't see
        # how many readers got the first.
        assert system.tick("post", FALSE_ALARM, "-e", "en", "--urgency", "1", "--no-reach").code == 0
        second = system.tick("post", "Civil defence: There is no threat", "-e", "en", "--no-reach", "--json")
        assert second.json["reach"] is None
        await reader.until(lambda: len(reader.lines) == 4)
        async with RecordingReader(system.url, "en") as late:
            assert "missile" in repr(late.messages)


def test_ap_2013_a_stolen_account_can_neither_forge_an_author_nor_write_a_log(folder: Path) -> None:
    """A stolen account reported explosions at the White House, and markets fell. It could post as the agency."""
    with GuardedServer(folder / "redis") as server:
        server.add_part_users()
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
        with redis.Redis(host="127.0.0.1", port=server.port) as unguarded:  # the default user without access rights
            assert unguarded.xadd(Keys("en").inbox("omar"), forged)


async def test_ap_2013_a_forged_author_is_refused_and_a_flash_needs_a_second_person(
    redis_url: str, new_harness: NewHarness
) -> None:
    careful = new_harness(redis_url, like=msgspec.structs.replace(ENGLISH, second_person=(SecondPerson.FLASH,)))
    async with careful.desk():
        await careful.submit_raw("ann", b'{"key":"k1","change":"new","text":"Explosions","editor":"agency"}')
        (receipt,) = await careful.settled("ann")
        assert (receipt.status, receipt.errors[0].code) == (ReceiptStatus.REFUSED, "malformed")
        flash = await careful.ask("ann", new("k2", "Two explosions at the White House", urgency=1))
        assert flash.status is ReceiptStatus.HELD
        # Other lines are published under the name of the inbox's owner, and can be withdrawn.
        await careful.ask("ann", new("k3", "Markets open higher"))
    (entry,) = await careful.entries()
    assert entry.editor == "ann"

    # Without access rights in Redis, the account can write to the agency's inbox and post in its name.
    unguarded = new_harness(redis_url, "careless")
    async with unguarded.desk():
        forged = new("k2", "Two explosions at the White House", urgency=1)
        await unguarded.submit_raw("agency", encode_request(forged))
        (receipt,) = await unguarded.settled("agency")
    assert receipt.status is ReceiptStatus.ON_AIR
    assert [entry.editor for entry in await unguarded.entries()] == ["agency"]


async def test_a_line_in_the_wrong_script_for_the_edition_is_refused(redis_url: str, new_harness: NewHarness) -> None:
    """A common mistake: a line for one edition is posted to another."""
    arabic = DEFAULT_EDITIONS["ar"]
    guarded, unguarded = (
        new_harness(redis_url, name, like=like) for name, like in (("ar", arabic), ("ar-2", without("script", arabic)))
    )
    async with guarded.desk():
        receipt = await guarded.ask("ann", new("k1", "Parliament passes the budget"))
    assert (receipt.status, receipt.errors[0].code) == (ReceiptStatus.REFUSED, "script")
    async with unguarded.desk():
        await unguarded.ask("ann", new("k1", "Parliament passes the budget"))
    assert lines_of(await unguarded.entries()) == ["Parliament passes the budget"]
