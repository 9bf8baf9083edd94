"""`tick post --from`: all lines are checked first, and no line is posted twice."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis
from redis.exceptions import ConnectionError as RedisConnectionError

from publisher_cli.submit import batch
from publisher_cli.submit.request import ChangeRequest, SubmitOptions
from tests.support.prefork import SCRIPTS
from tests.support.servers import short_folder
from tests.support.system import Ran, System
from tests.support.terminal import Terminal
from tests.support.waiting import until
from ticker.console import Console
from ticker.core.line import Change
from ticker.store import receipts
from ticker.store.connection import Redis
from ticker.store.data_folder import socket_path
from ticker.store.keys import Keys
from ticker.store.receipts import StoredReceipt, read_receipts
from ticker.store.streams import START

OPTIONS = SubmitOptions(data=None, edition="en", editor="maha", wait_s=10, wants_reach=False)
NEW = ChangeRequest(change=Change.NEW)
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


EDITION = """
[editions.{name}]
title = "{name}"
lang = "en"
dir = "ltr"
rules = {{ attribution = "off", duplicate = "off", short = "off" }}
"""


@pytest.fixture(scope="module")
def batches() -> Iterator[System]:
    """Start a system for these tests, which count entries. Only the edition `strict` has house rules."""
    with short_folder() as folder:
        settings = folder / "ticker.toml"
        plain = "".join(EDITION.format(name=name) for name in ("en", "es", "ar"))
        strict = '[editions.strict]\ntitle = "Strict"\nlang = "en"\ndir = "ltr"\n'
        settings.write_text(plain + strict, encoding="utf-8")
        with System(folder, "--settings", str(settings)) as running:
            yield running


def write(path: Path, *documents: Any) -> Path:
    path.write_text("".join(f"{json.dumps(document)}\n" for document in documents), encoding="utf-8")
    return path


def texts(system: System, edition: str = "en") -> list[str]:
    entries = system.tick("log", "-e", edition, "-n", "10000", "--json").json["entries"]
    return [entry["line"]["text"] for entry in entries]


def run_on(system: System, path: Path, *options: str, editor: str = "maha") -> Ran:
    return system.tick("post", "--from", str(path), *options, editor=editor)


def test_lines_are_posted_in_order_and_a_second_run_posts_none(batches: System, tmp_path: Path) -> None:
    path = write(tmp_path / "lines.jsonl", {"text": "Batch one"}, {"text": "Batch two", "section": "Sports"})
    ran = run_on(batches, path, "-e", "es")
    assert ran.code == 0, ran
    assert ran.err == "es  2 lines: 2 on air\n"
    ran = run_on(batches, path, "-e", "es")
    assert (ran.code, ran.err) == (0, "es  2 lines: 2 on air, 2 of them from an earlier run\n")
    write(path, {"text": "Batch zero"}, {"text": "Batch one"}, {"text": "Batch two", "section": "Sports"})
    assert run_on(batches, path, "-e", "es").err == "es  3 lines: 3 on air, 2 of them from an earlier run\n"
    assert texts(batches, "es") == ["Batch one", "Batch two", "Batch zero"]


def test_one_invalid_line_prevents_all_posts(batches: System, tmp_path: Path) -> None:
    before = texts(batches)
    path = write(tmp_path / "lines.jsonl", {"text": "Good"}, {"text": "Bad", "section": "nope"}, {"txt": "?"})
    ran = run_on(batches, path, "-e", "en")
    assert ran.code == 3
    first, second, last = ran.err.splitlines()
    assert first.startswith("refused  line 2  this edition has no section 'nope': use one of politics")
    assert second.startswith("refused  line 3  there is no field 'txt'")
    assert last == "nothing was sent: correct 2 lines, and run it again"
    documents = [json.loads(line) for line in run_on(batches, path, "-e", "en", "--json").out.splitlines()]
    assert [(each["status"], each["line"]) for each in documents] == [("refused", 2), ("refused", 3)]
    assert texts(batches) == before


def test_batch_from_standard_input_prints_one_json_receipt_per_line(batches: System) -> None:
    data = '{"text": "Piped one"}\n{"text": "Piped two", "publish_at": "+1h"}\n'
    done = subprocess.run(
        [SCRIPTS / "tick", "post", "--from", "-", "-e", "en", "--json"],
        env={**batches.environ, "TICK_EDITOR": "maha"}, input=data, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    receipts = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(receipt["line"], receipt["status"]) for receipt in receipts] == [(1, "on-air"), (2, "held")]
    assert done.returncode == 5  # one isn't on air yet
    assert batches.tick("cancel", receipts[1]["held"], "-e", "en").code == 0


def test_cancelled_line_is_not_posted_by_a_second_run(batches: System, tmp_path: Path) -> None:
    path = write(tmp_path / "lines.jsonl", {"text": "Called off", "publish_at": "+1h"})
    assert run_on(batches, path, "-e", "en").code == 5
    assert batches.tick("cancel", "last", "-e", "en").code == 0
    ran = run_on(batches, path, "-e", "en")
    assert (ran.code, ran.err) == (3, "en  1 line: 1 taken back, 1 of them from an earlier run\n")


def test_duplicate_lines_are_refused_before_sending_unless_again_is_given(batches: System, tmp_path: Path) -> None:
    one = {"text": "Weather office: Storm reaches the coast at noon"}
    path = write(tmp_path / "lines.jsonl", one, one)
    ran = run_on(batches, path, "-e", "strict")
    assert ran.code == 3
    assert ran.err.startswith("refused  line 2  the text matches the line line-1")
    assert texts(batches, "strict") == []
    assert run_on(batches, path, "-e", "strict", "--again").code == 0
    assert run_on(batches, path, "-e", "strict").code == 0  # there they are
    assert len(texts(batches, "strict")) == 2


def test_repeated_warnings_are_counted_after_the_first_few(batches: System, tmp_path: Path) -> None:
    words = ("Rain", "Elections", "Ferries", "Handball", "Museums", "Earthquake", "Harvest", "Satellite")
    path = write(tmp_path / "lines.jsonl", *({"text": f"{word} in the news of this evening"} for word in words))
    ran = run_on(batches, path, "-e", "strict", "--again")
    assert ran.code == 0, ran
    lines = ran.err.splitlines()
    assert len([line for line in lines if "names no source" in line]) == 5
    assert lines[-2:] == ["3 more lines have a warning [attribution]", "strict  8 lines: 8 on air"]


def test_dry_run_of_a_batch_sends_nothing(batches: System, tmp_path: Path) -> None:
    before = texts(batches)
    path = write(tmp_path / "lines.jsonl", {"text": "Rehearsed"}, {"text": "Rehearsed later", "publish_at": "+1h"})
    ran = run_on(batches, path, "-e", "en", "--dry-run")
    assert ran.err == "en  1 would be on air, 1 would be held: nothing was sent\n"
    assert texts(batches) == before


def test_batch_waits_for_all_undo_windows_together(batches: System, tmp_path: Path) -> None:
    path = write(tmp_path / "lines.jsonl", *({"text": f"Window {number}"} for number in range(5)))
    ran = run_on(batches, path, "-e", "en", "--undo", "1s")
    assert (ran.code, ran.err) == (0, "en  5 lines: 5 on air\n")
    assert texts(batches)[-5:] == [f"Window {number}" for number in range(5)]


def test_batch_survives_a_lost_connection_in_a_window_and_reads_only_new_receipts(
    batches: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []

    async def lost(redis: Redis, edition: str, editor: str, after: str) -> list[StoredReceipt]:
        reads.append(after)
        if len(reads) == 2:  # the first one was before anything was sent
            raise RedisConnectionError("lost")
        return await read_receipts(redis, edition, editor, after)

    monkeypatch.setattr(receipts, "read_receipts", lost)
    path = write(tmp_path / "lines.jsonl", *({"text": f"Borne {number}"} for number in range(2)))
    err = io.StringIO()
    console = Console(batches.environ, io.StringIO(), err)
    options = msgspec.structs.replace(OPTIONS, editor="olga")
    change = msgspec.structs.replace(NEW, fields={"undo_s": 1.0})
    assert batch.submit_file(console, options, path, change) == 0
    assert err.getvalue() == "en  2 lines: 2 on air\n"
    assert reads[:3] == [START, START, START]
    assert START not in reads[3:]


def test_option_with_invalid_utf8_is_refused(batches: System, tmp_path: Path) -> None:
    path = write(tmp_path / "lines.jsonl", {"text": "Fine"})
    ran = run_on(batches, path, "-e", "en", "--section", "\udcff")
    assert ran.code == 3
    assert ran.err.startswith("refused  line 1  an option isn't valid UTF-8")


def test_ctrl_c_stops_after_a_line_and_the_next_run_continues(batches: System, tmp_path: Path) -> None:
    path = write(tmp_path / "lines.jsonl", *({"text": f"Many {number}"} for number in range(2_000)))
    terminal = Terminal(
        "tick", "post", "--from", str(path), "-e", "ar",
        environ={**batches.environ, "TICK_EDITOR": "maha"},
    )  # fmt: skip
    with redis.Redis(unix_socket_path=str(socket_path(batches.redis_url))) as client:
        until(lambda: client.xlen(Keys("ar").log) > 20, "some are on air")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.wait() == 130
        match = re.search(r"ar  2,000 lines: ([\d,]+) on air, ([\d,]+) not sent", terminal.seen)
        assert match, terminal.seen[-500:]
        posted = int(match[1].replace(",", ""))
        assert client.xlen(Keys("ar").log) == posted
    assert "posting" in terminal.seen
    assert "to continue, run the same command again" in terminal.seen
    path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[: posted + 5]))
    assert run_on(batches, path, "-e", "ar").code == 0
    assert texts(batches, "ar") == [f"Many {number}" for number in range(posted + 5)]


def test_batch_without_redis_fails(batches: System, tmp_path: Path) -> None:
    path = write(tmp_path / "lines.jsonl", {"text": "Nobody one"}, {"text": "Nobody two"})
    ran = run_on(batches, path, "-e", "en", "--data", str(tmp_path / "nothing"))
    assert ran.code == 4
    assert "ticker up" in ran.err
