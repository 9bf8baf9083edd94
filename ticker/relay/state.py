"""The state of one route on disk: an SQLite file, and a lock so that no two relays use it.

A change is on disk when `save` returns: SQLite writes a whole transaction or nothing of it, and waits for the disk.
SQLite and not one JSON file, because a file of 10,000 lines would be written again for each attempt.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import msgspec

from ticker.core.errors import UNREADABLE, StoreError
from ticker.relay.book import Changes
from ticker.relay.records import Record, RouteState
from ticker.store.file_lock import FileLock

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS route (id INTEGER PRIMARY KEY CHECK (id = 1), state BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS lines (line TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID",
)
ENDING: Final = ".db"


def state_file(folder: Path, receiver: str, edition: str) -> Path:
    """Return the path of a route's state."""
    return folder / f"{receiver}.{edition}{ENDING}"


def routes_in(folder: Path) -> list[tuple[str, str]]:
    """Return receiver and edition of each route that has a state in `folder`."""
    parts = [path.name.removesuffix(ENDING).split(".") for path in sorted(folder.glob(f"*{ENDING}"))]
    return [(words[0], words[1]) for words in parts if len(words) == 2]


def known_routes(folder: Path) -> list[tuple[str, str]]:
    """Return receiver and edition of each route, as `routes_in`.

    Raises:
        StoreError: If `folder` isn't the state of a relay.

    """
    routes = routes_in(folder)
    if not routes:
        raise StoreError(f"{folder} has no state of a relay: name the folder of its --state")
    return routes


class StateFile:
    """The state of one route, locked while it is open. Use it as a context manager.

    Raises:
        StoreError: If another relay uses it, or the file can't be used.

    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(path.with_suffix(".lock"))
        self._connection: sqlite3.Connection | None = None
        self._stored = b""

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _open(self) -> None:
        with _as_store_error(self._path):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._lock.acquire():
                raise StoreError(
                    f"another relay (process {self._lock.holder()}) uses {self._path}: stop it, or choose another "
                    "folder with --state"
                )
            self._lock.sign()
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(self._path, isolation_level=None)
            for pragma in ("journal_mode = TRUNCATE", "synchronous = FULL", "secure_delete = ON"):
                self._connection.execute(f"PRAGMA {pragma}")
            for statement in _SCHEMA:
                self._connection.execute(statement)

    def __exit__(self, *_: object) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._lock.release()

    def load(self) -> tuple[RouteState, list[Record]]:
        """Return the stored state. A new file has an empty one."""
        assert self._connection is not None
        return _load(self._connection, self._path)

    def save(self, changes: Changes) -> None:
        """Store changes, and return when they are on disk. Blocks for some milliseconds.

        Raises:
            StoreError: If the disk is full or fails. The relay must end: nobody knows the stored state then.

        """
        assert self._connection is not None
        state = msgspec.json.encode(changes.state)
        if state == self._stored and not changes.records and not changes.deleted:
            return
        with _as_store_error(self._path):
            run = self._connection.execute
            run("BEGIN IMMEDIATE")
            run("INSERT OR REPLACE INTO route VALUES (1, ?)", (state,))
            rows = [(record.line, msgspec.json.encode(record)) for record in changes.records]
            self._connection.executemany("INSERT OR REPLACE INTO lines VALUES (?, ?)", rows)
            self._connection.executemany("DELETE FROM lines WHERE line = ?", [(line,) for line in changes.deleted])
            run("COMMIT")
        self._stored = state


def read_state(path: Path) -> tuple[RouteState, list[Record]]:
    """Read the state of a route without its lock, also while its relay runs.

    Raises:
        StoreError: If it can't be read.

    """
    with _as_store_error(path):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            return _load(connection, path)
        finally:
            connection.close()


def _load(connection: sqlite3.Connection, path: Path) -> tuple[RouteState, list[Record]]:
    with _as_store_error(path):
        states = [row[0] for row in connection.execute("SELECT state FROM route")]
        state = msgspec.json.decode(states[0], type=RouteState) if states else RouteState()
        rows = connection.execute("SELECT record FROM lines ORDER BY line")
        return state, [msgspec.json.decode(row[0], type=Record) for row in rows]


@contextmanager
def _as_store_error(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error, *UNREADABLE) as error:
        raise StoreError(f"the relay's state in {path} can't be used: {error}") from error
