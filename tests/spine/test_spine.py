"""End-to-end tests of the whole system, in the processes that people run: from an editor's inbox to every reader.

- 1,000 lines from four editors to three editions, while 200 readers connect, disconnect and resume at random;
- a post that is retried with its key makes one entry, and both get the same receipt;
- after kill -9 of everything, no acknowledged line is lost, and readers resume.

Smaller tests check that:

1. a line posted in a terminal is on the reader's connection, the board, the history and the page;
2. a receipt has the position that readers receive, and its reach counts them;
3. each editor's lines are published in the order in which the editor sent them;
4. if two editors change the same version of a line, one change is published and the other is refused as stale;
5. withdrawn text stays removed after kill -9 and a restart, in every response;
6. SIGTERM sends `bye`, closes with 1012 and exits with status 0, and readers resume without a reset;
7. after kill -9 of the Redis server alone, the system starts it again, and readers get no reset and miss no line;
8. a reader moves between gateways on the same log without a gap or a repeat;
9. a forged entry is not shown, `ticker verify` names it, and `ticker rotate` resets every reader;
10. after 200 readers have disconnected, the process has as many open files as before.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from websockets.exceptions import WebSocketException

from tests.support.readers import RecordingReader
from tests.support.servers import short_folder
from tests.support.spine_editors import DEADLINE_S, Editor
from tests.support.system import Program, System, environment
from tests.support.waiting import eventually, until
from ticker.core.entry import Logged, follow
from ticker.core.log_window import Reset
from ticker.core.messages import ByeMessage
from ticker.core.submission import Receipt, ReceiptStatus
from ticker.store.connection import connect
from ticker.store.editions import load_edition
from ticker.store.keys import Keys
from ticker.store.log_reader import read_log

EDITIONS = ("en", "ar", "es")
LINES = 1000
READERS = 200


@pytest.fixture
def system() -> Iterator[System]:
    """`ticker up` on an empty folder."""
    with short_folder() as folder, System(folder, TICKER_SUBMISSION_DEADLINE_S=str(DEADLINE_S)) as running:
        yield running


async def log_of(url: str, edition: str) -> list[Logged]:
    """Return the whole log. Check each link."""
    redis = connect(url, role="ticker")
    try:
        stored = await load_edition(redis, edition)
        assert stored is not None
        logged: list[Logged] = []
        while raws := await read_log(redis, edition, len(logged)):
            for raw in raws:
                logged.append(follow(raw.seq, logged[-1].link if logged else stored.nonce, raw.link, raw.data))
        return logged
    finally:
        await redis.aclose()


async def reconnect_at_random(reader: RecordingReader, rng: Random, done: asyncio.Event) -> None:
    """Connect, disconnect and resume at random until `done` is set. End with a connection."""
    while not done.is_set():
        await _connect(reader)
        seconds = rng.choice((0.1, 0.5, 2.0, 5.0))
        try:
            async with asyncio.timeout(seconds):
                await done.wait()
        except TimeoutError:
            await rng.choice((reader.drop, reader.close))()
    if not reader.is_live:
        await _connect(reader)


async def _connect(reader: RecordingReader) -> None:
    if not reader.is_live:
        await reader.reopen(60)


@pytest.mark.slow
async def test_1000_lines_reach_200_reconnecting_readers_in_order_and_once(system: System) -> None:
    rng = Random(2026)
    readers = [RecordingReader(system.url, EDITIONS[number % 3]) for number in range(READERS)]
    for reader in readers:
        await reader.open()
    starts = {id(reader): reader.position for reader in readers}
    done = asyncio.Event()
    movements = [asyncio.create_task(reconnect_at_random(reader, Random(rng.random()), done)) for reader in readers]
    names = ("ana", "ben", "cruz", "dana")
    editors = [Editor(system.redis_url, name) for name in names]

    async def post(editor: Editor, numbers: range) -> None:
        for number in numbers:
            await editor.send(EDITIONS[number % 3], f"key-{number}", text=f"Line {number} of {editor.name}", lang="en")

    await asyncio.gather(*(post(editor, range(index, LINES, 4)) for index, editor in enumerate(editors)))
    redis = connect(system.redis_url, role="ticker")

    async def is_every_line_published() -> bool:
        lengths = [await redis.xlen(Keys(edition).log) for edition in EDITIONS]
        return sum(lengths) >= LINES

    await eventually(is_every_line_published, "every line is in a log")
    await redis.aclose()
    done.set()
    await asyncio.gather(*movements)

    logs = {edition: await log_of(system.redis_url, edition) for edition in EDITIONS}
    assert sum(map(len, logs.values())) == LINES
    for number, reader in enumerate(readers):
        log = logs[EDITIONS[number % 3]]
        head = str(log[-1].position)
        await reader.until(lambda: reader.position == head)  # noqa: B023 -- awaited in this iteration
        assert starts[id(reader)] is not None
        assert [(message.position, message.line) for message in reader.line_messages] == [
            (str(logged.position), logged.entry.line) for logged in log
        ]
        assert [board.reset for board in reader.boards] == [None]
        await reader.close()
    for editor in editors:
        for edition in EDITIONS:
            keys = [int(each.entry.key[4:]) for each in logs[edition] if each.entry.editor == editor.name]
            assert keys == sorted(keys), "an editor's lines are out of order"
        await editor.__aexit__()


async def test_a_retried_post_makes_one_entry_and_gets_the_same_receipt(system: System) -> None:
    async with Editor(system.redis_url, "maha") as editor, RecordingReader(system.url, "en") as reader:
        await editor.send("en", "the-key", text="The first line")  # its receipt is never read
        again = await editor.ask("en", "the-key", text="The first line")
        (only,) = await log_of(system.redis_url, "en")
        assert (again.status, again.position) == (ReceiptStatus.ON_AIR, str(only.position))
        third = system.tick("post", "The first line", "-e", "en", "--key", "the-key", "--json", "--no-reach")
        await editor.ask("en", "another", text="The next line")
        await reader.until(lambda: len(reader.lines) == 2)
    assert third.code == 0
    assert (third.json["id"], third.json["position"]) == (again.id, again.position)
    assert [line.text for line in reader.lines] == ["The first line", "The next line"]
    assert len(await log_of(system.redis_url, "en")) == 2


async def test_kill_9_of_everything_loses_nothing_that_was_acknowledged(system: System) -> None:
    readers = [RecordingReader(system.url, "en") for _ in range(10)]
    for reader in readers:
        await reader.open()
    acknowledged: list[Receipt] = []
    async with Editor(system.redis_url, "ana") as ana, Editor(system.redis_url, "ben") as ben:
        posting = [
            asyncio.create_task(editor.post_until_redis_is_gone("en", editor.name, acknowledged))
            for editor in (ana, ben)
        ]

        async def have_enough() -> bool:
            return len(acknowledged) >= 100

        await eventually(have_enough, "100 posts are acknowledged")
        system.kill()
        await asyncio.gather(*posting)
    for reader in readers:
        await reader.until_closed()
    system.start()
    log = await log_of(system.redis_url, "en")
    assert {receipt.position for receipt in acknowledged} <= {str(logged.position) for logged in log}
    assert all(receipt.status is ReceiptStatus.ON_AIR for receipt in acknowledged)
    verified = system.ticker("verify", "en", "--json")
    assert verified.code == 0, verified
    # Submissions without a receipt may be published now. Post another line after them in each inbox.
    async with Editor(system.redis_url, "ana") as ana, Editor(system.redis_url, "ben") as ben:
        await asyncio.gather(*(editor.ask("en", "after", text=f"After, {editor.name}") for editor in (ana, ben)))
    log = await log_of(system.redis_url, "en")
    for reader in readers:
        await reader.reopen()
        await reader.until(lambda: reader.position == str(log[-1].position))  # noqa: B023
    for reader in readers:
        assert reader.seqs == list(range(1, len(log) + 1))
        assert [board.reset for board in reader.boards] == [None]
        await reader.close()


async def all_responses(url: str, edition: str = "en") -> str:
    """Return everything that a reader can get of an edition: pages, API, events and WebSocket messages."""
    found = ""
    async with httpx.AsyncClient(base_url=url, follow_redirects=True) as client:
        for path in (f"/v1/{edition}/board", f"/v1/{edition}/lines", "/", f"/{edition}", f"/{edition}/embed"):
            response = await client.get(path)
            assert response.status_code == 200, path
            found += response.text
        history = (await client.get(f"/v1/{edition}/lines")).json()
        first = history["lines"][0]["position"]
        for query in ("", f"?after={first}"):
            async with client.stream("GET", f"/v1/{edition}/events{query}") as response:
                async for text in response.aiter_text():
                    found += text
                    if "event: live" in text:
                        break
    for after in (None, first):
        reader = await RecordingReader(url, edition, after=after).open()
        found += "".join(map(repr, reader.messages))
        await reader.close()
    return found


async def reader_has(system: System, receipt: Receipt) -> None:
    """Wait until the gateway has read the entry of a receipt."""
    async with RecordingReader(system.url, "en") as reader:
        await reader.until(lambda: reader.position == receipt.position)


async def test_a_line_posted_in_a_terminal_is_in_every_response(system: System) -> None:
    async with RecordingReader(system.url, "ar") as reader:
        posted = system.tick("post", "زلزال بقوة 6 درجات", "-e", "ar", "--json")
        await reader.until(lambda: bool(reader.lines))
    assert posted.code == 0
    assert posted.json["position"] == reader.position
    assert posted.json["reach"]["followers"] == 1
    assert reader.lines[0].text == "زلزال بقوة 6 درجات"
    async with httpx.AsyncClient(base_url=system.url) as client:
        for path in ("/v1/ar/board", "/v1/ar/lines", "/ar"):
            assert "زلزال بقوة 6 درجات" in (await client.get(path)).text, path


async def test_one_of_two_changes_of_the_same_version_is_published(system: System) -> None:
    async with Editor(system.redis_url, "ana") as ana, Editor(system.redis_url, "ben") as ben:
        line = await ana.ask("en", "first", text="Ten hurt")
        update: dict[str, Any] = {"change": "update", "id": line.id, "version": 1}
        receipts = await asyncio.gather(
            ana.ask("en", "a", **update, text="Eleven hurt"), ben.ask("en", "b", **update, text="Twelve hurt")
        )
    assert sorted(receipt.status for receipt in receipts) == [ReceiptStatus.ON_AIR, ReceiptStatus.REFUSED]
    refused = next(receipt for receipt in receipts if receipt.status is ReceiptStatus.REFUSED)
    assert (refused.errors[0].code, refused.version) == ("stale", 2)


async def test_withdrawn_text_stays_removed_after_a_kill(system: System) -> None:
    async with Editor(system.redis_url, "ana") as ana:
        await ana.ask("en", "0", text="It stays")
        line = await ana.ask("en", "1", text="SECRETWORD: it was not so")
        updated = await ana.ask("en", "2", change="update", id=line.id, text="It was still SECRETWORD")
        await reader_has(system, updated)
        assert "SECRETWORD" in await all_responses(system.url)
        withdrawn = await ana.ask("en", "3", change="withdraw", id=line.id, reason="Our source took it back")
    await reader_has(system, withdrawn)
    assert "SECRETWORD" not in await all_responses(system.url)
    system.kill()
    system.start()
    found = await all_responses(system.url)
    assert "SECRETWORD" not in found
    assert "Our source took it back" in found


async def test_readers_resume_without_a_reset_after_sigterm(system: System) -> None:
    async with Editor(system.redis_url, "ana") as ana:
        before = await ana.ask("en", "1", text="Before")
    reader = await RecordingReader(system.url, "en").open()
    await reader.until(lambda: reader.position == before.position)  # in its board, or as a line after it
    known = len(reader.lines)
    system.signal(signal.SIGTERM)
    await reader.until_closed()
    assert reader.close_code == 1012
    assert isinstance(reader.messages[-1], ByeMessage)
    assert system.wait() == 0
    system.start()
    async with Editor(system.redis_url, "ana") as ana:
        await ana.ask("en", "2", text="After")
    await reader.reopen()
    await reader.until(lambda: len(reader.lines) > known)
    assert [line.text for line in reader.lines[known:]] == ["After"]
    assert len(reader.boards) == 1
    await reader.close()


def server_pid(system: System) -> int:
    """Return the pid of the embedded server, the only child that is not Python."""
    children = Path(f"/proc/{system.pid}/task/{system.pid}/children").read_text(encoding="ascii").split()
    return next(int(pid) for pid in children if "python" not in Path(f"/proc/{pid}/exe").readlink().name)


async def test_the_system_restarts_a_killed_server_without_a_reset(system: System) -> None:
    reader = await RecordingReader(system.url, "en").open()
    async with Editor(system.redis_url, "ana") as ana:
        first = await ana.ask("en", "1", text="Before")
        await reader.until(lambda: reader.position == first.position)
        os.kill(server_pid(system), signal.SIGKILL)

        async def is_on_air() -> bool:
            async with Editor(system.redis_url, "ana") as again:
                try:
                    return (await again.ask("en", "2", text="After")).status is ReceiptStatus.ON_AIR
                except Exception:  # noqa: BLE001 -- any error while the server is down
                    return False

        await eventually(is_on_air, "lines are published again")
    await reader.until(lambda: len(reader.lines) == 2)
    assert [line.text for line in reader.lines] == ["Before", "After"]
    assert len(reader.boards) == 1
    await reader.close()


async def test_a_reader_moves_between_gateways_without_a_gap_or_a_repeat(system: System, folder: Path) -> None:
    words = ["gateway", "--port", "0"]
    environ = environment(TICKER_DATA=str(system.data), TICKER_REDIS_URL=system.redis_url)
    with Program(words, environ, folder / "gateway.log") as second:
        seqs: list[int] = []
        position = None
        async with Editor(system.redis_url, "ana") as ana:
            for round_ in range(6):
                url = (system.url, second.url)[round_ % 2]
                reader = await RecordingReader(url, "en", after=position).open()
                numbers = range(5 * round_, 5 * round_ + 5)
                receipts = [await ana.ask("en", f"key-{number}", text=f"Line {number}") for number in numbers]
                # Disconnect in the middle. The other gateway sends the rest.
                await reader.until(lambda: reader.position == receipts[2].position or len(reader.lines) >= 3)  # noqa: B023
                await reader.drop()
                seqs += reader.seqs
                position = reader.position
                assert [board.reset for board in reader.boards] == ([None] if round_ == 0 else [])
            final = await RecordingReader(second.url, "en", after=position).open()
            await final.until(lambda: final.position == receipts[-1].position)
            seqs += final.seqs
            await final.close()
    assert seqs == list(range(1, 31))


async def test_a_forged_entry_is_not_shown_and_a_rotation_resets_readers(system: System) -> None:
    async with Editor(system.redis_url, "ana") as ana, RecordingReader(system.url, "en") as reader:
        first = await ana.ask("en", "1", text="True")
        await reader.until(lambda: reader.position == first.position)
        redis = connect(system.redis_url, role="ticker")
        await redis.xadd(Keys("en").log, {"entry": b'{"line":"FORGED"}', "link": "f" * 64}, id="2-0")
        async with httpx.AsyncClient(base_url=system.url) as client:

            async def is_degraded() -> bool:
                return bool((await client.get("/readyz")).json()["status"] == "degraded")

            await eventually(is_degraded, "the gateway reports the broken link")
            assert len((await client.get("/v1/en/lines")).json()["lines"]) == 1
        verified = system.ticker("verify", "en")
        assert verified.code != 0
        assert "2" in verified.out + verified.err
        assert system.ticker("rotate", "en", "--yes").code == 0
        await reader.until(lambda: bool(reader.boards[1:]))
        assert reader.boards[-1].reset is Reset.REPLACED
        after = await ana.ask("en", "2", text="After the rotation")
        await reader.until(lambda: reader.position == after.position)
        await redis.aclose()
    assert [line.text for line in reader.lines] == ["True", "After the rotation"]
    assert "FORGED" not in json.dumps([repr(message) for message in reader.messages])


async def test_files_of_disconnected_readers_are_closed(system: System) -> None:
    def files() -> int:
        return len(list(Path(f"/proc/{system.pid}/fd").iterdir()))

    async with RecordingReader(system.url, "en"):
        pass
    before = files()
    readers = [RecordingReader(system.url, EDITIONS[number % 3]) for number in range(READERS)]
    for reader in readers:
        try:
            await reader.open()
        except WebSocketException as error:
            raise AssertionError("a reader was refused") from error
    assert files() >= before + READERS
    for number, reader in enumerate(readers):
        await (reader.drop() if number % 2 else reader.close())
    until(lambda: files() <= before, "every reader's file is closed")
