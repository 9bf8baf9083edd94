"""Read feeds with feedsmith, a library for Node that knows no tombstones. One process reads all documents."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from scripts.build_widget import find_program, install_tools
from tests.support.feed_readers import Item, plain

SCRIPT: Final = Path(__file__).with_name("feedsmith_reader.mjs")


class Feedsmith:
    """A Node process with feedsmith."""

    def __enter__(self) -> Self:
        install_tools()
        command = [find_program("node"), str(SCRIPT)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def read(self, kind: str, document: bytes) -> dict[str, Item]:
        """Return the items of a feed by id. `kind` is json, atom or rss."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"kind": kind, "document": document.decode()}), file=self._process.stdin, flush=True)
        rows: list[list[str]] = json.loads(self._process.stdout.readline())
        items = {
            id_: Item(plain(title), plain(body), datetime.fromisoformat(published), datetime.fromisoformat(updated))
            for id_, title, body, published, updated in rows
        }
        assert len(items) == len(rows), "an id is used twice"
        return items
