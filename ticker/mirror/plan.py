"""Which files a mirror has, and what each is requested as. Pure: no network, no disk."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

import msgspec

from ticker.core.line import Line, Status
from ticker.core.messages import LineMessage
from ticker.core.tail import Tail
from ticker.formats import atom, json_feed, news_sitemap, ninjs, rss

INDEX: Final = "index.html"
EDITIONS: Final = "v1/editions"
MODULES: Final = ("widget/ticker.js", "widget/tail.js", "widget/themes.css")
STORY_BYTES: Final = 200
"""The longest story that gets a page. Most file systems allow 255 bytes in a name."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_ASSET: Final = re.compile(r'"/(widget/[\w.-]+/[\w.-]+)"', re.ASCII)
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f\\:*?\"<>|]")


class Wanted(msgspec.Struct, frozen=True):
    """A file of a mirror.

    Attributes:
        path: Its path in the folder, with `/` between the parts.
        target: The target of the request to the gateway.

    """

    path: str
    target: str


def tail_file(edition: str) -> Wanted:
    """Return the file of an edition's tail."""
    return Wanted(f"v1/{edition}/tail", f"/v1/{edition}/tail")


def wanted_files(edition: str, tail: Tail) -> list[Wanted]:
    """Return the files of an edition, without that of the tail.

    Each line of the board has a page, and each story of these lines. The page of a line that leaves the board is
    removed, so the number of files is bounded.
    """
    documents = ("board", ninjs.FILE)
    feeds = (json_feed.FILE, atom.FILE, rss.FILE, news_sitemap.FILE)
    return [
        *(Wanted(f"v1/{edition}/{name}", f"/v1/{edition}/{name}") for name in documents),
        *(Wanted(f"{edition}/{name}", f"/{edition}/{name}") for name in feeds),
        # The element of a static page can only poll.
        Wanted(f"{edition}/{INDEX}", f"/{edition}?transport=tail"),
        Wanted(f"{edition}/embed/{INDEX}", f"/{edition}/embed?transport=tail"),
        *(_page(f"{edition}/lines/{line.id}") for line in tail.board.lines if _ID.fullmatch(line.id)),
        *(_page(f"{edition}/stories/{story}") for story in _stories(tail.board.lines)),
    ]


def _page(path: str) -> Wanted:
    return Wanted(f"{path}/{INDEX}", quote(f"/{path}"))


def _stories(lines: Iterable[Line]) -> list[str]:
    stories = {line.coverage for line in lines if line.coverage is not None}
    return sorted(filter(is_safe_story, stories))


def is_safe_story(story: str) -> bool:
    """Return whether a story's name can be the path of a file: it names no other folder, and no file of its own."""
    parts = story.split("/")
    is_short = all(0 < len(part.encode()) <= STORY_BYTES for part in parts) and len(parts) <= 8
    return is_short and not any(part.startswith(".") or part == INDEX or _UNSAFE.search(part) for part in parts)


def assets_in(page: bytes) -> set[str]:
    """Return the paths of the files that a page loads, at their immutable addresses."""
    paths = set(_ASSET.findall(page.decode(errors="replace")))
    return paths | {f"{path.rpartition('/')[0]}/tail.js" for path in paths if path.endswith("/ticker.js")}


def has_removed_texts(before: Tail | None, after: Tail) -> bool:
    """Return whether a line of the board before may have been withdrawn or hidden since.

    A line that is neither on the board now nor among the newest entries counts, too, because nobody knows.
    """
    if before is None:
        return True
    known = {line.id: line for line in after.board.lines}
    known |= {message.line.id: message.line for message in after.messages if isinstance(message, LineMessage)}
    shown = (line for line in before.board.lines if line.status is Status.USABLE)
    return any(line.id not in known or known[line.id].status is not Status.USABLE for line in shown)
