"""A mirror of a real gateway: its files are the gateway's answers, and no file keeps a withdrawn text."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.private_editions import keys_file, private_edition
from tests.support.waiting import eventually
from ticker.core.errors import SettingsError, StoreError
from ticker.core.line import Change
from ticker.gateway.server import Gateway as Server
from ticker.mirror.gateway import Answer, Gateway
from ticker.mirror.mirror import Mirror
from ticker.mirror.tree import MARK, Tree

SECRET = "SECRETWORD"
PRIVATE = "cabinet"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Failing(Gateway):
    """A gateway that stops to answer when a target that ends with `at` is requested."""

    at = "never"

    def get(self, target: str, etag: str = "") -> Answer:
        if target.endswith(self.at):
            self.close()
            raise StoreError("it fails")
        return super().get(target, etag)


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    with Tree(tmp_path / "public") as tree:
        yield tree


_opened: list[Gateway] = []


@pytest.fixture(autouse=True)
def close_connections() -> Iterator[None]:
    yield
    while _opened:
        _opened.pop().close()


def mirror_of(tree: Tree, gateway: Gateway, *names: str, keep_s: float = 0, clock: Clock | None = None) -> Mirror:
    _opened.append(gateway)
    return Mirror(tree, gateway, names, keep_s=keep_s, monotonic=clock or Clock())


def with_text(tree: Tree, text: str) -> set[str]:
    """Return the files that contain a text, and those whose path does."""
    return {path for path in tree.paths() if text in path or text in (tree.folder / path).read_text("utf-8", "replace")}


async def refreshed(mirror: Mirror, server: Server, log: LogWriter) -> bool:
    """Do a round once the gateway has the whole log."""
    await eventually(lambda: str(server.hub.channels[log.name].position) == log.head, "the gateway has the log")
    return await asyncio.to_thread(mirror.refresh)


async def test_each_file_is_the_answer_of_the_gateway(tree: Tree, log: LogWriter, start: Start) -> None:
    line = await log.post("Night trains return", coverage="trains/night")
    server = await start()
    assert await refreshed(mirror_of(tree, Gateway(server.address)), server, log)
    served = {
        "v1/en/tail": "/v1/en/tail",
        "v1/en/board": "/v1/en/board",
        "v1/en/lines.ninjs": "/v1/en/lines.ninjs",
        "v1/editions": "/v1/editions",
        "en/feed.json": "/en/feed.json",
        "en/feed.atom": "/en/feed.atom",
        "en/feed.rss": "/en/feed.rss",
        "en/news-sitemap.xml": "/en/news-sitemap.xml",
        "en/index.html": "/en?transport=tail",
        "en/embed/index.html": "/en/embed?transport=tail",
        f"en/lines/{line.id}/index.html": f"/en/lines/{line.id}",
        "en/stories/trains/night/index.html": "/en/stories/trains/night",
        "widget/ticker.js": "/widget/ticker.js",
        "widget/tail.js": "/widget/tail.js",
    }
    async with httpx.AsyncClient(base_url=server.address) as client:
        for path, target in served.items():
            assert (tree.folder / path).read_bytes() == (await client.get(target)).content, path
    page = (tree.folder / "en/index.html").read_text("utf-8")
    assert 'transport="tail"' in page
    assets = {part for part in page.split('"') if part.startswith("/widget/")}
    assert len(assets) > 2
    assert [path for path in assets if not (tree.folder / path[1:]).is_file()] == []
    others = tree.paths() - served.keys() - {path[1:] for path in assets}
    assert {path for path in others if not path.startswith("widget/")} == {"_headers", "_nginx.conf"}


async def test_withdrawn_text_is_in_no_file(tree: Tree, log: LogWriter, start: Start) -> None:
    line = await log.post(f"{SECRET} one", attribution=SECRET, coverage=SECRET, url=f"https://a.example/{SECRET}")
    line = await log.change(line, Change.CORRECT, text=f"{SECRET} two", correction=f"It was {SECRET}")
    server = await start()
    mirror = mirror_of(tree, Gateway(server.address))
    await refreshed(mirror, server, log)
    assert len(with_text(tree, SECRET)) >= 10
    await log.withdraw(line)
    await refreshed(mirror, server, log)
    assert with_text(tree, SECRET) == set()
    assert "It was wrong" in (tree.folder / f"en/lines/{line.id}/index.html").read_text("utf-8")


@pytest.mark.parametrize("at", ["/board", "/feed.rss", "/embed?transport=tail"])
async def test_withdrawn_text_is_in_no_file_if_the_gateway_fails_during_the_round(
    at: str, tree: Tree, log: LogWriter, start: Start
) -> None:
    line = await log.post(f"{SECRET} one", coverage=SECRET)
    server = await start()
    gateway = Failing(server.address)
    mirror = mirror_of(tree, gateway)
    await refreshed(mirror, server, log)
    await log.withdraw(line)
    gateway.at = at
    assert not await refreshed(mirror, server, log)
    assert with_text(tree, SECRET) == set()
    gateway.at = "never"
    assert await refreshed(mirror, server, log)
    assert {"en/index.html", "en/feed.rss", "v1/en/board"} <= tree.paths()


async def test_failure_without_a_withdrawal_keeps_the_files(tree: Tree, log: LogWriter, start: Start) -> None:
    await log.post("Night trains return")
    server = await start()
    gateway = Failing(server.address)
    mirror = mirror_of(tree, gateway)
    await refreshed(mirror, server, log)
    before = tree.paths()
    await log.post("Trains run again")
    gateway.at = "/feed.rss"
    assert not await refreshed(mirror, server, log)
    assert tree.paths() >= before
    gateway.at = "never"
    assert await refreshed(mirror, server, log)
    assert "en/feed.rss" in with_text(tree, "Trains run again")


async def test_restarted_mirror_removes_what_the_gateway_no_longer_has(
    tree: Tree, log: LogWriter, start: Start
) -> None:
    await log.post("Night trains return")
    for path in (f"en/lines/{SECRET}/index.html", "fr/index.html", "v1/fr/tail", "widget/old/pages.css", "x"):
        tree.write(path, SECRET.encode())
    server = await start()
    await refreshed(mirror_of(tree, Gateway(server.address)), server, log)
    assert with_text(tree, SECRET) == set()
    assert not (tree.folder / "fr").exists()


async def test_reset_leaves_nothing_of_the_history_before(tree: Tree, log: LogWriter, start: Start) -> None:
    await log.post(f"{SECRET} one")
    server = await start()
    mirror = mirror_of(tree, Gateway(server.address))
    await refreshed(mirror, server, log)
    await log.rotate()
    await refreshed(mirror, server, log)
    assert with_text(tree, SECRET) == set()
    assert "en/index.html" in tree.paths()


async def test_private_edition_is_not_mirrored(
    redis_url: str, tree: Tree, log: LogWriter, start: Start, tmp_path: Path
) -> None:
    private = await LogWriter(redis_url, PRIVATE, private_edition()).begin()
    try:
        await private.post(f"{SECRET} one")
        server = await start(access_keys_file=keys_file(tmp_path))
        await refreshed(mirror_of(tree, Gateway(server.address)), server, log)
        with pytest.raises(SettingsError, match="can't be mirrored"):
            await asyncio.to_thread(mirror_of(tree, Gateway(server.address), PRIVATE).refresh)
    finally:
        await private.aclose()
    assert with_text(tree, SECRET) | with_text(tree, PRIVATE) == set()


async def test_files_are_removed_after_a_time_without_the_gateway(tree: Tree, log: LogWriter, start: Start) -> None:
    await log.post("Night trains return")
    server = await start()
    gateway, clock = Failing(server.address), Clock()
    mirror = mirror_of(tree, gateway, keep_s=60, clock=clock)
    await refreshed(mirror, server, log)
    gateway.at, clock.now = "/editions", 60
    assert not mirror.refresh()
    assert "v1/en/tail" in tree.paths()
    clock.now = 61
    assert not mirror.refresh()
    assert tree.paths() == set()


def test_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me", encoding="utf-8")
    with pytest.raises(SettingsError, match="has other files"), Tree(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_two_mirrors_do_not_write_into_one_folder(tmp_path: Path) -> None:
    with Tree(tmp_path), pytest.raises(SettingsError, match="another `ticker mirror`"), Tree(tmp_path):
        pass
    assert (tmp_path / MARK).exists()


def test_file_that_cannot_be_written_completely_keeps_its_content(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.write("v1/en/tail", b"before")

    def fail(file: Path, content: bytes) -> int:
        with file.open("wb") as opened:
            opened.write(content[:2])
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match="full"):
        tree.write("v1/en/tail", b"after")
    assert (tree.folder / "v1/en/tail").read_bytes() == b"before"
