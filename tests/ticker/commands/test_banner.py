"""The output of `ticker up` on a terminal: commands that work when they are pasted, and one line per event."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tests.support.servers import short_folder
from tests.support.strategies import post as post_to_board
from tests.support.system import Ran, environment
from tests.support.terminal import Terminal
from tests.support.waiting import until
from ticker import demo
from ticker.activity import describe
from ticker.commands import banner
from ticker.commands.banner import Place, find_place
from ticker.core.board import Board
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.entry import Logged
from ticker.core.line import Change, Direction
from ticker.core.outcome import Context, Publish, decide
from ticker.core.submission import Reach, Submission
from ticker.store.data_folder import default_data_folder

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


class UpOnTerminal:
    """`ticker up` on a terminal, in a data folder of its own."""

    def __init__(self, folder: Path, *options: str, **variables: str) -> None:
        self.folder = folder
        words = ("up", "--port", "0", "--data", str(folder / "data"), *options)
        self.terminal = Terminal("ticker", *words, environ=environment(**variables), columns=200)

    @property
    def commands(self) -> list[str]:
        """The commands that it prints: post, watch, and the terminal application."""
        return re.findall(r"^  (\S*/tick .*?)\r?$", self.terminal.seen, re.MULTILINE)

    def paste(self, command: str) -> Ran:
        """Run a command in another terminal, in another folder, where no variables are set."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd="/",
            env={**environment(), "TICK_EDITOR": "maha"},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)

    def stop(self) -> None:
        self.terminal.process.send_signal(signal.SIGINT)
        assert self.terminal.wait() == 0


@pytest.fixture(scope="module")
def up() -> Iterator[UpOnTerminal]:
    with short_folder() as folder:
        up = UpOnTerminal(folder, "--editions", "es", NO_COLOR="1")
        until(lambda: "Ctrl-C ends" in up.terminal.seen, "the banner")
        yield up
        up.stop()


def test_everything_that_the_banner_prints_works_when_pasted(up: UpOnTerminal) -> None:
    post, watch, app = up.commands
    posted = up.paste(post)
    assert posted.code == 0, posted
    text = re.search(r"'(.+)'", post)
    assert text is not None
    watched = up.paste(f"{watch} --json | head -n 1")
    assert text[1].partition(": ")[2] in watched.out, watched
    opened = Terminal("/bin/bash", "-c", app, environ=environment(TICK_EDITOR="maha"))
    until(lambda: "excursionistas" in opened.seen, "the line in the terminal application")
    opened.process.terminate()
    assert opened.wait() == 0


def test_a_terminal_shows_one_readable_line_per_event(up: UpOnTerminal) -> None:
    post, *_ = up.commands
    up.paste(post)  # unless another test has done so
    row = re.compile(r"^\d\d:\d\d:\d\d  es  maha  on air  \W*Rescate de montaña: .+ · 0 readers\r?$", re.MULTILINE)
    until(lambda: row.search(up.terminal.seen) is not None, "the published line")
    assert up.paste(post).code == 3
    refusal = re.compile(r"^\d\d:\d\d:\d\d +es  maha  refused", re.MULTILINE)
    until(lambda: refusal.search(up.terminal.seen) is not None, "the refusal")
    assert '"event"' not in up.terminal.seen


def test_json_on_a_terminal_must_be_requested() -> None:
    with short_folder() as folder:
        up = UpOnTerminal(folder, "--editions", "es", TICKER_LOG_FORMAT="json")
        until(lambda: "Ctrl-C ends" in up.terminal.seen, "the banner")
        assert up.paste(up.commands[0]).code == 0
        until(lambda: '"event": "settled"' in up.terminal.seen, "the event")
        up.stop()
    assert "  on air  " not in up.terminal.seen


@pytest.mark.parametrize("language", DEFAULT_EDITIONS)
def test_the_line_of_the_banner_would_be_published_beside_the_lines_of_the_demo(language: str) -> None:
    edition, board = DEFAULT_EDITIONS[language], Board()
    for story in demo.load_stories():
        for text in story.lines[language]:
            post_to_board(board, Submission(key=text[:60], change=Change.NEW, text=text, again=True), NOW, edition)
    submission = Submission(key="k", change=Change.NEW, text=banner._TEXTS[language])
    at = Context(edition=edition, board=board, editor="maha", submitted_at=NOW, now=NOW, seq=99, new_id="x")
    outcome = decide(submission, at)
    assert isinstance(outcome, Publish), outcome
    assert not outcome.warnings


def test_the_data_folder_is_printed_unless_tick_finds_it_without(tmp_path: Path) -> None:
    environ = {"TICKER_CONFIG": str(tmp_path)}
    default = default_data_folder({})
    elsewhere = Place(options=("--data", "/srv/news"))
    assert find_place(environ, default) == Place()
    assert find_place(environ, Path("/srv/news")) == elsewhere
    assert find_place({**environ, "TICKER_DATA": "/srv/news"}, Path("/srv/news")) == elsewhere


def test_after_a_login_the_data_folder_is_printed_because_tick_would_use_the_login(tmp_path: Path) -> None:
    (tmp_path / "login.json").touch()
    default = default_data_folder({})
    assert find_place({"TICKER_CONFIG": str(tmp_path)}, default) == Place(options=("--data", str(default)))


def test_a_redis_url_is_printed_only_without_credentials(tmp_path: Path) -> None:
    plain = find_place({"TICKER_REDIS_URL": "redis://news.example:6379"}, tmp_path)
    commands = list(banner.banner("http://127.0.0.1:9000", DEFAULT_EDITIONS, "/opt/tick", plain))
    prefix, gateway = "TICKER_REDIS_URL=redis://news.example:6379", "--gateway http://127.0.0.1:9000"
    assert f"  {prefix} /opt/tick watch -e en {gateway}" in commands
    secret = find_place({"TICKER_REDIS_URL": "redis://maha:hush@news.example"}, tmp_path)
    lines = "\n".join(banner.banner("http://127.0.0.1:9000", DEFAULT_EDITIONS, "/opt/tick", secret))
    assert "hush" not in lines
    assert "with the same TICKER_REDIS_URL and password" in lines


def test_the_readme_shows_the_banner() -> None:
    tick = "/home/maha/ticker/.venv/bin/tick"
    lines = banner.banner("http://127.0.0.1:8080", DEFAULT_EDITIONS, tick, Place(), demo=True)
    assert "\n".join(lines) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_gateway_on_all_addresses_is_opened_on_this_machine() -> None:
    lines = list(banner.banner("http://0.0.0.0:8080", DEFAULT_EDITIONS, "tick", Place()))
    assert "  http://127.0.0.1:8080/" in lines


def test_the_article_is_named_only_with_the_demo_and_an_edition_in_its_language() -> None:
    french = {"fr": msgspec.structs.replace(DEFAULT_EDITIONS["en"], lang="fr")}
    for editions, has_demo in ((DEFAULT_EDITIONS, True), (DEFAULT_EDITIONS, False), (french, True)):
        lines = list(banner.banner("http://0.0.0.0:8080", editions, "tick", Place(), demo=has_demo))
        assert ("  http://127.0.0.1:8080/demo/article" in lines) is (has_demo and editions is DEFAULT_EDITIONS)


def test_a_line_is_described_by_its_text_and_a_withdrawn_one_by_its_reason() -> None:
    board = Board()
    published = post_to_board(board, Submission(key="a", change=Change.NEW, text="A: b c"), NOW, DEFAULT_EDITIONS["en"])
    assert isinstance(published, Publish)
    entry = published.entry
    assert describe("en", Logged(1, "ab", entry), Reach(1, 1, 0.5), NOW).endswith("  A: b c  · 1 reader")
    arabic = msgspec.structs.replace(entry.line, text="المسبار", attribution=None, dir=Direction.RTL)
    shown = describe("ar", Logged(1, "ab", msgspec.structs.replace(entry, line=arabic)), None, NOW)
    assert shown.endswith("  on air  \u2067المسبار\u2069")
    gone = msgspec.structs.replace(
        entry.line, text="", attribution=None, change=Change.WITHDRAW, correction="It was wrong."
    )
    withdrawn = msgspec.structs.replace(entry, line=gone)
    assert describe("en", Logged(2, "ab", withdrawn), None, NOW).endswith("  withdrawn  It was wrong.")
